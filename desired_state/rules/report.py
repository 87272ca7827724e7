"""How a rule says what it found. A value that is missing breaks a rule; it never passes one."""

from collections.abc import Callable
from decimal import Decimal
from typing import TypeAlias

import polars as pl

from reconcile.dataset import KEY, Dataset

Violations: TypeAlias = Callable[[Dataset], pl.DataFrame]

EXACT = pl.Decimal(38, 4)
CENT = Decimal("0.01")
"""What amounts may differ by; the application's own checks allow a cent."""

HALF_CENT = Decimal("0.005")


def report(frame: pl.DataFrame, broken: pl.Expr, why: pl.Expr) -> pl.DataFrame:
    """Give key and reason of the rows where *broken* is true, or unknown because a value is missing."""
    return frame.filter(broken.fill_null(value=True)).select(pl.col(KEY).alias("key"), why.alias("why"))


def say(text: str, *columns: str | pl.Expr) -> pl.Expr:
    """Fill the gaps `{}` of *text* with the values of *columns*; a missing value reads "nothing"."""
    values = [pl.col(column) if isinstance(column, str) else column for column in columns]
    return pl.format(text, *(value.cast(pl.String).fill_null("nothing") for value in values))


def amount(column: str) -> pl.Expr:
    """Give a column of amounts with four decimals, so that all scales compare and multiply exactly."""
    return pl.col(column).cast(EXACT)


def differ(left: pl.Expr, right: pl.Expr, tolerance: Decimal = CENT) -> pl.Expr:
    """Say whether two amounts are further apart than *tolerance*; null when one is missing."""
    return (left - right).abs() > pl.lit(tolerance).cast(EXACT)


def alive(dataset: Dataset, table: str) -> pl.DataFrame:
    """Give the rows of *table* that are not deleted softly."""
    return dataset[table].filter(pl.col("deleted_at").is_null())


def lacks(dataset: Dataset, column: str, table: str) -> pl.Expr:
    """Say whether the reference in *column* names no row of *table*; a null names none."""
    return ~pl.col(column).is_in(dataset[table][KEY].implode()) | pl.col(column).is_null()


def total(frame: pl.DataFrame, by: str | list[str], **columns: pl.Expr) -> pl.DataFrame:
    """Sum *columns* per value of *by*; a sum with a missing term is missing."""
    sums = {name: pl.when(column.null_count() == 0).then(column.sum().cast(EXACT)) for name, column in columns.items()}
    return frame.group_by(by).agg(**sums)
