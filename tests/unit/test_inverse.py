"""The inverse of a run: what it did is taken back, what somebody did since stays, and nothing is left dangling."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl
import pytest

from reconcile.dataset import ID, KEY, Dataset
from reconcile.decide import decide
from reconcile.diff import ACTION, AFTER, BEFORE, CHANGED, REASON, WHY, Action, Reason
from reconcile.inverse import Inverse, invert, restoring
from reconcile.journal import Recorded, records
from reconcile.outcome import after
from reconcile.spec import Owner, Policy, TableSpec
from reconcile.table_plan import TablePlan
from reconcile.values import Secret
from tests.unit.cli.club import MEMBERS
from tests.unit.tiny import GOODS, MAKERS, SHOP, SPECS, Rows, declared, goal_of, live

RUN = 7


@dataclass(frozen=True)
class World:
    """A database before and after a run, and what the run recorded."""

    before: Dataset
    then: Dataset
    recorded: Mapping[str, Recorded]


def world(desired: Rows, found: Rows, specs: Mapping[str, TableSpec] = SPECS) -> World:
    """Carry out a reset from *found* to *desired*."""
    before = live(found, specs)
    parts = decide(goal_of(declared(desired, specs)), before)
    then = after(parts.values(), before)
    return World(before, then, {name: recorded(part, before, then) for name, part in parts.items() if part.written})


def recorded(part: TablePlan, before: Dataset, then: Dataset) -> Recorded:
    names = tuple(column.name for column in part.spec.declared)
    return Recorded(restoring(part.spec, names), records(part, before, then), names)


def edited(dataset: Dataset, table: str, key: str, **cells: object) -> Dataset:
    """Give *dataset* with some cells of a row changed by hand; without *cells* the row is gone."""
    frame = dataset[table]
    if cells:
        frame = frame.with_columns(
            pl.when(pl.col(KEY) == key)
            .then(pl.lit(value, dtype=frame.schema[name]))
            .otherwise(pl.col(name))
            .alias(name)
            for name, value in cells.items()
        )
    else:
        frame = frame.filter(pl.col(KEY) != key)
    return Dataset(dataset.specs, {**dataset.frames, table: frame})


def told(inverse: Inverse, table: str) -> dict[str, tuple[str, str]]:
    """Give the action and the reason by key."""
    part = inverse.parts[table]
    return {key: (action, reason) for key, action, reason in part.rows.select(KEY, ACTION, REASON).iter_rows()}


def why(inverse: Inverse, table: str, key: str) -> str:
    (text,) = inverse.parts[table].rows.filter(pl.col(KEY) == key)[WHY]
    return str(text)


def same(one: Dataset, other: Dataset, tables: Mapping[str, object]) -> bool:
    return all(one[name].sort(ID).equals(other[name].select(one[name].columns).sort(ID)) for name in tables)


TAGS_BEFORE: Rows = {"tags": [{"code": "changed", "title": "old", ID: 3}, {"code": "kept", ID: 4}]}
TAGS_AFTER: Rows = {"tags": [{"code": "changed", "title": "new"}, {"code": "made"}, {"code": "kept"}]}
PRUNED: Rows = {"makers": [{"code": "GONE", "name": "Gone", ID: 5}]}


@pytest.fixture
def tags() -> World:
    """A run that made one tag and changed another."""
    return world(TAGS_AFTER, TAGS_BEFORE)


@pytest.fixture
def pruned() -> World:
    """A run that deleted one maker."""
    return world({"makers": []}, PRUNED)


def test_what_a_run_made_goes_and_what_it_changed_or_deleted_comes_back(tags: World, pruned: World) -> None:
    assert told(invert(RUN, tags.recorded, tags.then), "tags") == {
        "changed": (Action.UPDATE, Reason.UNDONE),
        "made": (Action.DELETE, Reason.UNDONE),
    }
    assert told(invert(RUN, pruned.recorded, pruned.then), "makers") == {"GONE": (Action.CREATE, Reason.UNDONE)}


def test_a_deleted_row_comes_back_under_its_old_id(pruned: World) -> None:
    (row,) = invert(RUN, pruned.recorded, pruned.then).parts["makers"].rows.iter_rows(named=True)

    assert (row[ID], row[AFTER]["name"], row[BEFORE]) == (5, "Gone", None)


def test_an_id_that_is_taken_is_not_taken_away(pruned: World) -> None:
    taken = Dataset(SPECS, {"makers": live({"makers": [{"code": "OTHER", ID: 5}]})["makers"]})

    inverse = invert(RUN, pruned.recorded, taken)

    assert inverse.parts["makers"].rows[ID].to_list() == [None]
    assert [finding.what for finding in inverse.findings] == ["rows come back under another id"]


@pytest.mark.parametrize("key", ["changed", "made"])
def test_a_row_that_was_edited_since_stays_and_the_plan_says_which_columns(tags: World, key: str) -> None:
    inverse = invert(RUN, tags.recorded, edited(tags.then, "tags", key, title="by hand"))

    assert told(inverse, "tags")[key] == (Action.SKIP, Reason.EDITED)
    assert why(inverse, "tags", key) == "edited since run 7: title"


def test_a_column_that_the_database_owns_counts_as_an_edit() -> None:
    """Whoever signs in moves a column that no plan compares."""
    made = world({"goods": [{"sku": "SAW", "maker": "ACME", "stock": "1"}]}, {"goods": []})

    inverse = invert(RUN, made.recorded, edited(made.then, "goods", "SAW", stock=9))

    assert told(inverse, "goods")["SAW"] == (Action.SKIP, Reason.EDITED)


def test_overwriting_brings_back_what_was_edited_too(tags: World) -> None:
    now = edited(edited(tags.then, "tags", "changed", title="by hand"), "tags", "made", title="by hand")

    inverse = invert(RUN, tags.recorded, now, overwrites=True)

    assert told(inverse, "tags") == {"changed": (Action.UPDATE, Reason.UNDONE), "made": (Action.DELETE, Reason.UNDONE)}
    assert "edits since are lost: title" in why(inverse, "tags", "changed")


def test_a_changed_row_that_is_gone_stays_gone_unless_overwritten(tags: World) -> None:
    now = edited(tags.then, "tags", "changed")

    assert told(invert(RUN, tags.recorded, now), "tags")["changed"] == (Action.SKIP, Reason.EDITED)
    again = invert(RUN, tags.recorded, now, overwrites=True).parts["tags"].of(Action.CREATE)
    assert again[ID].to_list() == [3]


def test_a_row_that_somebody_made_anew_under_its_key_stays(tags: World, pruned: World) -> None:
    anew = edited(tags.then, "tags", "made", _id=99)
    remade = Dataset(SPECS, {"makers": live({"makers": [{"code": "GONE", "name": "Anew", ID: 8}]})["makers"]})

    assert told(invert(RUN, tags.recorded, anew), "tags")["made"] == (Action.SKIP, Reason.EDITED)
    assert why(invert(RUN, tags.recorded, anew), "tags", "made") == "it was made anew since run 7, with id 99"
    assert told(invert(RUN, pruned.recorded, remade), "makers") == {"GONE": (Action.SKIP, Reason.EDITED)}


def test_what_is_as_it_was_before_is_not_spoken_of(tags: World) -> None:
    """Somebody has undone it by hand."""
    by_hand = edited(edited(tags.then, "tags", "changed", title="old"), "tags", "made")

    assert told(invert(RUN, tags.recorded, by_hand), "tags") == {}


def test_an_update_names_the_columns_that_move(tags: World) -> None:
    (row,) = invert(RUN, tags.recorded, tags.then).parts["tags"].of(Action.UPDATE).iter_rows(named=True)

    assert (row[CHANGED], row[BEFORE]["title"], row[AFTER]["title"]) == (["title"], "new", "old")


MADE_BY_RUN: Rows = {"makers": [{"code": "ACME"}], "goods": [{"sku": "SAW", "maker": "ACME"}], "tags": [{"code": "t"}]}


def made() -> World:
    return world(MADE_BY_RUN, {"makers": [], "goods": [], "tags": [], "goods_tags": [], "notes": []})


def test_rows_that_others_refer_to_stay_with_all_that_they_refer_to() -> None:
    """A user's row refers to the good of the run, and that to its maker: both stay, the tag goes."""
    run = made()
    users = live({"goods": [{"sku": "THEIRS", "maker": "X", "base": "SAW", ID: 50}]})["goods"]
    now = Dataset(
        SPECS, {**run.then.frames, "goods": pl.concat([run.then["goods"], users.select(run.then["goods"].columns)])}
    )

    inverse = invert(RUN, run.recorded, now)

    assert told(inverse, "goods") == {"SAW": (Action.SKIP, Reason.HELD)}
    assert told(inverse, "makers") == {"ACME": (Action.SKIP, Reason.HELD)}
    assert told(inverse, "tags") == {"t": (Action.DELETE, Reason.UNDONE)}
    assert why(inverse, "goods", "SAW") == "goods [THEIRS] refers to it"


