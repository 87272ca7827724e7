"""Make a plan for a command: compute the declared rows, read the live ones, decide, and ask the guards."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import polars as pl

from reconcile.checks.verify import tables_of
from reconcile.cli.access import access_tables, effects_of
from reconcile.cli.fitting import fit_rows, fit_schema
from reconcile.cli.journaling import journal_named
from reconcile.cli.options import RunOptions
from reconcile.cli.passwords import supplied, without_password
from reconcile.cli.protection import protection_of
from reconcile.cli.scope import cascaded, with_undeclared
from reconcile.cli.session import Session, is_absent, stand_in
from reconcile.cli.wanted import want
from reconcile.conflicts import taken_values, unmet_references
from reconcile.dataset import Dataset, fingerprints
from reconcile.decide import Goal, Mode, decide
from reconcile.errors import ExitCode, Finding, ReconcileError
from reconcile.guard import dependents_in_plan, refuse_dependents
from reconcile.live.connect import snapshot
from reconcile.live.introspect import LiveSchema, introspect
from reconcile.live.journal import unfinished
from reconcile.live.resolve import LiveState
from reconcile.live.state import dependents, needed, read_state
from reconcile.plan import Plan, make
from reconcile.radius import cascades, measure
from reconcile.selection import Chosen
from reconcile.spec import TableSpec
from reconcile.state import DesiredState, Rule


@dataclass(frozen=True, slots=True)
class Planned:
    """
    A plan with both sides it was made from, the rules of its steps, the passwords that somebody has chosen for its
    accounts, and which roles gain or lose what by it. A plan that `is_saved` came from a file: what was read now may
    ask for more than it does.
    """

    plan: Plan
    goal: Goal
    live: LiveState
    schema: LiveSchema
    rules: tuple[Rule, ...]
    passwords: Mapping[str, str] = field(default_factory=dict, repr=False)
    effects: pl.DataFrame | None = None
    is_saved: bool = False
    command: str = "apply"
    """What the journal calls the run."""
    undoes: int | None = None
    """The run that a rollback takes back."""
    stored: Mapping[str, pl.DataFrame] = field(default_factory=dict, repr=False)
    """The very text of cells that a rollback brings back, by table."""
    anchored_by: int | None = None
    """The run whose --as-of this plan took over, where none was given."""


def make_plan(session: Session, options: RunOptions, mode: Mode | None = None, *, reads_rules: bool = False) -> Planned:
    """
    Compute the desired rows, read the live ones and plan; *reads_rules* reads what the rules need as well.

    Raises:
        ReconcileError: the schema does not fit, the rows are unsound or a reference cannot be met (exit code 1), a
            guard refuses (4), or the selection names nothing (64). Nothing is written.

    """
    journal_named(session, options)  # refuses a name that cannot be one before anything is read
    if is_absent(session.target):
        session = stand_in(session)
    state = session.state
    mode = mode or (Mode.TOP_UP if options.no_clear else Mode.RESET)
    now = datetime.now(UTC).replace(tzinfo=None)
    wanted = want(session, options, now.date())
    profile, everything, chosen = wanted.profile, wanted.rows, wanted.chosen
    gap_rules = state.gap_rules if mode is Mode.TOP_UP else ()
    passwords = supplied(session, options)
    with snapshot(session.target, session.engine) as connection:
        protection = protection_of(session, connection)
        chosen, left_out, warnings = without_password(session, protection, passwords, chosen)
        everything, chosen = with_undeclared(connection, state, mode, everything, chosen)
        schema = introspect(connection, everything.specs)
        chosen, misfits = fit_schema(
            connection,
            state,
            everything,
            schema,
            chosen,
            is_everything=wanted.is_everything,
            goes_on=options.continue_on_error,
        )
        left_open = unfinished(connection, journal_named(session, options)) if mode is Mode.TOP_UP else {}
        goal = Goal(everything, chosen.tables, chosen.steps, mode, profile, gap_rules, left_open)
        rules = tuple(rule for rule in state.rules if rule.group in _groups(state, chosen))
        specs = _to_read(state, goal, rules if reads_rules else ())
        with ThreadPoolExecutor(1) as meanwhile:
            # The server formats rows while the declared ones are digested.
            digests = meanwhile.submit(fingerprints, _only(everything, chosen.tables))
            live = read_state(connection, specs, schema, everything.frames)
        goal, unfit = fit_rows(state, goal, live)
        as_declared = goal.desired is everything
        plan = make(
            state=state.name,
            target=str(session.target),
            engine=session.engine.dialect.name,
            goal=goal,
            steps=state.steps,
            parts=decide(goal, live.dataset),
            fingerprints=digests.result() if as_declared else fingerprints(_only(goal.desired, chosen.tables)),
            findings=(*warnings, *misfits, *unfit, *live.findings),
            left_out=left_out,
        )
        _stop_on([*unmet_references(plan, live.dataset), *taken_values(plan, live.dataset)])
        found = [*dependents_in_plan(plan, live.dataset), *dependents(connection, plan, goal.desired.specs)]
        if found:
            plan, live, schema = cascaded(connection, plan, live, schema, found)
            if not options.allow_cascade:
                raise ReconcileError(refuse_dependents(found, mode, tuple(cascades(plan))), ExitCode.REFUSED)
        effects = effects_of(state, plan, live.dataset)
        plan = replace(plan, radius=measure(plan, live.dataset, now))
    return Planned(plan, goal, live, schema, rules, passwords, effects, anchored_by=wanted.anchored_by)


def _only(dataset: Dataset, tables: Iterable[str]) -> Dataset:
    return Dataset(dataset.specs, {name: dataset[name] for name in tables})


def _groups(state: DesiredState, chosen: Chosen) -> set[str]:
    return {group for step in state.steps if step.id in chosen.steps for group in step.checks}


def _to_read(state: DesiredState, goal: Goal, rules: Iterable[Rule]) -> dict[str, TableSpec]:
    """Give the specs of all that the run reads: its tables, what they refer to, and what rules and effects ask."""
    gap_tables = {name for rule in goal.gap_rules if rule.step in goal.steps for name in (rule.table, *rule.tables)}
    fitted = state.fit_reads if goal.mode is Mode.TOP_UP else ()
    roles = access_tables(state, goal.tables)
    return needed(goal.desired.specs, [*goal.tables, *gap_tables, *fitted, *roles]) | tables_of(rules, state.specs)


def _stop_on(findings: list[Finding]) -> None:
    if findings:
        raise ReconcileError(findings)
