"""The journal's records: what a run did to each row, packed for the database and read back. Reaches no database.

A record is one line of JSON: key, id, step, reason, the cells before and after in their exact text form. Lines of one
table and action are packed in chunks, compressed as the server's own COMPRESS() does it.
"""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from io import BytesIO

import polars as pl

from reconcile.dataset import ID, KEY, STEP, Dataset
from reconcile.decide import complete
from reconcile.diff import ACTION, AFTER, BEFORE, CHANGED, REASON, WHY, Action, empty_live
from reconcile.plan import Plan
from reconcile.spec import TableSpec
from reconcile.squash import squash
from reconcile.table_plan import TablePlan
from reconcile.values import dtype, parse, text

STORED = "stored"
"""Names the cells of a row that were stored in another spelling than its canonical one; see `STORED_CELL`."""

STORED_CELL = pl.Struct({"column": pl.String, "written": pl.String, "stored": pl.String})
"""A cell that would be `written` as one text and was `stored` as another that means the same, as JSON with spaces."""

ROWS_PER_CHUNK = 1_000
BYTES_PER_CHUNK = 250_000
"""Of a chunk before it is compressed: one statement with it stays well under the default max_allowed_packet."""

_CHUNKS_AT_ONCE = 10
"""Of so many the rows become texts together: few steps for each, and not much memory."""

_LENGTH_BYTES = 4
_LEVEL = 1
"""Of zlib's nine: three times as fast as its usual one, and a fifth longer."""
_FEW = 300
"""Rows; the faster way to make lists of many takes longer for fewer."""

