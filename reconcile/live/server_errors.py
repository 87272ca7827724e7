"""What the driver's errors mean, in four parts; none of them shows a value of a statement or a password.

Numbers from 2000 to 2999 are the client's. Source: MySQL manual, "Server Error Message Reference"; MariaDB manual,
"MariaDB Error Codes", from 1900.
"""

import sqlite3
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pymysql import MySQLError
from sqlalchemy.exc import DBAPIError

from reconcile.errors import Finding, ReconcileError
from reconcile.live.target import Target

ACCESS_DENIED = frozenset({1044, 1045, 1698, 1142, 1143, 1227})
UNKNOWN_DATABASE = frozenset({1049})
UNREACHABLE = frozenset({2002, 2003, 2005})
NOT_PROTECTED = frozenset({2026})
LOGIN_NOT_OFFERED = frozenset({2059, 2061})
"""The C library does not log in as the server asks: in clear text, or by the server's key on a plain line."""
TLS_DEMANDED = frozenset({3159})
"""A MySQL with require_secure_transport; MariaDB denies access without a reason."""
CONNECTION_LOST = frozenset({0, 2006, 2013, 2014, 2027, 2055, 1053, 1077, 1079, 1152, 1159, 1160, 1161, 1184})
"""The driver says 0 for a connection that it has closed itself, 1053 is a server that shuts down."""
KILLED = frozenset({1317, 1927, 3169, 4031})
"""4031 is a server that ended an idle session, 1927 and 3169 somebody's KILL."""
_LINE_BROKE = 2013
READ_ONLY_SERVER = frozenset({1290, 1836})
READ_ONLY_TRANSACTION = frozenset({1792})
LOCK_WAIT_TIMEOUT = frozenset({1205})
DEADLOCK = frozenset({1213})
DUPLICATE_ENTRY = frozenset({1062})
FOREIGN_KEY_FAILS = frozenset({1216, 1217, 1451, 1452})
DISK_FULL = frozenset({1021, 1026, 1030, 1114})
NOT_IN_CATALOGUE = frozenset({1054, 1109})
"""A column or a table of information_schema that this server does not have."""
PACKET_TOO_LARGE = frozenset({1153, 1301, 2020})
STATEMENT_TIMEOUT = frozenset({1969, 3024})
OUT_OF_MEMORY = frozenset({1037, 1038, 1041, 1206, 2008})
TOO_MANY_CONNECTIONS = frozenset({1040, 1203, 1226})

RETRIED = DEADLOCK | LOCK_WAIT_TIMEOUT
"""What passes once the other session is done. Source: MySQL manual, "How to Minimize and Handle Deadlocks"."""


@contextmanager
def server_errors(target: Target) -> Iterator[None]:
    """Turn the driver's errors into findings."""
    try:
        yield
    except DBAPIError as error:
        raise ReconcileError([explain(target, error)]) from error
    except _driver_errors() as error:  # what a connection says before SQLAlchemy listens
        raise ReconcileError([explain(target, wrapped := DBAPIError(None, None, error))]) from wrapped


def _driver_errors() -> tuple[type[Exception], ...]:
    """Give what the drivers that were imported raise; a driver that was not has raised nothing."""
    mysqlclient = sys.modules.get("MySQLdb")
    return (MySQLError, sqlite3.Error, *((mysqlclient.MySQLError,) if mysqlclient is not None else ()))


def error_number(error: DBAPIError) -> int | None:
    """The server's or client's error number, None where the driver gives none (SQLite)."""
    arguments = error.orig.args if error.orig is not None else ()
    return arguments[0] if arguments and isinstance(arguments[0], int) else None


def explain(target: Target, error: DBAPIError) -> Finding:
    """Say what a driver error means and what to do about it."""
    number = error_number(error)
    arguments = error.orig.args if error.orig is not None else ()
    message = (str(arguments[-1]) if arguments else "") or "the connection is closed"
    if isinstance(getattr(error.orig, "original_exception", None), ssl.SSLError):  # the driver: host not found
        number = min(NOT_PROTECTED)
    if error.connection_invalidated and number in NOT_PROTECTED:
        number = _LINE_BROKE
    what, fix = _explain_file(message) if target.is_sqlite else _explain_number(number)
    return Finding(
        what=what,
        where=f"{target} (chosen by {target.origin})",
        why=message if number is None else f"{message} (error {number})",
        fix=fix,
    )


