"""Who moved: every label from the three sides live, desired and last applied."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import product

import polars as pl
import pytest

from reconcile.dataset import ID, KEY, STEP, fingerprints
from reconcile.decide import Mode, decide
from reconcile.drift import LABEL, MOVER, STANDING, Base, Label, Mover, labelled
from reconcile.plan import Plan, make
from tests.unit.cli import club
from tests.unit.tiny import Row, Rows, declared, frame, goal_of, live, planned

TAG = {"code": "a", "title": "declared"}
MOVED = {
    Label.CHANGED_LIVE: Mover.LIVE,
    Label.CHANGED_DESIRED: Mover.DESIRED,
    Label.BOTH: Mover.BOTH,
    Label.CHANGED: Mover.UNKNOWN,
}


def base_of(rows: Rows, plan: Plan | None = None, deleted: Mapping[str, list[str]] | None = None) -> Base:
    """Give the journal's side: *rows* as last applied, the last run's fingerprints being those of *plan*."""
    frames = {name: frame(declared({name: table}).specs[name], table).drop(STEP) for name, table in rows.items()}
    gone = {name: pl.Series(keys, dtype=pl.String) for name, keys in (deleted or {}).items()}
    return Base(frames, gone, {} if plan is None else plan.fingerprints)


def only_row(plan: Plan, base: Base) -> tuple[str, str, str]:
    """Give label, mover and standing of the one row that drifts."""
    ((label, mover, standing),) = [
        row for table in labelled(plan, base) for row in table.rows.select(LABEL, MOVER, STANDING).rows()
    ]
    return label, mover, standing


def tag(title: str) -> Row:
    return {"code": "a", "title": title}


@pytest.mark.parametrize(
    ("desired", "found", "last", "label"),
    [
        ("old", "by hand", "old", Label.CHANGED_LIVE),
        ("new", "old", "old", Label.CHANGED_DESIRED),
        ("new", "by hand", "old", Label.BOTH),
    ],
)
def test_a_changed_row_says_which_side_moved_since_the_last_run(
    desired: str, found: str, last: str, label: Label
) -> None:
    """Live against last applied, and desired against last applied, in the columns that differ now."""
    goods = {"makers": [{"code": "M", "name": desired}]}
    plan = planned(declared(goods), live({"makers": [{"code": "M", "name": found}]}))

    assert only_row(plan, base_of({"makers": [{"code": "M", "name": last}]})) == (label, MOVED[label], "open")


def test_only_the_columns_that_differ_now_say_who_moved() -> None:
    """A column that both sides changed to the same value is no difference, and nobody moved it apart."""
    plan = planned(
        declared({"makers": [{"code": "M", "name": "new", "rating": "2.00"}]}),
        live({"makers": [{"code": "M", "name": "old", "rating": "2.00"}]}),
    )

    label, _, _ = only_row(plan, base_of({"makers": [{"code": "M", "name": "old", "rating": "1.00"}]}))

    assert label == Label.CHANGED_DESIRED


def test_a_row_that_the_journal_does_not_know_is_told_by_the_fingerprint_of_its_table() -> None:
    """Desired rows that are those of the last run have not moved; without a journal nobody knows."""
    plan = planned(declared({"makers": [{"code": "M", "name": "as ever"}]}), live({"makers": [{"code": "M"}]}))

    assert only_row(plan, base_of({}, plan))[0] == Label.CHANGED_LIVE
    assert only_row(plan, Base(fingerprints={"makers": "another"}))[0] == Label.CHANGED
    assert only_row(plan, Base()) == (Label.CHANGED, Mover.UNKNOWN, "open")


def test_a_stale_record_does_not_blame_the_desired_state() -> None:
    """What was last written may be long ago; the fingerprint says that the desired row is that of the last run."""
    plan = planned(
        declared({"makers": [{"code": "M", "name": "new"}]}), live({"makers": [{"code": "M", "name": "by hand"}]})
    )

    assert only_row(plan, base_of({"makers": [{"code": "M", "name": "old"}]}))[0] == Label.BOTH
    assert only_row(plan, base_of({"makers": [{"code": "M", "name": "old"}]}, plan))[0] == Label.CHANGED_LIVE


def test_a_missing_row_says_whether_it_was_deleted_or_is_newly_declared() -> None:
    rows: Rows = {"makers": [{"code": "M"}]}
    plan = planned(declared(rows), live({"makers": []}))

    assert only_row(plan, base_of(rows)) == (Label.MISSING, Mover.LIVE, "open")
    assert only_row(plan, base_of({"makers": [{"code": "M", "name": "once"}]}))[1] == Mover.BOTH
    assert only_row(plan, base_of({}, deleted={"makers": ["M"]}))[1] == Mover.DESIRED
    assert only_row(plan, base_of({}, plan))[1] == Mover.LIVE
    assert only_row(plan, Base())[1] == Mover.UNKNOWN


def test_an_extra_row_says_whether_it_was_added_or_is_no_longer_declared() -> None:
    rows: Rows = {"makers": [{"code": "M"}]}
    plan = planned(declared({"makers": []}), live(rows))

    assert only_row(plan, base_of(rows)) == (Label.EXTRA, Mover.DESIRED, "open")
    assert only_row(plan, base_of({"makers": [{"code": "M", "name": "once"}]}))[1] == Mover.BOTH
    assert only_row(plan, base_of({}, deleted={"makers": ["M"]}))[1] == Mover.LIVE
    assert only_row(plan, base_of({}, plan))[1] == Mover.LIVE
    assert only_row(plan, Base())[1] == Mover.UNKNOWN


def test_a_row_that_a_run_deleted_and_both_sides_have_again_was_moved_by_both() -> None:
    plan = planned(declared({"makers": [{"code": "M", "name": "a"}]}), live({"makers": [{"code": "M", "name": "b"}]}))

    assert only_row(plan, base_of({}, deleted={"makers": ["M"]}))[0] == Label.BOTH


def test_a_top_up_shows_what_it_leaves_and_a_reset_what_it_manages() -> None:
    """Rows of others are no drift in either; a row that differs is, and counts only where it would be changed."""
    desired = declared({"makers": [{"code": "M", "name": "declared"}], "tags": [TAG]})
    found = live({"makers": [{"code": "M", "name": "x"}, {"code": "THEIRS"}], "tags": [TAG, {"code": "theirs"}]})

    top_up = labelled(planned(desired, found, Mode.TOP_UP), Base())
    reset = labelled(planned(desired, found), Base())

    assert [table.rows.select(KEY, STANDING).rows() for table in top_up] == [[("M", "left")], []]
    assert [table.rows.select(KEY, STANDING).rows() for table in reset] == [[("M", "open"), ("THEIRS", "open")], []]


def test_what_a_gap_rule_asks_is_not_laid_on_the_desired_state() -> None:
    """The row is as it was left; what made the gap is another live row, or nobody knows."""
    rows: Rows = {"rooms": [{"code": "hall"}]}
    plan = planned_with_gap_rule(rows)

    assert only_row(plan, rooms_base(None, plan)) == (Label.CHANGED_LIVE, Mover.LIVE, "open")
    assert only_row(plan, rooms_base(None))[0] == Label.CHANGED
    assert only_row(plan, rooms_base("2"))[0] == Label.CHANGED_LIVE


def planned_with_gap_rule(rows: Rows) -> Plan:
    """Plan a top-up of *rows* as they are declared, in which a rule gives rooms a floor."""
    desired = declared(rows, club.SPECS)
    goal = replace(goal_of(desired, Mode.TOP_UP, (club.GAP_RULE,)), steps=frozenset({"core", "augment"}))
    return make(
        state="club", target="here", engine="sqlite", goal=goal, steps=club.STEPS,
        parts=decide(goal, live(rows, club.SPECS)), fingerprints=fingerprints(desired),
    )  # fmt: skip


def rooms_base(floor: str | None, plan: Plan | None = None) -> Base:
    """Give the journal's side: the hall on that floor."""
    cells = {"code": "hall"} | ({} if floor is None else {"floor": floor})
    rows = frame(club.ROOMS, [cells]).drop(STEP)
    return Base({"rooms": rows}, {}, {} if plan is None else plan.fingerprints)


