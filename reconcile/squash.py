"""Several changes that one run made to a row, batch after batch, as the one change they amount to."""

import polars as pl

from reconcile.dataset import ID
from reconcile.diff import ACTION, AFTER, BEFORE, CHANGED, Action

_FIRST, _LAST = "_first", "_last"


def squash(rows: pl.DataFrame, *firsts: str) -> pl.DataFrame:
    """
    Give recorded *rows*, in the order in which they were written, with at most one for each `_id`.

    What was created and changed was created so, what was changed and deleted was deleted as it was before; a row that
    a run both created and deleted is not there. Keys, steps and reasons are those of the last change, the columns
    *firsts* those of the first.
    """
    if not rows[ID].is_duplicated().any():
        return rows
    others = [name for name in rows.columns if name not in {ID, ACTION, BEFORE, AFTER, CHANGED}]
    merged = rows.group_by(ID, maintain_order=True).agg(
        pl.col(ACTION).first().alias(_FIRST),
        pl.col(ACTION).last().alias(_LAST),
        pl.col(BEFORE).first(),
        pl.col(AFTER).last(),
        pl.col(CHANGED).explode().drop_nulls().unique(maintain_order=True),
        *(pl.col(name).first() if name in firsts else pl.col(name).last() for name in others),
    )
    created, deleted = pl.col(_FIRST) == Action.CREATE, pl.col(_LAST) == Action.DELETE
    action = (
        pl.when(created)
        .then(pl.lit(Action.CREATE))
        .when(deleted)
        .then(pl.lit(Action.DELETE))
        .otherwise(pl.lit(Action.UPDATE))
    )
    return (
        merged.filter(~(created & deleted))
        .with_columns(
            action.alias(ACTION),
            pl.when(created | deleted)
            .then(pl.lit([], dtype=pl.List(pl.String)))
            .otherwise(pl.col(CHANGED))
            .alias(CHANGED),
        )
        .select(rows.columns)
    )
