"""Rows written down in source, for tables small enough to be read: each row names its cells, each cell is plain Python.

Rows in their thousands are computed as columns instead and go through `dataset.conform` alone.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias

import polars as pl

from reconcile.dataset import conform
from reconcile.errors import Finding, ReconcileError
from reconcile.spec import Column, TableSpec
from reconcile.values import DATE_FORMAT, TIMESTAMP_FORMAT, Enumeration, dump_json, parse

Row: TypeAlias = Mapping[str, object]
"""
The cells of one row by column: texts, numbers, booleans, dates, moments and None. A list or a dictionary is a JSON
document, and a reference is the natural key of its row.
"""


def declare(spec: TableSpec, rows: Sequence[Row], step: str | None = None) -> pl.DataFrame:
    """
    Give *rows* of *step* (the table's own where none is named) as a frame in *spec*'s canonical form.

    A cell that a row leaves out takes the schema's default, else null. Every cell may be written as text, too.

    Raises:
        ReconcileError: columns that the spec does not declare, cells that are no value of their column; all of them.

    """
    names = [column.name for column in spec.declared]
    findings = [_unknown(spec, name) for row in rows for name in row if name not in names]
    cells = {column.name: [_written(row.get(column.name, column.default)) for row in rows] for column in spec.declared}
    written = pl.DataFrame(cells, schema=dict.fromkeys(names, pl.String))
    frame = written.select(parse(column.kind, pl.col(column.name)).alias(column.name) for column in spec.declared)
    for column in spec.declared:
        lost = frame[column.name].is_null() & written[column.name].is_not_null()
        if isinstance(column.kind, Enumeration):
            lost |= ~written[column.name].is_in(column.kind.values)
        findings += [_unfit(spec, column, rows[number], number) for number in lost.arg_true()]
    if findings:
        raise ReconcileError(list(dict.fromkeys(findings)))
    return conform(spec, frame, step)


def _written(cell: object) -> str | None:
    """Write a cell as text, as `values.parse` reads it."""
    match cell:
        case None:
            return None
        case str():
            return cell
        case bool():
            return str(int(cell))
        case int() | float():
            return str(cell)
        case Decimal():
            return f"{cell:f}"
        case datetime():
            return cell.strftime(TIMESTAMP_FORMAT)
        case date():
            return cell.strftime(DATE_FORMAT)
        case list() | dict():
            return dump_json(cell)
        case _:
            raise TypeError(f"a cell cannot be a {type(cell).__name__}")


def _unknown(spec: TableSpec, name: str) -> Finding:
    return Finding(
        what=f"{spec.name} declares no column {name}",
        where=f"the rows declared for {spec.name}",
        why=f"its columns are {', '.join(column.name for column in spec.declared)}",
        fix="correct the name, or add the column to the spec",
    )


def _unfit(spec: TableSpec, column: Column, row: Row, number: int) -> Finding:
    return Finding(
        what=f"{row.get(column.name)!r} is no value of {spec.name}.{column.name}",
        where=f"row {number + 1} declared for {spec.name}",
        why=f"the column is {column.kind}",
        fix="correct the cell, or the column's kind in the spec",
    )