@pytest.mark.parametrize(
    "note",
    [
        pytest.param({"ref": "n", "subject_type": "maker", "subject": "ACME"}, id="polymorphic"),
        pytest.param({"ref": "n", "body": '{"deep":[{"maker_id":"ACME"}]}'}, id="inside JSON"),
    ],
)
def test_references_without_a_foreign_key_hold_a_row_too(note: Mapping[str, object]) -> None:
    run = made()
    now = Dataset(SPECS, {**run.then.frames, "notes": live({"notes": [note]})["notes"]})

    assert told(invert(RUN, run.recorded, now), "makers") == {"ACME": (Action.SKIP, Reason.HELD)}


def test_rows_of_tables_that_are_not_read_hold_a_row_by_its_id() -> None:
    run = made()
    (number,) = run.then["tags"][ID]

    inverse = invert(RUN, run.recorded, run.then, held={"tags": {number: "2 rows of theirs refer to it by tag"}})

    assert told(inverse, "tags") == {"t": (Action.SKIP, Reason.HELD)}


def test_a_cascade_lets_go_what_others_refer_to() -> None:
    run = made()
    users = live({"goods": [{"sku": "THEIRS", "maker": "X", "base": "SAW", ID: 50}]})["goods"]
    now = Dataset(
        SPECS, {**run.then.frames, "goods": pl.concat([run.then["goods"], users.select(run.then["goods"].columns)])}
    )

    inverse = invert(RUN, run.recorded, now, cascades=True)

    assert told(inverse, "goods") == {"SAW": (Action.DELETE, Reason.UNDONE)}


