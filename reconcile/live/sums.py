"""Checksums of live rows, worked out by the server: whether tables still hold what they held when they were compared.

A row is written as one text, no two rows of a table as the same, and hashed with CRC32; the sum over some ten thousand
rows weighs each hash with the row's surrogate key. Knows the driver's cursor and neither SQLAlchemy nor polars.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from reconcile.live.spread import Spread

ROWS_PER_RANGE = 50_000
"""How many rows a checksum is over, about: what differs is found after one such range, not after the whole table."""

_WEIGHTS = 2**31 - 2
"""How many different weights rows have: weight times CRC32 fits a BIGINT UNSIGNED."""

_PLAIN = frozenset(
    {"tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "float", "double", "year", "date", "time",
     "datetime", "timestamp"}
)  # fmt: skip
"""Types whose texts have only digits, letters and `+-.: `, and are never a lone `-`."""

CellKind = Literal["plain", "text", "secret"]
"""`plain` values have neither `#` in their text nor `-` as all of it; of a secret only whether there is one counts."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One column, as a checksum takes it in."""

    name: str
    kind: CellKind
    nullable: bool


class Described(Protocol):
    """A column as the catalogue describes it; `allowed` are the words of an enumeration."""

    @property
    def name(self) -> str: ...

    @property
    def data_type(self) -> str: ...

    @property
    def nullable(self) -> bool: ...

    @property
    def allowed(self) -> Sequence[str] | None: ...


def cell_of(column: Described) -> Cell:
    """Give a column as a checksum takes it in."""
    words = column.allowed
    is_word = words is not None and not any("#" in word or word == "-" for word in words)
    kind: CellKind = "plain" if is_word or column.data_type in _PLAIN else "text"
    return Cell(column.name, kind, column.nullable)


@dataclass(frozen=True, slots=True)
class Range:
    """The rows whose surrogate key is between `first` and `last`, both included: how many they are, and their sum."""

    first: int
    last: int
    rows: int
    total: int | None


@dataclass(frozen=True, slots=True)
class TableSums:
    """One table: all its rows at once, or the ranges of its surrogate `key`. None for a table without one."""

    table: str
    key: str | None
    cells: tuple[Cell, ...]
    rows: int
    total: int | None = None
    """The sum over all rows where there are no ranges."""
    ranges: tuple[Range, ...] = ()


@dataclass(frozen=True, slots=True)
class Sums:
    """What one snapshot held: facts about server, account and schema, the tables' sums, and which others have rows."""

    facts: tuple[str, ...]
    tables: tuple[TableSums, ...]
    filled: Mapping[str, bool]

    @property
    def rows(self) -> int:
        """How many rows the sums are over."""
        return sum(table.rows for table in self.tables)


@dataclass(frozen=True, slots=True)
class Summed:
    """A table to be summed, and about how many rows it has."""

    table: str
    key: str | None
    cells: tuple[Cell, ...]
    rows: int


class Asking(Protocol):
    """A cursor of the driver, in a transaction that sees one state of the database."""

    def execute(self, query: str, /) -> object:
        """Run a statement as it is."""

    def fetchall(self) -> Sequence[Sequence[object]]:
        """Give its rows."""


class Unsure(Exception):
    """The server had something to say of the sums: they may leave a row out."""


def gather(cursor: Asking, tables: Sequence[Summed], others: Sequence[str]) -> Sums:
    """
    Work out the sums of *tables*, and whether each of *others* has a row; costs about one scan of the tables.

    Raises:
        Unsure: a sum leaves out a row whose text is larger than max_allowed_packet.

    """
    large = [table for table in tables if table.key is not None and table.rows > ROWS_PER_RANGE]
    small = [table for table in tables if table not in large]
    facts = _facts(cursor)
    found = iter(_ask(cursor, _heads(small, large, others)) if tables or others else [])
    _require_whole(cursor)
    sums = [TableSums(table.table, table.key, table.cells, *_counted(next(found))) for table in small]
    for table in large:
        first, last = next(found)
        ranges = tuple(_ranges(cursor, table, first, last))
        sums.append(TableSums(table.table, table.key, table.cells, sum(part.rows for part in ranges), ranges=ranges))
    return Sums(facts, tuple(sums), {name: bool(next(found)[0]) for name in others})


