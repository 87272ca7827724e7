"""Which of a plan's own rows are not as it says: others may have moved rows that it does not name."""

from collections.abc import Iterable

import polars as pl

from reconcile.dataset import ID, KEY, Dataset
from reconcile.decide import complete
from reconcile.diff import ACTION, AFTER, Action, counts
from reconcile.plan import Plan
from reconcile.table_plan import TablePlan
from reconcile.values import Secret


def still_named(plan: Plan, left: Iterable[TablePlan]) -> list[TablePlan]:
    """
    Give of *left*, what a plan made after the write would still do, the rows that *plan* has written.

    It asks for the same goal and not for the cells themselves, since in a top-up a gap rule may give a row another
    natural key, and with it another text to every reference.
    """
    ours = {part.spec.name: part.rows.filter(_IS_WRITTEN) for part in plan.tables if part.written}
    parts = [_among(part, ours[part.spec.name]) for part in left if part.spec.name in ours]
    return [part for part in parts if part.written]


_IS_WRITTEN = pl.col(ACTION) != Action.SKIP


def _among(left: TablePlan, ours: pl.DataFrame) -> TablePlan:
    is_ours = pl.col(KEY).is_in(ours[KEY].implode()) | pl.col(ID).is_in(ours[ID].drop_nulls().implode())
    rows = left.rows.filter(_IS_WRITTEN & is_ours)
    return TablePlan(left.spec, rows, counts(rows), {})


def unsettled(plan: Plan, live: Dataset) -> dict[str, pl.Series]:
    """Name, by table, the rows of *plan* that are not as it leaves them: created or updated otherwise, or not gone."""
    found = {part.spec.name: _unsettled(part, live[part.spec.name]) for part in plan.tables if part.written}
    return {name: keys for name, keys in found.items() if len(keys)}


def _unsettled(part: TablePlan, live: pl.DataFrame) -> pl.Series:
    """Look a created row up by its key, unless it came back under an id of its own; any other by its id."""
    spec = part.spec
    now = complete(spec, live).select(KEY, ID, pl.struct(column.name for column in spec.declared).alias("now"))
    written = part.rows.filter(pl.col(ACTION).is_in([Action.CREATE, Action.UPDATE]))
    by_key = written.filter(pl.col(ID).is_null()).drop(ID).join(now, on=KEY, how="left")
    by_id = written.filter(pl.col(ID).is_not_null()).join(now.drop(KEY), on=ID, how="left")
    differs = pl.any_horizontal(
        pl.col("now").is_null(),
        *(
            pl.col("now").struct.field(column.name).ne_missing(pl.col(AFTER).struct.field(column.name))
            for column in spec.managed
            if not isinstance(column.kind, Secret)
        ),
    )
    wrong = [rows.filter(differs)[KEY] for rows in (by_key, by_id)]
    return pl.concat([*wrong, part.of(Action.DELETE).join(now, on=ID, how="semi")[KEY]])
