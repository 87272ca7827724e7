"""What a run does when the line to the server breaks: end the session that is left there, then look what it did.

The server notices a dead client late, or not at all while it works; until then the session keeps its locks and may
still commit. So nothing is said about the rows before that session is gone.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, column, func, select, table
from sqlalchemy.exc import DBAPIError

from reconcile.errors import Finding, ReconcileError
from reconcile.live.connect import asking
from reconcile.live.server_errors import CONNECTION_LOST, KILLED, error_number
from reconcile.live.target import Target

PATIENCE_S = 20.0
"""How long a server that does not answer, or a session that does not end, is waited for."""

_PAUSE_S = 0.1
_SESSIONS = table("processlist", column("id"), schema="information_schema")


@dataclass(slots=True)
class Line:
    """The session that a run writes in; it has no number on SQLite, where there is no server."""

    target: Target
    engine: Engine
    session: int | None = None

    def note(self, connection: Connection) -> None:
        """Ask for the session's number while the line is there."""
        if not self.target.is_sqlite:
            self.session = int(connection.execute(select(func.connection_id())).scalar_one())


@contextmanager
def line(target: Target, engine: Engine) -> Iterator[Line]:
    """Watch the line that the block writes over; when it breaks, end the session at its other end before going on."""
    watched = Line(target, engine)
    try:
        yield watched
    except ReconcileError as error:
        if is_severed(error) and watched.session is not None:
            _end_session(target, engine, watched.session)
        raise


def is_severed(error: ReconcileError) -> bool:
    """Say whether a command failed because the line broke or the session was ended, and not for what it said."""
    cause = error.__cause__
    return isinstance(cause, DBAPIError) and error_number(cause) in CONNECTION_LOST | KILLED


def _end_session(target: Target, engine: Engine, session: int) -> None:
    """
    End a session of our own account and wait until it is gone; a server that is not there has no session.

    Source: MySQL manual, "KILL Statement" (one may end the sessions of one's own account).
    """

    def try_once() -> bool:
        with asking(target, engine) as connection:
            with suppress(DBAPIError):
                connection.exec_driver_sql(f"KILL {session:d}")
            waiting = select(func.count()).select_from(_SESSIONS).where(_SESSIONS.c.id == session)
            return not connection.execute(waiting).scalar_one()

    _patiently(try_once)


def _patiently(work: Callable[[], bool]) -> bool:
    """Do *work* until it gives true or patience ends; a server that does not answer yet is asked again."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with suppress(ReconcileError):
            if work():
                return True
        time.sleep(_PAUSE_S)
    return False


def unknown_end(target: Target, error: ReconcileError) -> ReconcileError:
    """Say that the line broke during the commit and that nobody can tell whether it happened."""
    return ReconcileError(
        [
            Finding(
                what="it is not known whether the run was committed",
                where=str(target),
                why=f"the line broke during the commit and the server does not answer: {error.findings[0].why}",
                fix="when the server is there again, see with `reconcile plan` whether anything is left to do",
            )
        ]
    )
