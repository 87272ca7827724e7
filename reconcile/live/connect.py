"""Connections: every session pinned to UTC, strict mode and utf8mb4; the reading and the writing transaction."""

import socket
import sqlite3
import ssl
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from pymysql.connections import Connection as PymysqlConnection
from pymysql.constants import CLIENT
from sqlalchemy import Connection, Dialect, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from reconcile.live import clear_text
from reconcile.live.drivers import Driver, installed_library, reading
from reconcile.live.mysqlclient import connect_arguments
from reconcile.live.server_errors import LOGIN_NOT_OFFERED, NOT_PROTECTED, error_number, server_errors
from reconcile.live.target import Target, tls_arguments

SQL_MODE = "STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
"""No NO_BACKSLASH_ESCAPES: the bulk encoder escapes with backslashes. Source: MySQL manual, "Server SQL Modes"."""

LONGEST_PAGE = 1 << 28
"""Bytes of one text that the server may join from many rows; its max_allowed_packet sets a lower limit."""

SESSION = (
    f"SET SESSION time_zone = '+00:00', sql_mode = '{SQL_MODE}', "
    "SESSION foreign_key_checks = 1, SESSION unique_checks = 1, "
    f"SESSION group_concat_max_len = {LONGEST_PAGE}"
)

CONNECT_TIMEOUT_S = 10
KEEP_ALIVE_S = 30


def open_engine(target: Target, program: str = "reconcile") -> Engine:
    """Give an engine that keeps no idle connections; nothing is contacted yet. *program* is what the server is told."""
    if target.is_sqlite:
        engine = create_engine(
            target.url, poolclass=NullPool, hide_parameters=True, connect_args={"timeout": CONNECT_TIMEOUT_S}
        )
        event.listen(engine, "connect", _pin_sqlite)
        # The driver's own implicit BEGIN would leave SELECT and DDL outside the transaction.
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    engine = create_engine(
        target.url,
        poolclass=NullPool,
        hide_parameters=True,  # no value of a statement in a traceback
        connect_args={
            "charset": "utf8mb4",
            # The driver would encode it as Latin-1; servers hash what they were told in UTF-8.
            "password": (target.url.password or "").encode(),
            "connect_timeout": CONNECT_TIMEOUT_S,
            "program_name": program,
            # The driver refuses to send a file all the same but for what `apply.load` asks for.
            "client_flag": CLIENT.FOUND_ROWS | CLIENT.LOCAL_FILES,
            "read_timeout": target.read_timeout_s,
            "write_timeout": target.read_timeout_s,
            "init_command": SESSION,
            **tls_arguments(target),
            "auth_plugin_map": {} if target.demands_tls else dict.fromkeys(clear_text.PLUGINS, clear_text.Refusal),
        },
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


class Unchecked(PymysqlConnection):
    """
    The driver's connection, which loads no certificates of authorities where it checks none.

    It loads them for every connection, although no authority is asked when TLS is only used as the server offers it:
    most of the time that it takes to connect to a server near by.
    """

    ctx: ssl.SSLContext

    def _create_ssl_ctx(self, sslp: object) -> ssl.SSLContext:
        if sslp:
            context: ssl.SSLContext = super()._create_ssl_ctx(sslp)  # type: ignore[misc]  # not in the stubs
            return context
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context


def _connect(
    _dialect: Dialect, _record: object, _arguments: object, settings: MutableMapping[str, Any]
) -> DBAPIConnection:
    return cast(DBAPIConnection, Unchecked(**settings))


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
    driver = Unchecked(**settings, defer_connect=True)
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

    Source: MySQL manual, "START TRANSACTION, COMMIT, and ROLLBACK Statements"; MariaDB documents the same.

    Raises:
        ReconcileError: the database cannot be reached or read; four parts, exit code 1.

    """
    with server_errors(target), _connect_reader(target, engine) as connection:
        if target.is_sqlite:
            yield connection
        else:
            # A session that is read-only stays so even if a statement ends the transaction.
            driver = connection.execution_options(isolation_level="AUTOCOMMIT")
            driver.exec_driver_sql("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            driver.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
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
        target.url.set(drivername="mysql+mysqldb"),
        poolclass=NullPool,
        hide_parameters=True,
        connect_args=connect_arguments(target, connect_timeout_s=CONNECT_TIMEOUT_S, init_command=SESSION),
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
