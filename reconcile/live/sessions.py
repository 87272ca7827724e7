"""Who is connected to a server, who waits for whom and for what; statements without their literals.

Asks what is there instead of which server it is: a source that is missing or not allowed is named, never an error.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from reconcile.sessions import OpenTransaction, Process, ServerSession, Sessions, Waiting

LONGEST_STATEMENT = 300
_PROGRAM_NAMES = (
    "SELECT processlist_id, attr_value FROM performance_schema.session_connect_attrs WHERE attr_name = 'program_name'",
    "SELECT processlist_id, attr_value FROM performance_schema.session_account_connect_attrs "
    "WHERE attr_name = 'program_name'",
)
"""Of all accounts, else of one's own."""

_LITERALS = re.compile(
    r"""
    /\*.*?(?:\*/|$)                              # a comment, or one that was cut off
    | (?:--\s|\#)[^\n]*
    | (`(?:[^`]|``)*(?:`|$))                     # an identifier is kept
    | (?:\b[xXbBnN]|\b_[A-Za-z0-9]+\s*)?'(?:[^'\\]|\\[^']|'')*(?:'|\\'.*|\\?$)
    | "(?:[^"\\]|\\[^"]|"")*(?:"|\\".*|\\?$)
    | \b0[xXbB][0-9A-Fa-f]+\b
    | (?<![\w`$@])-?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?(?!\w)
    | (?<![\w`$@])\.\d+(?!\w)
    """,
    re.VERBOSE | re.DOTALL,
)


def masked(statement: str) -> str:
    """
    Give a statement on one line, `?` for every literal: it may be a password, and is nobody's business.

    What a backslash before a quote means depends on the session's sql_mode: from there on nothing is shown.
    Source: MySQL manual, "Server SQL Modes" (NO_BACKSLASH_ESCAPES).
    """
    plain = _LITERALS.sub(_replacement, statement)
    line = " ".join(plain.split())
    return line if len(line) <= LONGEST_STATEMENT else line[: LONGEST_STATEMENT - 1] + "…"


def _replacement(found: re.Match[str]) -> str:
    if found[1] is not None:
        return found[1]
    return " " if found[0].startswith(("/*", "--", "#")) else "?"


def processes(connection: Connection) -> dict[int, Process]:
    """
    Give the process list by connection id: of all accounts with the PROCESS right, else of one's own.

    Source: MySQL manual and MariaDB documentation, "SHOW PROCESSLIST".
    """
    found = connection.exec_driver_sql("SHOW FULL PROCESSLIST")
    rows = [tuple(row)[:8] for row in found]
    return {
        int(identifier): Process(
            id=int(identifier),
            user=str(user),
            host=str(host or ""),
            database=database,
            command=str(command),
            age_s=max(0, int(age or 0)),
            state=str(state or ""),
            statement=masked(statement) if statement else None,
        )
        for identifier, user, host, database, command, age, state, statement in rows
    }


def program_names(connection: Connection) -> dict[int, str]:
    """
    Give the name that each session's program has told, where the server keeps it and lets it be read.

    Source: MySQL manual, "Performance Schema Connection Attribute Tables".
    """
    for query in _PROGRAM_NAMES:
        rows = _rows(connection, query)
        if not isinstance(rows, str) and rows:
            return {int(str(identifier)): str(name) for identifier, name in rows}
    return {}


def read_sessions(connection: Connection) -> Sessions:
    """Read all sessions with their transactions and whom they wait for."""
    own = int(connection.execute(text("SELECT CONNECTION_ID()")).scalar_one())
    unseen: list[str] = []
    listed = processes(connection)
    transactions, ids = _transactions(connection, unseen)
    waits = [*_row_lock_waits(connection, ids, unseen), *_other_lock_waits(connection, listed, unseen)]
    # What InnoDB tells may be a moment older than the list, and a session that has ended waits for nobody.
    others = listed.keys() - {own}
    waits = [wait for wait in dict.fromkeys(waits) if wait.waits != wait.holds and {wait.waits, wait.holds} <= others]
    waits_for: dict[int, list[Waiting]] = defaultdict(list)
    blocks: dict[int, list[int]] = defaultdict(list)
    for wait in waits:
        waits_for[wait.waits].append(wait)
        if wait.waits not in blocks[wait.holds]:
            blocks[wait.holds].append(wait.waits)
    return Sessions(
        own,
        {
            key: ServerSession(process, transactions.get(key), tuple(waits_for[key]), tuple(blocks[key]))
            for key, process in listed.items()
        },
        tuple(unseen),
    )


