"""Make a plan for a command: compute the declared rows, read the live ones, decide, and ask the guards."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from sqlalchemy import Connection

from reconcile.checks.verify import tables_of
from reconcile.cli.access import access_tables, effects_of
from reconcile.cli.fitting import fit_rows, fit_schema
from reconcile.cli.journaling import journal_named
from reconcile.cli.option_groups import RunOptions
from reconcile.cli.passwords import supplied, without_password
from reconcile.cli.planned import Planned
from reconcile.cli.protection import protection_of
from reconcile.cli.remember import sums_of
from reconcile.cli.scope import cascaded, with_undeclared
from reconcile.cli.session import Session, is_absent, stand_in
from reconcile.cli.spanning import plan_in_spans, refuse_shard, shard_of, spans_for, without_spans
from reconcile.cli.survey import Indivisible
from reconcile.cli.wanted import Wanted, want
from reconcile.conflicts import taken_values, unmet_references
from reconcile.dataset import digested, with_whole
from reconcile.decide import Goal, Mode, decide
from reconcile.errors import ExitCode, Finding, ReconcileError
from reconcile.guard import dependents_in_plan, refuse_dependents
from reconcile.live.collation import server_weights
from reconcile.live.connect import snapshot
from reconcile.live.introspect import LiveSchema, introspect
from reconcile.live.journal import unfinished
from reconcile.live.read import read_raw
from reconcile.live.state import dependents, needed, resolved
from reconcile.plan import make
from reconcile.radius import cascades, measure
from reconcile.selection import Chosen
from reconcile.spec import TableSpec
from reconcile.state import DesiredState, Rule, Spans
from reconcile.table_plan import creates_all, with_told


@dataclass(frozen=True, slots=True)
class _Begun:
    """What a plan rests on before any row is read: what is asked for, and what the database has for it."""

    wanted: Wanted
    goal: Goal
    schema: LiveSchema
    rules: tuple[Rule, ...]
    passwords: Mapping[str, str]
    left_out: Mapping[str, str]
    findings: tuple[Finding, ...]


def make_plan(
    session: Session, options: RunOptions, mode: Mode | None = None, *, reads_rules: bool = False, in_spans: bool = True
) -> Planned:
    """
    Compute the desired rows, read the live ones and plan; *reads_rules* reads what the rules need as well.

    Where the desired state has spans and the run is about all of it, they are planned one after the other, unless
    *in_spans* is False.

    Raises:
        ReconcileError: the schema does not fit, the rows are unsound or a reference cannot be met (exit code 1), a
            guard refuses (4), or the selection names nothing (64). Nothing is written.

    """
    journal_named(session, options)  # refuses a name that cannot be one before anything is read
    if is_absent(session.target):
        session = stand_in(session)
    mode = mode or (Mode.TOP_UP if options.no_clear else Mode.RESET)
    if in_spans and (spans := spans_for(session.state, options, mode)) is not None:
        try:
            return _make_in_spans(session, options, mode, spans, reads_rules=reads_rules)
        except Indivisible as why:
            refuse_shard(options, str(why))
    return _make_whole(session, options, mode, reads_rules=reads_rules)


def _make_in_spans(session: Session, options: RunOptions, mode: Mode, spans: Spans, *, reads_rules: bool) -> Planned:
    shard = shard_of(options)
    wanted = want(session, options, _now().date(), partial(without_spans, session.state, spans, shard))
    if not wanted.is_everything:
        raise Indivisible("a selection of steps or tables is planned whole")
    with snapshot(session.target, session.engine) as connection:
        begun = _begin(connection, session, options, mode, wanted)
        if begun.left_out or begun.findings or begun.goal.unfinished:
            raise Indivisible("steps are left out, or an earlier run was left unfinished")
        others = [name for name in begun.goal.tables if name not in spans.tables]
        goal = replace(begun.goal, tables=tuple(others) if shard is None or shard.number == 1 else ())
        plan, live, spanned = plan_in_spans(
            connection, session, goal, begun.schema, spans, shard, begun.rules if reads_rules else None, _now()
        )
        sums = sums_of(session, options, connection, plan, {**live.dataset.specs, **spanned.links.specs})
    return Planned(
        plan,
        goal,
        live,
        begun.schema,
        begun.rules,
        begun.passwords,
        anchored_by=wanted.anchored_by,
        spanned=spanned,
        sums=sums,
    )


def _make_whole(session: Session, options: RunOptions, mode: Mode, *, reads_rules: bool) -> Planned:
    state = session.state
    wanted = want(session, options, _now().date(), state.rows)
    with snapshot(session.target, session.engine) as connection:
        begun = _begin(connection, session, options, mode, wanted)
        goal, schema = begun.goal, begun.schema
        everything = goal.desired
        specs = _to_read(state, goal, begun.rules if reads_rules else ())
        with ThreadPoolExecutor(1) as meanwhile:
            # The server formats rows while the declared ones are digested.
            digesting = meanwhile.submit(digested, everything, goal.tables)
            raw = read_raw(connection, specs, schema)
            prints, lines = digesting.result()
        live = resolved(server_weights(connection), schema, raw, everything.frames, lines=lines)
        goal, unfit = fit_rows(state, goal, live)
        parts = decide(goal, live.dataset)
        if mode is Mode.RESET and goal.desired is everything:
            new = [name for name, part in parts.items() if part.height and creates_all(part, everything[name].height)]
            parts |= {name: with_told(parts[name], lines[name]) for name in new}
        plan = make(
            state=state.name,
            target=str(session.target),
            engine=session.engine.dialect.name,
            goal=goal,
            steps=state.steps,
            parts=parts,
            fingerprints=with_whole(prints if goal.desired is everything else digested(goal.desired, goal.tables)[0]),
            findings=(*begun.findings, *unfit, *live.findings),
            left_out=begun.left_out,
        )
        is_everything = wanted.is_everything and goal.desired is everything and not (begun.left_out or begun.findings)
        unmet = unmet_references(plan, live.dataset, is_everything=mode is Mode.RESET and is_everything)
        _stop_on([*unmet, *taken_values(plan, live.dataset)])
        found = [*dependents_in_plan(plan, live.dataset), *dependents(connection, plan, goal.desired.specs)]
        if found:
            plan, live, schema = cascaded(connection, plan, live, schema, found)
            if not options.allow_cascade:
                raise ReconcileError(refuse_dependents(found, mode, tuple(cascades(plan))), ExitCode.REFUSED)
        effects = effects_of(state, plan, live.dataset)
        plan = replace(plan, radius=measure(plan, live.dataset, _now()))
        sums = None if goal.unfinished else sums_of(session, options, connection, plan, live.dataset.specs)
    return Planned(
        plan, goal, live, schema, begun.rules, begun.passwords, effects, anchored_by=wanted.anchored_by, sums=sums
    )


def _begin(connection: Connection, session: Session, options: RunOptions, mode: Mode, wanted: Wanted) -> _Begun:
    """Settle what the run is about: tables and steps that are left out, the schema it meets, what was left open."""
    state = session.state
    passwords = supplied(session, options)
    protection = protection_of(session, connection)
    chosen, left_out, warnings = without_password(session, protection, passwords, wanted.chosen)
    everything, chosen = with_undeclared(connection, state, mode, wanted.rows, chosen)
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
    gap_rules = state.gap_rules if mode is Mode.TOP_UP else ()
    goal = Goal(everything, chosen.tables, chosen.steps, mode, wanted.profile, gap_rules, left_open)
    rules = tuple(rule for rule in state.rules if rule.group in _groups(state, chosen))
    return _Begun(wanted, goal, schema, rules, passwords, left_out, (*warnings, *misfits))


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


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
