"""One run at a time: a lock by name on a connection of its own, or the kernel's lock on a file beside the database.

Both are freed by whoever keeps them, the server or the kernel, when the holder dies: a killed run blocks nobody.
"""

import errno
import fcntl
import getpass
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pymysql import MySQLError
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError

from reconcile.errors import ExitCode, Finding, ReconcileError
from reconcile.live.connect import open_lasting_engine
from reconcile.live.holder import (
    file_holder,
    lock_file,
    lock_name,
    now,
    program_name,
    server_holder,
    shard_holders,
    shard_lock_name,
    write_holder,
)
from reconcile.live.journal_tables import JournalTables
from reconcile.live.server_errors import server_errors
from reconcile.live.target import Target
from reconcile.sessions import Holder
from reconcile.shard import WHOLE, Shard

Waiting = Callable[[Holder], None]
"""Who is told, while a run waits, whom it waits for."""

_IDLE_S = 2_147_483
"""The longest wait_timeout that every platform takes. Source: MySQL manual, "Server System Variables"."""

_POLL_S = 0.05


class RunLock(Protocol):
    """The right to write to a target, until the block that holds it ends."""

    @property
    def connection_id(self) -> int | None:
        """The connection that holds the lock; None where a file does."""

    def check(self, connection: Connection) -> None:
        """
        Ask over the connection that writes whether the lock is still ours.

        Raises:
            ReconcileError: it is not; exit code 1, and the transaction must be rolled back.

        """


@contextmanager
def run_lock(
    target: Target,
    command: str,
    timeout_s: float,
    waiting: Waiting,
    journal: JournalTables | None = None,
    shard: Shard = WHOLE,
) -> Iterator[RunLock]:
    """
    Hold the run lock of *target* for *command*; *waiting* is told once per holder while it is waited for.

    Runs of shards that have no span in common do not shut out each other on a server; a file has but one writer.

    The *journal* is asked who holds it where nothing else tells.

    Raises:
        ReconcileError: another run holds it for longer than *timeout_s*; exit code 5, the holder is named.

    """
    file = lock_file(target) if target.is_sqlite else None
    if not target.is_sqlite:
        holding = _server_lock(target, command, timeout_s, waiting, journal, shard)
    elif file is None:
        holding = _no_lock()
    else:
        holding = _file_lock(target, file, command, timeout_s, waiting)
    with holding as lock:
        yield lock


@dataclass(frozen=True, slots=True)
class _Unlocked:
    """A database in memory, which no other run can reach."""

    connection_id: int | None = None

    def check(self, connection: Connection) -> None:
        """Nothing can be lost."""


@contextmanager
def _no_lock() -> Iterator[RunLock]:
    yield _Unlocked()


@dataclass(frozen=True, slots=True)
class _ServerLock:
    """A lock by name that one connection holds."""

    target: Target
    name: str
    connection_id: int

    def check(self, connection: Connection) -> None:
        """Ask the server who holds the lock. Source: MySQL manual, "Locking Functions"."""
        holder = connection.execute(select(func.is_used_lock(self.name))).scalar()
        if holder != self.connection_id:
            whose = "nobody holds it" if holder is None else f"connection {holder} holds it"
            raise _lost(self.target, f"lock {self.name} was that of connection {self.connection_id}; now {whose}")


@contextmanager
def _server_lock(
    target: Target, command: str, timeout_s: float, waiting: Waiting, journal: JournalTables | None, shard: Shard
) -> Iterator[RunLock]:
    """
    Take the lock on a connection outside any pool: it is the session's, so a commit elsewhere does not free it.

    The connection is silent from then on, however long a person thinks: wait_timeout is raised, and the kernel
    keeps the line open. A run of a shard holds the lock of the whole only until it has that of its shard.
    """
    whole = lock_name(target.database)
    name = whole if shard == WHOLE else shard_lock_name(target.database, shard)
    with server_errors(target):
        connection = open_lasting_engine(target, program_name(command)).connect()
    try:
        with server_errors(target):
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.exec_driver_sql(f"SET SESSION wait_timeout = {_IDLE_S}")
            _wait_for_server(connection, target, timeout_s, waiting, journal, shard)
            if name != whole:
                connection.execute(select(func.get_lock(name, 0)))
                connection.execute(select(func.release_lock(whole)))
            identifier = int(connection.execute(select(func.connection_id())).scalar_one())
        yield _ServerLock(target, name, identifier)
    finally:
        release(connection, name)


