"""Fill gaps in live rows: run the gap rules one after another, each on what the ones before it have left.

Decides nothing about modes: the plan asks for it in a top-up. Must never read a database, a clock or chance.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from reconcile.dataset import ID, KEY, STEP, Dataset
from reconcile.spec import Owner, Profile
from reconcile.state import GapRule
from reconcile.values import dtype

RULE, TITLE = "_rule", "_title"


@dataclass(frozen=True, slots=True)
class Filled:
    """
    The rows with their gaps filled, and who touched which.

    `touched` has per table a frame (`_key`, `_step`, `_rule`, `_title`), one row per rule and row, in the rules' order.
    """

    dataset: Dataset
    touched: Mapping[str, pl.DataFrame]


def fill(dataset: Dataset, rules: Iterable[GapRule], profile: Profile) -> Filled:
    """
    Run *rules* in order on *dataset*, which may hold live rows (`_id`) and rows to be created.

    A rule whose tables the dataset lacks is left out: it is for a run that has them.

    Raises:
        ValueError: a rule changes a column that it does not declare or that is not managed, or
            proposes a row twice.

    """
    frames = dict(dataset.frames)
    touched: dict[str, list[pl.DataFrame]] = {}
    for rule in rules:
        if any(name not in frames for name in (rule.table, *rule.tables)):
            continue
        current = Dataset(dataset.specs, frames)
        proposed = rule.propose(current, profile)
        if proposed[KEY].is_duplicated().any():
            raise ValueError(f"gap rule {rule.id} proposes a row twice")
        frames[rule.table], keys = (
            _changed(current, rule, proposed) if rule.columns else _extended(current, rule, proposed)
        )
        if len(keys):
            touched.setdefault(rule.table, []).append(
                pl.DataFrame({KEY: keys}).with_columns(
                    pl.lit(rule.step).alias(STEP), pl.lit(rule.id).alias(RULE), pl.lit(rule.title).alias(TITLE)
                )
            )
    return Filled(Dataset(dataset.specs, frames), {name: pl.concat(parts) for name, parts in touched.items()})


def _changed(dataset: Dataset, rule: GapRule, proposed: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """
    Give the table with the declared columns of the proposed rows, and the keys of the rows that differ now.

    A row keeps the key it is live under: one that a new value gives it counts when the rows are read again.
    """
    spec, frame = dataset.specs[rule.table], dataset[rule.table]
    stray = set(proposed.columns) - {KEY, *rule.columns}
    unmanaged = [name for name in rule.columns if spec.column(name).owner is not Owner.DESIRED]
    if stray or unmanaged:
        raise ValueError(f"gap rule {rule.id} may not change {sorted([*stray, *unmanaged])}")
    wanted = proposed.select(
        KEY, *(pl.col(name).cast(dtype(spec.column(name).kind)).alias(_after(name)) for name in rule.columns)
    ).with_columns(pl.lit(value=True).alias(RULE))
    joined = frame.join(wanted, on=KEY, how="left", maintain_order="left")
    is_changed = pl.col(RULE).is_not_null() & pl.any_horizontal(
        pl.col(name).ne_missing(pl.col(_after(name))) for name in rule.columns
    )
    keys = joined.filter(is_changed)[KEY]
    result = joined.with_columns(
        pl.when(pl.col(RULE).is_not_null()).then(pl.col(_after(name))).otherwise(pl.col(name)).alias(name)
        for name in rule.columns
    )
    return result.select(frame.columns), keys


def _extended(dataset: Dataset, rule: GapRule, proposed: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """Give the table with the proposed rows that it does not have, and their keys."""
    frame = dataset[rule.table]
    new = proposed.join(frame, on=KEY, how="anti").drop(STEP, strict=False)
    if ID in frame.columns:
        new = new.with_columns(pl.lit(None, dtype=pl.Int64).alias(ID))
    return pl.concat([frame, new.select(frame.columns)]), new[KEY]


def _after(name: str) -> str:
    return f"_after_{name}"
