"""What a plan would leave: all rows as they would be once it is carried out. Writes nothing."""

from collections.abc import Iterable, Mapping

import polars as pl

from reconcile.dataset import ID, KEY, Dataset
from reconcile.decide import complete
from reconcile.diff import ACTION, AFTER, Action, empty_live
from reconcile.spec import TableSpec
from reconcile.table_plan import TablePlan


def whole(specs: Mapping[str, TableSpec], tables: Iterable[str], live: Dataset) -> Dataset:
    """Give the live rows of *tables* with every declared column; what the live schema lacks is null, or no row."""
    return Dataset(specs, {name: _present(specs[name], live) for name in tables})


def after(parts: Iterable[TablePlan], live: Dataset) -> Dataset:
    """
    Give the rows of *live* as they would be once *parts* are carried out, in the form of live rows.

    Rows that are created have negative ids, since the server has not given them one. Tables that *parts* does not
    name stay as they are.
    """
    changed = {part.spec.name: part for part in parts}
    specs = {**live.specs, **{name: part.spec for name, part in changed.items()}}
    return Dataset(specs, {**live.frames, **{name: _after(part, live) for name, part in changed.items()}})


def _after(part: TablePlan, live: Dataset) -> pl.DataFrame:
    present = _present(part.spec, live)
    replaced = part.rows.filter(pl.col(ACTION).is_in([Action.UPDATE, Action.DELETE]))
    written = part.rows.filter(pl.col(ACTION).is_in([Action.CREATE, Action.UPDATE]))
    not_given = -1 - pl.int_range(pl.len())
    rows = written.select(KEY, pl.col(ID).fill_null(not_given), pl.col(AFTER).struct.unnest())
    return pl.concat([present.join(replaced, on=ID, how="anti"), rows.select(present.columns)])


def _present(spec: TableSpec, live: Dataset) -> pl.DataFrame:
    return complete(spec, live.frames.get(spec.name, empty_live(spec)))
