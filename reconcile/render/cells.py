"""Planned rows as plain values for people and programs: which columns to show, and each in its exact form."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from reconcile import values
from reconcile.dataset import KEY, STEP
from reconcile.diff import ACTION, AFTER, BEFORE, CHANGED, REASON, WHY, Action
from reconcile.table_plan import TablePlan
from reconcile.values import Kind

MASK = "(secret)"
"""What is shown of a secret."""

Cell = object
Cells = dict[str, Cell]


@dataclass(frozen=True, slots=True)
class ShownRow:
    """One planned row: for an update only the columns that differ, on both sides; else the side that exists."""

    step: str
    key: str
    action: Action
    reason: str
    why: str
    before: Cells | None
    after: Cells | None


def shown_rows(table: TablePlan, limit: int | None = None) -> Iterator[ShownRow]:
    """Give the planned rows in key order, the first *limit* of them."""
    pieces = table.pieces() if limit is None else [table.head(limit)]
    kinds = {column.name: column.kind for column in table.spec.declared}
    for row in (row for rows in pieces for row in rows.iter_rows(named=True)):
        names = row[CHANGED] or list(kinds)
        yield ShownRow(
            step=row[STEP],
            key=row[KEY],
            action=Action(row[ACTION]),
            reason=row[REASON],
            why=row[WHY],
            before=_cells(kinds, row[BEFORE], names),
            after=_cells(kinds, row[AFTER], names),
        )


def _cells(kinds: Mapping[str, Kind], side: Mapping[str, object] | None, names: Sequence[str]) -> Cells | None:
    return None if side is None else {name: cell(kinds[name], side[name]) for name in names}


def cell(kind: Kind, value: object) -> Cell:
    """
    Give one canonical value as JSON can hold it: numbers of fixed scale and times as their exact text.

    A JSON document comes decoded, or as it is where it does not decode.
    """
    if value is None:
        return None
    match kind, value:
        case values.Secret(), _:
            return MASK
        case values.Json(), str(document):
            try:
                return json.loads(document)
            except ValueError:
                return document
        case values.Decimal(), Decimal():
            return str(value)
        case values.Timestamp(), datetime():
            return value.strftime(values.TIMESTAMP_FORMAT)
        case values.Date(), date():
            return value.strftime(values.DATE_FORMAT)
        case _:
            return value


def visible(text: str) -> str:
    """Escape what would end the line or steer the terminal: no value may forge a part of the plan."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
