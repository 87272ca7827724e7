"""What a server can do, learnt by trying: what is asked and answered decides, not the name that the server goes by.

Nothing is written and nothing stays; SELECT is right enough. What the answers are worth on clusters of which kind is in
docs/distributed.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError

T = TypeVar("T")
_PROBE = "reconcile_probe"
_LIMITS = (
    "group_replication_transaction_size_limit",
    "max_binlog_cache_size",
    "wsrep_max_ws_rows",
    "wsrep_max_ws_size",
)
_SWITCHES = ("group_replication_single_primary_mode", "tidb_txn_mode", "wsrep_on")
_NO_LIMIT = 1 << 60
"""Servers say so many bytes, or 0, when there is no end."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """
    What one server answered.

    `lock_holder_seen` is whether another connection is told which one holds a lock by name, None where there are no
    such locks. `page_bytes` is how long a text of many rows may be. `transaction_limits` are the variables that bound
    a transaction, `many_writers` those that say that several nodes take writes, `waits_for_rows` is whether a locking
    read waits for others. `refused` says by capability what the server answered instead.
    """

    lock_holder_seen: bool | None
    snapshot: bool
    savepoint: bool
    page_bytes: int
    transaction_limits: Mapping[str, int]
    many_writers: tuple[str, ...]
    waits_for_rows: bool
    refused: Mapping[str, str]


def read_capabilities(connection: Connection, other: Connection) -> Capabilities:
    """
    Ask a server over *connection*, and over an*other* of the same target what it sees of the first.

    Both are outside a transaction. Source: MySQL manual, "Locking Functions", "SAVEPOINT" and "START TRANSACTION";
    MariaDB documents the same.

    Raises:
        DBAPIError: the line broke.

    """
    refused: dict[str, str] = {}
    holder_seen = _try(refused, "lock", lambda: _sees_holder(connection, other))
    snapshot = _try(refused, "snapshot", lambda: _run(connection, _SNAPSHOT)) is not None
    savepoint = _try(refused, "savepoint", lambda: _run(connection, _SAVEPOINT)) is not None
    connection.exec_driver_sql("ROLLBACK")
    told = _variables(connection)
    limits = {name: int(told[name]) for name in _LIMITS if told.get(name, "").isdecimal()}
    if told.get("wsrep_on", "OFF") != "ON":
        limits = {name: limit for name, limit in limits.items() if not name.startswith("wsrep")}
    return Capabilities(
        lock_holder_seen=holder_seen,
        snapshot=snapshot,
        savepoint=savepoint,
        page_bytes=int(connection.exec_driver_sql("SELECT @@SESSION.group_concat_max_len").scalar_one()),
        transaction_limits={name: limit for name, limit in limits.items() if 0 < limit < _NO_LIMIT},
        many_writers=tuple(
            f"{name} = {value}"
            for name, value in (("wsrep_on", "ON"), ("group_replication_single_primary_mode", "OFF"))
            if told.get(name) == value
        ),
        waits_for_rows=told.get("tidb_txn_mode", "pessimistic") != "optimistic",
        refused=refused,
    )


_SNAPSHOT = ("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY", "ROLLBACK")
_SAVEPOINT = ("START TRANSACTION", f"SAVEPOINT {_PROBE}", f"ROLLBACK TO SAVEPOINT {_PROBE}")


def _sees_holder(connection: Connection, other: Connection) -> bool:
    own = int(connection.execute(select(func.connection_id())).scalar_one())
    name = f"{_PROBE}_{own}"
    if not connection.execute(select(func.get_lock(name, 1))).scalar():
        return False
    try:
        return bool(other.execute(select(func.is_used_lock(name))).scalar() == own)
    finally:
        connection.execute(select(func.release_lock(name)))


def _run(connection: Connection, statements: tuple[str, ...]) -> bool:
    for statement in statements:
        connection.exec_driver_sql(statement)
    return True


def _try(refused: dict[str, str], name: str, ask: Callable[[], T]) -> T | None:
    try:
        return ask()
    except DBAPIError as error:
        if error.connection_invalidated or error.orig is None:
            raise
        refused[name] = str(error.orig.args[-1]) if error.orig.args else str(error.orig)
        return None


def _variables(connection: Connection) -> dict[str, str]:
    names = ", ".join(f"'{name}'" for name in (*_LIMITS, *_SWITCHES))
    rows = connection.exec_driver_sql(f"SHOW VARIABLES WHERE Variable_name IN ({names})")
    return {str(name).lower(): str(value) for name, value in rows}
