"""Read live rows as text, many rows a statement: the server formats each row and joins them into one text, a page.

A pure Python driver spends more on each row that it receives than the server does on formatting it. A page has its
rows as `lines` writes them. SQLite, which is in-process, gives its cells as they are.

To escape every text costs a server a sixth of its time, and hardly any text needs it. So of large tables the cells are
asked for as they are, with the number of nulls: a page that has no more marks than its rows and nulls come to is the
same either way, and any other is asked for again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import polars as pl
from sqlalchemy import (
    ColumnClause,
    ColumnElement,
    Connection,
    Dialect,
    Select,
    String,
    case,
    cast,
    column,
    func,
    literal,
    literal_column,
    select,
    table,
    true,
    union_all,
)
from sqlalchemy import Integer as SqlInteger

from reconcile import values
from reconcile.errors import Finding, ReconcileError
from reconcile.lines import CELL_END, ROW_END
from reconcile.live.introspect import LiveColumn, LiveSchema
from reconcile.live.raw import Page, RawTable, groups, unescaped, whole
from reconcile.spec import Column, TableSpec

IDS_PER_PAGE = 10_000
"""Surrogate keys that a page spans at first; where they lie thinly it spans more, where rows are long fewer."""

BYTES_PER_PAGE = 4_000_000
# Source: MySQL manual, "Character Set Introducers", of hexadecimal literals; MariaDB documents the same.
_CELL_END, _ROW_END = (f"_utf8mb4 X'{mark.encode().hex()}'" for mark in (CELL_END, ROW_END))
# Source: MySQL manual, "Aggregate Function Descriptions", GROUP_CONCAT(), and "Server System Variables".
_MOST_BYTES = literal_column("LEAST(@@group_concat_max_len, @@max_allowed_packet)", SqlInteger())
_MOST_GROWTH = 8
"""How many times wider a page may be than the one before: where ids lie thinly at first, many may follow."""
_MOST_SOURCES = 1_000


class _Cell(NamedTuple):
    """What a cell is read from, as SQL, whether that may be any text, and whether it may be null."""

    source: str
    is_text: bool
    nullable: bool


def _lines_text(cells: Sequence[_Cell], *, escapes: bool) -> ColumnElement[str]:
    """Give the lines of many rows: text, so that hundreds of columns are compiled in no time and no statement twice."""
    if not cells:
        return literal_column("''", String())
    parts = []
    for source, is_text, nullable in cells:
        sql = source
        if is_text and escapes:
            # One collation for all of a union, and a JSON column must become text before it can be searched in.
            sql = f"REPLACE(REPLACE(CAST({sql} AS CHAR), '\\\\', '\\\\b'), {_CELL_END}, '\\\\s')"
        parts.append(f"IFNULL({sql}, '\\\\N')" if nullable else sql)
    # The last argument ends the row: what the server cuts off at its limits is missed there.
    line = f"CONCAT_WS({', '.join([_CELL_END, *parts, _ROW_END])})"
    return literal_column(f"GROUP_CONCAT({line} SEPARATOR '')", String())


@dataclass(frozen=True, slots=True)
class _Source:
    """A table on a server: what is read of it, and the column of its surrogate key."""

    spec: TableSpec
    names: tuple[str, ...]
    key: ColumnClause[int]
    page: Select[int, int, str, str]
    """The source's number, how many rows there are, and their lines as in `Page`; without rows these are null."""
    bare: Select[int, int, int, int, str, str] | None
    """
    How many rows there are, how many bytes the server gives at most, how many nulls there are in each of the two kinds
    of lines, and the lines without an escape.
    """
    widths: tuple[int, int]
    """How many cells each kind of lines has."""
    extent: Select[int, int, int]
    """The source's number, its lowest and its highest surrogate key; null without rows."""

    def ids(self, first: int, last: int) -> ColumnElement[bool]:
        """Give the condition that a surrogate key is between *first* and *last*, both included."""
        return self.key.between(first, last)


