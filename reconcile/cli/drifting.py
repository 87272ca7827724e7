"""Look for drift: the comparison of a plan that nothing stops; what would stop a plan is told instead."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from reconcile.assessment import Compared
from reconcile.checks.comparable import comparable
from reconcile.checks.preflight import check_schema
from reconcile.cli.fitting import fit_rows, steps_of
from reconcile.cli.journaling import journal_named
from reconcile.cli.option_groups import RunOptions
from reconcile.cli.passwords import supplied, without_password
from reconcile.cli.protection import protection_of
from reconcile.cli.scope import cascaded, with_undeclared
from reconcile.cli.session import Session, require_database
from reconcile.cli.wanted import want
from reconcile.conflicts import taken_values, unmet_references
from reconcile.dataset import Dataset, fingerprints
from reconcile.decide import Goal, Mode, decide
from reconcile.drift import Base, SchemaMove, labelled
from reconcile.errors import Finding, ReconcileError, Severity
from reconcile.guard import dependents_in_plan, refuse_dependents
from reconcile.limits import Limits
from reconcile.live.connect import snapshot
from reconcile.live.introspect import LiveSchema, introspect
from reconcile.live.journal import last_applied
from reconcile.live.journal_tables import JournalTables
from reconcile.live.resolve import LiveState
from reconcile.live.state import dependents, needed, read_state
from reconcile.plan import Plan, make
from reconcile.radius import cascades, measure, refuse_radius
from reconcile.selection import Chosen
from reconcile.spec import TableSpec
from reconcile.state import DesiredState


@dataclass(frozen=True, slots=True)
class _Fitted:
    """The live schema, what of the desired `rows` can be compared with it, and the tables that are not as declared."""

    schema: LiveSchema
    rows: Dataset
    chosen: Chosen
    moves: tuple[SchemaMove, ...]
    misfits: set[str]
    warnings: tuple[Finding, ...]


def compare(session: Session, options: RunOptions, now: datetime) -> Compared:
    """
    Compare the desired rows with the live ones in one read-only snapshot, as `make_plan` does.

    A schema that does not fit hides only what cannot be read of it: those tables and columns are left out.

    Raises:
        ReconcileError: the database cannot be read or is not there, the desired rows are unsound (exit code 1), or
            the selection names nothing (64).

    """
    tables = journal_named(session, options)
    require_database(session)
    state, mode = session.state, Mode.TOP_UP if options.no_clear else Mode.RESET
    wanted = want(session, options, now.date(), state.rows)
    everything, chosen = wanted.rows, wanted.chosen
    passwords = supplied(session, options)
    with snapshot(session.target, session.engine) as connection:
        protection = protection_of(session, connection)
        chosen, left_out, warnings = without_password(session, protection, passwords, chosen)
        everything, chosen = with_undeclared(connection, state, mode, everything, chosen)
        fitted = _fit_schema(connection, state, everything, chosen, options, is_everything=wanted.is_everything)
        chosen = fitted.chosen
        goal = Goal(fitted.rows, chosen.tables, chosen.steps, mode, wanted.profile)
        goal = _goal(state, goal, fitted.misfits)
        live = read_state(connection, _to_read(state, goal), fitted.schema, fitted.rows.frames)
        goal, unfit = _fit(state, goal, live, fitted.misfits)
        plan = make(
            state=state.name,
            target=str(session.target),
            engine=session.engine.dialect.name,
            goal=goal,
            steps=state.steps,
            parts=decide(goal, live.dataset),
            fingerprints=_fingerprints(everything, goal),
            findings=(*warnings, *fitted.warnings, *unfit, *live.findings),
            left_out=left_out,
        )
        if not fitted.misfits:
            plan = _told(connection, plan, live, fitted.schema, goal.desired.specs, options, now)
        base, damage = _base(connection, tables, plan, everything.specs)
    return Compared(
        plan=replace(plan, findings=(*plan.findings, *damage)),
        base=base,
        schema=fitted.moves,
        not_compared=tuple(name for name in chosen.tables if name not in fitted.rows.specs),
        is_everything=wanted.is_everything,
        anchored_by=wanted.anchored_by,
    )


def _fit_schema(  # one argument per side that is compared
    connection: Connection,
    state: DesiredState,
    everything: Dataset,
    chosen: Chosen,
    options: RunOptions,
    *,
    is_everything: bool,
) -> _Fitted:
    """Compare the specs with the live schema, and leave out what cannot be read of it."""
    schema = introspect(connection, everything.specs)
    moves = _moves(connection, everything, schema, chosen, is_everything=is_everything)
    specs = comparable(everything.specs, schema) if moves else everything.specs
    rows = Dataset(specs, {name: frame for name, frame in everything.frames.items() if name in specs})
    changed = {name for name, spec in everything.specs.items() if specs.get(name) != spec}
    warnings: list[Finding] = []
    if options.continue_on_error:
        chosen, moves, warnings = _without_optional(state, everything, chosen, moves)
    return _Fitted(schema, rows, chosen, moves, changed | {move.table for move in moves}, tuple(warnings))


def _moves(
    connection: Connection, everything: Dataset, schema: LiveSchema, chosen: Chosen, *, is_everything: bool
) -> tuple[SchemaMove, ...]:
    """Find where the live schema is not what the desired rows need."""
    checked = everything.specs if is_everything else needed(everything.specs, chosen.tables)
    misfits = [name for name, spec in checked.items() if check_schema([spec], schema, everything)]
    # The nearest name of a table that is missing may be any other table's.
    whole = introspect(connection) if misfits else schema
    return tuple(
        SchemaMove(name, finding) for name in misfits for finding in check_schema([checked[name]], whole, everything)
    )


def _without_optional(
    state: DesiredState, everything: Dataset, chosen: Chosen, moves: tuple[SchemaMove, ...]
) -> tuple[Chosen, tuple[SchemaMove, ...], list[Finding]]:
    """Leave out optional steps whose tables do not fit, as a plan with --continue-on-error does."""
    specs, optional = everything.specs, {step.id for step in state.steps if step.is_optional}
    owners = {name: steps_of(specs, everything, name) for name in {*chosen.tables, *(move.table for move in moves)}}
    lost = {move.table for move in moves if owners[move.table] <= optional}
    dropped = {step for name in lost for step in owners[name]}
    fix = f"left out with --continue-on-error: {', '.join(sorted(dropped))}"
    kept = tuple(name for name in chosen.tables if name not in lost and owners[name] - dropped)
    return (
        Chosen(kept, chosen.steps - dropped),
        tuple(move for move in moves if move.table not in lost),
        [replace(move.finding, severity=Severity.WARNING, fix=fix) for move in moves if move.table in lost],
    )


def _goal(state: DesiredState, goal: Goal, misfits: set[str]) -> Goal:
    """Leave out tables that cannot be compared, and in a top-up gap rules that read a table that does not fit."""
    rules = state.gap_rules if goal.mode is Mode.TOP_UP else ()
    return replace(
        goal,
        tables=tuple(name for name in goal.tables if name in goal.desired.frames),
        gap_rules=tuple(rule for rule in rules if not misfits & {rule.table, *rule.tables}),
    )


def _to_read(state: DesiredState, goal: Goal) -> dict[str, TableSpec]:
    gap_tables = {name for rule in goal.gap_rules if rule.step in goal.steps for name in (rule.table, *rule.tables)}
    fitted = state.fit_reads if goal.mode is Mode.TOP_UP else ()
    return needed(goal.desired.specs, [*goal.tables, *gap_tables, *fitted])


def _fit(state: DesiredState, goal: Goal, live: LiveState, misfits: set[str]) -> tuple[Goal, tuple[Finding, ...]]:
    """Leave out of a top-up what does not fit the live rows, where that can be said."""
    if goal.mode is Mode.TOP_UP and misfits & set(state.fit_reads):
        finding = Finding(
            what="declared rows that do not fit the live ones are shown as missing",
            where=", ".join(sorted(misfits & set(state.fit_reads))),
            why="what fits is told by tables whose schema moved",
            fix="bring the schema up to date first",
            severity=Severity.WARNING,
        )
        return goal, (finding,)
    return fit_rows(state, goal, live)


def _fingerprints(everything: Dataset, goal: Goal) -> dict[str, str]:
    """Give the fingerprints of the desired rows, whatever of them can be compared."""
    frames = {name: goal.desired[name] for name in goal.tables}
    return fingerprints(Dataset(everything.specs, frames))


def _told(
    connection: Connection,
    plan: Plan,
    live: LiveState,
    schema: LiveSchema,
    specs: Mapping[str, TableSpec],
    options: RunOptions,
    now: datetime,
) -> Plan:
    """Add to the warnings what would stop an apply; with --allow-cascade, the rows that depend on deleted ones."""
    found = [*dependents_in_plan(plan, live.dataset), *dependents(connection, plan, specs)]
    stops = [*unmet_references(plan, live.dataset), *taken_values(plan, live.dataset)]
    if found:
        wider, state, _ = cascaded(connection, plan, live, schema, found)
        if options.allow_cascade:
            plan, live = wider, state
        else:
            stops += refuse_dependents(found, plan.mode, tuple(cascades(wider)))
    stops += refuse_radius(
        replace(plan, radius=measure(plan, live.dataset, now)), Limits(options.max_update, options.max_delete)
    )
    return replace(plan, findings=(*plan.findings, *_as_warnings(stops)))


def _as_warnings(findings: Iterable[Finding]) -> list[Finding]:
    return [replace(finding, severity=Severity.WARNING) for finding in findings]


def _base(
    connection: Connection, tables: JournalTables, plan: Plan, specs: Mapping[str, TableSpec]
) -> tuple[Base, list[Finding]]:
    """Read the rows as runs last left them, of the tables that drift; a journal that is damaged is only told."""
    drifting = [part.spec for part in labelled(plan, Base()) if part.rows.height]
    if not drifting:
        return Base(), []
    try:
        last = last_applied(connection, tables, {spec.name: specs.get(spec.name, spec) for spec in drifting})
    except ReconcileError as error:
        return Base(), _as_warnings(error.findings)
    return Base(last.frames, last.deleted, last.fingerprints), []
