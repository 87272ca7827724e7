"""What is decided about each difference by mode, policy and step; what only a top-up does has a file of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl
import pytest

from reconcile.dataset import DUPLICATE, KEY, Dataset
from reconcile.decide import Mode, decide
from reconcile.diff import ACTION, REASON, WHY, Action, Reason
from reconcile.spec import Policy, TableSpec
from reconcile.table_plan import TablePlan
from tests.unit.orders import ORDER_SPECS, ORDERS, aim, present, step_of, wanted
from tests.unit.tiny import TAGS, Rows, declared, goal_of, live

C, U, D, S = Action.CREATE, Action.UPDATE, Action.DELETE, Action.SKIP
REASONS = (Reason.MISSING, Reason.DIFFERS, Reason.NOT_DECLARED, Reason.DUPLICATE)

Decided = dict[str, tuple[str, str]]


def decided(spec: TableSpec, mode: Mode) -> Decided:
    """Decide about a table that has one difference of each kind: action and sentence by reason."""
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
        (Mode.EXACT, Policy.MANAGED, True, (C, U, S, S)),
        (Mode.EXACT, Policy.MANAGED, False, (C, U, S, S)),
        (Mode.EXACT, Policy.CREATE_ONLY, True, (C, S, S, S)),
        (Mode.EXACT, Policy.CREATE_ONLY, False, (C, S, S, S)),
        (Mode.EXACT, Policy.READ_ONLY, True, (S, S, S, S)),
        (Mode.EXACT, Policy.READ_ONLY, False, (S, S, S, S)),
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
        (replace(TAGS, prunes=True), Mode.EXACT, Reason.NOT_DECLARED, "tags keeps the rows of others"),
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


def told(part: TablePlan) -> dict[str, tuple[str, str]]:
    """Give action and sentence of each row that a part lists, by key."""
    return {key: (action, why) for key, action, why in part.rows.select(KEY, ACTION, WHY).iter_rows()}


def actions(parts: Mapping[str, TablePlan], name: str) -> dict[str, str]:
    return dict(parts[name].rows.select(KEY, ACTION).iter_rows())


TWO_STEPS = wanted(
    {
        "orders": [
            {"number": "changed-c", "buyer": "Bo"},
            {"number": "changed-f", "buyer": "Bo", "_step": "fixtures"},
            {"number": "kept-c"},
            {"number": "kept-f", "_step": "fixtures"},
            {"number": "new-c"},
            {"number": "new-f", "_step": "fixtures"},
        ]
    }
)
"""A table that two steps fill, with a row that differs, one that does not and a missing one of each."""

FOUND = present({"orders": [{"number": n} for n in ("changed-c", "changed-f", "kept-c", "kept-f", "theirs")]})


@pytest.mark.parametrize(
    ("steps", "expected", "kept"),
    [
        ({"core"}, {"changed-c": U, "new-c": C, "theirs": D}, {"core": 1}),
        ({"fixtures"}, {"changed-f": U, "new-f": C}, {"fixtures": 1}),
        (
            {"core", "fixtures"},
            {"changed-c": U, "changed-f": U, "new-c": C, "new-f": C, "theirs": D},
            {"core": 1, "fixtures": 1},
        ),
        ({"mend"}, {}, {}),
    ],
)
def test_rows_of_steps_left_out_are_neither_changed_nor_counted(
    steps: set[str], expected: Mapping[str, Action], kept: Mapping[str, int]
) -> None:
    """A live row that nobody declares belongs to the step of its table."""
    part = decide(aim(TWO_STEPS, Mode.RESET, steps=steps), FOUND)["orders"]

    assert expected == dict(part.rows.select(KEY, ACTION).iter_rows())
    assert kept == part.kept_by_step
    assert (sum(kept.values()), len(expected)) == (part.kept, part.written)
    assert sum(part.counts.values()) == len(expected)


def test_each_row_names_its_step() -> None:
    assert step_of(decide(aim(TWO_STEPS, Mode.TOP_UP), FOUND)["orders"]) == {
        "changed-c": "core",
        "changed-f": "fixtures",
        "new-c": "core",
        "new-f": "fixtures",
        "theirs": "core",
    }


def test_a_table_that_is_not_live_keeps_nothing() -> None:
    part = decide(aim(TWO_STEPS, Mode.RESET), live({}, ORDER_SPECS))["orders"]

    assert (part.counts[C], part.kept, dict(part.kept_by_step)) == (6, 0, {})


def test_skips_are_not_written() -> None:
    part = decide(aim(TWO_STEPS, Mode.TOP_UP), FOUND)["orders"]

    assert (part.written, part.counts[S], part.of(C)[KEY].to_list()) == (2, 3, ["new-c", "new-f"])


OWNED: Rows = {
    "orders": [{"number": "ours"}],
    "invoices": [{"number": "i1", "order": "ours"}],
    "grants": [{"code": "g1", "order": "ours"}],
}
EXTRA: Rows = {
    "orders": [{"number": "ours"}, {"number": "theirs"}],
    "invoices": [
        {"number": "i1", "order": "ours"},
        {"number": "i2", "order": "ours"},
        {"number": "i3", "order": "theirs"},
    ],
    "grants": [{"code": "g1", "order": "ours"}, {"code": "g2", "order": "ours"}, {"code": "g3", "order": "theirs"}],
}


def test_exact_removes_parts_of_declared_rows_and_nothing_of_others() -> None:
    """In additive tables too: an extra grant of a declared role goes, the role of others stays with its grants."""
    parts = decide(aim(wanted(OWNED), Mode.EXACT), present(EXTRA))

    assert {name: told(parts[name]) for name in OWNED} == {
        "orders": {"theirs": (S, "orders keeps the rows of others")},
        "invoices": {"i2": (D, "not declared, and its orders row is"), "i3": (S, "invoices keeps the rows of others")},
        "grants": {"g2": (D, "not declared, and its orders row is"), "g3": (S, "grants keeps the rows of others")},
    }


def test_exact_removes_a_part_that_repeats_a_key() -> None:
    found = present({**OWNED, "grants": [{"code": "g1", "order": "ours"}, {"code": "again", "order": "ours"}]})
    repeated = found["grants"].with_columns(pl.Series(KEY, ["g1", f"g1{DUPLICATE}2"]))

    parts = decide(aim(wanted(OWNED), Mode.EXACT), Dataset(ORDER_SPECS, {**found.frames, "grants": repeated}))

    assert {f"g1{DUPLICATE}2": D} == actions(parts, "grants")


@pytest.mark.parametrize("policy", [Policy.CREATE_ONLY, Policy.READ_ONLY])
def test_exact_removes_nothing_from_tables_that_are_not_managed(policy: Policy) -> None:
    desired = wanted(OWNED)
    specs = ORDER_SPECS | {"grants": replace(ORDER_SPECS["grants"], policy=policy)}

    parts = decide(aim(Dataset(specs, desired.frames), Mode.EXACT), present(EXTRA))

    assert actions(parts, "grants") == {"g2": S, "g3": S}


def test_exact_keeps_parts_of_a_table_that_is_not_part_of_the_run() -> None:
    parts = decide(aim(wanted({"grants": OWNED["grants"]}), Mode.EXACT), present(EXTRA))

    assert actions(parts, "grants") == {"g2": S, "g3": S}


def owned_grants(mode: Mode, policy: Policy = Policy.MANAGED) -> dict[str, tuple[str, str]]:
    """Decide about grants of `ours` and `theirs` where those of `ours` are written by nobody else."""
    grants = replace(ORDER_SPECS["grants"], ours=("order", ("ours",)), policy=policy)
    desired = Dataset(ORDER_SPECS | {"grants": grants}, wanted({"grants": OWNED["grants"]}).frames)
    return told(decide(aim(desired, mode), present(EXTRA))["grants"])


def test_a_reset_prunes_what_only_we_write_where_the_rows_of_others_stay() -> None:
    assert owned_grants(Mode.RESET) == {
        "g2": (D, "written by an earlier run and no longer declared"),
        "g3": (S, "grants keeps the rows of others"),
    }


@pytest.mark.parametrize(
    ("mode", "policy"), [(Mode.TOP_UP, Policy.MANAGED), (Mode.EXACT, Policy.MANAGED), (Mode.RESET, Policy.READ_ONLY)]
)
def test_nothing_else_prunes_what_only_we_write(mode: Mode, policy: Policy) -> None:
    assert {action for action, _ in owned_grants(mode, policy).values()} == {S}


DELETED = {"number": "gone", "deleted_at": "2026-01-01 00:00:00"}


@pytest.mark.parametrize(
    ("mode", "action", "why"),
    [
        (Mode.RESET, U, "deleted softly and declared: it is restored"),
        (Mode.TOP_UP, S, "deleted softly and left so: a top-up changes no existing row"),
    ],
)
def test_a_row_that_was_deleted_softly_says_so(mode: Mode, action: Action, why: str) -> None:
    found = present({"orders": [DELETED]})

    assert {"gone": (action, why)} == told(decide(aim(wanted({"orders": [{"number": "gone"}]}), mode), found)["orders"])


def test_only_rows_that_were_deleted_softly_say_so() -> None:
    """Neither one that differs otherwise, nor a missing one, nor the deleted row of somebody else."""
    desired = wanted({"orders": [{"number": "differs", "buyer": "Bo"}, {"number": "new"}]})
    found = present({"orders": [{"number": "differs"}, DELETED]})

    whys = {key: why for key, (_, why) in told(decide(aim(desired, Mode.RESET), found)["orders"]).items()}

    assert whys == {
        "differs": "the live row differs from the declared one",
        "gone": "in the database and not declared",
        "new": "declared and not in the database",
    }


@pytest.mark.parametrize(
    ("mode", "policy"), [(Mode.RESET, Policy.CREATE_ONLY), (Mode.RESET, Policy.READ_ONLY), (Mode.EXACT, Policy.MANAGED)]
)
def test_a_row_that_was_deleted_softly_names_no_other_mode(mode: Mode, policy: Policy) -> None:
    specs = ORDER_SPECS | {"orders": replace(ORDERS, policy=policy)}
    desired = Dataset(specs, wanted({"orders": [{"number": "gone"}]}).frames)

    [(_, why)] = told(decide(aim(desired, mode), present({"orders": [DELETED]}))["orders"]).values()

    other = "top-up" if mode is Mode.RESET else "reset"
    assert why.startswith("deleted softly")
    assert other not in why
