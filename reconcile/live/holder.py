"""Who holds the run lock: by its name on a server, by a file beside the database on SQLite. Takes no lock."""

import errno
import fcntl
import hashlib
import json
import os
import re
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import DBAPIError

from reconcile.live.journal import RUNNING
from reconcile.live.journal_tables import JournalTables
from reconcile.live.sessions import processes, program_names
from reconcile.live.target import Target
from reconcile.sessions import Holder
from reconcile.shard import WHOLE, Shard, meeting

LONGEST_NAME = 64
_PROGRAM = re.compile(r"reconcile (?P<command>\S+) pid (?P<pid>\d+)")


def lock_name(database: str) -> str:
    """
    Give the name of a database's run lock, a digest where the database's own name leaves no room.

    Source: MySQL manual, "Locking Functions" (at most 64 characters, the server's own, not the schema's).
    """
    name = f"reconcile:{database}"
    if len(name) <= LONGEST_NAME:
        return name
    return f"reconcile:{_digest(database)}"


def shard_lock_name(database: str, shard: Shard) -> str:
    """Give the name of the lock that a run of one shard holds; such runs do not shut out each other."""
    name = f"{lock_name(database)}#{shard}"
    return name if len(name) <= LONGEST_NAME else f"reconcile:{_digest(database)}#{shard}"


def _digest(database: str) -> str:
    return hashlib.sha256(database.encode()).hexdigest()[:40]


def shard_holders(connection: Connection, database: str, shard: Shard = WHOLE) -> dict[Shard, int]:
    """Give the connections that hold the locks of shards that *shard* may have a span in common with."""
    shards = meeting(shard)
    asked = ", ".join(["IS_USED_LOCK(%s)"] * len(shards))
    names = tuple(shard_lock_name(database, other) for other in shards)
    found = connection.exec_driver_sql(f"SELECT {asked}", names).one()
    return {other: int(holder) for other, holder in zip(shards, found, strict=True) if holder is not None}


def holding_connections(connection: Connection, database: str) -> set[int]:
    """Give the connections of all runs that hold a lock of *database*: of the whole one, or of shards."""
    whole = connection.execute(select(func.is_used_lock(lock_name(database)))).scalar()
    return {*([] if whole is None else [int(whole)]), *shard_holders(connection, database).values()}


def program_name(command: str) -> str:
    """Give what a run calls itself to the server, for others to read."""
    return f"reconcile {command} pid {os.getpid()}"


def server_holder(
    connection: Connection, database: str, journal: JournalTables | None = None, shard: Shard = WHOLE
) -> Holder | None:
    """
    Say who holds the run lock of *database*, or that of a shard that *shard* meets; None when nobody does.

    Which command it is, and of which process, is told by the connection itself where the server keeps that, else by
    the *journal* once the run writes.
    """
    identifier = connection.execute(select(func.is_used_lock(lock_name(database)))).scalar()
    if identifier is None:
        identifier = min(shard_holders(connection, database, shard).values(), default=None)
    if identifier is None:
        return None
    process = processes(connection).get(int(identifier))
    if process is None:
        return Holder(connection_id=int(identifier))
    command, pid = _told(connection, process.id) or _journaled(connection, journal, process.id) or (None, None)
    now = connection.execute(text("SELECT UTC_TIMESTAMP()")).scalar_one()
    return Holder(
        connection_id=process.id,
        account=f"{process.user}@{process.host}",
        pid=pid,
        command=command,
        # The holder's connection has been silent since it took the lock.
        since=now.replace(microsecond=0) - timedelta(seconds=process.age_s),
    )


def _told(connection: Connection, identifier: int) -> tuple[str, int] | None:
    found = _PROGRAM.fullmatch(program_names(connection).get(identifier, ""))
    return (found["command"], int(found["pid"])) if found else None


def _journaled(connection: Connection, journal: JournalTables | None, identifier: int) -> tuple[str, int] | None:
    """Give command and process of the run that the journal names as under way; an account may lack the right to see."""
    if journal is None:
        return None
    runs = journal.runs.c
    query = select(runs.command, runs.pid).where(runs.connection_id == identifier, runs.status == RUNNING)
    with suppress(DBAPIError):
        row = connection.execute(query.order_by(runs.id.desc()).limit(1)).first()
        return (str(row[0]), int(row[1])) if row else None
    return None


def lock_file(target: Target) -> Path | None:
    """Give the file whose lock is the run lock of an SQLite database; one in memory has none, and no other run."""
    if target.url.database in (None, "", ":memory:"):
        return None
    file = Path(target.database).resolve()
    return file.with_name(f"{file.name}-lock")


def file_holder(file: Path) -> Holder | None:
    """Say who holds the lock of *file*; None when it is free. What a killed run has left behind counts for nothing."""
    try:
        descriptor = os.open(file, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
            raise
        return read_holder(descriptor)
    else:
        return None
    finally:
        os.close(descriptor)


def read_holder(descriptor: int) -> Holder:
    """Read what the holder wrote into its lock file; little is known when it has not come so far."""
    with suppress(ValueError, TypeError, KeyError):
        told = json.loads(os.pread(descriptor, 4096, 0))
        return Holder(
            account=str(told["account"]),
            pid=int(told["pid"]),
            command=str(told["command"]),
            since=datetime.fromisoformat(told["since"]),
        )
    return Holder()


def write_holder(descriptor: int, holder: Holder) -> None:
    """Write who holds the lock into its file."""
    told = {name: value for name, value in asdict(holder).items() if value is not None}
    content = json.dumps(told | {"since": holder.since.isoformat() if holder.since else None}) + "\n"
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, content.encode(), 0)


def now() -> datetime:
    """Give the time, to the second, in UTC and without a zone as all times here."""
    return datetime.now(UTC).replace(microsecond=0, tzinfo=None)
