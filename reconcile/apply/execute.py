"""Carry a plan out, table by table, with set-based statements inside a transaction that somebody else commits.

Order: unique values that move are parked, rows are created parents first, deferred references are set, rows are
updated, rows are deleted children first. What is changed was locked and compared before.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import polars as pl
from sqlalchemy import Column as SqlColumn
from sqlalchemy import Connection, MetaData, String, Table, TableClause, cast, delete, select, update
from sqlalchemy import Integer as SqlInteger
from sqlalchemy.schema import CreateTable

from reconcile.apply.ahead import Ahead, with_ids
from reconcile.apply.aside import put_aside
from reconcile.apply.insert import Inserts
from reconcile.apply.load import LEAST_ROWS
from reconcile.apply.wire import Texts, texts_of, wire
from reconcile.dataset import ID, KEY, Dataset
from reconcile.diff import AFTER, CHANGED, Action
from reconcile.errors import Finding, ReconcileError
from reconcile.live.read import first_of, highest, read_new
from reconcile.live.tables import ddl_type, named
from reconcile.plan import Plan
from reconcile.spec import Column, TableSpec
from reconcile.table_plan import TablePlan
from reconcile.values import Secret, Text

STAGING = "reconcile_staging"

ROWS_PER_QUESTION = 1_000
"""So many rows are written between two questions whether the run lock is still ours."""


StillLocked = Callable[[Connection], None]
"""Raises when the run lock is ours no more; asked over the connection that writes."""

NOT_AHEAD: Ahead = {}
NO_HIGHEST: Mapping[str, int] = {}

Sending = Callable[[str, pl.DataFrame], None]
"""
Told of each table the rows that are created under new ids, in wire form, where that is all of them; of rows that others
refer to, when they are written, with their ids.
"""


class Progress(Protocol):
    """Who is told how far a run is."""

    def started(self, table: str, rows: int) -> None:
        """Work on *table* begins; *rows* are to be written."""

    def advanced(self, table: str, rows: int) -> None:
        """*rows* more rows of *table* are written."""

    def finished(self, table: str) -> None:
        """All rows of *table* are written."""


@dataclass(slots=True)
class _Run:
    """
    One execution: the connection, the live tables, the values of secrets, the ids known so far, what text references
    are written as, the very text of cells that come back, and how rows are inserted.
    """

    connection: Connection
    tables: Mapping[str, TableClause]
    secrets: Mapping[str, str] = field(repr=False)
    progress: Progress
    ids: dict[str, pl.DataFrame]
    texts: Texts
    stored: Mapping[str, pl.DataFrame]
    inserts: Inserts
    sending: Sending
    highest: Mapping[str, int]
    """The highest surrogate key of each table that creates refer to, as it was before."""
    ahead: Ahead
    new: dict[str, pl.Series] = field(default_factory=dict)
    """By table that creates refer to, the ids of the created rows, in their order."""

    @property
    def dialect(self) -> str:
        return self.connection.dialect.name


def execute(
    connection: Connection,
    plan: Plan,
    live: Dataset,
    secrets: Mapping[str, str],
    progress: Progress,
    still_locked: StillLocked,
    stored: Mapping[str, pl.DataFrame],
    sending: Sending = lambda _, __: None,
    ahead: Ahead = NOT_AHEAD,
    above: Mapping[str, int] = NO_HIGHEST,
) -> None:
    """
    Write everything *plan* says; *live* are the rows as the transaction sees them now, *secrets* values by name.

    Before the first row and then every `ROWS_PER_QUESTION` *still_locked* is asked. *stored* says by table of
    rows that come back (`_key`, `column`) which text was `stored` where they would be `written` otherwise. *sending* is
    told of new rows; some of them may be in wire form *ahead*, and it may be known *above* which ids of each table they
    come.

    Raises:
        MissingParent: a row refers to one that is neither live nor created.
        ReconcileError: the run lock was lost.

    """
    ids = {name: frame[[KEY, ID]] for name, frame in live.frames.items()}
    tables = {part.spec.name: named(part.spec) for part in plan.tables}
    inserts = Inserts(connection, put_aside(connection, secrets.values()))
    working = [part for part in plan.tables if part.written]
    referred = {target for part in plan.tables for _, target in part.spec.references()}
    parents = [part.spec for part in working if part.spec.name in referred]
    before = {spec.name: above[spec.name] for spec in parents} if above else highest(connection, parents)
    run = _Run(
        connection, tables, secrets, progress, ids, texts_of(plan, live), stored, inserts, sending, before, ahead
    )
    for part in working:
        _park(run, part)
    questions = _Questions(partial(still_locked, connection))
    for part in working:
        questions.before(part.written)
        progress.started(part.spec.name, part.written)
        _create(run, part, plan.deferred)
    for part in working:
        _set_deferred(run, part, plan.deferred)
        _update(run, part)
    for part in working:
        _unlink(run, part, plan.deferred)
    for part in reversed(working):
        questions.before(part.counts[Action.DELETE])
        _delete(run, part)
    for part in working:
        progress.finished(part.spec.name)


@dataclass(slots=True)
class _Questions:
    """Asks before rows are written, at first and whenever many were written since."""

    ask: Callable[[], None]
    rows: int = ROWS_PER_QUESTION

    def before(self, rows: int) -> None:
        """Ask, if it is time, before so many *rows* are written."""
        if rows and self.rows >= ROWS_PER_QUESTION:
            self.ask()
            self.rows = 0
        self.rows += rows


def _create(run: _Run, part: TablePlan, deferred: frozenset[tuple[str, str]]) -> None:
    spec, rows = part.spec, part.of(Action.CREATE)
    if rows.is_empty():
        return
    now = [c for c in spec.declared if (spec.name, c.name) not in deferred]
    is_returning = rows[ID].null_count() < rows.height
    if is_returning:
        _return(run, spec, rows.filter(pl.col(ID).is_not_null()), now)
        rows = rows.filter(pl.col(ID).is_null())
        if rows.is_empty():
            return
    known = None if is_returning else run.ahead.get(spec.name)
    values = _wire(run, spec, rows, now) if known is None else with_ids(spec, known, run.new)
    table = run.tables[spec.name]
    above = run.highest.get(spec.name)
    is_all = len(now) == len(spec.declared)
    if is_all and above is None:
        run.sending(spec.name, values)
    _insert(run, table, now, values, spec.name)
    if above is not None:
        ids = _new_ids(run, spec, table, rows, values, above)
        run.new[spec.name] = ids[ID]
        run.ids[spec.name] = pl.concat([run.ids.get(spec.name, _NO_IDS), ids])
        if is_all:
            run.sending(spec.name, values.with_columns(ids[ID].alias(spec.surrogate_key)))


def _return(run: _Run, spec: TableSpec, rows: pl.DataFrame, columns: Sequence[Column]) -> None:
    """Create rows again under the ids that they had."""
    values = _wire(run, spec, rows, columns)
    values = values.select(rows[ID].alias(spec.surrogate_key), *values.columns)  # in the table's order
    _insert(run, run.tables[spec.name], columns, values, spec.name)
    run.ids[spec.name] = pl.concat([run.ids.get(spec.name, _NO_IDS), rows.select(KEY, ID)])


def _wire(run: _Run, spec: TableSpec, rows: pl.DataFrame, columns: Sequence[Column]) -> pl.DataFrame:
    """Give *columns* of what planned rows will be in wire form; what came back is spelt as it was stored."""
    values = wire(spec, rows, AFTER, columns, run.ids, run.secrets, run.texts)
    cells = run.stored.get(spec.name)
    if cells is None:
        return values
    for (name,), spelt in cells.group_by("column"):
        if name in values.columns:
            frame = rows.select(KEY, values[str(name)].cast(pl.String).alias("_cell"))
            found = frame.join(spelt, on=KEY, how="left", maintain_order="left")
            # Written otherwise by now, where it holds an id that has changed, it keeps the tool's own spelling.
            same = pl.col("_cell") == pl.col("written")
            cell = pl.when(same).then(pl.col("stored")).otherwise(pl.col("_cell"))
            values = values.with_columns(found.select(cell.alias(str(name))).to_series())
    return values


_NO_IDS = pl.DataFrame(schema={KEY: pl.String, ID: pl.Int64})


def _new_ids(
    run: _Run, spec: TableSpec, table: TableClause, rows: pl.DataFrame, values: pl.DataFrame, above: int
) -> pl.DataFrame:
    """
    Ask the server which ids it gave to *rows*, in their order: they are found again by their natural key.

    Of many rows whose ids have no gap it is enough to know the first: a server counts upwards as rows come. Rows that
    are read after the write, or the hash of what was sent, which has the ids, prove it. Source: MySQL manual,
    "AUTO_INCREMENT Handling in InnoDB", lock modes.

    They lie *above* the highest that was there, or, where ids are handed out in blocks, anywhere: then every row is
    asked for but those that are known. Source: TiDB manual, "AUTO_INCREMENT"; Vitess manual, "Vitess Sequences".
    """
    if rows.height >= LEAST_ROWS and run.dialect != "sqlite":
        first = first_of(run.connection, spec, above, rows.height)
        if first is not None:
            return rows.select(KEY, pl.int_range(first, first + pl.len(), dtype=pl.Int64).alias(ID))
    wanted = values.select(pl.col(name).cast(pl.String) for name in spec.key).with_columns(rows[KEY])

    def found(given: pl.DataFrame) -> pl.DataFrame:
        ids = wanted.join(given, on=list(spec.key), how="inner", nulls_equal=True, maintain_order="left")
        return ids.select(KEY, ID)

    ids = found(_read_new(run, spec, table, above, rows.height))
    if ids.height < rows.height:
        every = _read_new(run, spec, table, None, rows.height)
        ids = found(every.join(run.ids.get(spec.name, _NO_IDS), on=ID, how="anti"))
    if ids.height != rows.height:
        raise ReconcileError(
            [
                Finding(
                    what="created rows were not found again by their natural key",
                    where=f"table {spec.name}",
                    why=f"{rows.height} rows were created, {ids.height} were found",
                    fix="look for a trigger or a column that changes what is stored",
                )
            ]
        )
    return ids


def _read_new(run: _Run, spec: TableSpec, table: TableClause, above: int | None, expected: int) -> pl.DataFrame:
    """Give id and natural key, as text, of the rows whose id is *above* a number, of all where it is None."""
    key = table.c[spec.surrogate_key]
    if run.dialect != "sqlite":
        given = read_new(run.connection, spec, spec.key, above, expected).rename({spec.surrogate_key: ID})
    else:
        cells = [cast(cell, String) for cell in (key, *(table.c[name] for name in spec.key))]
        query = select(*cells) if above is None else select(*cells).where(key > above)
        schema = dict.fromkeys((ID, *spec.key), pl.String)
        given = pl.DataFrame(run.connection.execute(query).all(), schema=schema, orient="row")
    return given.with_columns(pl.col(ID).cast(pl.Int64))


def _insert(
    run: _Run, table: TableClause, columns: Iterable[Column], values: pl.DataFrame, reported_as: str | None = None
) -> None:
    hides = any(isinstance(column.kind, Secret) for column in columns)
    for height in run.inserts.insert(table, values, hides=hides):
        if reported_as:
            run.progress.advanced(reported_as, height)


def _set_deferred(run: _Run, part: TablePlan, deferred: frozenset[tuple[str, str]]) -> None:
    """Set the references of created rows that had to wait for rows created later."""
    spec = part.spec
    waiting = [c for c in spec.declared if (spec.name, c.name) in deferred]
    rows = part.of(Action.CREATE)
    if not waiting or rows.is_empty():
        return
    # The server's clock columns keep what the row was created with.
    kept = [c for c in spec.declared if c.is_clock_on_update]
    rows = rows.filter(pl.any_horizontal(pl.col(AFTER).struct.field(c.name).is_not_null() for c in waiting))
    ids = rows.select(KEY).join(run.ids[spec.name], on=KEY, how="left", maintain_order="left")[ID]
    _update_from_staging(run, spec, ids, _wire(run, spec, rows, [*waiting, *kept]))


def _update(run: _Run, part: TablePlan) -> None:
    """
    Write of each row what differs in it, and nothing else: the rest may be a secret, which nobody has read.

    A managed clock is written with it, or the server would move it. Source: MySQL manual, "Automatic Initialization
    and Updating for TIMESTAMP and DATETIME".
    """
    if not part.counts[Action.UPDATE]:
        return
    spec = part.spec
    for (names,), rows in part.of(Action.UPDATE).group_by(CHANGED, maintain_order=True):
        changed = [column for column in spec.managed if column.name in names or column.is_clock_on_update]
        _update_from_staging(run, spec, rows[ID], _wire(run, spec, rows, changed))
        run.progress.advanced(spec.name, rows.height)


def _update_from_staging(run: _Run, spec: TableSpec, ids: pl.Series, values: pl.DataFrame) -> None:
    if values.is_empty():
        return
    table = run.tables[spec.name]
    staging = _stage(run, spec, ids, [spec.column(name) for name in values.columns], values)
    run.connection.execute(
        update(table)
        .values({table.c[name]: staging.c[name] for name in values.columns})
        .where(table.c[spec.surrogate_key] == staging.c[ID])
    )
    _drop(run, staging)


def _stage(run: _Run, spec: TableSpec, ids: pl.Series, columns: Sequence[Column], values: pl.DataFrame) -> Table:
    """
    Put ids and new values into a temporary table, which neither commits nor is seen by anybody else.

    Source: MySQL manual, "Statements That Cause an Implicit Commit" (CREATE TEMPORARY TABLE does not).
    """
    staging = Table(
        f"{STAGING}_{spec.name}"[:64],
        MetaData(),
        SqlColumn(ID, SqlInteger(), primary_key=True, autoincrement=False),
        *(SqlColumn(c.name, ddl_type(c.kind, run.dialect), nullable=True) for c in columns),
        prefixes=["TEMPORARY"],
        mysql_default_charset="utf8mb4",  # the database's own default may hold less
    )
    run.connection.execute(CreateTable(staging))
    _insert(run, staging, columns, values.select(ids.alias(ID), *values.columns))
    return staging


def _drop(run: _Run, staging: Table) -> None:
    """
    Drop a staging table; the plain DROP TABLE would commit, even though the table is temporary.

    Source: MySQL manual, "Statements That Cause an Implicit Commit" (not with the TEMPORARY keyword).
    """
    kind = "TABLE" if run.dialect == "sqlite" else "TEMPORARY TABLE"
    quote = run.connection.dialect.identifier_preparer.quote
    run.connection.exec_driver_sql(f"DROP {kind} {quote(staging.name)}")


def _unlink(run: _Run, part: TablePlan, deferred: frozenset[tuple[str, str]]) -> None:
    """
    Clear the deferred references of rows to be deleted: those that refer in a circle could not go one by one.

    Source: MySQL manual, "FOREIGN KEY Constraints" (InnoDB checks row by row, not at the end of the statement).
    """
    if not part.counts[Action.DELETE]:
        return
    circular = [c.name for c in part.spec.columns if (part.spec.name, c.name) in deferred]
    ids = part.of(Action.DELETE)[ID]
    nothing = pl.DataFrame({name: [None] * len(ids) for name in circular}, schema=dict.fromkeys(circular, pl.Int64))
    _update_from_staging(run, part.spec, ids, nothing)


def _delete(run: _Run, part: TablePlan) -> None:
    spec, rows = part.spec, part.of(Action.DELETE)
    if rows.is_empty():
        return
    table = run.tables[spec.name]
    key = table.c[spec.surrogate_key]
    staging = _stage(run, spec, rows[ID], [], pl.DataFrame(height=rows.height))
    # Joined, few rows of a large table are found by their ids. Before 11.1 MariaDB holds each row of a table against a
    # subquery. Source: MySQL manual, "DELETE Statement", multi-table deletes; MariaDB documents the same.
    chosen = key.in_(select(staging.c[ID])) if run.dialect == "sqlite" else key == staging.c[ID]
    run.connection.execute(delete(table).where(chosen))
    _drop(run, staging)
    run.progress.advanced(spec.name, rows.height)


def _park(run: _Run, part: TablePlan) -> None:
    """Move unique values that other rows are about to take out of the way, to a text made of the row's id."""
    spec = part.spec
    if not (part.counts[Action.UPDATE] or part.counts[Action.DELETE]):
        return
    moving = {name for unique in spec.unique if unique != spec.key for name in unique} & {
        column.name for column in spec.columns if isinstance(column.kind, Text)
    }
    if not moving:
        return
    rows = part.rows.filter(
        (pl.col("action") == Action.DELETE)
        | ((pl.col("action") == Action.UPDATE) & pl.col(CHANGED).list.eval(pl.element().is_in(list(moving))).list.any())
    )
    if rows.is_empty():
        return
    parked = rows.select((pl.lit("~") + pl.col(ID).cast(pl.String)).alias(name) for name in sorted(moving))
    _update_from_staging(run, spec, rows[ID], parked)