def first_difference(asking: Spread[Asking], sums: Sums) -> str | None:
    """
    Say where the database is not as *sums* tell, None where it is; later ranges are not asked after a difference.

    The newest rows come first: where a table has grown or changed, it is mostly there. Ranges are asked about over all
    connections, everything else over the first.
    """
    cursor = asking.connection
    if _facts(cursor) != sums.facts:
        return "the server, the account or the schema is another"
    small = [table for table in sums.tables if not table.ranges]
    large = [table for table in sums.tables if table.ranges]
    expected: list[tuple[str, tuple[int | None, int | None]]] = [(t.table, (t.rows, t.total)) for t in small]
    expected += [(table.table, (table.ranges[0].first, table.ranges[-1].last)) for table in large]
    expected += [(name, (int(is_filled), 0)) for name, is_filled in sums.filled.items()]
    if expected:
        heads = _ask(cursor, _heads(small, large, tuple(sums.filled)))
        for (name, told), head in zip(expected, heads, strict=True):
            if told != head:
                return f"rows of {name} have changed"
    ranges = [(table, part) for table in large for part in reversed(table.ranges)]
    changed = asking.first_failing(ranges, _holds)
    return None if changed is None else f"rows of {changed[0].table} have changed"


def _holds(cursor: Asking, asked: tuple[TableSums, Range]) -> bool:
    """Say whether a range of a table is as it was."""
    table, part = asked
    ((_, rows, total),) = _rows(cursor, _range(table, part.first, part.last))
    return (rows, total) == (part.rows, part.total)


