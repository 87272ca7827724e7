"""Rows in wire form ahead of their turn: only the ids are missing that rows of the same plan have yet to get."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

import polars as pl

from reconcile.apply.wire import MissingParent, wire
from reconcile.dataset import ID, KEY, Dataset
from reconcile.diff import AFTER, Action
from reconcile.plan import Plan
from reconcile.spec import Column, TableSpec
from reconcile.values import Reference, is_looked_up

Ahead = Mapping[str, pl.DataFrame]
"""By table, in wire form, the rows that a plan creates."""

_FIRST_PLACE = -(1 << 62)
"""Stands for the id of a table's first created row; no server has such an id."""


def wire_ahead(plan: Plan, live: Dataset) -> dict[str, pl.DataFrame]:
    """
    Give the rows that *plan* creates in tables that have none, as far as they are plain cells and references.

    *live* are the rows of other tables. A reference to a row of the plan is that row's place, for `with_ids`.
    """
    ids = {name: frame[[KEY, ID]] for name, frame in live.frames.items()}
    found = {}
    for part in plan.tables:
        rows = part.of(Action.CREATE)
        columns = [c for c in part.spec.declared if (part.spec.name, c.name) not in plan.deferred]
        if _is_simple(columns):
            with suppress(MissingParent):  # whoever writes the rows says so
                found[part.spec.name] = wire(part.spec, rows, AFTER, columns, ids)
        places = pl.int_range(_FIRST_PLACE, _FIRST_PLACE + rows.height, dtype=pl.Int64, eager=True)
        ids[part.spec.name] = rows.select(KEY, places.alias(ID))
    return found


def with_ids(spec: TableSpec, values: pl.DataFrame, new: Mapping[str, pl.Series]) -> pl.DataFrame:
    """Put ids where there are places: *new* has by table those of the created rows, in their order."""
    columns = [column for column in spec.declared if column.name in values.columns]
    return values.with_columns(
        _with_ids(values[column.name], new[column.kind.table])
        for column in columns
        if isinstance(column.kind, Reference) and column.kind.table in new
    )


def _with_ids(cells: pl.Series, new: pl.Series) -> pl.Series:
    is_place = cells < _FIRST_PLACE + len(new)
    places = cells.zip_with(is_place, pl.Series([None], dtype=pl.Int64))
    return new.gather(places - _FIRST_PLACE).zip_with(is_place.fill_null(value=False), cells).alias(cells.name)


def _is_simple(columns: Sequence[Column]) -> bool:
    return all(isinstance(column.kind, Reference) or not is_looked_up(column.kind) for column in columns)