@dataclass(slots=True)
class _Reading:
    """A source that is read page by page; once a text was found that holds a mark, the others are escaped at once."""

    connection: Connection
    source: _Source
    escapes: bool = False

    def page(self, where: ColumnElement[bool]) -> tuple[int, Page | None]:
        """Read the rows for which *where* holds, and their number; None instead of a page that is not whole."""
        source = self.source
        if source.bare is not None and not self.escapes:
            ((rows, most_bytes, *nulls, looked_up, plain),) = self.connection.execute(source.bare.where(where))
            page = unescaped(rows, most_bytes, nulls, source.widths, (looked_up, plain))
            if page is not None:
                return rows, page
            self.escapes = True
        ((_, rows, *texts),) = self.connection.execute(source.page.where(where))
        return rows, whole(rows, texts)


def read_raw(connection: Connection, specs: Mapping[str, TableSpec], schema: LiveSchema) -> dict[str, RawTable]:
    """
    Read the declared columns of each table of *specs* that exists, ordered by surrogate key.

    Tables and columns that the live schema lacks are left out; preflight reports them, and a check that needs
    them fails. On a server, tables of one page are read by one statement together.

    Raises:
        ReconcileError: the server gave no text for a row because it is larger than max_allowed_packet.

    """
    present = {name: spec for name, spec in specs.items() if spec.surrogate_key in schema.tables.get(name, {})}
    if connection.dialect.name == "sqlite":
        return {name: _read_table(connection, spec, schema.tables[name]) for name, spec in present.items()}
    sources = [
        _source(
            connection, number, spec, _present(spec, schema.tables[name]), is_bare=_is_bare(spec, schema.tables[name])
        )
        for number, (name, spec) in enumerate(present.items())
    ]
    if not sources:
        return {}
    extents = dict[int, tuple[int, int]]()
    for number, first, last in connection.execute(union_all(*(source.extent for source in sources))):
        if first is not None:
            extents[number] = (first, last)
    small = {number: extent for number, extent in extents.items() if extent[1] - extent[0] < IDS_PER_PAGE}
    pages = dict[int, list[Page]]()
    if small:
        statement = union_all(
            *(sources[number].page.where(sources[number].ids(*extent)) for number, extent in small.items())
        )
        for number, rows, *texts in connection.execute(statement):
            if (page := whole(rows, texts)) is not None:
                pages[number] = [page] if rows else []
    for number, (first, last) in extents.items():
        if number not in pages:
            pages[number] = list(_pages(connection, sources[number], first, last))
    return {
        source.spec.name: RawTable(source.spec, source.names, pages=tuple(pages.get(number, ())))
        for number, source in enumerate(sources)
    }


