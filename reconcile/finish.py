"""Finishes what a run left open that stopped between two batches, where the mode would leave existing rows alone."""

from collections.abc import Iterable, Mapping

import polars as pl

from reconcile.dataset import KEY, dependency_order
from reconcile.diff import ACTION, AFTER, BEFORE, CHANGED, REASON, WHY, Action, Reason
from reconcile.spec import TableSpec


def finish(
    spec: TableSpec, specs: Mapping[str, TableSpec], tables: Iterable[str], rows: pl.DataFrame, ours: frozenset[str]
) -> pl.DataFrame:
    """
    Set what a batch left null in the rows that it created, whose keys are *ours*: references to rows yet to come.

    *rows* are those that differ, *tables* those of the run. What else differs in such a row is left as it is.
    """
    _, deferred = dependency_order({name: specs[name] for name in tables})
    waiting = [column for column in spec.managed if (spec.name, column.name) in deferred]
    if not waiting:
        return rows
    before, after = (pl.col(side).struct for side in (BEFORE, AFTER))
    is_open = {c.name: before.field(c.name).is_null() & after.field(c.name).is_not_null() for c in waiting}
    is_ours = (pl.col(REASON) == Reason.DIFFERS) & pl.col(KEY).is_in(list(ours))
    is_left = is_ours & pl.any_horizontal(is_open.values())
    names = pl.concat_list(*(pl.when(is_set).then(pl.lit(name)) for name, is_set in is_open.items()))
    set_now = pl.struct(
        (pl.coalesce(before.field(c.name), after.field(c.name)) if c in waiting else before.field(c.name)).alias(c.name)
        for c in spec.declared
    )
    is_all = pl.col(CHANGED).list.set_difference(names.list.drop_nulls()).list.len() == 0
    return rows.with_columns(
        pl.when(is_left).then(pl.lit(Action.UPDATE)).otherwise(pl.col(ACTION)).alias(ACTION),
        pl.when(is_left & is_all).then(pl.lit(Reason.UNFINISHED)).otherwise(pl.col(REASON)).alias(REASON),
        pl.when(is_left).then(pl.lit("a run that stopped half-way created it")).otherwise(pl.col(WHY)).alias(WHY),
        pl.when(is_left).then(names.list.drop_nulls()).otherwise(pl.col(CHANGED)).alias(CHANGED),
        pl.when(is_left).then(set_now).otherwise(pl.col(AFTER)).alias(AFTER),
    )
