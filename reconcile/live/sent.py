"""Whether a server holds rows as they were sent: each side sums up a hash of every row, and no row travels.

A row is written as `sums` writes it, in the columns that were sent. Sums that differ need not mean that rows do, since
a server may spell a value otherwise: then somebody reads the rows. A sum without weights may miss two rows that have
swapped a value, once in some ten thousand times; what was sent is not swapped on its way.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

import polars as pl
from sqlalchemy import Connection

from reconcile.live.introspect import LiveColumn
from reconcile.live.sums import Cell, cell_of, quoted, row_text

_ROWS_PER_TURN, _PAUSE_S = 2_000, 0.0001
"""So many are hashed at once, in half a millisecond; so long is the pause after them."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Rows that were sent to a table: the cells of each, how many they are, and the sum of their hashes."""

    cells: tuple[Cell, ...]
    rows: int
    total: int


@dataclass(frozen=True, slots=True)
class Held:
    """Rows that were sent, as a server holds them: their table, and above and up to which surrogate `key` they lie."""

    table: str
    key: str
    sent: Sent
    above: int
    upto: int


def sum_up(values: pl.DataFrame, live: Mapping[str, LiveColumn]) -> Sent:
    """Sum up rows in wire form; *live* are the columns of their table."""
    cells = tuple(cell_of(live[name]) for name in values.columns)
    lines = values.select(_line(cells).cast(pl.Binary))
    return Sent(cells, values.height, sum(_hashed(part.to_series()) for part in lines.iter_slices(_ROWS_PER_TURN)))


def _hashed(lines: pl.Series) -> int:
    """Sum up the hashes of some rows, and let the thread that writes have its turn: the server may wait for it."""
    total = sum(map(crc32, lines.to_list()))
    time.sleep(_PAUSE_S)
    return total


def is_held(connection: Connection, held: Held) -> bool:
    """Say whether a server holds the rows as they were sent, and no others between them."""
    cells, key = held.sent.cells, quoted(held.key)
    asked = f"COUNT(*), COALESCE(SUM(CRC32({row_text(cells)})), 0)"
    where = f"{key} > {held.above} AND {key} <= {held.upto}"
    # Without this option the driver would read a % in a name as a placeholder.
    driver = connection.execution_options(no_parameters=True)
    statement = f"SELECT {asked} FROM {quoted(held.table)} WHERE {where}"  # noqa: S608 - quoted names, and numbers
    rows, total = driver.exec_driver_sql(statement).one()
    return (int(rows), int(total)) == (held.sent.rows, held.sent.total)


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
