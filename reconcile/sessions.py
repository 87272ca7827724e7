"""Sessions of a server, who waits for whom, and who holds the run lock. Facts only; reading them is `live`'s."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

STUCK_AFTER_S = 60
"""A statement that runs this long counts as stuck."""

_SYSTEM_USERS = {"system user", "event_scheduler", "unauthenticated user"}
_SYSTEM_COMMANDS = {"Daemon", "Binlog Dump", "Binlog Dump GTID", "Slave_IO", "Slave_SQL", "Slave_worker"}


@dataclass(frozen=True, slots=True)
class Holder:
    """A run that holds the lock, as far as it can be seen from outside."""

    connection_id: int | None = None
    account: str | None = None
    pid: int | None = None
    command: str | None = None
    since: datetime | None = None

    def __str__(self) -> str:
        parts = [
            f"`reconcile {self.command}`" if self.command else "a run",
            f"pid {self.pid}" if self.pid else "",
            self.account or "",
            f"connection {self.connection_id}" if self.connection_id else "",
            f"since {self.since:%Y-%m-%d %H:%M:%S} UTC" if self.since else "",
        ]
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Process:
    """One row of the server's process list; `statement` has no literal left in it."""

    id: int
    user: str
    host: str
    database: str | None
    command: str
    age_s: int
    state: str
    statement: str | None

    @property
    def is_system(self) -> bool:
        """True for the server's own threads, which nobody ends by hand."""
        return self.user in _SYSTEM_USERS or self.command in _SYSTEM_COMMANDS


@dataclass(frozen=True, slots=True)
class Waiting:
    """One session that waits for another, and what the other holds."""

    waits: int
    holds: int
    what: str


@dataclass(frozen=True, slots=True)
class OpenTransaction:
    """How long a session's transaction is open, and what it has done so far."""

    age_s: int
    rows_locked: int
    rows_changed: int


@dataclass(frozen=True, slots=True)
class ServerSession:
    """A session with what is known of its transaction and its locks."""

    process: Process
    transaction: OpenTransaction | None
    waits_for: tuple[Waiting, ...]
    blocks: tuple[int, ...]

    @property
    def is_idle(self) -> bool:
        """True when it does nothing and holds nothing: an open connection, as every application keeps some."""
        return self.process.command == "Sleep" and self.transaction is None and not self.blocks

    @property
    def is_stuck(self) -> bool:
        """True when it waits, keeps others waiting, or has run one statement for long."""
        is_running = self.process.command != "Sleep" and self.process.statement is not None
        is_waiting = bool(self.waits_for) or self.process.state.startswith("Waiting for")
        return is_waiting or bool(self.blocks) or (is_running and self.process.age_s >= STUCK_AFTER_S)


@dataclass(frozen=True, slots=True)
class Sessions:
    """All sessions that this account may see, and what it may not: `unseen` names the source and why."""

    own: int
    all: Mapping[int, ServerSession]
    unseen: tuple[str, ...]

    def on(self, database: str) -> list[ServerSession]:
        """Give the sessions of others that use *database*, and those that theirs wait for or keep waiting."""
        wanted = database.lower()
        used = {key for key, session in self.all.items() if (session.process.database or "").lower() == wanted}
        near = {link.holds for key in used for link in self.all[key].waits_for}
        near |= {blocked for key in used for blocked in self.all[key].blocks}
        return [session for key, session in sorted(self.all.items()) if key in used | near and key != self.own]
