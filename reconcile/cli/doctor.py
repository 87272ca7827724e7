"""`reconcile doctor`: all that can be said of a target at once, also when it cannot be reached. Never writes."""

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, inspect

from reconcile.checks.doctor import (
    check_capabilities,
    check_lock,
    check_rights,
    check_schema_findings,
    check_server,
    check_sessions,
)
from reconcile.checks.preflight import check_rows, check_schema
from reconcile.checks.rights import Need
from reconcile.cli.journaling import journal_named
from reconcile.cli.options import DoctorOptions
from reconcile.cli.origins import settings_of
from reconcile.cli.output import Output
from reconcile.cli.protection import protection_of
from reconcile.cli.readiness import journaling
from reconcile.cli.session import Session, is_absent
from reconcile.cli.version import TOOL_VERSION
from reconcile.dataset import Dataset, check
from reconcile.errors import ExitCode, ReconcileError
from reconcile.health import Check, Mark
from reconcile.live.capabilities import read_capabilities
from reconcile.live.connect import asking, snapshot
from reconcile.live.holder import file_holder, lock_file, server_holder
from reconcile.live.introspect import introspect
from reconcile.live.journal_tables import JournalTables
from reconcile.live.rights import read_rights
from reconcile.live.server_errors import server_errors
from reconcile.live.sessions import read_sessions
from reconcile.live.settings import read_settings
from reconcile.render.doctor import render_doctor, render_doctor_json
from reconcile.spec import Profile, Size
from reconcile.state import DesiredState

Ask = Callable[[], Iterable[Check]]


def run(options: DoctorOptions, session: Session, output: Output) -> ExitCode:
    """Look at everything; exit code 1 when something is critical."""
    journal = journal_named(session, options)
    declared = _declared(session.state)
    checks = [*_state(session.state, declared), *_target(session, journal, declared)]
    settings = settings_of(options, session)
    if output.format == "json":
        output.result(render_doctor_json(str(session.target), checks, settings, tool_version=TOOL_VERSION))
    else:
        output.result(render_doctor(str(session.target), checks, settings))
    return ExitCode.ERROR if any(found.mark is Mark.FAIL for found in checks) else ExitCode.OK


def _declared(state: DesiredState) -> Dataset:
    today = datetime.now(UTC).date()
    return state.rows(Profile(_monday(today), Size.LIGHT))


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _state(state: DesiredState, declared: Dataset) -> list[Check]:
    findings = [*check(declared), *check_rows(declared)]
    if findings:
        return [Check("desired-state", Mark.FAIL, f"{f.what} ({f.where}): {f.why}", f.fix) for f in findings]
    rows = sum(frame.height for frame in declared.frames.values())
    told = f"{state.name} declares {rows:,} rows in {len(declared.frames):,} tables (light dataset)"
    return [Check("desired-state", Mark.OK, told)]


def _target(session: Session, journal: JournalTables, declared: Dataset) -> list[Check]:
    if is_absent(session.target):
        told = f"{session.target} does not exist yet: the first apply makes it"
        return [Check("reachable", Mark.OK, told), *_file_lock(session)]
    try:
        return _file(session, declared) if session.target.is_sqlite else _server(session, journal, declared)
    except ReconcileError as error:
        # Nothing that needs the database can be asked.
        return _failed("reachable", error)


def _failed(identifier: str, error: ReconcileError) -> list[Check]:
    return [Check(identifier, Mark.FAIL, f"{found.what}: {found.why}", found.fix) for found in error.findings]


def _asked(session: Session, identifier: str, ask: Ask) -> list[Check]:
    """Ask one thing; what fails is a check that failed, and the next thing is asked all the same."""
    try:
        with server_errors(session.target):
            return list(ask())
    except ReconcileError as error:
        return _failed(identifier, error)


def _file(session: Session, declared: Dataset) -> list[Check]:
    file = Path(session.target.database)
    with snapshot(session.target, session.engine) as connection:
        version = connection.exec_driver_sql("SELECT sqlite_version()").scalar_one()
        checks = [
            Check("reachable", Mark.OK, f"{session.target} can be read"),
            Check("version", Mark.OK, f"SQLite {version}"),
            *_asked(session, "schema", lambda: _schema(connection, session.state, declared)),
            *_asked(session, "protection", lambda: _protection(connection, session)),
        ]
    if not (os.access(file, os.W_OK) and os.access(file.resolve().parent, os.W_OK)):
        told = "the file or its folder may not be written: plan, drift and verify work, apply does not"
        checks.append(Check("rights-apply", Mark.WARN, told, f"give your account the right to write {file}"))
    return [*checks, *_file_lock(session)]


def _file_lock(session: Session) -> list[Check]:
    file = lock_file(session.target)
    return [check_lock(file_holder(file) if file else None)]


def _server(session: Session, journal: JournalTables, declared: Dataset) -> list[Check]:
    target = session.target
    with asking(target, session.engine) as connection:
        settings = read_settings(connection)
        rights = read_rights(connection)
        sessions = read_sessions(connection)
        others = [other for other in sessions.on(target.database) if not other.process.is_system]
        present = set(inspect(connection).get_table_names())
        cleared = [name for name in session.state.cleared if name in present and name not in session.state.specs]
        specs = [spec for name, spec in session.state.specs.items() if name in present or name in declared.frames]

        def needs() -> list[Need]:
            return journaling(connection, journal, rights, settings, keep_runs=1)

        holder = server_holder(connection, target.database, journal)
        if holder is not None:
            others = [other for other in others if other.process.id != holder.connection_id]
        return [
            Check("reachable", Mark.OK, f"{target} answers, as account {settings.account}"),
            *check_server(settings, target.url.host or ""),
            *_asked(session, "capabilities", lambda: _capabilities(connection, session)),
            *_asked(session, "rights", lambda: check_rights(rights, settings, specs, cleared, needs())),
            *_asked(session, "schema", lambda: _schema(connection, session.state, declared)),
            *check_sessions(others, sessions.unseen),
            check_lock(holder),
            *_asked(session, "protection", lambda: _protection(connection, session)),
        ]


def _capabilities(connection: Connection, session: Session) -> list[Check]:
    with asking(session.target, session.engine) as other:
        return check_capabilities(read_capabilities(connection, other))


def _schema(connection: Connection, state: DesiredState, declared: Dataset) -> list[Check]:
    schema = introspect(connection)
    if not set(schema.tables) & set(state.specs):
        told = f"none of the {len(state.specs):,} tables of the desired state exists"
        fix = "bring the schema up to date, or create the tables with `reconcile schema create`"
        return [Check("schema", Mark.FAIL, told, fix)]
    optional = {step.id for step in state.steps if step.is_optional}
    needed = [spec for spec in state.specs.values() if spec.step not in optional]
    checks = check_schema_findings(check_schema(needed, schema, declared), len(needed))
    spare = [spec for spec in state.specs.values() if spec.step in optional]
    findings = check_schema(spare, schema, declared)
    return checks + [
        replace(found, mark=Mark.WARN, fix=f"{found.fix}; --continue-on-error leaves its step out")
        for found in (check_schema_findings(findings, len(spare)) if findings else [])
    ]


def _protection(connection: Connection, session: Session) -> list[Check]:
    protection = protection_of(session, connection)
    if protection is None:
        return [Check("protection", Mark.OK, "the target is not protected")]
    return [Check("protection", Mark.OK, f"the target is protected ({protection}): apply needs --confirm")]
