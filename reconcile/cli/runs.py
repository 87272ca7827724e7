"""`reconcile runs` and `reconcile show RUN`: what the journal says of the runs there were. Never writes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from reconcile.cli.journaling import journal_named, run_of
from reconcile.cli.options import RunsOptions, ShowOptions
from reconcile.cli.output import Output
from reconcile.cli.rendering import render_plan
from reconcile.cli.session import Session, require_database
from reconcile.cli.version import TOOL_VERSION
from reconcile.dataset import dependency_order
from reconcile.decide import Mode
from reconcile.diff import counts
from reconcile.errors import ExitCode
from reconcile.journal import STORED, Recorded, Run
from reconcile.live.connect import snapshot
from reconcile.live.holder import holding_connections
from reconcile.live.journal import INTERRUPTED, RUNNING, read_changes, read_runs, recorded, recorded_columns
from reconcile.live.journal_tables import JournalTables
from reconcile.plan import Plan
from reconcile.render.runs import render_run, render_runs, render_runs_json
from reconcile.spec import Column, Profile, Size, TableSpec
from reconcile.table_plan import TablePlan
from reconcile.values import Text


def run(options: RunsOptions, session: Session, output: Output) -> ExitCode:
    """Show the runs, newest first."""
    require_database(session)
    tables = journal_named(session, options)
    with snapshot(session.target, session.engine) as connection:
        runs = as_they_ended(connection, session, tables, read_runs(connection, tables, options.limit or None))
    if options.format == "json":
        output.result(render_runs_json(runs, tool_version=TOOL_VERSION, target=str(session.target)))
    else:
        output.result(render_runs(runs))
    return ExitCode.OK


def show_run(options: ShowOptions, session: Session, output: Output) -> ExitCode:
    """Show what one run did, as the plan that it carried out."""
    require_database(session)
    tables = journal_named(session, options)
    with snapshot(session.target, session.engine) as connection:
        (found,) = as_they_ended(connection, session, tables, [run_of(connection, tables, int(options.what))])
        recorded_tables = read_recorded(connection, tables, found, session.state.specs)
    if options.format == "text":
        output.result(f"{render_run(found)}\n")
    output.result(render_plan(plan_of(found, recorded_tables, session), options))
    return ExitCode.OK


def as_they_ended(connection: Connection, session: Session, tables: JournalTables, runs: Sequence[Run]) -> list[Run]:
    """Call a run interrupted that says it is running while the run lock is not its own: it was killed."""
    if session.target.is_sqlite or not any(run.status == RUNNING for run in runs):
        return list(runs)
    working = holding_connections(connection, session.target.database)
    return [
        replace(run, status=INTERRUPTED, error="it ended without a word: it was killed, or lost its connection")
        if run.status == RUNNING and run.connection_id not in working
        else run
        for run in runs
    ]


def read_recorded(
    connection: Connection, tables: JournalTables, run: Run, specs: Mapping[str, TableSpec]
) -> dict[str, Recorded]:
    """Read what *run* did, by table; what *specs* do not know is read as plain text."""
    found = read_changes(connection, tables, run.id)
    result = {}
    for name, chunks in found.items():
        columns = recorded_columns(run.id, name, chunks)
        result[name] = recorded(_spec(name, columns, specs, run), run.id, chunks)
    return result


def _spec(name: str, columns: Sequence[str], specs: Mapping[str, TableSpec], run: Run) -> TableSpec:
    """Give the table as it was recorded: columns that are declared no more are texts."""
    known = specs.get(name)
    if known is None:
        return TableSpec(name, tuple(Column(column, Text(), nullable=True) for column in columns), (), run.state)
    kinds = {column.name: column for column in known.columns}
    recorded_columns = tuple(kinds.get(column, Column(column, Text(), nullable=True)) for column in columns)
    return replace(known, columns=recorded_columns)


def plan_of(run: Run, tables: Mapping[str, Recorded], session: Session) -> Plan:
    """Give the plan that *run* carried out, from what it recorded; rows that it kept or skipped are not known."""
    order, deferred = dependency_order({name: table.spec for name, table in tables.items()})
    rows = {name: tables[name].rows.drop(STORED) for name in order}
    steps = frozenset(step for frame in rows.values() for step in frame["_step"])
    return Plan(
        state=run.state,
        target=str(session.target),
        engine=session.engine.dialect.name,
        mode=Mode(run.mode),
        profile=Profile(run.as_of, Size(run.size), run.scale, run.seed),
        steps=session.state.steps,
        chosen=steps,
        tables=tuple(TablePlan(tables[name].spec, rows[name], counts(rows[name]), {}) for name in order),
        deferred=deferred,
        fingerprints=run.fingerprints,
    )
