"""Ending a session of a server, and seeing that it is gone. Changes no row but those that the server takes back."""

import time

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from reconcile.live.server_errors import error_number
from reconcile.live.sessions import processes

PATIENCE_S = 10.0
_LOOK_EVERY_S = 0.1

# Source: MySQL manual, "Server Error Message Reference"; MariaDB has the same numbers.
_NO_SUCH_SESSION = {1094}
_NOT_ALLOWED = {1095, 1227}


class NotAllowedError(Exception):
    """The session belongs to another account, and this one may not end it."""


def end_session(connection: Connection, identifier: int, patience_s: float = PATIENCE_S) -> bool:
    """
    End the session and give whether it is gone; it may take long to take back what it has written.

    Source: MySQL manual, "KILL Statement".

    Raises:
        NotAllowedError: the account lacks the right to.

    """
    try:
        connection.execute(text("KILL CONNECTION :identifier"), {"identifier": identifier})
    except DBAPIError as error:
        if error_number(error) in _NOT_ALLOWED:
            raise NotAllowedError from error
        if error_number(error) not in _NO_SUCH_SESSION:
            raise
    deadline = time.monotonic() + patience_s
    while identifier in processes(connection):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_LOOK_EVERY_S)
    return True