def _ranges(cursor: Asking, table: Summed, first: int | None, last: int | None) -> Iterator[Range]:
    """Cut the ids from *first* to *last* into as many even ranges as the table has rows for."""
    if first is None or last is None:
        return
    parts = max(round(table.rows / ROWS_PER_RANGE), 1)
    width = -(-(last - first + 1) // parts)
    for start in range(first, last + 1, width):
        end = min(start + width - 1, last)
        ((_, rows, total),) = _rows(cursor, _range(table, start, end))
        _require_whole(cursor)
        yield Range(start, end, rows or 0, total)


def _facts(cursor: Asking) -> tuple[str, ...]:
    """
    Give what else decides what rows mean: server and account, and a digest of all that the catalogue says of columns.

    Source: MySQL manual, "The INFORMATION_SCHEMA COLUMNS Table"; MariaDB documents the same columns.
    """
    cells = [
        Cell(name, "text", nullable=True)
        for name in (
            "TABLE_NAME", "COLUMN_NAME", "ORDINAL_POSITION", "COLUMN_DEFAULT", "IS_NULLABLE", "COLUMN_TYPE",
            "CHARACTER_SET_NAME", "COLLATION_NAME", "COLUMN_KEY", "EXTRA",
        )
    ]  # fmt: skip
    digest = f"SUM(CAST(CONV(LEFT(SHA2({row_text(cells)}, 256), 15), 16, 10) AS UNSIGNED))"
    named = "VERSION(), CURRENT_USER(), DATABASE(), @@SESSION.max_allowed_packet"
    source = "information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()"
    cursor.execute(f"SELECT {named}, COUNT(*), {digest} FROM {source}")  # noqa: S608 - names of the catalogue
    ((*facts, total),) = cursor.fetchall()
    return (*map(str, facts), str(total))


def _require_whole(cursor: Asking) -> None:
    """
    Make sure that no row was left out of the last sum.

    A text larger than max_allowed_packet is NULL, with a warning. Source: MySQL manual, "String Functions and
    Operators", and "Server System Variables" (warning_count).
    """
    cursor.execute("SELECT @@warning_count")
    ((warnings,),) = cursor.fetchall()
    if int(str(warnings)):
        raise Unsure


def _heads(
    small: Sequence[Summed | TableSums], large: Sequence[Summed | TableSums], others: Sequence[str]
) -> Iterator[str]:
    """Give a statement per table: rows and sum of a small one, the lowest and highest key of a large one."""
    number = 0
    for table in small:
        yield _sum(number, table)
        number += 1
    for table in large:
        key = quoted(table.key or "")
        yield f"SELECT {number}, MIN({key}), MAX({key}) FROM {quoted(table.table)}"  # noqa: S608 - quoted names
        number += 1
    for name in others:
        yield f"SELECT {number}, EXISTS(SELECT 1 FROM {quoted(name)}), 0"  # noqa: S608 - quoted names
        number += 1


def _ask(cursor: Asking, statements: Iterator[str]) -> list[tuple[int | None, int | None]]:
    """Ask all *statements*, numbered from 0, as one; their order is theirs, whatever the server's."""
    found = {number: (first, second) for number, first, second in _rows(cursor, " UNION ALL ".join(statements))}
    return [found[number] for number in range(len(found))]


def _rows(cursor: Asking, statement: str) -> list[tuple[int | None, int | None, int | None]]:
    cursor.execute(statement)
    return [(_number(a), _number(b), _number(c)) for a, b, c in cursor.fetchall()]


def _number(cell: object) -> int | None:
    """Give a sum as the number that it is; the driver gives it as a decimal."""
    return None if cell is None else int(str(cell))


def _counted(head: tuple[int | None, int | None]) -> tuple[int, int | None]:
    return head[0] or 0, head[1]


def _sum(number: int, table: Summed | TableSums) -> str:
    """Write the sum over all rows of a table; ids far apart may have one weight, and are hashed too."""
    weight = "" if table.key is None else f" * (MOD({quoted(table.key)}, {_WEIGHTS}) + 1)"
    total = f"SUM(CRC32({row_text(table.cells)}){weight})"
    return f"SELECT {number}, COUNT(*), {total} FROM {quoted(table.table)}"  # noqa: S608 - quoted names


def _range(table: Summed | TableSums, first: int, last: int) -> str:
    """
    Write the sum over the rows whose key is between *first* and *last*.

    Two rows that swap values of equal length leave the plain sum of CRC32 as it was once in some ten thousand times,
    since that hash is linear in single bits. With weights, different for all rows of a range, it is not. A key that is
    a weight as it is need not be hashed.
    """
    key = quoted(table.key or "")
    within = f"WHERE {key} BETWEEN {first} AND {last}"
    if not 0 < first <= last <= _WEIGHTS:
        return f"{_sum(0, table)} {within}"
    line = row_text([cell for cell in table.cells if cell.name != table.key])
    return f"SELECT 0, COUNT(*), SUM(CRC32({line}) * {key}) FROM {quoted(table.table)} {within}"  # noqa: S608


def row_text(cells: Sequence[Cell]) -> str:
    """
    Write a row as one text, one to one: plain values, the lengths of texts but the last, then the texts; `-` is NULL.

    Source: MySQL manual, "String Functions and Operators", CONCAT_WS(): it leaves out what is NULL.
    """
    plain = [_plain(cell) for cell in cells if cell.kind != "text"]
    texts = [cell for cell in cells if cell.kind == "text"]
    known = [_known(f"LENGTH({quoted(cell.name)})", cell) for cell in texts[:-1]]
    known += [f"ISNULL({quoted(cell.name)})" for cell in texts[-1:] if cell.nullable]
    parts = [*plain, *known, *(quoted(cell.name) for cell in texts)]
    return f"CONCAT_WS('#', {', '.join(parts)})" if parts else "''"


def _plain(cell: Cell) -> str:
    return f"ISNULL({quoted(cell.name)})" if cell.kind == "secret" else _known(quoted(cell.name), cell)


def _known(expression: str, cell: Cell) -> str:
    return f"IFNULL({expression}, '-')" if cell.nullable else expression


def quoted(name: str) -> str:
    """Quote a name. Source: MySQL manual, "Schema Object Names"."""
    return "`" + name.replace("`", "``") + "`"
