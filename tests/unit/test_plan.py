"""The plan: what a mode and a policy make of a difference, which tables take part, and what cannot be met."""

from collections.abc import Sequence
from dataclasses import replace

import polars as pl
import pytest

from reconcile.conflicts import taken_values, unmet_references
from reconcile.dataset import DUPLICATE, KEY, Dataset
from reconcile.decide import WHY, Mode, TablePlan, decide
from reconcile.diff import ACTION, REASON, Action, Reason
from reconcile.errors import ExitCode, Finding, ReconcileError
from reconcile.plan import Plan, only
from reconcile.selection import Selection, select
from reconcile.spec import Policy, TableSpec
from tests.unit.tiny import GOODS, SHOP, SPECS, STEPS, TAGS, declared, goal_of, live, planned

TABLES = ("makers", "goods", "tags", "goods_tags", "notes", "settings")

C, U, D, S = Action.CREATE, Action.UPDATE, Action.DELETE, Action.SKIP
REASONS = (Reason.MISSING, Reason.DIFFERS, Reason.NOT_DECLARED, Reason.DUPLICATE)


def decided(spec: TableSpec, mode: Mode) -> dict[str, tuple[str, str]]:
    """Plan a table that has one difference of each kind: action and sentence by reason."""
    specs = {"tags": spec}
    desired = declared({"tags": [{"code": "both", "title": "A"}, {"code": "new"}]}, specs)
    found = live({"tags": [{"code": "both"}, {"code": "extra"}, {"code": "repeated"}]}, specs)["tags"]
    marked = found.with_columns(pl.Series(KEY, ["both", "extra", f"both{DUPLICATE}3"]))
    rows = decide(goal_of(desired, mode), Dataset(specs, {"tags": marked}))["tags"].rows
    return {reason: (action, why) for reason, action, why in rows.select(REASON, ACTION, WHY).iter_rows()}


@pytest.mark.parametrize(
    ("mode", "policy", "prunes", "expected"),
    [
        (Mode.RESET, Policy.MANAGED, True, (C, U, D, D)),
        (Mode.RESET, Policy.MANAGED, False, (C, U, S, S)),
        (Mode.RESET, Policy.CREATE_ONLY, True, (C, S, D, D)),
        (Mode.RESET, Policy.CREATE_ONLY, False, (C, S, S, S)),
        (Mode.RESET, Policy.READ_ONLY, True, (S, S, S, S)),
        (Mode.RESET, Policy.READ_ONLY, False, (S, S, S, S)),
        (Mode.TOP_UP, Policy.MANAGED, True, (C, S, S, S)),
        (Mode.TOP_UP, Policy.MANAGED, False, (C, S, S, S)),
        (Mode.TOP_UP, Policy.CREATE_ONLY, True, (C, S, S, S)),
        (Mode.TOP_UP, Policy.CREATE_ONLY, False, (C, S, S, S)),
        (Mode.TOP_UP, Policy.READ_ONLY, True, (S, S, S, S)),
        (Mode.TOP_UP, Policy.READ_ONLY, False, (S, S, S, S)),
    ],
)
def test_mode_and_policy_decide(mode: Mode, policy: Policy, prunes: bool, expected: Sequence[Action]) -> None:
    """What happens to a row that is missing, differs, is not declared or repeats a key."""
    found = decided(replace(TAGS, policy=policy, prunes=prunes), mode)

    assert dict(zip(REASONS, expected, strict=True)) == {reason: action for reason, (action, _) in found.items()}


def test_each_change_says_why() -> None:
    found = decided(replace(TAGS, prunes=True), Mode.RESET)

    assert {reason: why for reason, (_, why) in found.items()} == {
        Reason.MISSING: "declared and not in the database",
        Reason.DIFFERS: "the live row differs from the declared one",
        Reason.NOT_DECLARED: "in the database and not declared",
        Reason.DUPLICATE: "repeats the key of an older row",
    }


@pytest.mark.parametrize(
    ("spec", "mode", "reason", "expected"),
    [
        (TAGS, Mode.TOP_UP, Reason.DIFFERS, "a top-up changes no existing row"),
        (TAGS, Mode.TOP_UP, Reason.NOT_DECLARED, "a top-up deletes no row"),
        (TAGS, Mode.TOP_UP, Reason.DUPLICATE, "a top-up deletes no row"),
        (TAGS, Mode.RESET, Reason.NOT_DECLARED, "tags keeps the rows of others"),
        (TAGS, Mode.RESET, Reason.DUPLICATE, "tags keeps the rows of others"),
        (
            replace(TAGS, policy=Policy.CREATE_ONLY),
            Mode.RESET,
            Reason.DIFFERS,
            "tags rows are created and never changed",
        ),
        (replace(TAGS, policy=Policy.READ_ONLY), Mode.RESET, Reason.MISSING, "tags is only read"),
    ],
)
def test_a_skip_says_why_nothing_is_done(spec: TableSpec, mode: Mode, reason: Reason, expected: str) -> None:
    assert (Action.SKIP, expected) == decided(spec, mode)[reason]


