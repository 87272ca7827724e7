"""`reconcile rollback`: undo a run from the journal; the inverse is a plan, shown, guarded and applied as any other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime

import polars as pl
from sqlalchemy import Connection

from reconcile.cli.access import effects_of
from reconcile.cli.apply import carry
from reconcile.cli.journaling import journal_named, no_run
from reconcile.cli.options import ApplyOptions, RollbackOptions
from reconcile.cli.output import Output
from reconcile.cli.planned import Planned
from reconcile.cli.scope import cascaded
from reconcile.cli.session import Session, require_database
from reconcile.dataset import DUPLICATE, ID, KEY, STEP, UNRESOLVED, Dataset, dependency_order
from reconcile.decide import Goal, Mode
from reconcile.diff import ACTION, AFTER, BEFORE, Action
from reconcile.errors import ExitCode, Finding, ReconcileError, Severity
from reconcile.guard import dependents_in_plan, refuse_dependents
from reconcile.inverse import Inverse, invert, restoring
from reconcile.journal import Recorded, Run
from reconcile.live.cleared import specs_to_clear
from reconcile.live.connect import snapshot
from reconcile.live.introspect import LiveSchema, introspect
from reconcile.live.journal import read_changes, read_runs, recorded, recorded_columns
from reconcile.live.journal_tables import JournalTables
from reconcile.live.links import pointed_at
from reconcile.live.resolve import LiveState
from reconcile.live.state import dependents, read_state
from reconcile.plan import Plan
from reconcile.radius import measure
from reconcile.spec import Profile, Size, TableSpec
from reconcile.state import DesiredState


@dataclass(frozen=True, slots=True)
class _Read:
    """What a rollback is planned from: the run, its records, the live rows they are about and what stays out."""

    run: Run
    recorded: Mapping[str, Recorded]
    live: LiveState
    schema: LiveSchema
    findings: tuple[Finding, ...]


def run(options: RollbackOptions, session: Session, output: Output) -> ExitCode:
    """Plan the inverse of the run, show it, and carry it out unless --dry-run asks for the plan alone."""
    require_database(session)
    return carry("rollback", lambda: _plan(options, session, output), session, _wanted(options), output)


def _wanted(options: RollbackOptions) -> ApplyOptions:
    """Give the options of an apply of the inverse."""
    known = {field.name for field in fields(ApplyOptions)}
    return ApplyOptions(**{f.name: getattr(options, f.name) for f in fields(RollbackOptions) if f.name in known})


def _plan(options: RollbackOptions, session: Session, output: Output) -> Planned:
    """
    Plan the inverse of a run.

    Raises:
        ReconcileError: there is no such run or it cannot be undone (64), or rows depend on what would go (4).

    """
    tables = journal_named(session, options)
    with snapshot(session.target, session.engine) as connection:
        found = _chosen(options.run, read_runs(connection, tables), tables, session)
        output.note(f"Rolling back run {found.id} ({found.command}, {found.started_at:%Y-%m-%d %H:%M:%S} UTC)")
        read = _read(connection, tables, found, session.state)
        inverse = _invert(connection, options, read)
        plan = _as_plan(session, read, inverse)
        live, schema = read.live, read.schema
        specs = live.dataset.specs
        waiting = [*dependents_in_plan(plan, live.dataset), *dependents(connection, plan, specs)]
        if waiting and options.allow_cascade:
            plan, live, schema = cascaded(connection, plan, live, schema, waiting)
        elif waiting:
            raise ReconcileError(refuse_dependents(waiting), ExitCode.REFUSED)
        effects = effects_of(session.state, plan, live.dataset)
    plan = replace(plan, radius=measure(plan, live.dataset, datetime.now(UTC).replace(tzinfo=None)))
    goal = Goal(Dataset(live.dataset.specs, {}), (), frozenset(), Mode.ROLLBACK, plan.profile)
    return Planned(
        plan,
        goal,
        live,
        schema,
        session.state.rules,
        effects=effects,
        command="rollback",
        undoes=found.id,
        stored=inverse.stored,
    )


def _chosen(number: int | None, runs: Sequence[Run], tables: JournalTables, session: Session) -> Run:
    """
    Give the run to undo: that *number*, else the newest that changed something and still stands.

    Raises:
        ReconcileError: no such run, or one that did not end well or is of another desired state; exit code 64.

    """
    if number is None:
        forward = [run for run in runs if run.has_changed_rows and not (run.undoes or run.undone_by)]
        if not forward:
            raise _refused(
                "there is no run to roll back", tables.runs.name, "every journaled run is rolled back or empty"
            )
        found = forward[0]
    else:
        known = {run.id: run for run in runs}
        if number not in known:
            raise no_run(number, runs, tables)
        found = known[number]
        if not found.has_changed_rows:
            raise _refused(
                f"run {number} cannot be rolled back", tables.runs.name, f"it is {found.status}: nothing stands"
            )
    if found.state != session.state.name:
        why = f"it is of the desired state {found.state}, and {session.state.name} is loaded"
        raise _refused(f"run {found.id} cannot be rolled back", "--state", why)
    return found


def _refused(what: str, where: str, why: str) -> ReconcileError:
    finding = Finding(what=what, where=where, why=why, fix="see the runs with `reconcile runs`")
    return ReconcileError([finding], ExitCode.USAGE)


def _read(connection: Connection, tables: JournalTables, run: Run, state: DesiredState) -> _Read:
    """Read what the run did, and the live rows of its tables and of all that the desired state knows."""
    changes = read_changes(connection, tables, run.id)
    outside = [name for name in changes if name not in state.specs]
    known = {**state.specs, **specs_to_clear(connection, outside, state.steps[0].id, state.specs)}
    present = introspect(connection, {*known, *changes}).tables
    lost = tuple(_gone(name, sum(1 for _ in chunks)) for name, chunks in changes.items() if name not in present)
    found = {
        name: recorded(
            _recorded_spec(known[name], recorded_columns(run.id, name, chunks), present[name]), run.id, chunks
        )
        for name, chunks in changes.items()
        if name in known and name in present
    }
    specs = {name: spec for name, spec in known.items() if name in present}
    specs |= {name: table.spec for name, table in found.items()}
    schema = introspect(connection, specs)
    live = read_state(connection, specs, schema, _declared(run, state, found))
    return _Read(run, found, live, schema, (*lost, *live.findings))


def _recorded_spec(spec: TableSpec, columns: Sequence[str], present: Mapping[str, object]) -> TableSpec:
    return restoring(spec, [name for name in columns if name in present])


def _gone(table: str, chunks: int) -> Finding:
    return Finding(
        what="rows of a table that is not there any more stay out",
        where=f"table {table}",
        why=f"the run changed rows of it ({chunks} parts of the journal)",
        fix="nothing, or restore the backup",
        severity=Severity.WARNING,
    )


def _declared(run: Run, state: DesiredState, found: Mapping[str, Recorded]) -> dict[str, pl.DataFrame]:
    """
    Give frames whose keys the live rows take, so that they are called what the run called them.

    A recorded row stands for itself; the others are those that the run declared.
    """
    desired = state.rows(Profile(run.as_of, Size(run.size), run.scale, run.seed))
    frames = dict(desired.frames)
    for name, table in found.items():
        if not table.spec.key:
            continue
        side = pl.when(pl.col(ACTION) == Action.DELETE).then(pl.col(BEFORE)).otherwise(pl.col(AFTER))
        own = table.rows.with_columns(side.alias(AFTER)).select(KEY, pl.col(AFTER).struct.unnest())
        marked = pl.col(KEY).str.contains(DUPLICATE, literal=True) | pl.col(KEY).str.starts_with(UNRESOLVED)
        own = own.filter(~marked).unique(KEY)
        if name in desired:
            others = desired[name].join(own, on=KEY, how="anti")
            own = pl.concat([own, others.select(c for c in own.columns if c in others.columns)], how="diagonal")
        frames[name] = own
    return frames


def _invert(connection: Connection, options: RollbackOptions, read: _Read) -> Inverse:
    created = {
        name: table.rows.filter(pl.col(ACTION) == Action.CREATE)[ID].to_list() for name, table in read.recorded.items()
    }
    known = read.live.dataset.frames
    return invert(
        read.run.id,
        read.recorded,
        read.live.dataset,
        overwrites=options.overwrite,
        held={}
        if options.allow_cascade
        else pointed_at(connection, {n: ids for n, ids in created.items() if ids}, known),
        cascades=options.allow_cascade,
    )


def _as_plan(session: Session, read: _Read, inverse: Inverse) -> Plan:
    run, parts = read.run, {name: part for name, part in inverse.parts.items() if part.rows.height}
    order, deferred = dependency_order({name: part.spec for name, part in parts.items()})
    return Plan(
        state=run.state,
        target=str(session.target),
        engine=session.engine.dialect.name,
        mode=Mode.ROLLBACK,
        profile=Profile(run.as_of, Size(run.size), run.scale, run.seed),
        steps=session.state.steps,
        chosen=frozenset(step for part in parts.values() for step in part.rows[STEP]),
        tables=tuple(parts[name] for name in order),
        deferred=deferred,
        fingerprints={},
        findings=(*read.findings, *inverse.findings),
    )