def test_a_secret_is_compared_by_whether_there_is_one() -> None:
    """The declared cell is a name and the journal's only says that there was one."""
    specs = {"members": club.MEMBERS}
    desired = declared({"members": [{"name": "qa", "password": club.SECRET}]}, specs)
    found = live({"members": [{"name": "qa"}]}, specs)
    last = desired["members"].drop(STEP).with_columns(pl.lit("set").alias("password"))

    assert only_row(planned(desired, found), Base({"members": last}))[0] == Label.CHANGED_LIVE


@pytest.mark.parametrize("is_unmoved", [False, True])
@pytest.mark.parametrize("sides", list(product(["same", "one", "two"], repeat=3)), ids="-".join)
def test_the_mover_follows_from_the_three_sides(sides: tuple[str, str, str], *, is_unmoved: bool) -> None:
    """Whatever the sides: no row without a difference, and the mover is the side that is not as last applied."""
    desired, found, last = sides
    plan = planned(
        declared({"makers": [{"code": "M", "name": desired}]}), live({"makers": [{"code": "M", "name": found}]})
    )
    base = base_of({"makers": [{"code": "M", "name": last}]}, plan if is_unmoved else None)

    rows = labelled(plan, base)[0].rows

    if desired == found:
        assert rows.is_empty()
        return
    moved_live, moved_desired = found != last, desired != last and not (is_unmoved and found != last)
    expected = {(True, True): Mover.BOTH, (True, False): Mover.LIVE, (False, True): Mover.DESIRED}
    assert rows.select(MOVER, ID).rows() == [(expected[moved_live, moved_desired], 1)]
