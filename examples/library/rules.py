"""What must hold, of the declared rows and of the live ones alike."""

import polars as pl

from reconcile.dataset import KEY, Dataset
from reconcile.errors import Severity
from reconcile.state import Rule


def _loans_end_after_they_begin(dataset: Dataset) -> pl.DataFrame:
    wrong = pl.col("due_on") < pl.col("lent_on")
    return dataset["loans"].filter(wrong).select(key=KEY, why=pl.format("due on {}", "due_on"))


def _a_copy_is_lent_once(dataset: Dataset) -> pl.DataFrame:
    out = dataset["loans"].filter(pl.col("returned_on").is_null())
    return out.filter(pl.col("copy_id").is_duplicated()).select(
        key=KEY, why=pl.format("copy {} is out twice", "copy_id")
    )


def _a_book_has_a_copy(dataset: Dataset) -> pl.DataFrame:
    without = dataset["books"].join(dataset["copies"], left_on=KEY, right_on="book_id", how="anti")
    return without.select(key=KEY, why=pl.lit("no copy of it"))


RULES = (
    Rule(
        id="loan-dates",
        title="A loan ends after it begins",
        group="integrity",
        severity=Severity.CRITICAL,
        tables=("loans",),
        violations=_loans_end_after_they_begin,
    ),
    Rule(
        id="lent-once",
        title="A copy is lent to one reader at a time",
        group="integrity",
        severity=Severity.CRITICAL,
        tables=("loans", "copies"),
        violations=_a_copy_is_lent_once,
    ),
    Rule(
        id="book-has-copy",
        title="A book has a copy",
        group="integrity",
        severity=Severity.WARNING,
        tables=("books", "copies"),
        violations=_a_book_has_a_copy,
    ),
)
