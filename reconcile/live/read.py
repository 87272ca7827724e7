"""Read live rows into a Dataset: one statement per table, formatted by the server, references as natural keys.

Source of the row format: one CONCAT_WS text per row streams several times faster through a pure Python driver than
typed rows do. Separator and backslash inside a value are escaped, NULL is `\\N`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl
from sqlalchemy import ColumnElement, Connection, String, Table, cast, func, literal, select
from sqlalchemy.dialects import mysql

from reconcile import values
from reconcile.errors import Finding, ReconcileError
from reconcile.live.introspect import LiveSchema
from reconcile.live.tables import metadata
from reconcile.spec import Column, Owner, TableSpec

SEPARATOR = "\x1f"
ESCAPED_SEPARATOR, ESCAPED_BACKSLASH, NULL = "\\s", "\\b", "\\N"


@dataclass(frozen=True, slots=True)
class RawTable:
    """One table as text: a String column per column that the live table has, and the surrogate key."""

    spec: TableSpec
    rows: pl.DataFrame


def read_raw(connection: Connection, specs: Mapping[str, TableSpec], schema: LiveSchema) -> dict[str, RawTable]:
    """
    Read the declared columns of each table of *specs* that exists, ordered by surrogate key, as text.

    Tables and columns that the live schema lacks are left out; preflight reports them, and a check that needs
    them fails.
    """
    tables = metadata(specs, connection.dialect.name).tables
    raw: dict[str, RawTable] = {}
    for name, spec in specs.items():
        live_columns = schema.tables.get(name)
        if live_columns is None or spec.surrogate_key not in live_columns:
            continue
        columns = [column for column in spec.columns if column.name in live_columns or column.owner is Owner.SERVER]
        raw[name] = RawTable(spec, _read_table(connection, tables[name], columns, spec.surrogate_key))
    return raw


def _read_table(connection: Connection, table: Table, columns: Sequence[Column], surrogate_key: str) -> pl.DataFrame:
    names = [column.name for column in columns]
    if connection.dialect.name == "sqlite":
        query = select(*(cast(table.c[name], String) for name in names)).order_by(table.c[surrogate_key])
        cells = list(zip(*connection.execute(query), strict=True)) or [()] * len(names)
        return pl.DataFrame([pl.Series(name, cell, dtype=pl.String) for name, cell in zip(names, cells, strict=True)])
    line = func.concat_ws(SEPARATOR, *(_cell(table.c[column.name], column) for column in columns))
    lines = connection.execute(select(line).order_by(table.c[surrogate_key])).scalars().all()
    return _split(table.name, pl.Series("line", lines, dtype=pl.String), names)


def _cell(source: ColumnElement[str], column: Column) -> ColumnElement[str]:
    """Format one column on the server; only kinds that can hold any text need escapes."""
    match column.kind:
        case values.Text() | values.Enumeration() | values.Json():
            text = cast(source, mysql.CHAR(charset="utf8mb4"))
            escaped = func.replace(text, "\\", ESCAPED_BACKSLASH)
            return func.ifnull(func.replace(escaped, SEPARATOR, ESCAPED_SEPARATOR), NULL)
        case _:
            return func.ifnull(source, literal(NULL))


def _split(table: str, lines: pl.Series, names: Sequence[str]) -> pl.DataFrame:
    if lines.null_count():
        raise ReconcileError(
            [
                Finding(
                    what="a row is too large to read",
                    where=f"table {table}",
                    why="the server gave no text for it; its max_allowed_packet is smaller than the row",
                    fix="raise max_allowed_packet on the server",
                )
            ]
        )
    cells = lines.str.split_exact(SEPARATOR, len(names) - 1).struct.rename_fields(list(names)).struct.unnest()
    return cells.with_columns(_unescape(pl.col(name)) for name in names)


def _unescape(cell: pl.Expr) -> pl.Expr:
    return (
        pl.when(cell != NULL)
        .then(
            pl.when(cell.str.contains("\\", literal=True))
            .then(
                cell.str.replace_all(ESCAPED_SEPARATOR, SEPARATOR, literal=True).str.replace_all(
                    ESCAPED_BACKSLASH, "\\", literal=True
                )
            )
            .otherwise(cell)
        )
        .name.keep()
    )
