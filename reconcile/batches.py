"""Cuts a plan into batches that can be committed one by one; whoever plans again after each is at the next.

A batch ends where the foreign keys hold and a new plan goes on: creates come first, parents first, then updates,
then deletes, children first. Must never decide what is written, only how much of it at once.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import polars as pl

from reconcile.dataset import ID, KEY
from reconcile.diff import ACTION, AFTER, BEFORE, CHANGED, Action, counts
from reconcile.plan import Plan
from reconcile.spec import Column, TableSpec
from reconcile.table_plan import TablePlan
from reconcile.values import Reference, dtype

Part = tuple[str, pl.DataFrame]


def head(plan: Plan, size: int) -> Plan:
    """
    Give the first batch of *plan*: at most *size* rows to write, without the skips.

    References in a circle to rows that a later batch creates are null in it; a new plan finds them different. Rows
    that are deleted later lose such references in a batch of their own. A plan in which a unique value changes hands
    between rows is one batch: half of such a change cannot be committed.
    """
    if plan.written <= size or _values_change_hands(plan):
        return plan
    for chosen in (_creates, _updates, _unlinked, _deletes):
        rows = dict(_up_to(size, chosen(plan)))
        if rows:
            return _with_rows(plan, rows)
    return plan


def _up_to(size: int, parts: Iterable[Part]) -> Iterator[Part]:
    """Give the first *size* rows of *parts*, table by table."""
    left = size
    for name, rows in parts:
        if left and rows.height:
            yield name, rows.head(left)
            left -= min(left, rows.height)


def _creates(plan: Plan) -> Iterator[Part]:
    for part in plan.tables:
        yield part.spec.name, part.of(Action.CREATE)


def _updates(plan: Plan) -> Iterator[Part]:
    for part in plan.tables:
        yield part.spec.name, part.of(Action.UPDATE)


def _deletes(plan: Plan) -> Iterator[Part]:
    for part in reversed(plan.tables):
        yield part.spec.name, part.of(Action.DELETE)


def _unlinked(plan: Plan) -> Iterator[Part]:
    """Give the rows to be deleted that refer in a circle, as updates that clear these references."""
    for part in plan.tables:
        circular = _circular(plan, part.spec)
        rows = part.of(Action.DELETE)
        if not circular or rows.is_empty():
            continue
        refers = {column.name: pl.col(BEFORE).struct.field(column.name).is_not_null() for column in circular}
        names = pl.concat_list(*(pl.when(is_set).then(pl.lit(name)) for name, is_set in refers.items()))
        yield (
            part.spec.name,
            rows.filter(pl.any_horizontal(refers.values())).with_columns(
                pl.lit(Action.UPDATE.value).alias(ACTION),
                names.list.drop_nulls().alias(CHANGED),
                _without(part.spec, BEFORE, {column.name: pl.lit(value=True) for column in circular}).alias(AFTER),
            ),
        )


def _with_rows(plan: Plan, rows: Mapping[str, pl.DataFrame]) -> Plan:
    waiting = {
        part.spec.name: part.of(Action.CREATE).join(rows[part.spec.name], on=KEY, how="anti")[KEY]
        if part.spec.name in rows
        else part.of(Action.CREATE)[KEY]
        for part in plan.tables
    }
    return replace(
        plan,
        tables=tuple(_cut(plan, part, rows.get(part.spec.name, part.rows.clear()), waiting) for part in plan.tables),
    )


def _cut(plan: Plan, part: TablePlan, rows: pl.DataFrame, waiting: Mapping[str, pl.Series]) -> TablePlan:
    """Give a table's part with *rows* alone; created rows refer to none of those that are *waiting* to be created."""
    too_early = {
        column.name: is_waiting
        for column in _circular(plan, part.spec)
        if (is_waiting := _names_waiting(column, waiting)) is not None
    }
    if too_early and rows.height:
        is_created = pl.col(ACTION) == Action.CREATE
        after = pl.when(is_created).then(_without(part.spec, AFTER, too_early)).otherwise(pl.col(AFTER))
        rows = rows.with_columns(after.alias(AFTER))
    return replace(part, held=rows.sort(KEY), counts=counts(rows), told=None)


def _circular(plan: Plan, spec: TableSpec) -> list[Column]:
    return [column for column in spec.declared if (spec.name, column.name) in plan.deferred]


def _names_waiting(column: Column, waiting: Mapping[str, pl.Series]) -> pl.Expr | None:
    """Say per row to be created whether *column* may name a row that waits; None when nothing waits."""
    cell = pl.col(AFTER).struct.field(column.name)
    match column.kind:
        case Reference(table):
            keys = waiting.get(table)
            return None if keys is None or keys.is_empty() else cell.is_in(keys.implode())
        case _:
            # A polymorphic one or a document: which row it names is not worth asking, the next plan sets it.
            return cell.is_not_null() if any(len(keys) for keys in waiting.values()) else None


def _without(spec: TableSpec, side: str, cleared: Mapping[str, pl.Expr]) -> pl.Expr:
    """Give the struct *side* with a null in each column for which *cleared* says so."""
    cells = pl.col(side).struct
    return pl.struct(
        pl.when(cleared[column.name].fill_null(value=False))
        .then(pl.lit(None, dtype=dtype(column.kind)))
        .otherwise(cells.field(column.name))
        .alias(column.name)
        if column.name in cleared
        else cells.field(column.name)
        for column in spec.declared
    )


def _values_change_hands(plan: Plan) -> bool:
    """Say whether a row is to get a unique value that another row has and is to lose."""
    return any(
        _changes_hands(part, unique) for part in plan.tables for unique in part.spec.unique if unique != part.spec.key
    )


def _changes_hands(part: TablePlan, unique: tuple[str, ...]) -> bool:
    def valued(actions: list[Action], side: str) -> pl.DataFrame:
        rows = part.rows.filter(pl.col(ACTION).is_in(actions))
        cells = [pl.col(side).struct.field(name).alias(name) for name in unique]
        return rows.select(pl.col(ID).alias("_holder"), *cells).drop_nulls(unique)

    had = valued([Action.UPDATE, Action.DELETE], BEFORE)
    given = valued([Action.CREATE, Action.UPDATE], AFTER)
    taken = given.join(had, on=list(unique), how="inner", suffix="_before")
    return taken.filter(pl.col("_holder").ne_missing(pl.col("_holder_before"))).height > 0