def table_of(plan: Plan, name: str) -> TablePlan:
    return next(table for table in plan.tables if table.spec.name == name)


def test_a_plan_orders_tables_parents_first() -> None:
    plan = planned(declared(SHOP), live({}))

    names = [table.spec.name for table in plan.tables]
    assert names.index("makers") < names.index("goods") < names.index("goods_tags")
    assert frozenset({("makers", "flagship"), ("goods", "base")}) == plan.deferred


def test_a_plan_counts_its_rows() -> None:
    """Totals over the tables, kept rows apart; skips are no work."""
    found = live({"tags": [{"code": "sharp", "title": "Handle with care"}, {"code": "theirs"}]})

    plan = planned(declared(SHOP), found)

    assert plan.totals == {Action.CREATE: 8, Action.UPDATE: 0, Action.DELETE: 0, Action.SKIP: 1}
    assert plan.kept == 1
    assert not plan.is_empty
    assert table_of(plan, "tags").counts == {Action.CREATE: 0, Action.UPDATE: 0, Action.DELETE: 0, Action.SKIP: 1}
    assert table_of(plan, "tags").of(Action.SKIP)[KEY].to_list() == ["theirs"]


def test_a_plan_of_skips_is_empty() -> None:
    plan = planned(declared({"tags": []}), live({"tags": [{"code": "theirs"}]}))

    assert plan.is_empty


def test_a_checksum_names_what_will_be_done() -> None:
    """It does not move with what is skipped, nor with the target, nor with surrogate keys."""
    desired = declared({"goods": [{"sku": "SAW", "maker": "ACME"}], "tags": []})
    found = live({"goods": [{"sku": "SAW", "maker": "BOLT", "_id": 1}]})
    elsewhere = live({"goods": [{"sku": "SAW", "maker": "BOLT", "_id": 2}], "tags": [{"code": "theirs"}]})

    assert planned(desired, found).checksum == planned(desired, elsewhere, target="there").checksum


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(planned(declared({"tags": [{"code": "a"}]}), live({})), id="another row"),
        pytest.param(planned(declared({"tags": [{"code": "b", "title": ""}]}), live({})), id="another value"),
        pytest.param(planned(declared({"tags": [{"code": "b"}]}), live({}), Mode.TOP_UP), id="another mode"),
        pytest.param(planned(declared({"tags": []}), live({})), id="nothing"),
        pytest.param(
            planned(declared({"tags": [{"code": "b"}]}), live({"tags": [{"code": "b", "title": "x"}]})),
            id="another action",
        ),
    ],
)
def test_different_plans_have_different_checksums(other: Plan) -> None:
    plan = planned(declared({"tags": [{"code": "b"}]}), live({}))

    assert plan.checksum != other.checksum


def test_the_state_counts_in_the_checksum() -> None:
    plan = planned(declared({}), live({}))

    assert plan.checksum != replace(plan, state="another").checksum


def test_line_breaks_in_a_text_cannot_make_plans_alike() -> None:
    first = planned(declared({"tags": [{"code": "a", "title": "x\nb|create||b|"}, {"code": "c"}]}), live({}))
    second = planned(declared({"tags": [{"code": "a", "title": "x"}, {"code": "b"}, {"code": "c"}]}), live({}))

    assert first.checksum != second.checksum


def test_checksums_are_pinned() -> None:
    """A saved plan is known by its checksum, whichever machine made it."""
    assert (
        planned(declared(SHOP), live({})).checksum == "0a68a203920b8c155c4b2ffa5b2be5d78d0f0932f497afb42924e22afe133e89"
    )


def chosen(**selection: tuple[str, ...]) -> tuple[str, ...]:
    return select(Selection(**selection), STEPS, {name: {spec.step} for name, spec in SPECS.items()}).tables


def test_without_choice_every_table_is_selected() -> None:
    assert chosen() == TABLES
    assert Selection().is_everything


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(steps=("extras",)), ("notes", "settings")),
        (Selection(skipped_steps=("extras",)), ("makers", "goods", "tags", "goods_tags")),
        (Selection(steps=("core", "extras"), skipped_steps=("core",)), ("notes", "settings")),
        (Selection(tables=("goods*",)), ("goods", "goods_tags")),
        (Selection(tables=("makers", "note?")), ("makers", "notes")),
        (Selection(excluded_tables=("*s_*", "settings")), ("makers", "goods", "tags", "notes")),
        (Selection(steps=("core",), tables=("*tags",), excluded_tables=("goods_*",)), ("tags",)),
        (Selection(steps=("later",)), ()),
    ],
)
def test_a_selection_narrows_the_tables(selection: Selection, expected: tuple[str, ...]) -> None:
    owners = {name: {spec.step} for name, spec in SPECS.items()}

    assert expected == select(selection, STEPS, owners).tables
    assert not selection.is_everything


