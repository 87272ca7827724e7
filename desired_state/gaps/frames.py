"""What the gap rules share: amounts as whole numbers, who acts, and numbers for the documents they add."""

import polars as pl

from desired_state import money
from desired_state.actors import ADMIN
from desired_state.rules.report import alive
from reconcile.dataset import KEY, Dataset
from reconcile.fields import hash_column

GAP_FILL, AUGMENT = "gap-fill", "augment"
_HASH_DIGITS = 16


def units(column: str | pl.Expr, scale: int = 2) -> pl.Expr:
    """Turn a decimal column into whole units of 10**-scale, rounded."""
    value = pl.col(column) if isinstance(column, str) else column
    one: int = 10**scale
    exact = value.cast(pl.Decimal(38, 10)).round(scale, mode="half_away_from_zero")
    return (exact * one).cast(pl.Int64)


def divide(dividend: pl.Expr, divisor: pl.Expr | int) -> pl.Expr:
    """Divide whole numbers by a positive one and round a half away from zero."""
    return dividend.sign() * money.divide(dividend.abs(), divisor)


def nothing(dataset: Dataset, table: str) -> pl.DataFrame:
    """Give no rows of *table*: what a rule proposes that finds no gap."""
    return dataset[table].head(0)


def acting_user(dataset: Dataset) -> str | None:
    """Give the user that rows are entered by where nothing names one; null where there are no users."""
    users = alive(dataset, "users")
    order = users.sort(pl.col(KEY) != ADMIN, pl.col("role") != "admin", KEY)
    return order[KEY][0] if order.height else None


def number(prefix: str, document: pl.Expr, suffix: pl.Expr, max_length: int) -> pl.Expr:
    """
    Name a row after a document: prefix, the document's number and a suffix.

    Where that is longer than the column, a hash stands for the end of the document's number.
    """
    room = max_length - len(prefix) - suffix.str.len_chars()
    digest = document.map_batches(hash_column, return_dtype=pl.UInt64).cast(pl.String).str.slice(0, _HASH_DIGITS)
    short = pl.concat_str(document.str.slice(0, room - _HASH_DIGITS - 1), pl.lit("~"), digest)
    fits = document.str.len_chars() <= room
    return pl.concat_str(pl.lit(prefix), pl.when(fits).then(document).otherwise(short), suffix)
