"""Make a plan for a command: compute the declared rows, read the live ones, decide, and ask the guards."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import polars as pl
from sqlalchemy import Connection

from reconcile.cascade import cascade
from reconcile.checks.preflight import check_rows, check_schema
from reconcile.checks.verify import tables_of
from reconcile.cli.access import access_tables, effects_of
from reconcile.cli.options import SHORT_SKIPS, RunOptions
from reconcile.cli.passwords import without_password
from reconcile.cli.session import Session, is_absent, stand_in
from reconcile.conflicts import taken_values, unmet_references
from reconcile.dataset import STEP, Dataset, check, fingerprints
from reconcile.decide import Goal, Mode, decide
from reconcile.diff import empty_declared
from reconcile.errors import ExitCode, Finding, ReconcileError, Severity
from reconcile.guard import Dependents, dependents_in_plan, refuse_dependents
from reconcile.live.cleared import filled_tables, specs_to_clear
from reconcile.live.connect import snapshot
from reconcile.live.introspect import LiveSchema, introspect, read_foreign_keys
from reconcile.live.resolve import LiveState
from reconcile.live.state import dependents, needed, read_state
from reconcile.plan import Plan, make
from reconcile.selection import Chosen, Selection, select
from reconcile.spec import Profile, Size, TableSpec
from reconcile.state import DesiredState, Rule


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan with both sides it was made from, the rules of its steps, and which roles gain or lose what by it."""

    plan: Plan
    goal: Goal
    live: LiveState
    schema: LiveSchema
    rules: tuple[Rule, ...]
    effects: pl.DataFrame | None = None


def profile_of(options: RunOptions, today: date) -> Profile:
    """Give the dataset's parameters; without --as-of dates hang on the Monday of *today*'s week."""
    as_of = options.as_of or today - timedelta(days=today.weekday())
    return Profile(as_of, Size.LIGHT if options.light else Size.FULL, options.scale, options.seed)


def selection_of(options: RunOptions) -> Selection:
    """Give the steps and tables that the flags ask for, the short ones included."""
    short = (step for flag, steps in SHORT_SKIPS.items() if getattr(options, flag) for step in steps)
    return Selection(tuple(options.step), (*options.skip, *short), tuple(options.table), tuple(options.exclude_table))


def make_plan(session: Session, options: RunOptions, mode: Mode | None = None, *, reads_rules: bool = False) -> Planned:
    """
    Compute the desired rows, read the live ones and plan; *reads_rules* reads what the rules need as well.

    Raises:
        ReconcileError: the schema does not fit, the rows are unsound or a reference cannot be met (exit code 1), a
            guard refuses (4), or the selection names nothing (64). Nothing is written.

    """
    if is_absent(session.target):
        session = stand_in(session)
    state = session.state
    mode = mode or (Mode.TOP_UP if options.no_clear else Mode.RESET)
    profile = profile_of(options, datetime.now(UTC).date())
    everything = state.rows(profile)
    _stop_on([*check(everything), *check_rows(everything)])
    gap_rules = state.gap_rules if mode is Mode.TOP_UP else ()
    selection = selection_of(options)
    chosen = select(selection, state.steps, _owners(everything, state))
    chosen, warnings = without_password(session, options, chosen)
    with snapshot(session.target, session.engine) as connection:
        everything, chosen = _with_cleared(connection, state, mode, everything, chosen)
        schema = introspect(connection, everything.specs)
        chosen, left_out = _fitting(options, connection, session, everything, chosen, schema, selection)
        desired = Dataset(everything.specs, {name: everything[name] for name in chosen.tables})
        goal = Goal(desired, chosen.tables, chosen.steps, mode, profile, gap_rules)
        rules = tuple(rule for rule in state.rules if rule.group in _groups(state, chosen))
        specs = _to_read(state, goal, rules if reads_rules else ())
        live = read_state(connection, specs, schema, everything.frames)
        goal, misfits = _fitted(state, goal, everything, live)
        plan = make(
            state=state.name,
            target=str(session.target),
            engine=session.engine.dialect.name,
            goal=goal,
            steps=state.steps,
            parts=decide(goal, live.dataset),
            fingerprints=fingerprints(desired),
            findings=(*warnings, *left_out, *misfits, *live.findings),
        )
        _stop_on([*unmet_references(plan, live.dataset), *taken_values(plan, live.dataset)])
        found = [*dependents_in_plan(plan, live.dataset), *dependents(connection, plan, goal.desired.specs)]
        if found and options.allow_cascade:
            plan, live, schema = _cascaded(connection, plan, live, schema, found)
        elif found:
            raise ReconcileError(refuse_dependents(found), ExitCode.REFUSED)
        effects = effects_of(state, plan, live.dataset)
    return Planned(plan, goal, live, schema, rules, effects)