def _transactions(connection: Connection, unseen: list[str]) -> tuple[dict[int, OpenTransaction], dict[str, int]]:
    """
    Give the open transactions by connection id, and the connection id of each transaction's own id.

    The server writes when one began in its host's time zone. Source: MySQL manual, "The INFORMATION_SCHEMA
    INNODB_TRX Table"; MariaDB documents the same.
    """
    rows = _rows(
        connection,
        "SELECT trx_id, trx_mysql_thread_id, "
        "TIMESTAMPDIFF(SECOND, trx_started, CONVERT_TZ(UTC_TIMESTAMP(), '+00:00', 'SYSTEM')), "
        "trx_rows_locked, trx_rows_modified FROM information_schema.innodb_trx",
    )
    if isinstance(rows, str):
        unseen.append(f"open transactions and row locks: {rows}")
        return {}, {}
    found = {
        int(str(thread)): OpenTransaction(max(0, _number(age)), _number(locked), _number(changed))
        for _, thread, age, locked, changed in rows
        if _number(thread)
    }
    return found, {str(transaction): int(str(thread)) for transaction, thread, *_ in rows}


def _row_lock_waits(connection: Connection, ids: Mapping[str, int], unseen: list[str]) -> list[Waiting]:
    """
    Give who waits for whose row locks; the two servers keep it in different places.

    Source: MySQL manual, "The data_lock_waits Table"; MariaDB documentation, "Information Schema INNODB_LOCK_WAITS".
    """
    if not ids:
        return []
    sources = (
        "SELECT requesting_trx_id, blocking_trx_id FROM information_schema.innodb_lock_waits",
        "SELECT requesting_engine_transaction_id, blocking_engine_transaction_id "
        "FROM performance_schema.data_lock_waits",
    )
    answers = [_rows(connection, source) for source in sources]
    reasons = [answer for answer in answers if isinstance(answer, str)]
    if len(reasons) == len(answers):
        unseen.append(f"who waits for whose row locks: {reasons[-1]}")
    pairs = {
        (ids[str(waits)], ids[str(holds)])
        for answer in answers
        if not isinstance(answer, str)
        for waits, holds in answer
        if str(waits) in ids and str(holds) in ids
    }
    return [Waiting(waits, holds, "row lock") for waits, holds in sorted(pairs)]


def _other_lock_waits(connection: Connection, listed: Mapping[int, Process], unseen: list[str]) -> list[Waiting]:
    """
    Give who waits for a table's metadata lock or a lock by name, and who holds it.

    Source: MySQL manual, "The metadata_locks Table"; MariaDB has it where its performance schema is switched on.
    """
    is_waiting = any("metadata lock" in process.state or "User lock" in process.state for process in listed.values())
    if not is_waiting:
        return []
    rows = _rows(
        connection,
        "SELECT t.processlist_id, l.object_type, l.object_schema, l.object_name, l.lock_status "
        "FROM performance_schema.metadata_locks l "
        "JOIN performance_schema.threads t ON t.thread_id = l.owner_thread_id "
        "WHERE t.processlist_id IS NOT NULL",
    )
    if isinstance(rows, str) or not rows:
        reason = rows if isinstance(rows, str) else "the performance schema is off"
        unseen.append(f"who holds the metadata locks and named locks that sessions wait for: {reason}")
        return []
    return _pairs(rows)


def _pairs(rows: Iterable[Sequence[object]]) -> list[Waiting]:
    """Match those who wait for an object with those who hold it."""
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    waiting: list[tuple[int, tuple[str, ...]]] = []
    for identifier, kind, schema, name, status in rows:
        place = (str(kind), str(schema or ""), str(name or ""))
        if status == "GRANTED":
            holders[place].append(int(str(identifier)))
        elif status == "PENDING":
            waiting.append((int(str(identifier)), place))
    return [
        Waiting(waits, holds, f"{'named' if place[0] == 'USER LEVEL LOCK' else 'metadata'} lock {'.'.join(place[1:])}")
        for waits, place in waiting
        for holds in holders[place]
    ]


def _rows(connection: Connection, query: str) -> list[tuple[object, ...]] | str:
    """Give a query's rows, or in a few words why there are none to be had."""
    try:
        return [tuple(row) for row in connection.exec_driver_sql(query)]
    except DBAPIError as error:
        if error.connection_invalidated or error.orig is None:
            raise
        number = error.orig.args[0] if error.orig.args else None
        return "the account lacks a right" if number in {1142, 1143, 1044, 1227} else "this server does not tell"


def _number(cell: object) -> int:
    return int(str(cell)) if cell is not None else 0
