"""Connections: every session pinned to UTC, strict mode and utf8mb4; server errors said in four parts."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from reconcile.errors import Finding, ReconcileError
from reconcile.live.target import Target, tls_arguments

SQL_MODE = "STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
"""No NO_BACKSLASH_ESCAPES: the bulk encoder escapes with backslashes. Source: MySQL manual, "Server SQL Modes"."""

CONNECT_TIMEOUT_S = 10

# Server error numbers. Source: MySQL manual, "Server Error Message Reference"; 2xxx are the client's.
ACCESS_DENIED = {1044, 1045, 1698, 1142, 1143, 1227}
UNKNOWN_DATABASE = {1049}
UNREACHABLE = {2002, 2003, 2005}
CONNECTION_LOST = {2006, 2013}
READ_ONLY_SERVER = {1290, 1836}
READ_ONLY_TRANSACTION = {1792}
LOCK_WAIT_TIMEOUT = {1205}
DEADLOCK = {1213}
DUPLICATE_ENTRY = {1062}
FOREIGN_KEY_FAILS = {1216, 1217, 1451, 1452}


def open_engine(target: Target) -> Engine:
    """Give an engine that keeps no idle connections; nothing is contacted yet."""
    if target.is_sqlite:
        engine = create_engine(target.url, poolclass=NullPool, connect_args={"timeout": CONNECT_TIMEOUT_S})
        event.listen(engine, "connect", _pin_sqlite)
        # The driver's own implicit BEGIN would leave SELECT and DDL outside the transaction.
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return create_engine(
        target.url,
        poolclass=NullPool,
        connect_args={
            "charset": "utf8mb4",
            "connect_timeout": CONNECT_TIMEOUT_S,
            "init_command": (
                f"SET SESSION time_zone = '+00:00', sql_mode = '{SQL_MODE}', "
                "SESSION foreign_key_checks = 1, SESSION unique_checks = 1"
            ),
            **tls_arguments(target),
        },
        isolation_level="REPEATABLE READ",
    )


def _pin_sqlite(connection: DBAPIConnection, _record: object) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))


@contextmanager
def snapshot(target: Target, engine: Engine) -> Iterator[Connection]:
    """
    Open a read-only transaction that sees one consistent state of the database and rolls back at the end.

    Source: MySQL manual, "START TRANSACTION, COMMIT, and ROLLBACK Statements"; MariaDB documents the same.

    Raises:
        ReconcileError: the database cannot be reached or read; four parts, exit code 1.

    """
    with server_errors(target), _reader(target, engine).connect() as connection:
        if target.is_sqlite:
            yield connection
        else:
            # A session that is read-only stays so even if a statement ends the transaction.
            driver = connection.execution_options(isolation_level="AUTOCOMMIT")
            driver.exec_driver_sql("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            driver.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
            yield driver
            driver.exec_driver_sql("ROLLBACK")


def _reader(target: Target, engine: Engine) -> Engine:
    """Give *engine* for a server; for a file one that opens it read-only, which no pragma can undo."""
    if not target.is_sqlite or not engine.url.database:
        return engine
    file = Path(engine.url.database).resolve().as_uri() + "?mode=ro"
    reader = create_engine(
        "sqlite://", poolclass=NullPool, creator=lambda: sqlite3.connect(file, uri=True, timeout=CONNECT_TIMEOUT_S)
    )
    event.listen(reader, "connect", _pin_sqlite)
    event.listen(reader, "begin", _begin_sqlite)
    return reader


@contextmanager
def transaction(target: Target, engine: Engine) -> Iterator[Connection]:
    """
    Open the transaction that writes: committed when the block ends, rolled back when it raises.

    Raises:
        ReconcileError: the server refused; everything is rolled back.

    """
    with server_errors(target), engine.connect() as connection:
        # An upgrade from a read lock could fail half way; SQLite takes the write lock at once instead.
        writer = connection.execution_options(begin="BEGIN IMMEDIATE") if target.is_sqlite else connection
        with writer.begin():
            yield writer


@contextmanager
def server_errors(target: Target) -> Iterator[None]:
    """Turn the driver's errors into findings; none of them shows a value or a password."""
    try:
        yield
    except DBAPIError as error:
        raise ReconcileError([explain(target, error)]) from error


def error_number(error: DBAPIError) -> int | None:
    """The server's or client's error number, None where the driver gives none (SQLite)."""
    arguments = error.orig.args if error.orig is not None else ()
    return arguments[0] if arguments and isinstance(arguments[0], int) else None


def explain(target: Target, error: DBAPIError) -> Finding:
    """Say what a driver error means and what to do about it."""
    number = error_number(error)
    arguments = error.orig.args if error.orig is not None else ()
    message = str(arguments[-1]) if arguments else str(error)
    what, fix = _EXPLANATIONS[None]
    for numbers, explanation in _EXPLANATIONS.items():
        if numbers is not None and number in numbers:
            what, fix = explanation
    if target.is_sqlite and "locked" in message:
        what, fix = "the database file is locked", "wait until the other program has finished, then run again"
    if target.is_sqlite and ("readonly" in message or "read-only" in message):
        what = "the file is open for reading only"
        fix = "changes go through `reconcile apply`, which needs a file and a folder that it may write"
    return Finding(
        what=what,
        where=f"{target} (chosen by {target.origin})",
        why=message if number is None else f"{message} (error {number})",
        fix=fix,
    )


_EXPLANATIONS: dict[frozenset[int] | None, tuple[str, str]] = {
    None: ("the database refused a statement", "read the reason; nothing was changed, so mend it and run again"),
    frozenset(ACCESS_DENIED): (
        "access denied",
        "check user, password and the rights of the account (GRANT) for this database",
    ),
    frozenset(UNKNOWN_DATABASE): (
        "unknown database",
        "check the database name in the URL, or create the database first",
    ),
    frozenset(UNREACHABLE): (
        "connection refused or host not found",
        "check host and port, that the server runs and that a firewall lets you through",
    ),
    frozenset(CONNECTION_LOST): (
        "the connection to the server was lost",
        "nothing was committed; check the server and the network, then run again",
    ),
    frozenset(READ_ONLY_SERVER): ("the server is read-only", "use the primary server, or have read_only switched off"),
    frozenset(READ_ONLY_TRANSACTION): (
        "only reading is allowed here",
        "use SELECT, SHOW, DESCRIBE or EXPLAIN; changes go through `reconcile apply`",
    ),
    frozenset(LOCK_WAIT_TIMEOUT): (
        "another session holds a lock for too long",
        "end or wait for the other session, then run again",
    ),
    frozenset(DEADLOCK): ("a deadlock with another session", "run again; everything was rolled back"),
    frozenset(DUPLICATE_ENTRY): (
        "a row with this unique value exists already",
        "look at the row named in the reason; run `reconcile plan` again",
    ),
    frozenset(FOREIGN_KEY_FAILS): (
        "a foreign key does not allow the change",
        "rows of another table depend on it; look at the constraint named in the reason",
    ),
}
