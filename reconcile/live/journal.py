"""What the journal says: runs, what one of them did, and the rows as last applied. Only reads."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

import polars as pl
from sqlalchemy import Connection, Row, inspect, select
from sqlalchemy.exc import DBAPIError

from reconcile.dataset import KEY
from reconcile.decide import Mode
from reconcile.diff import ACTION, AFTER, Action
from reconcile.errors import Finding, ReconcileError
from reconcile.journal import Recorded, Run, columns_of, keys_of, unpack
from reconcile.live.journal_tables import JournalTables
from reconcile.live.server_errors import ACCESS_DENIED, error_number
from reconcile.spec import TableSpec

DONE, RUNNING, FAILED, INTERRUPTED = "done", "running", "failed", "interrupted"


@dataclass(frozen=True, slots=True)
class LastApplied:
    """
    The managed rows as runs left them, from what the journal still holds.

    `frames` have per table the canonical declared columns and `_key` of each row whose newest record is a create or
    an update; `deleted` per table the keys whose newest record is a delete. A key in neither was never journaled.
    `fingerprints` are those of the desired rows, by table as the newest run wanted them, "" the newest run's whole; a
    clear and a rollback want none, and what was rolled back counts no more.
    """

    frames: Mapping[str, pl.DataFrame]
    deleted: Mapping[str, pl.Series]
    fingerprints: Mapping[str, str]


def has_journal(connection: Connection, tables: JournalTables) -> bool:
    """Say whether the target has a journal yet; an account without any right to it sees none."""
    try:
        return inspect(connection).has_table(tables.runs.name)
    except DBAPIError as error:
        if error_number(error) not in ACCESS_DENIED:
            raise
        return False


def read_runs(connection: Connection, tables: JournalTables, limit: int | None = None) -> list[Run]:
    """Read the newest *limit* runs, newest first; none where there is no journal."""
    if not has_journal(connection, tables):
        return []
    runs = tables.runs
    undone = dict[int, int]()
    taken_back = select(runs.c.undoes, runs.c.id).where(runs.c.status == DONE, runs.c.undoes.is_not(None))
    for undoes, by in connection.execute(taken_back.order_by(runs.c.id)):
        undone[undoes] = by
    # A rollback that was rolled back itself has taken nothing back.
    undone = {run: by for run, by in undone.items() if by not in undone}
    query = select(runs).order_by(runs.c.id.desc())
    return [_run(row, undone) for row in connection.execute(query if limit is None else query.limit(limit))]


def _run(row: Row[Any], undone: Mapping[int, int]) -> Run:
    cells = {name.name: getattr(row, name.name) for name in fields(Run) if name.name != "undone_by"}
    return Run(**{**cells, "fingerprints": json.loads(row.fingerprints), "undone_by": undone.get(row.id)})


def read_changes(
    connection: Connection, tables: JournalTables, run: int, key: tuple[str, str] | None = None
) -> dict[str, list[tuple[Action, bytes]]]:
    """Read what *run* did, by table in its order; with *key*, (table, key), only what may name that row."""
    changes = tables.changes
    wanted = select(changes.c.id, changes.c.table_name, changes.c.first_key, changes.c.last_key)
    found = connection.execute(wanted.where(changes.c.run_id == run).order_by(changes.c.seq)).all()
    # Keys are in the order of their code points, which no collation has to share.
    if key is not None:
        found = [row for row in found if row.table_name == key[0] and row.first_key <= key[1] <= row.last_key]
    result: dict[str, list[tuple[Action, bytes]]] = defaultdict(list)
    for row in found:
        one = select(changes.c.action, changes.c.payload).where(changes.c.id == row.id)
        action, payload = connection.execute(one).one()
        result[row.table_name].append((Action(action), bytes(payload)))
    return dict(result)


def recorded(spec: TableSpec, run: int, chunks: Iterable[tuple[Action, bytes]]) -> Recorded:
    """
    Unpack what *run* did to one table.

    Raises:
        ReconcileError: the journal is damaged.

    """
    try:
        return unpack(spec, chunks)
    except (ValueError, KeyError, pl.exceptions.PolarsError) as error:
        raise damaged(run, spec.name, str(error)) from error


def recorded_columns(run: int, table: str, chunks: Sequence[tuple[Action, bytes]]) -> tuple[str, ...]:
    """Name the columns that *run* recorded of a table; raises as `recorded` does."""
    try:
        return columns_of(chunks[0][1])
    except (ValueError, KeyError) as error:
        raise damaged(run, table, str(error)) from error


def damaged(run: int, table: str, why: str) -> ReconcileError:
    """Say that the journal cannot be read."""
    return ReconcileError(
        [
            Finding(
                what="the journal cannot be read",
                where=f"run {run}, table {table}",
                why=why,
                fix="somebody has changed the journal's tables; restore them from a backup",
            )
        ]
    )


def last_as_of(runs: Iterable[Run]) -> tuple[date, int] | None:
    """Give the date that the newest apply that still stands was anchored on, and its run; *runs* newest first."""
    for run in runs:
        if run.command == "apply" and run.has_changed_rows and run.undone_by is None:
            return run.as_of, run.id
    return None


def unfinished(connection: Connection, tables: JournalTables) -> dict[str, frozenset[str]]:
    """
    Give the keys, by table, of the rows that runs created which stopped between two batches.

    Only runs that are newer than the last apply that came to its end: that one has set what they left open.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for run in read_runs(connection, tables):
        if run.command == "apply" and run.status == DONE:
            break
        if run.batches:
            for name, chunks in read_changes(connection, tables, run.id).items():
                created = (payload for action, payload in chunks if action is Action.CREATE)
                found[name] |= {key for payload in created for key in keys_of(payload)}
    return {name: frozenset(keys) for name, keys in found.items()}


def last_applied(connection: Connection, tables: JournalTables, specs: Mapping[str, TableSpec]) -> LastApplied:
    """
    Give the rows of the tables of *specs* as runs last left them; nothing where there is no journal.

    Reads the journal alone, newest run first, so of each key the newest record counts, a rollback's included.
    """
    done = [run for run in read_runs(connection, tables) if run.has_changed_rows]
    frames: dict[str, list[pl.DataFrame]] = defaultdict(list)
    for run in done:
        for name, chunks in read_changes(connection, tables, run.id).items():
            if name in specs:
                frames[name].append(recorded(specs[name], run.id, chunks).rows.select(KEY, ACTION, AFTER))
    newest = {name: pl.concat(parts).unique(KEY, keep="first", maintain_order=True) for name, parts in frames.items()}
    is_gone = pl.col(ACTION) == Action.DELETE
    return LastApplied(
        {name: rows.filter(~is_gone).select(KEY, pl.col(AFTER).struct.unnest()) for name, rows in newest.items()},
        {name: rows.filter(is_gone)[KEY] for name, rows in newest.items()},
        _fingerprints(done),
    )


def _fingerprints(done: Sequence[Run]) -> dict[str, str]:
    found: dict[str, str] = {}
    for run in reversed(done):
        if run.undone_by is None and run.mode not in {Mode.CLEAR, Mode.ROLLBACK}:
            found |= run.fingerprints
    return found