def _explain_number(number: int | None) -> tuple[str, str]:
    return next((told for numbers, told in _SERVER.items() if number in numbers), _REFUSED)


def _explain_file(message: str) -> tuple[str, str]:
    return next((told for word, told in _FILE.items() if word in message), _REFUSED)


_REFUSED = (
    "the database refused a statement",
    "read the reason; the transaction was rolled back, so mend it and run again",
)

_FILE = {
    "locked": ("the database file is locked", "wait until the other program has finished, then run again"),
    "readonly": (
        "the file is open for reading only",
        "changes go through `reconcile apply`, which needs a file and a folder that it may write",
    ),
    "read-only": (
        "the file is open for reading only",
        "changes go through `reconcile apply`, which needs a file and a folder that it may write",
    ),
    "disk is full": ("the disk is full", "the transaction was rolled back; free some space and run again"),
    "disk I/O error": (
        "the disk is full or does not answer",
        "the transaction was rolled back; check the disk and run again",
    ),
    "unable to open": (
        "the database file cannot be opened",
        "check the path, and that you may read and write the file and its folder",
    ),
    "not a database": ("the file is no SQLite database", "name another file in the URL"),
    "malformed": ("the database file is damaged", "restore it from a backup"),
}
"""What SQLite says, by words: its driver gives no number. Source: SQLite manual, "Result and Error Codes"."""

_SERVER = {
    ACCESS_DENIED: ("access denied", "check user, password and the rights of the account (GRANT) for this database"),
    UNKNOWN_DATABASE: ("unknown database", "check the database name in the URL, or create the database first"),
    UNREACHABLE: (
        "connection refused or host not found",
        "check host and port, that the server runs and that a firewall lets you through",
    ),
    LOGIN_NOT_OFFERED: (
        "the driver cannot log in as the server asks",
        "use RECONCILE_DRIVER=auto or pymysql, or ask for TLS with ?ssl-mode=REQUIRED in the URL",
    ),
    TLS_DEMANDED: ("the server takes no connection without TLS", "add ?ssl-mode=REQUIRED to the URL"),
    NOT_PROTECTED: (
        "the connection cannot be protected as asked",
        "check ssl-mode and ssl-ca (the file with the authority's certificate) in the URL, and that its host is a name "
        "in the server's certificate; no password was sent",
    ),
    CONNECTION_LOST: (
        "the connection to the server was lost",
        "the transaction was rolled back; check the server and the network, then run again",
    ),
    KILLED: (
        "the server ended the session",
        "the transaction was rolled back; ask who ended it (`reconcile locks`), then run again",
    ),
    READ_ONLY_SERVER: ("the server is read-only", "use the primary server, or have read_only switched off"),
    READ_ONLY_TRANSACTION: (
        "only reading is allowed here",
        "use SELECT, SHOW, DESCRIBE or EXPLAIN; changes go through `reconcile apply`",
    ),
    LOCK_WAIT_TIMEOUT: (
        "another session holds a lock for too long",
        "see who with `reconcile locks`, end or wait for the other session, then run again",
    ),
    DEADLOCK: ("a deadlock with another session", "run again; everything was rolled back"),
    DUPLICATE_ENTRY: (
        "a row with this unique value exists already",
        "look at the row named in the reason; run `reconcile plan` again",
    ),
    FOREIGN_KEY_FAILS: (
        "a foreign key does not allow the change",
        "rows of another table depend on it; look at the constraint named in the reason",
    ),
    DISK_FULL: (
        "the server's disk is full",
        "the transaction was rolled back; free some space on the server and run again",
    ),
    PACKET_TOO_LARGE: (
        "a statement is larger than the server takes",
        "raise max_allowed_packet on the server; the default of 16 MB is enough",
    ),
    STATEMENT_TIMEOUT: (
        "a statement took longer than the server allows",
        "raise max_statement_time (MariaDB) or max_execution_time (MySQL), or make the run smaller with -t or --step",
    ),
    OUT_OF_MEMORY: (
        "the server is out of memory",
        "make the run smaller with --batch-size, --light or -t, or give the server more memory",
    ),
    TOO_MANY_CONNECTIONS: (
        "the server takes no more connections",
        "end idle ones (`reconcile locks` shows them) or raise max_connections",
    ),
}
