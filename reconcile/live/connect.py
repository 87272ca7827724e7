"""Connections: every session pinned to UTC, strict mode and utf8mb4; the reading and the writing transaction."""

import socket
import sqlite3
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection, Dialect, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from reconcile.live import mysqlclient, pymysql
from reconcile.live.drivers import Driver, installed_library, reading
from reconcile.live.pinned import CONNECT_TIMEOUT_S, SNAPSHOT
from reconcile.live.pymysql import PROGRAM
from reconcile.live.server_errors import LOGIN_NOT_OFFERED, NOT_PROTECTED, error_number, server_errors
from reconcile.live.target import Target

KEEP_ALIVE_S = 30


def open_engine(target: Target, program: str = PROGRAM) -> Engine:
    """Give an engine that keeps no idle connections; nothing is contacted yet. *program* is what the server is told."""
    if target.is_sqlite:
        engine = create_engine(
            target.url.for_engine(),
            poolclass=NullPool,
            hide_parameters=True,
            connect_args={"timeout": CONNECT_TIMEOUT_S},
        )
        event.listen(engine, "connect", _pin_sqlite)
        # The driver's own implicit BEGIN would leave SELECT and DDL outside the transaction.
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    engine = create_engine(
        target.url.for_engine(),
        poolclass=NullPool,
        hide_parameters=True,  # no value of a statement in a traceback
        connect_args=pymysql.connect_arguments(target, program),
        isolation_level="REPEATABLE READ",
    )
    event.listen(engine, "do_connect", _connect)
    return engine


def open_lasting_engine(target: Target, program: str) -> Engine:
    """
    Give an engine for a connection that is long silent: the kernel asks every half minute whether the other end lives.

    Gateways of hosting providers forget a line after a few minutes without a packet. Source: Linux manual, tcp(7).
    """
    engine = open_engine(target, program)
    event.listen(engine, "do_connect", _connect_lasting, insert=True)
    return engine


def _connect(
    _dialect: Dialect, _record: object, _arguments: object, settings: MutableMapping[str, Any]
) -> DBAPIConnection:
    return cast(DBAPIConnection, pymysql.Unchecked(**settings))


def _connect_lasting(
    _dialect: Dialect, _record: object, _arguments: object, settings: MutableMapping[str, Any]
) -> DBAPIConnection | None:
    try:
        line = socket.create_connection(
            (settings.get("host") or "localhost", settings.get("port") or 3306), CONNECT_TIMEOUT_S
        )
    except OSError:
        return None  # the driver tries by itself and says what is wrong
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL"):
        if hasattr(socket, name):
            line.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), KEEP_ALIVE_S)
    driver = pymysql.Unchecked(**settings, defer_connect=True)
    driver.connect(line)
    return cast(DBAPIConnection, driver)


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

    Raises:
        ReconcileError: the database cannot be reached or read; four parts, exit code 1.

    """
    with server_errors(target), _connect_reader(target, engine) as connection:
        if target.is_sqlite:
            yield connection
        else:
            driver = connection.execution_options(isolation_level="AUTOCOMMIT")
            for statement in SNAPSHOT:
                driver.exec_driver_sql(statement)
            yield driver
            driver.exec_driver_sql("ROLLBACK")


def _connect_reader(target: Target, engine: Engine) -> Connection:
    """Connect with the driver that reads; one that cannot log in as the server asks leaves it to pymysql."""
    try:
        return _reader(target, engine).connect()
    except DBAPIError as error:
        if target.driver == Driver.MYSQLCLIENT or error_number(error) not in LOGIN_NOT_OFFERED:
            raise
        return engine.connect()


def _reader(target: Target, engine: Engine) -> Engine:
    """
    Give an engine that reads: for a file one that opens it read-only, which no pragma can undo.

    Raises:
        ReconcileError: mysqlclient was asked for and cannot serve this target; exit code 64.

    """
    if not target.is_sqlite:
        chosen = reading(target, installed_library()).driver
        return _mysqlclient_engine(target) if chosen is Driver.MYSQLCLIENT else engine
    if not engine.url.database:
        return engine
    file = Path(engine.url.database).resolve().as_uri() + "?mode=ro"

    def connect() -> sqlite3.Connection:
        # A thread may read ahead, while nobody else uses the connection.
        return sqlite3.connect(file, uri=True, timeout=CONNECT_TIMEOUT_S, check_same_thread=False)

    reader = create_engine("sqlite://", poolclass=NullPool, creator=connect)
    event.listen(reader, "connect", _pin_sqlite)
    event.listen(reader, "begin", _begin_sqlite)
    return reader


@lru_cache(maxsize=1)
def _mysqlclient_engine(target: Target) -> Engine:
    """Give an engine whose driver is mysqlclient; a run reads from one target, many times."""
    engine = create_engine(
        target.url.without_query("mysql+mysqldb").for_engine(),
        poolclass=NullPool,
        hide_parameters=True,
        connect_args=mysqlclient.connect_arguments(target),
        isolation_level="REPEATABLE READ",
    )
    event.listen(engine, "handle_error", _note_broken_tls)
    return engine


def _note_broken_tls(context: ExceptionContext) -> None:
    """See that the line is gone: Connector/C says of TLS that breaks what it says of TLS that cannot begin."""
    error = context.sqlalchemy_exception
    if context.connection is not None and isinstance(error, DBAPIError) and error_number(error) in NOT_PROTECTED:
        context.is_disconnect = True


@contextmanager
def asking(target: Target, engine: Engine) -> Iterator[Connection]:
    """
    Open a connection without a transaction, for what the server says of itself: nothing of it is held.

    Raises:
        ReconcileError: the server cannot be reached or refused; four parts, exit code 1.

    """
    with server_errors(target), engine.connect() as connection:
        yield connection.execution_options(isolation_level="AUTOCOMMIT")


@contextmanager
def onlooking(target: Target, engine: Engine) -> Iterator[Connection | None]:
    """
    Open a read-only connection that also sees what others have written and not committed.

    None for a file, and where the server takes no more connections or knows no such thing. Source: MySQL manual,
    "Transaction Isolation Levels", READ UNCOMMITTED; MariaDB documents the same.
    """
    if target.is_sqlite:
        yield None
        return
    try:
        connection = engine.connect()
    except DBAPIError:
        yield None
        return
    with connection:
        driver = connection.execution_options(isolation_level="AUTOCOMMIT")
        try:
            driver.exec_driver_sql("SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED, READ ONLY")
        except DBAPIError:
            yield None
            return
        yield driver


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
