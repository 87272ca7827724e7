"""Joins two datasets on the natural key: create, update and delete per row, each with before, after and reason.

Knows nothing of modes and policies: it says what differs, the plan says what may be done about it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, reduce
from operator import or_

import polars as pl

from reconcile.dataset import ID, KEY, STEP, Dataset, repeats_key
from reconcile.spec import Column, Owner, TableSpec
from reconcile.values import dtype

_IS_DECLARED = "_is_declared"
ACTION, REASON, BEFORE, AFTER, CHANGED = "action", "reason", "before", "after", "changed"
WHY = "why"
"""A sentence on each decided row; a bare difference has none."""


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
    GAP = "gap"
    """A gap rule fills or mends the row."""
    DEPENDENT = "dependent"
    """The row depends on one that goes."""
    UNFINISHED = "unfinished"
    """A run that stopped between two batches created the row and had still to set a reference."""
    UNDONE = "undone"
    """A rollback takes back what a run did to the row."""
    EDITED = "edited since"
    """Somebody has changed the row since the run that is rolled back."""
    HELD = "held"
    """The row cannot go or come back: others refer to it, or what it needs is gone or taken."""


@dataclass(frozen=True, slots=True)
class TableDiff:
    """
    The differing rows of one table, in natural-key order, and the number of equal ones.

    `rows` has the columns `_key`, `_id` (null for a create), `_step` (null for a row that is not declared), `action`,
    `reason`, `changed` (names of the managed columns that differ; empty but for updates) and the structs `before` and
    `after` of all declared columns; a create has no before and a delete no after.
    """

    spec: TableSpec
    rows: pl.DataFrame
    kept: int


def diff(desired: Dataset, live: Dataset, tables: Iterable[str]) -> dict[str, TableDiff]:
    """
    Find what turns *live* into *desired*, for each of *tables*.

    Both sides hold canonical columns and one spelling of each key, so equal means equal; only managed columns
    count. A table that the live side lacks has no rows.
    """
    specs = desired.specs
    sides = {name: (desired[name], live[name] if name in live else empty_live(specs[name])) for name in tables}
    others = [name for name, (wanted, present) in sides.items() if not _are_the_same(specs[name], wanted, present)]
    found = {name: _all_missing(specs[name], sides[name][0]) for name in others if sides[name][1].is_empty()}
    others = [name for name in others if name not in found]
    joined = [_differing(specs[name], *_narrowed(specs[name], *sides[name])) for name in others]
    found |= zip(others, pl.collect_all(joined) if joined else [], strict=True)
    diffs = {}
    for name, (_, present) in sides.items():
        rows = found.get(name)
        if rows is None:
            diffs[name] = TableDiff(specs[name], no_rows(specs[name]), present.height)
        else:
            gone = rows.filter(pl.col(ACTION).is_in([Action.UPDATE, Action.DELETE])).height
            diffs[name] = TableDiff(specs[name], rows, present.height - gone)
    return diffs


def _are_the_same(spec: TableSpec, desired: pl.DataFrame, live: pl.DataFrame) -> bool:
    """Say whether both frames have the same keys and managed columns; a join is not needed to see that."""
    names = [KEY, *(column.name for column in spec.managed)]
    if desired.height != live.height or not set(names) <= set(live.columns):
        return False
    if not desired[KEY].equals(live[KEY]):
        desired, live = (side.select(names).sort(KEY) for side in (desired, live))
    return desired[names].equals(live[names])


def _narrowed(spec: TableSpec, desired: pl.DataFrame, live: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Leave out rows that do not differ, where both sides have the same keys in the same order; else nothing."""
    names = [column.name for column in spec.managed if column.name in live.columns]
    if len(names) < len(spec.managed) or not desired[KEY].equals(live[KEY]):
        return desired, live
    nothing = pl.repeat(value=False, n=desired.height, dtype=pl.Boolean, eager=True)
    differs = reduce(or_, (desired[name].ne_missing(live[name]) for name in names), nothing)
    return desired.filter(differs), live.filter(differs)


@cache
def no_rows(spec: TableSpec) -> pl.DataFrame:
    """Give the differing rows of a table in which nothing differs."""
    texts = dict.fromkeys((STEP, ACTION, REASON), pl.String)
    sides = dict.fromkeys((BEFORE, AFTER), _row(spec))
    return pl.DataFrame(schema={KEY: pl.String, ID: pl.Int64, **texts, CHANGED: pl.List(pl.String), **sides})


@cache
def none_decided(spec: TableSpec) -> pl.DataFrame:
    """Give the decided rows of a table in which nothing differs."""
    return no_rows(spec).with_columns(pl.lit(None, dtype=pl.String).alias(WHY))