def read_chosen(
    connection: Connection, spec: TableSpec, live: Mapping[str, LiveColumn], link: str, ids: Sequence[int]
) -> RawTable:
    """
    Read the declared columns of the rows whose integer column *link* has one of *ids*, which ascend.

    Rows come in no particular order.

    Raises:
        ReconcileError: the server gave no text for the rows of one id because they are larger than max_allowed_packet.

    """
    chosen: ColumnClause[int] = column(link, SqlInteger())
    if connection.dialect.name == "sqlite":
        parts = (ids[start : start + IDS_PER_PAGE] for start in range(0, len(ids), IDS_PER_PAGE))
        rows = [row for part in parts for row in _read_table(connection, spec, live, _among(chosen, part)).rows]
        return RawTable(spec, tuple(_present(spec, live)), rows)
    source = _source(connection, 0, spec, _present(spec, live), is_bare=_is_bare(spec, live))
    reading = _Reading(connection, source)
    pages, start, width = [], 0, IDS_PER_PAGE
    while start < len(ids):
        part = ids[start : start + width]
        count, page = reading.page(_among(chosen, part))
        if page is None:
            if width == 1:
                raise _too_large(spec)
            width = max(width // _MOST_GROWTH, 1)
            continue
        start += len(part)
        if count:
            pages.append(page)
            width = max(min(IDS_PER_PAGE, BYTES_PER_PAGE * len(part) // page.length), 1)
    return RawTable(spec, source.names, pages=tuple(pages))


def read_between(
    connection: Connection, spec: TableSpec, live: Mapping[str, LiveColumn], above: int, upto: int
) -> tuple[RawTable, int]:
    """
    Read the declared columns of the rows whose surrogate key is *above* one number and not above another, in its order.

    Their number comes with them.

    Raises:
        ReconcileError: a row is too large to read.

    """
    if connection.dialect.name == "sqlite":
        key: ColumnClause[int] = column(spec.surrogate_key, SqlInteger())
        found = _read_table(connection, spec, live, key > above, key <= upto)
        return found, len(found.rows)
    source = _source(connection, 0, spec, _present(spec, live), is_bare=_is_bare(spec, live))
    pages = tuple(_pages(connection, source, above + 1, upto))
    rows = sum(page.looked_up.count(ROW_END) for page in pages)
    return RawTable(spec, source.names, pages=pages), rows


def highest(connection: Connection, specs: Iterable[TableSpec]) -> dict[str, int]:
    """Ask for the highest surrogate key of each table, 0 where there is no row."""
    parts = [
        select(literal(spec.name), func.coalesce(func.max(column(spec.surrogate_key, SqlInteger())), 0)).select_from(
            table(spec.name)
        )
        for spec in specs
    ]
    found = connection.execute(union_all(*parts)) if parts else ()
    return {str(name): int(number) for name, number in found}


def first_of(connection: Connection, spec: TableSpec, above: int, rows: int) -> int | None:
    """
    Give the first of the surrogate keys *above* a number, where so many *rows* are known to be and no key is between
    them; None where there may be others. Both ends are looked up, and no row is counted.
    """
    key: ColumnClause[int] = column(spec.surrogate_key, SqlInteger())
    asked = select(func.min(key), func.max(key)).select_from(table(spec.name)).where(key > above)
    first, last = connection.execute(asked).one()
    return int(first) if first is not None and last - first + 1 == rows else None


def _among(chosen: ColumnClause[int], ids: Sequence[int]) -> ColumnElement[bool]:
    """Choose rows by numbers that ascend: by a range where they have no gap, since a long list takes its time."""
    if ids[-1] - ids[0] + 1 == len(ids):
        return chosen.between(ids[0], ids[-1])
    return chosen.in_(ids)


def _present(spec: TableSpec, live: Mapping[str, LiveColumn]) -> dict[str, bool]:
    """Give the columns of *spec* that the live table has, and whether each may be null."""
    return {c.name: live[c.name].nullable for c in spec.columns if c.name in live}


def _is_bare(spec: TableSpec, live: Mapping[str, LiveColumn]) -> bool:
    """Say whether all texts of a table are such to the server, and seldom hold a mark; a document may hold many."""
    texts = [column for column in spec.columns if column.name in live and _holds_any_text(column)]
    return all(live[text.name].collation is not None and not isinstance(text.kind, values.Json) for text in texts)


def _source(
    connection: Connection, number: int, spec: TableSpec, nullable: Mapping[str, bool], *, is_bare: bool = False
) -> _Source:
    return _source_of(connection.dialect, number, spec, tuple(nullable.items()), is_bare)


@lru_cache(_MOST_SOURCES)
def _source_of(
    dialect: Dialect, number: int, spec: TableSpec, present: tuple[tuple[str, bool], ...], is_bare: bool
) -> _Source:
    """Make a source; a run reads its tables several times, and their SQL is long."""
    cells = {}
    for name, nullable in present:
        declared = spec.column(name)
        cells[name] = _Cell(_sql(dialect, declared), _holds_any_text(declared), nullable)
    kinds = [[cells[name] for name in names] for names in groups(spec, cells)]
    looked_up, others = (_lines_text(kind, escapes=True) for kind in kinds)
    source, mark = table(spec.name), literal_column(str(number), SqlInteger())
    key: ColumnClause[int] = column(spec.surrogate_key, SqlInteger())
    looked_up_bare, others_bare = (_lines_text(kind, escapes=False) for kind in kinds)
    bare = select(func.count(), _MOST_BYTES, _nulls(kinds[0]), _nulls(kinds[1]), looked_up_bare, others_bare)
    return _Source(
        spec,
        tuple(cells),
        key,
        select(mark, func.count(), looked_up, others).select_from(source),
        bare.select_from(source) if is_bare else None,
        (len(kinds[0]), len(kinds[1])),
        select(mark, func.min(key), func.max(key)).select_from(source),
    )


def _sql(dialect: Dialect, declared: Column) -> str:
    """Write what a cell is read from; to quote a name is all that most need."""
    quoted = dialect.identifier_preparer.quote(declared.name)
    return f"CASE WHEN {quoted} IS NOT NULL THEN '{values.SET}' END" if _is_secret(declared) else quoted


def _nulls(cells: Sequence[_Cell]) -> ColumnElement[int]:
    """Count the nulls in some columns."""
    counted = (f"COUNT(*) - COUNT({cell.source})" for cell in cells if cell.nullable)
    return literal_column(" + ".join(counted) or "0", SqlInteger())


def read_new(
    connection: Connection, spec: TableSpec, names: Sequence[str], above: int | None, expected: int
) -> pl.DataFrame:
    """
    Read the columns *names* of a server's rows whose surrogate key is *above* a number, all as texts.

    The surrogate key is one of the columns; rows come in its order. None is below every number. As many rows as are
    *expected* may fit one page.
    """
    source = _source(
        connection, 0, spec, {spec.surrogate_key: False} | {name: spec.column(name).nullable for name in names}
    )
    is_new = true() if above is None else source.key > above
    if expected <= IDS_PER_PAGE:
        ((_, rows, *texts),) = connection.execute(source.page.where(is_new))
        if (page := whole(rows, texts)) is not None:
            return RawTable(spec, source.names, pages=(page,) if rows else ()).frame()
    ((_, first, last),) = connection.execute(source.extent.where(is_new))
    pages = () if first is None else tuple(_pages(connection, source, first, last))
    return RawTable(spec, source.names, pages=pages).frame()


def _pages(connection: Connection, source: _Source, first: int, last: int) -> Iterator[Page]:
    """Read a table page by page, each about as long as the last one was wide enough for."""
    width, reading = IDS_PER_PAGE, _Reading(connection, source)
    while first <= last:
        rows, page = reading.page(source.ids(first, first + width - 1))
        if page is None:
            if width == 1:
                raise _too_large(source.spec)
            width = max(width // _MOST_GROWTH, 1)
            continue
        first += width
        if rows:
            yield page
            most = min(IDS_PER_PAGE, BYTES_PER_PAGE * rows // page.length + 1)
            width = max(min(most * width // rows, _MOST_GROWTH * width), 1)
        else:
            # A gap: what lies behind it is where the index says.
            found = connection.execute(
                select(func.min(source.key)).select_from(table(source.spec.name)).where(source.key >= first)
            ).scalar_one()
            first = last + 1 if found is None else int(found)


def _read_table(
    connection: Connection, spec: TableSpec, live: Mapping[str, LiveColumn], *where: ColumnElement[bool]
) -> RawTable:
    """Read a table of SQLite."""
    names = tuple(_present(spec, live))
    plain: list[ColumnClause[str]] = [column(name) for name in names]
    cells = [cast(_masked(cell, spec.column(name)), String) for name, cell in zip(names, plain, strict=True)]
    query = select(*cells).select_from(table(spec.name, *plain)).where(*where).order_by(column(spec.surrogate_key))
    return RawTable(spec, names, list(map(tuple, connection.execute(query))))


def _masked(cell: ColumnClause[str], declared: Column) -> ColumnElement[str]:
    """Leave a secret on the server: all that is read of it is whether there is one."""
    return case((cell.is_not(None), literal_column(f"'{values.SET}'"))) if _is_secret(declared) else cell


def _is_secret(declared: Column) -> bool:
    return isinstance(declared.kind, values.Secret)


def _holds_any_text(declared: Column) -> bool:
    return isinstance(declared.kind, values.Text | values.Enumeration | values.Json | values.TextReference)


def _too_large(spec: TableSpec) -> ReconcileError:
    return ReconcileError(
        [
            Finding(
                what="a row is too large to read",
                where=f"table {spec.name}",
                why="the server gave no text for it; its max_allowed_packet is smaller than the row",
                fix="raise max_allowed_packet on the server",
            )
        ]
    )
