"""What a plan means to who may do what: planning asks it of every plan, and `reconcile rbac` shows it."""

from dataclasses import replace

import polars as pl

from reconcile.dataset import Dataset
from reconcile.decide import Goal, Mode, decide
from reconcile.errors import ExitCode, ReconcileError
from reconcile.guard import refuse_lockout
from reconcile.inverse import leaves_nobody
from reconcile.outcome import after, whole
from reconcile.plan import Plan
from reconcile.state import Access, DesiredState


def access_tables(state: DesiredState, tables: tuple[str, ...]) -> tuple[str, ...]:
    """Give what must be read to know what a run over *tables* does to who may do what; empty where it does nothing."""
    return state.access.tables if state.access and set(state.access.tables) & set(tables) else ()


def effects_of(state: DesiredState, plan: Plan, live: Dataset) -> pl.DataFrame | None:
    """
    Say which roles gain and lose what by *plan*; None for a plan that is not about that.

    Raises:
        ReconcileError: nobody would be left to administer the system; exit code 4.

    """
    access = state.access
    if access is None:
        return None
    parts = [part for part in plan.tables if part.spec.name in access.tables]
    if not parts:
        return None
    before = whole(state.specs, access.tables, live)
    then = after(parts, before)
    if (findings := refuse_lockout(access, before, then)) and not leaves_nobody(plan, access, then):
        raise ReconcileError(findings, ExitCode.REFUSED)
    return access.effects(before, then)


def kept_extras(access: Access, plan: Plan, goal: Goal, live: Dataset) -> pl.DataFrame:
    """Say which roles keep what by *plan* that they would lose if the declared ones were made exactly as declared."""
    before = whole(goal.desired.specs, access.tables, live)
    exact = decide(replace(goal, mode=Mode.EXACT), live)
    effects = access.effects(after(plan.tables, before), after(exact.values(), before))
    return effects.filter(pl.col("loses").list.len() > 0)
