"""Joins two datasets on the natural key: create, update and delete per row, each with before, after and reason.

Knows nothing of modes and policies: it says what differs, the plan says what may be done about it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import polars as pl

from reconcile.dataset import DUPLICATE, ID, KEY, Dataset
from reconcile.spec import Column, Owner, TableSpec
from reconcile.values import dtype

ACTION, REASON, BEFORE, AFTER, CHANGED = "action", "reason", "before", "after", "changed"


class Action(StrEnum):
    """What happens to one row; a skip is a difference that is left as it is."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    SKIP = "skip"


class Reason(StrEnum):
    """Why a row is in the diff."""

    MISSING = "missing"
    DIFFERS = "differs"
    NOT_DECLARED = "not declared"
    DUPLICATE = "duplicate key"


@dataclass(frozen=True, slots=True)
class TableDiff:
    """
    The differing rows of one table, in natural-key order, and the number of equal ones.

    `rows` has the columns `_key`, `_id` (null for a create), `action`, `reason`, `changed` (names of the managed
    columns that differ; empty but for updates) and the structs `before` and `after` of all declared columns; a
    create has no before and a delete no after.
    """

    spec: TableSpec
    rows: pl.DataFrame
    kept: int


def diff(desired: Dataset, live: Dataset, tables: Iterable[str]) -> dict[str, TableDiff]:
    """
    Find what turns *live* into *desired*, for each of *tables* that the desired side declares.

    Both sides hold canonical columns and one spelling of each key, so equal means equal; only managed columns
    count. A table that the live side lacks has no rows.
    """
    return {
        name: diff_table(desired.specs[name], desired[name], live.frames.get(name, empty_live(desired.specs[name])))
        for name in tables
    }


def empty_live(spec: TableSpec) -> pl.DataFrame:
    """Give the live frame of a table without rows."""
    return pl.DataFrame(
        schema={ID: pl.Int64, **{column.name: dtype(column.kind) for column in spec.declared}, KEY: pl.String}
    )


def diff_table(spec: TableSpec, desired: pl.DataFrame, live: pl.DataFrame) -> TableDiff:
    """Compare one table's frames; live columns that are missing count as null."""
    live = live.with_columns(
        pl.lit(None, dtype=dtype(column.kind)).alias(column.name)
        for column in spec.declared
        if column.name not in live.columns
    )
    row = pl.struct(column.name for column in spec.declared)
    wanted = desired.select(KEY, row.alias(AFTER))
    present = live.select(KEY, ID, row.alias(BEFORE))
    creates = wanted.join(present, on=KEY, how="anti").select(
        KEY,
        pl.lit(None, dtype=pl.Int64).alias(ID),
        pl.lit(Action.CREATE).alias(ACTION),
        pl.lit(Reason.MISSING).alias(REASON),
        _no_columns(),
        pl.lit(None, dtype=present.schema[BEFORE]).alias(BEFORE),
        AFTER,
    )
    deletes = present.join(wanted, on=KEY, how="anti").select(
        KEY,
        ID,
        pl.lit(Action.DELETE).alias(ACTION),
        pl.when(pl.col(KEY).str.contains(DUPLICATE, literal=True))
        .then(pl.lit(Reason.DUPLICATE))
        .otherwise(pl.lit(Reason.NOT_DECLARED))
        .alias(REASON),
        _no_columns(),
        BEFORE,
        pl.lit(None, dtype=wanted.schema[AFTER]).alias(AFTER),
    )
    common = present.join(wanted, on=KEY, how="inner")
    updates = _updates(spec, common)
    rows = pl.concat([creates, updates, deletes]).sort(KEY)
    return TableDiff(spec, rows, kept=common.height - updates.height)


def _no_columns() -> pl.Expr:
    return pl.lit([], dtype=pl.List(pl.String)).alias(CHANGED)


def _updates(spec: TableSpec, common: pl.DataFrame) -> pl.DataFrame:
    differing = common.filter(pl.any_horizontal(_differs(column) for column in spec.managed))
    names = pl.concat_list(
        pl.when(_differs(column)).then(pl.lit(column.name)) for column in spec.managed
    ).list.drop_nulls()
    return differing.select(
        KEY,
        ID,
        pl.lit(Action.UPDATE).alias(ACTION),
        pl.lit(Reason.DIFFERS).alias(REASON),
        names.alias(CHANGED),
        BEFORE,
        pl.struct(_side(column).struct.field(column.name) for column in spec.declared).alias(AFTER),
    )


def _differs(column: Column) -> pl.Expr:
    return pl.col(BEFORE).struct.field(column.name).ne_missing(pl.col(AFTER).struct.field(column.name))


def _side(column: Column) -> pl.Expr:
    """Keep what is not ours to change once the row exists."""
    return pl.col(AFTER if column.owner is Owner.DESIRED else BEFORE)


def counts(rows: pl.DataFrame) -> Mapping[Action, int]:
    """Count a diff's rows by action; every action has an entry."""
    found = dict(rows.group_by(ACTION).len().iter_rows())
    return {action: found.get(action.value, 0) for action in Action}
