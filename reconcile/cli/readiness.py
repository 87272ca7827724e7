"""Can the plan be carried out at all: asked before the prompt and the first write, all findings at once."""

from sqlalchemy import Connection, func, select

from reconcile.apply.journal import Journal
from reconcile.checks.rights import Need, journal_needs, needs_of, refuse_missing, refuse_read_only
from reconcile.cli.output import Output
from reconcile.cli.session import Session
from reconcile.errors import Finding, ReconcileError, Severity
from reconcile.live.connect import asking
from reconcile.live.journal import has_journal
from reconcile.live.journal_tables import JournalTables
from reconcile.live.rights import Rights, read_rights
from reconcile.live.sessions import read_sessions
from reconcile.live.settings import Settings, read_settings
from reconcile.plan import Plan
from reconcile.render.locks import render_session


def require_readiness(plan: Plan, session: Session, journal: Journal | None, output: Output) -> None:
    """
    See that the server takes writes and that the account may do what the plan and the *journal* need.

    Warns of others whose transactions are open on the schema: they may hold rows that the plan is about to change.

    Raises:
        ReconcileError: something is missing, all of it listed; exit code 1, nothing written.

    """
    if session.target.is_sqlite:
        return
    with asking(session.target, session.engine) as connection:
        settings, rights = read_settings(connection), read_rights(connection)
        keeps = [] if journal is None else journaling(connection, journal.tables, rights, settings, journal.keep_runs)
        needs = [*needs_of(plan), *keeps]
        findings = [*refuse_read_only(rights, settings), *refuse_missing(rights, needs, settings)]
        if findings:
            raise ReconcileError(findings)
        output.findings(_at_work(connection, session))


def journaling(
    connection: Connection, tables: JournalTables, rights: Rights, settings: Settings, keep_runs: int
) -> list[Need]:
    """Give the rights that the next run's entry in the journal needs."""
    exists = has_journal(connection, tables)
    is_readable = rights.allow("SELECT", settings.database, tables.runs.name)
    query = select(func.count()).select_from(tables.runs)
    kept = connection.execute(query).scalar_one() if exists and is_readable else 0
    return journal_needs(*tables.names, exists=exists, is_full=kept >= keep_runs, is_mariadb=settings.is_mariadb)


def _at_work(connection: Connection, session: Session) -> list[Finding]:
    """Name the sessions of others that have a transaction open on the schema."""
    return [
        Finding(
            what="somebody else is at work on the schema",
            where=f"{session.target}, {render_session(other)}",
            why="its transaction is open: it may hold rows that this run changes, and keep it waiting",
            fix="let it end, or look with `reconcile locks`",
            severity=Severity.WARNING,
        )
        for other in read_sessions(connection).on(session.target.database)
        if other.transaction is not None
    ]
