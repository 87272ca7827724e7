"""The journal as commands use it: its name and how long it is kept, who runs, and what runs there were."""

import getpass
import os
import socket
from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection

from reconcile.apply.journal import Journal
from reconcile.apply.run_lock import RunLock
from reconcile.cli.option_groups import GuardOptions, JournalOptions
from reconcile.cli.session import Session, is_absent
from reconcile.cli.version import TOOL_VERSION
from reconcile.errors import ExitCode, Finding, ReconcileError
from reconcile.journal import Run
from reconcile.live.connect import snapshot
from reconcile.live.journal import last_as_of, read_runs
from reconcile.live.journal_tables import DEFAULT_PREFIX, JournalTables, journal_tables

KEEP_RUNS = 100
_LONGEST = 255


def journal_named(session: Session, options: JournalOptions) -> JournalTables:
    """
    Give the journal's tables: --journal, else RECONCILE_JOURNAL, else reconcile_runs and reconcile_changes.

    Raises:
        ReconcileError: a prefix that cannot name tables; exit code 64.

    """
    return journal_tables(options.journal or session.settings.get("RECONCILE_JOURNAL") or DEFAULT_PREFIX)


def journal_of(
    session: Session, options: GuardOptions, command: str, lock: RunLock | None, undoes: int | None = None
) -> Journal | None:
    """
    Say where and as whose a run is journaled; None with --no-journal.

    Raises:
        ReconcileError: a setting that cannot be used; exit code 64.

    """
    if options.no_journal:
        return None
    return Journal(
        tables=journal_named(session, options),
        keep_runs=options.keep_runs or _keep_runs(session),
        command=command,
        user_name=_user()[:_LONGEST],
        host=socket.gethostname()[:_LONGEST],
        pid=os.getpid(),
        tool_version=TOOL_VERSION,
        connection_id=None if lock is None else lock.connection_id,
        undoes=undoes,
    )


def _keep_runs(session: Session) -> int:
    text = session.settings.get("RECONCILE_KEEP_RUNS") or str(KEEP_RUNS)
    if not text.isdecimal() or int(text) < 1:
        finding = Finding(
            what="the number of runs to keep cannot be used",
            where="RECONCILE_KEEP_RUNS",
            why=f"{text!r} is not a whole number from 1 up",
            fix=f"set it to a number, or leave it out for {KEEP_RUNS}",
        )
        raise ReconcileError([finding], ExitCode.USAGE)
    return int(text)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # an account without a name, as in some containers
        return str(os.getuid())


def last_anchor(session: Session, options: JournalOptions) -> tuple[date | None, int | None]:
    """Give the date that the last apply's dataset hung on, and that run; needs no more than SELECT."""
    if is_absent(session.target):
        return None, None
    with snapshot(session.target, session.engine) as connection:
        return last_as_of(read_runs(connection, journal_named(session, options))) or (None, None)


def run_of(connection: Connection, tables: JournalTables, number: int) -> Run:
    """
    Give one run of the journal.

    Raises:
        ReconcileError: there is no such run; exit code 64.

    """
    runs = read_runs(connection, tables)
    for run in runs:
        if run.id == number:
            return run
    raise no_run(number, runs, tables)


def no_run(number: int, runs: Sequence[Run], tables: JournalTables) -> ReconcileError:
    """Say that there is no run of that number, and which there are."""
    known = f"it has runs {runs[-1].id} to {runs[0].id}" if runs else "it has no run yet"
    finding = Finding(
        what=f"there is no run {number}",
        where=f"the journal {tables.runs.name}",
        why=known,
        fix="see the runs with `reconcile runs`; older ones are removed as --keep-runs says",
    )
    return ReconcileError([finding], ExitCode.USAGE)
