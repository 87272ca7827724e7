"""Laws that hold whatever state the live rows are in: apply makes it as declared, a top-up adds and fills gaps."""

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, note, settings

from reconcile.cli.planned import Planned
from reconcile.dataset import KEY
from reconcile.diff import ACTION, REASON, Action, Reason
from reconcile.errors import ReconcileError
from tests.servers.laws import assert_topped_up
from tests.servers.operating import (
    ADDITIVE,
    Dump,
    apply,
    assert_converged,
    copy,
    dangling,
    declared_rows,
    desired,
    dump,
    edit,
    look,
    stored,
)
from tests.servers.target import Target
from tests.servers.wounds import Delete, Wound, deletions, inflict, wounds

pytestmark = pytest.mark.on_servers

bounded = settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@given(chosen=wounds())
@bounded
def test_apply_makes_any_live_state_as_declared(template: Target, target: Target, chosen: list[Wound]) -> None:
    """Afterwards a plan is empty, and the rows say what a fresh fill says, whatever ids they have."""
    copy(template, target)
    inflict(target, chosen)

    result = apply(target)

    note(result.err)
    assert result.code == 0
    assert_converged(target)
    assert declared_rows(target) == declared_rows(template)
    assert {where for where in dangling(target) if where[0] not in ADDITIVE} == set()


@given(chosen=wounds(), deleted=deletions())
@bounded
def test_a_top_up_adds_what_is_missing_and_changes_what_gap_rules_declare(
    template: Target, target: Target, chosen: list[Wound], deleted: list[Delete]
) -> None:
    """
    It may refuse, where the new rows would clash with edited ones: then nothing is written at all.

    Where it goes through, no row is gone and every other change was in the plan, in a column that a gap rule declares;
    every declared key exists but for those that the plan leaves out, and no new row points to nothing.
    """
    copy(template, target)
    inflict(target, [*deleted, *chosen])
    before, broken = stored(target), dangling(target)
    planned = top_up_of(target)

    result = apply(target, "--no-clear", "--max-update", "100%")

    note(result.err)
    assert result.code in ({0} if planned else {1, 3, 4})
    if planned is None:
        assert stored(target) == before
        return
    assert_topped_up(before, planned, target)
    # An id that led nowhere may be the next that the server gives.
    assert {
        where: ids - broken.get(where, set())
        for where, ids in dangling(target).items()
        if ids - broken.get(where, set())
    } == {}
    again = top_up_of(target)
    assert again is not None
    assert again.plan.is_empty
    for part in again.plan.tables:
        declared, live = desired()[part.spec.name][KEY], again.live.dataset[part.spec.name][KEY]
        left_out = part.rows.filter((pl.col(REASON) == Reason.MISSING) & (pl.col(ACTION) == Action.SKIP))[KEY]
        assert set(declared) - set(live) == set(left_out)


def top_up_of(target: Target) -> Planned | None:
    """Plan a top-up; None when it is refused."""
    try:
        _, planned = look(target, no_clear=True)
    except ReconcileError:
        return None
    return planned


@given(deleted=deletions(max_size=3))
@settings(bounded, max_examples=3)
def test_a_top_up_after_deletes_alone_goes_through(template: Target, target: Target, deleted: list[Delete]) -> None:
    """Nothing was edited and nothing points to a deleted row: then nothing stands in the way."""
    copy(template, target)
    inflict(target, deleted)
    bury(target)
    before = dump(target)

    result = apply(target, "--no-clear", "--max-update", "100%")

    note(result.err)
    assert result.code == 0
    assert lost(before, dump(target)) == []
    assert_converged(target, "--no-clear")
    assert declared_rows(target) == declared_rows(template)


def bury(target: Target) -> None:
    """Delete what points to deleted rows, by foreign key or only in spirit, until nothing does."""
    while orphans := dangling(target):
        edit(target, *(f"DELETE FROM `{t}` WHERE id = {number}" for (t, _), ids in orphans.items() for number in ids))
    while True:
        _, planned = look(target)
        statements = [
            f"DELETE FROM `{part.spec.name}` WHERE id = {number}"
            for part in planned.plan.tables
            for number in part.rows["_id"].drop_nulls()
        ]
        if not statements:
            return
        edit(target, *statements)


def lost(before: Dump, after: Dump) -> list[tuple[str, tuple[object, ...]]]:
    """Give the rows of *before* that *after* does not have as they were."""
    return [(table, row) for table in before for row in set(before[table]) - set(after.get(table, ()))]