def test_a_row_whose_parent_is_gone_stays_out_with_what_hangs_on_it() -> None:
    """The maker of the deleted good was deleted by somebody since; a link to that good stays out too."""
    found: Rows = {
        "makers": [{"code": "ACME"}],
        "goods": [{"sku": "SAW", "maker": "ACME"}],
        "tags": [{"code": "t"}],
        "goods_tags": [{"good": "SAW", "tag": "t"}],
    }
    run = world({"makers": [{"code": "ACME"}], "goods": [], "tags": [{"code": "t"}], "goods_tags": []}, found)

    inverse = invert(RUN, run.recorded, edited(run.then, "makers", "ACME"))

    assert told(inverse, "goods") == {"SAW": (Action.SKIP, Reason.HELD)}
    assert told(inverse, "goods_tags") == {"SAW|t": (Action.SKIP, Reason.HELD)}
    assert why(inverse, "goods", "SAW") == "it needs makers [ACME], which is not there"


def test_a_row_whose_unique_value_is_taken_stays_out() -> None:
    found: Rows = {"makers": [{"code": "ACME"}], "goods": [{"sku": "SAW", "maker": "ACME", "barcode": "111"}]}
    run = world({"makers": [{"code": "ACME"}], "goods": []}, found)
    theirs = live({"goods": [{"sku": "NEW", "maker": "ACME", "barcode": "111", ID: 9}]})["goods"]

    inverse = invert(RUN, run.recorded, Dataset(SPECS, {**run.then.frames, "goods": theirs}))

    assert told(inverse, "goods") == {"SAW": (Action.SKIP, Reason.HELD)}
    assert why(inverse, "goods", "SAW") == "another row has its barcode"


