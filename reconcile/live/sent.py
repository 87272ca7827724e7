"""Whether a server holds rows as they were sent: each side hashes their texts, and no row travels.

A row is written as `sums` writes it, in the columns that were sent, and the rows are joined in the order of their keys,
which is that in which they were sent. Hashes that differ need not mean that rows do, since a server may spell a value
otherwise, or read the rows in another order: then somebody reads them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

import polars as pl
from sqlalchemy import Connection, Integer, column, select, table

from reconcile.live.introspect import LiveColumn
from reconcile.live.sums import Cell, cell_of, quoted, row_text

MOST_BYTES = 6_000_000
"""Of the text of rows that are hashed at once: a server joins them in memory, below its max_allowed_packet."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows one behind the other: how many they are, and the CRC32 of their joined texts."""

    rows: int
    crc: int


@dataclass(frozen=True, slots=True)
class Sent:
    """Rows that were sent to a table: the cells of each, and their parts in turn."""

    cells: tuple[Cell, ...]
    parts: tuple[Part, ...]

    @property
    def rows(self) -> int:
        """How many there are."""
        return sum(part.rows for part in self.parts)


@dataclass(frozen=True, slots=True)
class Held:
    """Rows that were sent, as a server holds them: their table, and above and up to which surrogate `key` they lie."""

    table: str
    key: str
    sent: Sent
    above: int
    upto: int


def hash_rows(values: pl.DataFrame, live: Mapping[str, LiveColumn]) -> Sent:
    """Hash rows in wire form; *live* are the columns of their table."""
    cells = tuple(cell_of(live[name]) for name in values.columns)
    lines = values.select(_line(cells)).to_series()
    size = int(lines.str.len_bytes().sum()) + len(lines)
    rows_per_part = max(MOST_BYTES * len(lines) // max(size, 1), 1)
    parts = (lines.slice(start, rows_per_part) for start in range(0, len(lines), rows_per_part))
    return Sent(cells, tuple(Part(len(part), crc32(part.str.join("\n").item().encode())) for part in parts))


def is_held(connection: Connection, held: Held) -> bool:
    """Say whether a server holds the rows as they were sent, and no others between them."""
    cells, key = held.sent.cells, quoted(held.key)
    asked = f"COUNT(*), CRC32(GROUP_CONCAT({row_text(cells)} SEPARATOR '\\n'))"
    # Without this option the driver would read a % in a name as a placeholder.
    driver = connection.execution_options(no_parameters=True)
    for part, (above, upto) in zip(held.sent.parts, _extents(connection, held), strict=True):
        where = f"{key} > {above} AND {key} <= {upto}"
        statement = f"SELECT {asked} FROM {quoted(held.table)} WHERE {where}"  # noqa: S608 - quoted names, and numbers
        if tuple(driver.exec_driver_sql(statement).one()) != (part.rows, part.crc):
            return False
    return True


def _extents(connection: Connection, held: Held) -> Iterator[tuple[int, int]]:
    """Give above and up to which key each part lies; where rows are missing the last parts have none."""
    key = column(held.key, Integer())
    above = held.above
    for part in held.sent.parts[:-1]:
        behind = select(key).select_from(table(held.table)).where(key > above).order_by(key).offset(part.rows - 1)
        upto = connection.execute(behind.limit(1)).scalar_one_or_none()
        yield above, above if upto is None else int(upto)
        above = above if upto is None else int(upto)
    if held.sent.parts:
        yield above, held.upto


def _line(cells: Sequence[Cell]) -> pl.Expr:
    """Write a row as `row_text` has the server write it; it leaves out what is null, as CONCAT_WS does."""
    plain = [_known(pl.col(cell.name).cast(pl.String), cell) for cell in cells if cell.kind == "plain"]
    texts = [cell for cell in cells if cell.kind == "text"]
    told = [_known(pl.col(cell.name).str.len_bytes().cast(pl.String), cell) for cell in texts[:-1]]
    told += [pl.col(c.name).is_null().cast(pl.Int8).cast(pl.String) for c in texts[-1:] if c.nullable]
    parts = [*plain, *told, *(pl.col(cell.name) for cell in texts)]
    return pl.concat_str(parts, separator="#", ignore_nulls=True)


def _known(cell: pl.Expr, told: Cell) -> pl.Expr:
    return cell.fill_null("-") if told.nullable else cell