@cache
def _row(spec: TableSpec) -> pl.Struct:
    return pl.Struct({column.name: dtype(column.kind) for column in spec.declared})


def empty_declared(spec: TableSpec) -> pl.DataFrame:
    """Give the declared frame of a table in which nothing is declared."""
    names = {column.name: dtype(column.kind) for column in spec.declared}
    return pl.DataFrame(schema={**names, KEY: pl.String, STEP: pl.String})


@cache
def empty_live(spec: TableSpec) -> pl.DataFrame:
    """Give the live frame of a table without rows."""
    return pl.DataFrame(
        schema={ID: pl.Int64, **{column.name: dtype(column.kind) for column in spec.declared}, KEY: pl.String}
    )


def _all_missing(spec: TableSpec, desired: pl.DataFrame) -> pl.DataFrame:
    """Say of a table that has no rows what `_differing` would: every declared row is missing."""
    row = pl.struct(column.name for column in spec.declared)
    rows = desired.select(
        KEY,
        pl.lit(None, dtype=pl.Int64).alias(ID),
        STEP,
        pl.lit(Action.CREATE).alias(ACTION),
        pl.lit(Reason.MISSING).alias(REASON),
        pl.lit([], dtype=pl.List(pl.String)).alias(CHANGED),
        pl.lit(None, dtype=_row(spec)).alias(BEFORE),
        row.alias(AFTER),
    )
    return rows if rows[KEY].is_sorted() else rows.sort(KEY)


def _differing(spec: TableSpec, desired: pl.DataFrame, live: pl.DataFrame) -> pl.LazyFrame:
    """Join one table's frames on the key and keep what differs; live columns that are missing count as null."""
    live = live.with_columns(
        pl.lit(None, dtype=dtype(column.kind)).alias(column.name)
        for column in spec.declared
        if column.name not in live.columns
    )
    row = pl.struct(column.name for column in spec.declared)
    wanted = desired.lazy().select(KEY, STEP, row.alias(AFTER), pl.lit(value=True).alias(_IS_DECLARED))
    present = live.lazy().select(KEY, ID, row.alias(BEFORE))
    is_missing, is_extra = pl.col(ID).is_null(), pl.col(_IS_DECLARED).is_null()
    changed = pl.concat_list(
        pl.lit(None, dtype=pl.String),  # a table may have no managed column at all
        *(pl.when(_differs(column)).then(pl.lit(column.name)) for column in spec.managed),
    ).list.drop_nulls()
    is_common = ~is_missing & ~is_extra
    after = pl.struct(_side(column).alias(column.name) for column in spec.declared)
    return (
        wanted.join(present, on=KEY, how="full", coalesce=True)
        .filter(pl.any_horizontal(is_missing, is_extra, *(_differs(column) for column in spec.managed)))
        .select(
            KEY,
            ID,
            STEP,
            pl.when(is_missing)
            .then(pl.lit(Action.CREATE))
            .when(is_extra)
            .then(pl.lit(Action.DELETE))
            .otherwise(pl.lit(Action.UPDATE))
            .alias(ACTION),
            pl.when(is_missing)
            .then(pl.lit(Reason.MISSING))
            .when(~is_extra)
            .then(pl.lit(Reason.DIFFERS))
            .when(repeats_key())
            .then(pl.lit(Reason.DUPLICATE))
            .otherwise(pl.lit(Reason.NOT_DECLARED))
            .alias(REASON),
            pl.when(is_common).then(changed).otherwise(pl.lit([], dtype=pl.List(pl.String))).alias(CHANGED),
            pl.when(~is_missing).then(pl.col(BEFORE)).alias(BEFORE),
            pl.when(is_common).then(after).when(is_missing).then(pl.col(AFTER)).alias(AFTER),
        )
        .sort(KEY)
    )


def _differs(column: Column) -> pl.Expr:
    before, after = (pl.col(side).struct.field(column.name) for side in (BEFORE, AFTER))
    differs = before.ne_missing(after)
    return differs & before.is_null() if column.owner is Owner.ONCE else differs


def _side(column: Column) -> pl.Expr:
    """Keep what is not ours to change once the row exists."""
    before, after = (pl.col(side).struct.field(column.name) for side in (BEFORE, AFTER))
    match column.owner:
        case Owner.DESIRED:
            return after
        case Owner.ONCE:
            return pl.coalesce(before, after)
        case _:
            return before


def counts(rows: pl.DataFrame) -> Mapping[Action, int]:
    """Count a diff's rows by action; every action has an entry."""
    actions = rows[ACTION]
    return {action: int((actions == action.value).sum()) if rows.height else 0 for action in Action}
