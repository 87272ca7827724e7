"""The run lock, its holder and the sessions of a database: as text for people, as JSON for programs."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconcile.render.cells import visible
from reconcile.render.json import FORMAT_VERSION
from reconcile.sessions import Holder, ServerSession

NO_SESSIONS = "sessions: SQLite keeps no list of the programs that have a file open"


@dataclass(frozen=True, slots=True)
class Locks:
    """What was found on a target: its run lock, the sessions worth a look, how many idle ones there are besides."""

    target: str
    name: str
    holder: Holder | None
    sessions: Sequence[ServerSession] = ()
    idle: int = 0
    unseen: Sequence[str] = ()


def render_locks(locks: Locks) -> str:
    """Give the holder, a line per session with what it waits for, and what could not be seen."""
    lines = [f"Run lock {visible(locks.name)} of {locks.target}"]
    lines.append(f"  held by {visible(str(locks.holder))}" if locks.holder else "  free")
    if locks.sessions:
        lines += ["", "Sessions"]
        lines += [line for session in locks.sessions for line in _session(session)]
    if locks.unseen:
        lines += ["", *(f"Not visible: {reason}" for reason in locks.unseen)]
    waiting = sum(bool(session.waits_for) for session in locks.sessions)
    blocking = sum(bool(session.blocks) for session in locks.sessions)
    stuck = sum(session.is_stuck for session in locks.sessions)
    lines += [
        "",
        f"Locks: run lock {'held' if locks.holder else 'free'}; {len(locks.sessions):,} sessions at work, "
        f"{stuck:,} stuck, {waiting:,} waiting, {blocking:,} blocking; {locks.idle:,} idle.",
    ]
    return "\n".join(lines)


def render_session(session: ServerSession) -> str:
    """Give one line that says who it is and what it does."""
    process, transaction = session.process, session.transaction
    parts = [
        f"{visible(process.user)}@{visible(process.host)}",
        f"schema {visible(process.database)}" if process.database else "no schema",
        f"{process.command} for {process.age_s:,} s" + (f" ({visible(process.state)})" if process.state else ""),
    ]
    if transaction:
        parts.append(
            f"transaction open for {transaction.age_s:,} s, {transaction.rows_changed:,} rows changed, "
            f"{transaction.rows_locked:,} locked"
        )
    return f"connection {process.id}: {', '.join(parts)}"


def _session(session: ServerSession) -> Iterator[str]:
    yield f"{'!' if session.is_stuck else ' '} {render_session(session)}"
    for wait in session.waits_for:
        yield f"      waits for connection {wait.holds}: {visible(wait.what)}"
    if session.blocks:
        yield f"      keeps waiting: {', '.join(str(blocked) for blocked in session.blocks)}"
    if session.process.statement:
        yield f"      {visible(session.process.statement)}"


def render_locks_json(locks: Locks, *, tool_version: str) -> str:
    """Give the same as one JSON document; `locks.schema.json` describes it."""
    document = {
        "format_version": FORMAT_VERSION,
        "tool_version": tool_version,
        "target": locks.target,
        "run_lock": {"name": locks.name, "holder": _holder(locks.holder)},
        "sessions": [_cells(session) for session in locks.sessions],
        "idle": locks.idle,
        "unseen": list(locks.unseen),
    }
    return json.dumps(document, ensure_ascii=False, indent=2)


def _holder(holder: Holder | None) -> Mapping[str, object] | None:
    if holder is None:
        return None
    return {
        "connection_id": holder.connection_id,
        "account": holder.account,
        "pid": holder.pid,
        "command": holder.command,
        "since": f"{holder.since.isoformat()}Z" if holder.since else None,
    }


def _cells(session: ServerSession) -> Mapping[str, object]:
    process, transaction = session.process, session.transaction
    return {
        "connection_id": process.id,
        "account": f"{process.user}@{process.host}",
        "database": process.database,
        "command": process.command,
        "age_s": process.age_s,
        "state": process.state,
        "statement": process.statement,
        "transaction": transaction
        and {
            "age_s": transaction.age_s,
            "rows_locked": transaction.rows_locked,
            "rows_changed": transaction.rows_changed,
        },
        "waits_for": [{"connection_id": wait.holds, "what": wait.what} for wait in session.waits_for],
        "blocks": list(session.blocks),
        "stuck": session.is_stuck,
    }