def test_a_row_that_repeats_a_key_comes_back_only_under_its_own_id() -> None:
    """Nothing but its id tells it from the row that it repeats."""
    frame = live({"makers": [{"code": "ACME", ID: 1}, {"code": "ACME", ID: 2}]})["makers"]
    doubled = frame.with_columns(pl.Series(KEY, ["ACME", "ACME\\=2"]))
    before = Dataset(SPECS, {"makers": doubled})
    parts = decide(goal_of(declared({"makers": [{"code": "ACME"}]})), before)
    then = after(parts.values(), before)
    record = {"makers": recorded(parts["makers"], before, then)}

    free = invert(RUN, record, then)
    others = live({"makers": [{"code": "ACME", ID: 1}, {"code": "BOLT", ID: 2}]})
    taken = invert(RUN, record, others)

    assert free.parts["makers"].of(Action.CREATE)[ID].to_list() == [2]
    assert told(taken, "makers") == {"ACME\\=2": (Action.SKIP, Reason.HELD)}


CLUB = {"members": MEMBERS}


def test_a_secret_does_not_come_back_and_the_plan_says_so() -> None:
    found: Rows = {"members": [{"name": "qa", "password": "set"}]}
    before = live(found, CLUB)
    spec = restoring(MEMBERS, [column.name for column in MEMBERS.declared])
    gone = Dataset(CLUB, {"members": before["members"].clear()})
    parts = decide(goal_of(declared({"members": []}, {"members": spec})), Dataset({"members": spec}, before.frames))
    record = {"members": recorded(parts["members"], before, gone)}

    inverse = invert(RUN, record, gone)

    (row,) = inverse.parts["members"].rows.iter_rows(named=True)
    assert (row[ACTION], row[AFTER]["password"]) == (Action.CREATE, None)
    assert [finding.what for finding in inverse.findings] == ["rows come back without a secret"]


def test_a_secret_that_a_run_gave_is_taken_away_again() -> None:
    before, then = (live({"members": [{"name": "qa", "password": cell}]}, CLUB) for cell in (None, "set"))
    (part,) = decide(goal_of(declared({"members": [{"name": "qa", "password": "name"}]}, CLUB)), before).values()

    (row,) = invert(RUN, {"members": recorded(part, before, then)}, then).parts["members"].rows.iter_rows(named=True)

    assert (row[ACTION], row[CHANGED], row[AFTER]["password"]) == (Action.UPDATE, ["password"], None)


def test_every_recorded_column_is_restored_whoever_owns_it_but_no_secret() -> None:
    spec = restoring(GOODS, ["sku", "maker", "stock"])

    assert [column.name for column in spec.managed] == ["sku", "maker", "stock"]
    assert (spec.policy, spec.column("id").owner) == (Policy.MANAGED, Owner.SERVER)
    assert [c.owner for c in restoring(MEMBERS, ["password"]).declared if isinstance(c.kind, Secret)] == [Owner.ONCE]


def test_the_inverse_of_a_whole_run_leads_back_and_its_own_inverse_forth_again() -> None:
    found: Rows = {
        **SHOP,
        "makers": [{"code": "ACME", "name": "Theirs"}, {"code": "BOLT"}, {"code": "OLD"}],
        "notes": [],
    }
    run = world(SHOP, found)

    back = invert(RUN, run.recorded, run.then)
    again = after(back.parts.values(), run.then)
    record = {name: recorded(part, run.then, again) for name, part in back.parts.items() if part.written}
    forth = invert(RUN, record, again)

    assert same(run.before, again, run.recorded)
    assert same(run.then, after(forth.parts.values(), again), run.recorded)
    assert MAKERS.name in run.recorded