def test_names_that_name_nothing_are_all_refused() -> None:
    """As wrong usage, before anything is read; each with what could be meant."""
    with pytest.raises(ReconcileError) as error:
        chosen(steps=("cores",), skipped_steps=("late",), tables=("Goods",), excluded_tables=("x*", "goods"))

    assert error.value.exit_code == ExitCode.USAGE
    assert [finding.what for finding in error.value.findings] == [
        "there is no step 'cores'",
        "there is no step 'late'",
        "no table matches 'Goods'",
        "no table matches 'x*'",
    ]
    assert error.value.findings[0].why == "the steps are core, extras, later, quality"


def unmet(plan: Plan, found: Dataset) -> list[tuple[str, str]]:
    return [(finding.where, finding.what) for finding in unmet_references(plan, found)]


def test_references_that_the_plan_creates_are_met() -> None:
    assert unmet(planned(declared(SHOP), live({})), live({})) == []


def test_references_to_live_rows_are_met() -> None:
    """Whether or not their table takes part."""
    found = live({"makers": [{"code": "ACME"}]})

    assert unmet(planned(declared({"goods": [{"sku": "SAW", "maker": "ACME"}]}), found), found) == []


def test_a_reference_into_a_table_left_out_is_unmet() -> None:
    desired = declared({"goods": [{"sku": "AXE", "maker": "ACME"}, {"sku": "SAW", "maker": "BOLT"}]})
    found = live({"makers": [{"code": "BOLT"}]})

    assert unmet(planned(desired, found), found) == [
        ("goods.maker, first AXE → ACME", "1 rows refer to rows of makers that do not exist")
    ]


def test_an_update_needs_its_references_too() -> None:
    desired = declared({"goods": [{"sku": "SAW", "maker": "ACME"}]})
    found = live({"goods": [{"sku": "SAW", "maker": "BOLT"}]})

    assert len(unmet(planned(desired, found), found)) == 1
    assert unmet(planned(desired, found, Mode.TOP_UP), found) == []


def test_a_polymorphic_reference_needs_the_table_that_it_selects() -> None:
    desired = declared(
        {
            "notes": [
                {"ref": "n1", "subject_type": "maker", "subject": "ACME"},
                {"ref": "n2", "subject_type": "good", "subject": "ACME"},
                {"ref": "n3", "subject_type": "good"},
            ]
        }
    )
    found = live({"makers": [{"code": "ACME"}], "goods": []})

    assert unmet(planned(desired, found), found) == [
        ("notes.subject, first n2 → ACME", "1 rows refer to rows of goods that do not exist")
    ]


def taken(desired: Dataset, found: Dataset, mode: Mode = Mode.RESET) -> list[Finding]:
    return taken_values(planned(desired, found, mode), found)


def goods(*rows: tuple[str, str | None]) -> dict[str, list[dict[str, str | None]]]:
    return {"goods": [{"sku": sku, "maker": "ACME", "barcode": barcode} for sku, barcode in rows]}


def test_a_unique_value_that_a_staying_row_has_is_taken() -> None:
    [finding] = taken(declared(goods(("SAW", "111"))), live(goods(("AXE", "111"))), Mode.TOP_UP)

    assert finding.where == "goods (barcode)"
    assert finding.why == "SAW needs the value that AXE has"


def test_a_unique_value_that_moves_is_free() -> None:
    """The other row is updated or deleted by the same plan."""
    assert taken(declared(goods(("SAW", "111"))), live(goods(("AXE", "111")))) == []
    assert taken(declared(goods(("AXE", "222"), ("SAW", "111"))), live(goods(("AXE", "111"), ("SAW", "222")))) == []


def test_null_is_taken_by_nobody() -> None:
    assert taken(declared(goods(("SAW", None))), live(goods(("AXE", None))), Mode.TOP_UP) == []


def test_the_natural_key_is_not_asked_twice() -> None:
    specs = SPECS | {"tags": replace(TAGS, unique=(("code",),))}

    assert taken(declared({"tags": [{"code": "a"}]}, specs), live({"tags": [{"code": "b"}]}, specs)) == []


def test_without_live_table_nothing_is_taken() -> None:
    assert taken(declared(goods(("SAW", "111"))), live({})) == []
    assert GOODS.unique == (("barcode",),)


def test_a_plan_can_be_narrowed_for_display() -> None:
    plan = planned(
        declared({"tags": [{"code": "a"}, {"code": "b", "title": "B"}]}), live({"tags": [{"code": "b"}, {"code": "c"}]})
    )

    shown = only(plan, [Action.CREATE, Action.SKIP])

    assert table_of(shown, "tags").rows[KEY].to_list() == ["a", "c"]
    assert table_of(plan, "tags").rows[KEY].to_list() == ["a", "b", "c"]
