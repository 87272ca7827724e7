"""Planned rows as plain values for people and programs: which columns to show, and each in its exact form."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from reconcile import values
from reconcile.dataset import KEY
from reconcile.diff import ACTION, AFTER, BEFORE, CHANGED, REASON, Action
from reconcile.plan import WHY, TablePlan
from reconcile.spec import TableSpec
from reconcile.values import Kind, dtype, text

Cell = object
Cells = dict[str, Cell]


@dataclass(frozen=True, slots=True)
class ShownRow:
    """One planned row: for an update only the columns that differ, on both sides; else the side that exists."""

    key: str
    action: Action
    reason: str
    why: str
    before: Cells | None
    after: Cells | None


def shown_rows(table: TablePlan, limit: int | None = None) -> Iterator[ShownRow]:
    """Give the planned rows in key order, the first *limit* of them."""
    rows = table.rows if limit is None else table.rows.head(limit)
    for row in rows.iter_rows(named=True):
        names = row[CHANGED] or [column.name for column in table.spec.declared]
        yield ShownRow(
            key=row[KEY],
            action=Action(row[ACTION]),
            reason=row[REASON],
            why=row[WHY],
            before=_cells(table.spec, row[BEFORE], names),
            after=_cells(table.spec, row[AFTER], names),
        )


def _cells(spec: TableSpec, side: dict[str, object] | None, names: list[str]) -> Cells | None:
    if side is None:
        return None
    return {name: cell(spec.column(name).kind, side[name]) for name in names}


def cell(kind: Kind, value: object) -> Cell:
    """
    Give one canonical value as JSON can hold it: numbers of fixed scale and times as their exact text.

    A JSON document comes decoded, or as it is where it does not decode.
    """
    if value is None:
        return None
    match kind, value:
        case values.Json(), str(document):
            try:
                return json.loads(document)
            except ValueError:
                return document
        case values.Decimal(), Decimal():
            return str(value)
        case ((values.Date() | values.Timestamp()), _):
            return pl.select(text(kind, pl.lit(value, dtype=dtype(kind)))).item()
        case _:
            return value