_LINE: Mapping[str, pl.DataType] = {
    "key": pl.String(), "id": pl.Int64(), "step": pl.String(), REASON: pl.String(), WHY: pl.String(),
    CHANGED: pl.List(pl.String()), BEFORE: pl.List(pl.String()), AFTER: pl.List(pl.String()),
    STORED: pl.List(STORED_CELL),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Run:
    """
    One run as the journal knows it; times are UTC.

    `status` is running, done, failed or interrupted, `batches` how many transactions it has committed. `undoes` is the
    run that a rollback took back, `undone_by` the rollback that took this one back. `fingerprints` are those of the
    desired tables, "" the whole.
    """

    id: int
    command: str
    status: str
    started_at: datetime
    finished_at: datetime | None
    user_name: str
    host: str
    pid: int
    connection_id: int | None
    tool_version: str
    state: str
    mode: str
    size: str
    scale: int
    seed: int
    as_of: date
    plan_id: str
    checksum: str
    fingerprint: str
    created: int
    updated: int
    deleted: int
    batches: int = 1
    undoes: int | None = None
    undone_by: int | None = None
    error: str | None = None
    fingerprints: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_changed_rows(self) -> bool:
        """True when something it did is committed: all of it, or batches before it stopped."""
        return self.written > 0 and self.batches > 0

    @property
    def written(self) -> int:
        """How many rows it created, updated or deleted."""
        return self.created + self.updated + self.deleted


@dataclass(frozen=True, slots=True)
class Chunk:
    """Up to a thousand rows of one table and action, in the order of their keys."""

    table: str
    action: Action
    rows: int
    first_key: str
    last_key: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Recorded:
    """
    What a run did to one table: `rows` as in `TablePlan`, each with its `_id`, plus the cells `stored` otherwise.

    `columns` are the recorded ones; the spec at hand may know others, which are null here.
    """

    spec: TableSpec
    rows: pl.DataFrame
    columns: tuple[str, ...]


def records(part: TablePlan, before: Dataset, after: Dataset, stored: pl.DataFrame | None = None) -> pl.DataFrame:
    """
    Give the rows that *part* writes as they were *before* and *after* the write, read from the database.

    *stored* has the cells of `_id` that were stored otherwise than they would be written.
    """
    spec, names = part.spec, part.rows.columns
    written = part.rows.filter(pl.col(ACTION) != Action.SKIP) if part.counts[Action.SKIP] else part.rows
    written = written.drop(BEFORE, AFTER)
    new = _read(spec, after, AFTER)
    is_new = (written[ACTION] == Action.CREATE) & written[ID].is_null()
    nothing = pl.lit(None, dtype=new.schema[AFTER]).alias(BEFORE)
    created = _found_by_key(written.filter(is_new).drop(ID), new).with_columns(nothing).select(names)
    rows = created
    if not is_new.all():
        old = _read(spec, before, BEFORE)
        known = written.filter(~is_new).join(old.drop(KEY), on=ID, how="left").join(new.drop(KEY), on=ID, how="left")
        rows = pl.concat([created, known.select(names)])
    if stored is None:
        rows = rows.with_columns(pl.lit(None, dtype=pl.List(STORED_CELL)).alias(STORED))
    else:
        rows = rows.join(stored, on=ID, how="left")
    return rows if rows[KEY].is_sorted() else rows.sort(KEY)


def _read(spec: TableSpec, side: Dataset, name: str) -> pl.DataFrame:
    """Give a table's rows as they were read: key, id and, called *name*, the struct of the declared columns."""
    frame = complete(spec, side[spec.name] if spec.name in side else empty_live(spec))
    return frame.select(KEY, ID, pl.struct(column.name for column in spec.declared).alias(name))


def _found_by_key(rows: pl.DataFrame, read: pl.DataFrame) -> pl.DataFrame:
    """Add to *rows* what was *read* of them; into an empty table they were written in their own order."""
    if rows[KEY].equals(read[KEY]):
        return rows.with_columns(read.drop(KEY))
    return rows.join(read, on=KEY, how="left")


def pack(spec: TableSpec, rows: pl.DataFrame) -> Iterator[Chunk]:
    """Give recorded *rows* of a table in chunks, action by action."""
    head = json.dumps({"table": spec.name, "columns": [column.name for column in spec.declared]}, ensure_ascii=False)
    names = [pl.col(KEY).alias("key"), pl.col(ID).alias("id"), pl.col(STEP).alias("step")]
    alone = rows[ACTION].n_unique() == 1
    parts = [((rows[ACTION][0],), rows)] if alone else rows.group_by(ACTION, maintain_order=True)
    for (action,), found in parts:
        for many in found.iter_slices(_CHUNKS_AT_ONCE * ROWS_PER_CHUNK):
            lines = many.select(
                *names, REASON, WHY, CHANGED, *(_texts(spec, many[side]) for side in (BEFORE, AFTER)), STORED
            )
            for part in lines.iter_slices(ROWS_PER_CHUNK):
                yield from _chunks(spec.name, Action(action), head.encode(), part)


def _chunks(table: str, action: Action, head: bytes, lines: pl.DataFrame) -> Iterator[Chunk]:
    buffer = BytesIO()
    lines.write_ndjson(buffer)
    if lines.height > 1 and buffer.tell() > BYTES_PER_CHUNK:
        middle = lines.height // 2
        yield from _chunks(table, action, head, lines[:middle])
        yield from _chunks(table, action, head, lines[middle:])
    else:
        payload = compress(head + b"\n" + buffer.getvalue().rstrip(b"\n"))
        yield Chunk(table, action, lines.height, lines["key"][0], lines["key"][-1], payload)


def _texts(spec: TableSpec, rows: pl.Series) -> pl.Series:
    """Give the cells of each row as a list of texts, null where there is no row."""
    if rows.null_count() == len(rows):
        return pl.Series(rows.name, [None] * len(rows), dtype=pl.List(pl.String))
    texts = lists(rows.struct.unnest().select(text(c.kind, pl.col(c.name)) for c in spec.declared)).alias(rows.name)
    return texts.zip_with(rows.is_not_null(), pl.Series([None], dtype=texts.dtype)) if rows.null_count() else texts


def lists(cells: pl.DataFrame) -> pl.Series:
    """Give the cells of each row as one list; the columns have one type."""
    if cells.height < _FEW:
        return cells.select(pl.concat_list(pl.all()).alias("cells")).to_series()
    # Lists that are put together row by row take four times as long as one column that is cut into rows.
    place = pl.int_range(cells.height * cells.width)
    order = pl.select(place % cells.width * cells.height + place // cells.width).to_series()
    column = pl.concat([series.alias("cells") for series in cells.get_columns()]).gather(order)
    return column.reshape((cells.height, cells.width)).arr.to_list()


def compress(content: bytes) -> bytes:
    """
    Compress as COMPRESS() does, so that UNCOMPRESS() reads it without the tool.

    Source: MySQL manual, "Encryption and Compression Functions": the length in four bytes, low byte first, then zlib.
    """
    return len(content).to_bytes(_LENGTH_BYTES, "little") + zlib.compress(content, _LEVEL)


def uncompress(payload: bytes) -> bytes:
    """
    Give what `compress` was given.

    Raises:
        ValueError: the payload is damaged.

    """
    try:
        content = zlib.decompress(payload[_LENGTH_BYTES:])
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if len(content) != int.from_bytes(payload[:_LENGTH_BYTES], "little"):
        raise ValueError("the length does not fit the content")
    return content


def columns_of(payload: bytes) -> tuple[str, ...]:
    """Name the columns whose cells a payload holds."""
    head = uncompress(payload).split(b"\n", 1)[0]
    return tuple(json.loads(head)["columns"])


def keys_of(payload: bytes) -> Iterator[str]:
    """Name the rows that a payload tells of."""
    for line in uncompress(payload).split(b"\n")[1:]:
        yield json.loads(line)["key"]


def unpack(spec: TableSpec, chunks: Iterable[tuple[Action, bytes]]) -> Recorded:
    """
    Read the recorded rows of one table back, in the form of *spec*.

    Raises:
        ValueError: a payload is damaged.

    """
    found, columns = [], dict[str, None]()
    for action, payload in chunks:
        head, _, lines = uncompress(payload).partition(b"\n")
        names: list[str] = json.loads(head)["columns"]
        columns |= dict.fromkeys(names)
        frame = pl.read_ndjson(BytesIO(lines), schema=dict(_LINE))
        if frame["key"].null_count() or frame.is_empty():
            raise ValueError("a line names no row")
        found.append(
            frame.select(
                pl.col("key").alias(KEY),
                pl.col("id").alias(ID),
                pl.col("step").alias(STEP),
                pl.lit(action.value).alias(ACTION),
                REASON,
                CHANGED,
                *(_side(spec, side, names) for side in (BEFORE, AFTER)),
                WHY,
                STORED,
            )
        )
    rows = squash(pl.concat(found), STORED).sort(KEY) if found else empty(spec)
    return Recorded(spec, rows, tuple(columns))


def _side(spec: TableSpec, side: str, names: Sequence[str]) -> pl.Expr:
    """Turn a list of texts into the struct of a row's canonical cells."""
    cells = [
        (
            parse(column.kind, pl.col(side).list.get(names.index(column.name)))
            if column.name in names
            else pl.lit(None, dtype=dtype(column.kind))
        ).alias(column.name)
        for column in spec.declared
    ]
    return pl.when(pl.col(side).is_not_null()).then(pl.struct(cells)).alias(side)


def empty(spec: TableSpec) -> pl.DataFrame:
    """Give the recorded rows of a table to which nothing was done."""
    row = pl.Struct({column.name: dtype(column.kind) for column in spec.declared})
    schema: dict[str, pl.DataType] = {
        KEY: pl.String(), ID: pl.Int64(), STEP: pl.String(), ACTION: pl.String(), REASON: pl.String(),
        CHANGED: pl.List(pl.String()), BEFORE: row, AFTER: row, WHY: pl.String(), STORED: pl.List(STORED_CELL),
    }  # fmt: skip
    return pl.DataFrame(schema=schema)


def pack_all(plan: Plan, before: Dataset, after: Dataset, stored: Mapping[str, pl.DataFrame]) -> Iterator[Chunk]:
    """Give all that *plan* wrote in chunks, tables in the plan's order."""
    for part in plan.tables:
        if part.written:
            yield from pack(part.spec, records(part, before, after, stored.get(part.spec.name)))