def _wait_for_server(
    connection: Connection,
    target: Target,
    timeout_s: float,
    waiting: Waiting,
    journal: JournalTables | None,
    shard: Shard,
) -> None:
    """Wait for the lock of the whole while no run of a shard that *shard* meets is under way."""
    name = lock_name(target.database)
    deadline = time.monotonic() + timeout_s
    told: Holder | None = None
    patience_s = 0  # the first try does not wait, so that it is said at once whom the others wait for
    while not _take(connection, target.database, name, patience_s, shard):
        left = deadline - time.monotonic()
        holder = server_holder(connection, target.database, journal, shard)  # None: freed this moment
        if holder is not None and left <= 0:
            raise _refused(target, name, holder)
        if holder is not None and (told is None or told.connection_id != holder.connection_id):
            waiting(holder)
            told = holder
        patience_s = 1 if left >= 1 else 0  # whole seconds: not every server takes less
        time.sleep(min(max(left, 0.0), _POLL_S))


def _take(connection: Connection, database: str, name: str, patience_s: int, shard: Shard) -> bool:
    if not connection.execute(select(func.get_lock(name, patience_s))).scalar():
        return False
    if shard_holders(connection, database, shard):
        connection.execute(select(func.release_lock(name)))
        return False
    return True


def release(connection: Connection, name: str) -> None:
    """
    Free the lock before the connection closes: the server may take a moment to notice that.

    Closing asks the server once more, and what the driver then says of a broken line is no error of SQLAlchemy's yet.
    """
    with suppress(DBAPIError):
        if not connection.invalidated and not connection.closed:
            connection.execute(select(func.release_lock(name)))
    with suppress(DBAPIError, MySQLError):
        connection.close()


@dataclass(frozen=True, slots=True)
class _FileLock:
    """The kernel's lock on a file that stands for the database."""

    target: Target
    file: Path
    descriptor: int
    connection_id: int | None = None

    def check(self, connection: Connection) -> None:
        """See that the locked file is still the one that another run would lock."""
        if not _is_current(self.file, self.descriptor):
            raise _lost(self.target, f"{self.file} was removed or replaced while the run held it")


@contextmanager
def _file_lock(target: Target, file: Path, command: str, timeout_s: float, waiting: Waiting) -> Iterator[RunLock]:
    """
    Lock a file of its own, since a database that is not there yet must not be made by looking at it.

    Source: Linux manual, flock(2) (freed when the last descriptor closes, however the process ends).
    """
    descriptor = _take_file(target, file, timeout_s, waiting)
    try:
        with suppress(OSError):  # a leftover of another account can be locked, but not written
            write_holder(descriptor, Holder(None, _account(), os.getpid(), command, now()))
        yield _FileLock(target, file, descriptor)
    finally:
        if _is_current(file, descriptor):
            with suppress(OSError):
                file.unlink()
        os.close(descriptor)


def _take_file(target: Target, file: Path, timeout_s: float, waiting: Waiting) -> int:
    # Somebody who only looks (`reconcile locks`) holds the file for an instant.
    deadline = time.monotonic() + max(timeout_s, 3 * _POLL_S)
    told: Holder | None = None
    while True:
        descriptor = _open(target, file)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if error.errno != errno.EWOULDBLOCK:
                raise _unlockable(target, file, error) from error
        else:
            if _is_current(file, descriptor):
                return descriptor
            os.close(descriptor)  # the run before has just ended and taken the file with it
            continue
        holder = file_holder(file) or told or Holder()
        if time.monotonic() >= deadline:
            raise _refused(target, str(file), holder)
        if timeout_s and holder.pid and holder != told:
            waiting(holder)
            told = holder
        time.sleep(_POLL_S)


def _open(target: Target, file: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT
    try:
        try:
            return os.open(file, flags, 0o666)
        except PermissionError:
            return os.open(file, os.O_RDONLY)
    except OSError as error:
        raise _unlockable(target, file, error) from error


def _is_current(file: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(file.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _account() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in containers
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def _refused(target: Target, name: str, holder: Holder) -> ReconcileError:
    kill = f"`reconcile locks --kill {holder.connection_id}`" if holder.connection_id else "`reconcile locks` names it"
    return ReconcileError(
        [
            Finding(
                what="another run holds the lock",
                where=f"{target}, lock {name}",
                why=f"held by {holder}",
                fix=f"wait until it has ended (--lock-timeout says how long); end one that is stuck: {kill}",
            )
        ],
        ExitCode.LOCKED,
    )


def _lost(target: Target, why: str) -> ReconcileError:
    return ReconcileError(
        [
            Finding(
                what="the run lock was lost, everything was rolled back",
                where=str(target),
                why=why,
                fix="see who ended the connection or removed the file (`reconcile locks`), then run again",
            )
        ]
    )


def _unlockable(target: Target, file: Path, error: OSError) -> ReconcileError:
    return ReconcileError(
        [
            Finding(
                what="the run lock cannot be taken",
                where=f"{target}, lock {file}",
                why=error.strerror or str(error),
                fix="see that the folder exists and may be written, which the database needs as well",
            )
        ]
    )