def _with_cleared(
    connection: Connection, state: DesiredState, mode: Mode, everything: Dataset, chosen: Chosen
) -> tuple[Dataset, Chosen]:
    """Add the tables that a reset empties and that hold rows, with nothing declared in them."""
    candidates = [name for name in chosen.tables if name in state.cleared and name not in everything.frames]
    names = filled_tables(connection, candidates) if mode is Mode.RESET else []
    specs = specs_to_clear(connection, names, state.steps[0].id, state.specs)
    frames = dict(everything.frames) | {name: empty_declared(spec) for name, spec in specs.items()}
    left = tuple(name for name in chosen.tables if name in frames)
    return Dataset({**everything.specs, **specs}, frames), replace(chosen, tables=left)


def _cascaded(
    connection: Connection, plan: Plan, live: LiveState, schema: LiveSchema, found: Sequence[Dependents]
) -> tuple[Plan, LiveState, LiveSchema]:
    """Read whatever depends on rows that are deleted, near or far, and make it part of the plan."""
    names = {part.table for part in found}
    links = read_foreign_keys(connection)
    while more := {link.table for link in links if link.parent in names} - names:
        names |= more
    known = dict(live.dataset.specs)
    outside = specs_to_clear(connection, sorted(names - set(known)), plan.steps[0].id, known)
    specs = known | outside
    schema = introspect(connection, specs)
    live = read_state(connection, specs, schema, live.declared)
    return cascade(plan, live.dataset, specs), live, schema


def _owners(declared: Dataset, state: DesiredState) -> Mapping[str, Set[str]]:
    """Give per table the steps that write rows of it; the first step empties what is cleared."""
    owners: dict[str, set[str]] = {
        name: {declared.specs[name].step, *frame[STEP].unique()} for name, frame in declared.frames.items()
    }
    for rule in state.gap_rules:
        owners.setdefault(rule.table, set()).add(rule.step)
    return {name: {state.steps[0].id} for name in state.cleared} | owners


def _groups(state: DesiredState, chosen: Chosen) -> set[str]:
    return {group for step in state.steps if step.id in chosen.steps for group in step.checks}


def _to_read(state: DesiredState, goal: Goal, rules: Iterable[Rule]) -> dict[str, TableSpec]:
    """Give the specs of all that the run reads: its tables, what they refer to, and what rules and effects ask."""
    gap_tables = {name for rule in goal.gap_rules if rule.step in goal.steps for name in (rule.table, *rule.tables)}
    roles = access_tables(state, goal.tables)
    return needed(goal.desired.specs, [*goal.tables, *gap_tables, *roles]) | tables_of(rules, state.specs)


def _fitting(
    options: RunOptions,
    connection: Connection,
    session: Session,
    everything: Dataset,
    chosen: Chosen,
    schema: LiveSchema,
    selection: Selection,
) -> tuple[Chosen, list[Finding]]:
    """
    Compare the specs with the live schema; leave out optional steps that do not fit, where asked to go on.

    Raises:
        ReconcileError: something that must fit does not, all of it at once.

    """
    specs = everything.specs
    checked = specs if selection.is_everything else needed(specs, chosen.tables)
    misfits = [name for name, spec in checked.items() if check_schema([spec], schema, everything)]
    if not misfits:
        return chosen, []
    optional = {step.id for step in session.state.steps if step.is_optional}
    lost = [name for name in misfits if options.continue_on_error and _steps_of(specs, everything, name) <= optional]
    if unfit := [specs[name] for name in misfits if name not in lost]:
        # The nearest name of a table that is missing may be any other table's.
        _stop_on(check_schema(unfit, introspect(connection), everything))
    dropped = {step for name in lost for step in _steps_of(specs, everything, name)}
    owners = {name: _steps_of(specs, everything, name) for name in chosen.tables}
    kept = tuple(name for name in chosen.tables if name not in lost and owners[name] - dropped)
    findings = [
        replace(
            finding, severity=Severity.WARNING, fix=f"left out with --continue-on-error: {', '.join(sorted(dropped))}"
        )
        for finding in check_schema([specs[name] for name in lost], schema, everything)
    ]
    return Chosen(kept, chosen.steps - dropped), findings


def _steps_of(specs: Mapping[str, TableSpec], declared: Dataset, name: str) -> set[str]:
    frame = declared.frames.get(name)
    return {specs[name].step} | (set() if frame is None else set(frame[STEP].unique()))


def _fitted(state: DesiredState, goal: Goal, everything: Dataset, live: LiveState) -> tuple[Goal, tuple[Finding, ...]]:
    """Leave out of a top-up what the desired state says does not fit the live rows."""
    if goal.mode is not Mode.TOP_UP or state.fit is None:
        return goal, ()
    fitted, findings = state.fit(everything, live.dataset)
    names = {name: fitted.frames[name] for name in goal.tables}
    return replace(goal, desired=Dataset(goal.desired.specs, names)), findings


def _stop_on(findings: list[Finding]) -> None:
    if findings:
        raise ReconcileError(findings)
