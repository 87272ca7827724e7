"""Random hand edits: rows deleted, cells changed and rows added anywhere, whether foreign keys like it or not."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal as Number
from typing import Any

import pymysql
from hypothesis import strategies as st
from pymysql.cursors import Cursor

from reconcile import values
from reconcile.spec import Column, TableSpec
from tests.servers.operating import specs
from tests.servers.target import Target

Value = str | int | None


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete some rows of a table, from the one with this rank by id on, round the end."""

    table: str
    rank: int
    rows: int


@dataclass(frozen=True, slots=True)
class Edit:
    """Change one cell of the row with this rank."""

    table: str
    rank: int
    column: str
    value: Value


@dataclass(frozen=True, slots=True)
class Add:
    """Copy the row with this rank, with one cell changed."""

    table: str
    rank: int
    column: str
    value: Value


Wound = Delete | Edit | Add

_SPECS = specs()
_TABLES = sorted(_SPECS)
_RANK = st.integers(0, 10_000)
_CHARACTERS = st.one_of(
    st.sampled_from("aAéß '\"\\%\x1f\n|_🌿"), st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
)


def wounds(max_size: int = 8) -> st.SearchStrategy[list[Wound]]:
    """Draw a list of wounds over any of the filled tables."""
    return st.lists(st.sampled_from(_TABLES).flatmap(_wound), min_size=1, max_size=max_size)


def deletions(max_size: int = 6) -> st.SearchStrategy[list[Delete]]:
    """Draw deletes over any of the filled tables, some of them of nearly all rows."""
    return st.lists(st.sampled_from(_TABLES).flatmap(_delete), min_size=1, max_size=max_size)


def _wound(table: str) -> st.SearchStrategy[Wound]:
    return st.one_of(_delete(table), _cell(table).flatmap(lambda cell: _changed(table, *cell)))


def _delete(table: str) -> st.SearchStrategy[Delete]:
    return st.builds(Delete, st.just(table), _RANK, st.sampled_from([1, 2, 5, 30, 1000]))


def _changed(table: str, column: str, value: Value) -> st.SearchStrategy[Wound]:
    return st.builds(lambda kind, rank: kind(table, rank, column, value), st.sampled_from([Edit, Add]), _RANK)


def _cell(table: str) -> st.SearchStrategy[tuple[str, Value]]:
    return st.sampled_from(_SPECS[table].declared).flatmap(lambda c: st.tuples(st.just(c.name), _value(c)))


def _value(column: Column) -> st.SearchStrategy[Value]:
    drawn = _of_kind(column.kind)
    return st.one_of(st.none(), drawn) if column.nullable else drawn


def _of_kind(kind: values.Kind) -> st.SearchStrategy[Value]:
    match kind:
        case values.Boolean():
            return st.integers(0, 1)
        case values.Integer():
            return st.integers(-5, 500)
        case values.Decimal(precision, scale):
            return st.integers(0, 10 ** min(precision, 12) - 1).map(lambda n: str(Number(n).scaleb(-scale)))
        case values.Text(length) | values.Secret(length) | values.TextReference(max_length=length):
            return st.text(_CHARACTERS, max_size=min(length or 40, 40))
        case values.Date():
            return st.dates(date(1990, 1, 1), date(2037, 1, 1)).map(date.isoformat)
        case values.Timestamp():
            moments = st.datetimes(datetime(1990, 1, 1), datetime(2037, 1, 1))
            return moments.map(lambda moment: moment.strftime("%Y-%m-%d %H:%M:%S"))
        case values.Enumeration(allowed):
            return st.sampled_from(allowed)
        case values.Json():
            return _DOCUMENTS.map(json.dumps)
        case values.Reference() | values.PolymorphicReference():
            # Low numbers are ids of rows that exist.
            return st.one_of(st.integers(1, 30), st.integers(1, 100_000))


_DOCUMENTS: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**40), 2**40), st.text(_CHARACTERS, max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["batchId", "productId", "quantity", "a b"]), inner, max_size=3),
    ),
    max_leaves=6,
)


def inflict(target: Target, chosen: Sequence[Wound]) -> None:
    """Carry wounds out, foreign keys aside; what a unique key or a check of the schema forbids does not happen."""
    if target.server is None:
        with closing(sqlite3.connect(target.name)) as connection:
            connection.execute("PRAGMA foreign_keys = OFF")
            for wound in chosen:
                _inflict(connection.cursor(), wound, "?", sqlite3.IntegrityError)
            connection.commit()
        return
    with target.server.admin(target.name) as cursor:
        cursor.execute("SET foreign_key_checks = 0, time_zone = '+00:00'")
        cursor.execute("START TRANSACTION")
        for wound in chosen:
            _inflict(cursor, wound, "%s", pymysql.err.IntegrityError)
        cursor.execute("COMMIT")


def _inflict(cursor: "Cursor | sqlite3.Cursor", wound: Wound, mark: str, forbidden: type[Exception]) -> None:
    spec = _SPECS[wound.table]
    cursor.execute(f"SELECT id FROM `{spec.name}` ORDER BY id")
    ids = [row[0] for row in cursor.fetchall()]
    if not ids:
        return
    try:
        match wound:
            case Delete(_, rank, rows):
                for place in {(rank + step) % len(ids) for step in range(rows)}:
                    cursor.execute(f"DELETE FROM `{spec.name}` WHERE id = {mark}", (ids[place],))
            case Edit(_, rank, column, value):
                cursor.execute(
                    f"UPDATE `{spec.name}` SET `{column}` = {mark} WHERE id = {mark}", (value, ids[rank % len(ids)])
                )
            case Add(_, rank, column, value):
                _copy_row(cursor, spec, ids[rank % len(ids)], {column: value}, mark)
    except forbidden:
        return


def _copy_row(
    cursor: "Cursor | sqlite3.Cursor", spec: TableSpec, row: int, cells: Mapping[str, Value], mark: str
) -> None:
    names = [column.name for column in spec.declared]
    columns = ", ".join(f"`{name}`" for name in names)
    chosen = ", ".join(mark if name in cells else f"`{name}`" for name in names)
    cursor.execute(
        f"INSERT INTO `{spec.name}` ({columns}) SELECT {chosen} FROM `{spec.name}` WHERE id = {mark}",
        (*cells.values(), row),
    )
