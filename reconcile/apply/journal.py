"""Write the journal: a run's row before it begins, and in its transaction what it did to each row."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl
from sqlalchemy import Connection, Engine, delete, insert, inspect, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateTable

from reconcile.apply.wire import Texts, texts_of, wire
from reconcile.dataset import ID, KEY
from reconcile.diff import BEFORE, Action
from reconcile.errors import Finding, ReconcileError
from reconcile.journal import STORED, STORED_CELL, Chunk, pack_all
from reconcile.live.connect import transaction
from reconcile.live.journal import DONE, FAILED, INTERRUPTED, RUNNING
from reconcile.live.journal_tables import JournalTables
from reconcile.live.resolve import LiveState
from reconcile.live.target import Target
from reconcile.plan import Plan
from reconcile.values import Decimal, Secret

_LONGEST_ERROR = 1_000

BYTES_TOGETHER = 16_000
"""Of chunks that go in one statement: well under any max_allowed_packet, also when the driver escapes every byte."""


@dataclass(frozen=True, slots=True)
class Journal:
    """Where a run is journaled, who runs it, and how many runs are kept; `undoes` is the run that it takes back."""

    tables: JournalTables
    keep_runs: int
    command: str
    user_name: str
    host: str
    pid: int
    tool_version: str
    connection_id: int | None = None
    undoes: int | None = None


@dataclass(slots=True)
class Entry:
    """
    One run's place in the journal, kept through all its batches; without a journal it notes nothing.

    `plan` is the whole run's, `batches` and `chunks` are how many of them are committed.
    """

    target: Target
    journal: Journal | None
    plan: Plan
    run: int | None = None
    batches: int = 0
    chunks: int = 0
    _noted: int = 0

    def begin(self, connection: Connection) -> None:
        """Enter the run in its own transaction where nobody could see it earlier: in a file that it holds alone."""
        self._noted = self.chunks
        if self.journal is not None and self.target.is_sqlite and not self.batches:
            self.run = _open(connection, self.journal, self.plan)

    def pack(self, plan: Plan, before: LiveState, after: LiveState) -> list[Chunk]:
        """Pack every row that *plan*, a batch or a piece of one, writes as it was and is."""
        if self.journal is None:
            return []
        stored = stored_otherwise(plan, before, texts_of(plan, before.dataset))
        return list(pack_all(plan, before.dataset, after.dataset, stored))

    def note(self, connection: Connection, chunks: Iterable[Chunk]) -> None:
        """Note what was packed; the caller commits."""
        if self.journal is None:
            return
        changes = self.journal.tables.changes
        for group in together(chunks):
            rows = []
            for chunk in group:
                self._noted += 1
                rows.append(_row(self.run, self._noted, chunk))
            connection.execute(insert(changes), rows)

    def end(self, connection: Connection, *, is_last: bool) -> None:
        """Count a batch; with the last one the run is done, and the oldest runs are forgotten."""
        if self.journal is None:
            return
        runs = self.journal.tables.runs
        own = update(runs).where(runs.c.id == self.run)
        connection.execute(own.values(batches=self.batches + 1))
        if not is_last:
            return
        connection.execute(own.values(status=DONE, finished_at=_now()))
        newest = select(runs.c.id).order_by(runs.c.id.desc())
        oldest_kept = connection.execute(newest.limit(1).offset(self.journal.keep_runs - 1)).scalar()
        if oldest_kept is not None:
            connection.execute(delete(runs).where(runs.c.id < oldest_kept))

    def committed(self) -> None:
        """Remember that the batch noted last is committed: the next one goes on behind it."""
        self.batches += 1
        self.chunks = self._noted


def together(chunks: Iterable[Chunk]) -> Iterator[list[Chunk]]:
    """Give chunks in groups that one statement takes: those of small tables together, a large one alone."""
    group: list[Chunk] = []
    size = 0
    for chunk in chunks:
        size += len(chunk.payload)
        if group and size > BYTES_TOGETHER:
            yield group
            group, size = [], len(chunk.payload)
        group.append(chunk)
    if group:
        yield group


def _row(run: int | None, number: int, chunk: Chunk) -> dict[str, Any]:
    return {
        "run_id": run,
        "seq": number,
        "table_name": chunk.table,
        "action": chunk.action.value,
        "row_count": chunk.rows,
        "first_key": chunk.first_key,
        "last_key": chunk.last_key,
        "payload": chunk.payload,
    }


@contextmanager
def journaled(target: Target, engine: Engine, journal: Journal | None, plan: Plan) -> Iterator[Entry]:
    """
    Enter a run before its transaction begins, so that others see who works and a run that was killed stays visible.

    A run that fails is marked so as far as the server can still be reached. On SQLite the entry is part of the first
    transaction and goes with it.

    Raises:
        ReconcileError: the journal's tables are missing and cannot be created.

    """
    entry = Entry(target, journal, plan)
    if journal is not None and not target.is_sqlite:
        with transaction(target, engine) as connection:
            entry.run = _open(connection, journal, plan)
    try:
        yield entry
    except BaseException as error:
        if journal is not None and (entry.batches or not target.is_sqlite):
            with suppress(ReconcileError, DBAPIError):
                _close(target, engine, journal, entry.run, error)
        raise


def _open(connection: Connection, journal: Journal, plan: Plan) -> int:
    create_journal(connection, journal.tables)
    inserted = connection.execute(insert(journal.tables.runs).values(_facts(journal, plan)))
    return int(inserted.inserted_primary_key[0])  # type: ignore[index]


def create_journal(connection: Connection, tables: JournalTables) -> None:
    """
    Create those of the journal's tables that are missing.

    Raises:
        ReconcileError: the account may not create tables.

    """
    present = inspect(connection)
    missing = [table for table in (tables.runs, tables.changes) if not present.has_table(table.name)]
    try:
        for table in missing:
            connection.execute(CreateTable(table, if_not_exists=True))
    except DBAPIError as error:
        raise ReconcileError([_no_tables(tables, error)]) from error


def _no_tables(tables: JournalTables, error: DBAPIError) -> Finding:
    return Finding(
        what="the journal's tables cannot be created",
        where=" and ".join(tables.names),
        why=str(error.orig.args[-1]) if error.orig is not None and error.orig.args else str(error),
        fix="let an account with the right CREATE make the first run, or do without a journal and without rollback: "
        "--no-journal",
    )


def _facts(journal: Journal, plan: Plan) -> dict[str, Any]:
    totals, profile, checksum = plan.totals, plan.profile, plan.checksum
    return {
        "command": journal.command,
        "status": RUNNING,
        "started_at": _now(),
        "user_name": journal.user_name,
        "host": journal.host,
        "pid": journal.pid,
        "connection_id": journal.connection_id,
        "tool_version": journal.tool_version,
        "state": plan.state,
        "mode": plan.mode.value,
        "size": profile.size.value,
        "scale": profile.scale,
        "seed": profile.seed,
        "as_of": profile.as_of,
        "plan_id": checksum[:12],
        "checksum": checksum,
        "fingerprint": plan.fingerprints.get("", ""),
        "fingerprints": json.dumps(dict(plan.fingerprints), sort_keys=True),
        "created": totals[Action.CREATE],
        "updated": totals[Action.UPDATE],
        "deleted": totals[Action.DELETE],
        "undoes": journal.undoes,
        "batches": 0,
    }


def _close(target: Target, engine: Engine, journal: Journal, run: int | None, error: BaseException) -> None:
    is_failure = isinstance(error, Exception)
    what = "; ".join(f.what for f in error.findings) if isinstance(error, ReconcileError) else type(error).__name__
    runs = journal.tables.runs
    with transaction(target, engine) as connection:
        if not target.is_sqlite:
            # What is left of a severed transaction may hold the row: then it is told as interrupted all the same.
            connection.exec_driver_sql("SET SESSION innodb_lock_wait_timeout = 2")
        connection.execute(
            update(runs)
            .where(runs.c.id == run, runs.c.status == RUNNING)
            .values(status=FAILED if is_failure else INTERRUPTED, finished_at=_now(), error=what[:_LONGEST_ERROR])
        )


def stored_otherwise(plan: Plan, before: LiveState, texts: Texts) -> dict[str, pl.DataFrame]:
    """
    Find cells of rows to be changed or deleted whose stored text is not the one that they would be written as.

    MariaDB keeps a JSON document as it was sent, and a boolean may be 2. Source: MariaDB manual, "JSON Data Type".
    A secret is never looked at.
    """
    ids = {name: frame.select(KEY, ID) for name, frame in before.dataset.frames.items()}
    found = {}
    for part in plan.tables:
        if not (part.counts[Action.UPDATE] or part.counts[Action.DELETE]):
            continue
        spec, rows = part.spec, pl.concat([part.of(Action.UPDATE), part.of(Action.DELETE)])
        raw = before.raw.get(spec.name)
        if rows.is_empty() or raw is None:
            continue
        stored = raw.frame()
        columns = [c for c in spec.declared if c.name in stored.columns and not isinstance(c.kind, Secret)]
        numbers = stored.select(pl.col(spec.surrogate_key).cast(pl.Int64).alias(ID), *(c.name for c in columns))
        lines = rows.select(ID).join(numbers, on=ID, how="left", maintain_order="left")
        written = wire(spec, rows, BEFORE, columns, ids, texts=texts)
        cells = [
            _differing(rows[ID], c.name, written[c.name].cast(pl.String), lines[c.name], isinstance(c.kind, Decimal))
            for c in columns
        ]
        cells = [frame for frame in cells if frame.height]
        if cells:
            found[spec.name] = pl.concat(cells).group_by(ID).agg(STORED)
    return found


def _differing(ids: pl.Series, name: str, written: pl.Series, stored: pl.Series, is_number: bool) -> pl.DataFrame:
    frame = pl.DataFrame({ID: ids, "column": [name] * len(ids), "written": written, "stored": stored}).filter(
        pl.col("stored").is_not_null() & pl.col("written").ne_missing(pl.col("stored"))
    )
    if is_number:
        # SQLite drops the zeros at a number's end.
        same = pl.col("written").cast(pl.Float64, strict=False) == pl.col("stored").cast(pl.Float64, strict=False)
        frame = frame.filter(~same.fill_null(value=False))
    return frame.select(ID, pl.struct("column", "written", "stored").cast(STORED_CELL).alias(STORED))


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0, tzinfo=None)
