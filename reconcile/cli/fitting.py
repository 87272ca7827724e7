"""What of a run fits the database: the schema its tables need, and the declared rows that a top-up may bring in."""

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import Connection

from reconcile.checks.preflight import check_schema
from reconcile.dataset import STEP, Dataset
from reconcile.decide import Goal, Mode
from reconcile.errors import Finding, ReconcileError, Severity
from reconcile.live.introspect import LiveSchema, introspect
from reconcile.live.resolve import LiveState
from reconcile.live.state import needed
from reconcile.selection import Chosen
from reconcile.spec import TableSpec
from reconcile.state import DesiredState


def fit_schema(  # one argument per side that is compared
    connection: Connection,
    state: DesiredState,
    everything: Dataset,
    schema: LiveSchema,
    chosen: Chosen,
    *,
    is_everything: bool,
    goes_on: bool,
) -> tuple[Chosen, list[Finding]]:
    """
    Compare the specs with the live schema; where the run *goes_on*, leave out optional steps that do not fit.

    Raises:
        ReconcileError: something that must fit does not, all of it at once.

    """
    specs = everything.specs
    checked = specs if is_everything else needed(specs, chosen.tables)
    misfits = [name for name, spec in checked.items() if check_schema([spec], schema, everything)]
    if not misfits:
        return chosen, []
    optional = {step.id for step in state.steps if step.is_optional}
    lost = [name for name in misfits if goes_on and steps_of(specs, everything, name) <= optional]
    if unfit := [specs[name] for name in misfits if name not in lost]:
        # The nearest name of a table that is missing may be any other table's.
        raise ReconcileError(check_schema(unfit, introspect(connection), everything))
    dropped = {step for name in lost for step in steps_of(specs, everything, name)}
    owners = {name: steps_of(specs, everything, name) for name in chosen.tables}
    kept = tuple(name for name in chosen.tables if name not in lost and owners[name] - dropped)
    findings = [
        replace(
            finding, severity=Severity.WARNING, fix=f"left out with --continue-on-error: {', '.join(sorted(dropped))}"
        )
        for finding in check_schema([specs[name] for name in lost], schema, everything)
    ]
    return Chosen(kept, chosen.steps - dropped), findings


def steps_of(specs: Mapping[str, TableSpec], declared: Dataset, name: str) -> set[str]:
    """Give the steps whose rows a table has, that of its spec included."""
    frame = declared.frames.get(name)
    return {specs[name].step} | (set() if frame is None else set(frame[STEP].unique()))


def fit_rows(state: DesiredState, goal: Goal, live: LiveState) -> tuple[Goal, tuple[Finding, ...]]:
    """Leave out of a top-up what the desired state says does not fit the live rows."""
    if goal.mode is not Mode.TOP_UP or state.fit is None:
        return goal, ()
    fitted, findings = state.fit(goal.desired, live.dataset)
    return replace(goal, desired=fitted), findings
