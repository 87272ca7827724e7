"""What a top-up may add to rows that other people made."""

import polars as pl

from reconcile.dataset import KEY, Dataset, conform
from reconcile.spec import Profile
from reconcile.state import GapRule

from .tables import COPIES


def _first_copies(dataset: Dataset, _profile: Profile) -> pl.DataFrame:
    without = dataset["books"].join(dataset["copies"], left_on=KEY, right_on="book_id", how="anti")
    return conform(
        COPIES,
        without.select(
            pl.col(KEY).alias("book_id"),
            pl.lit(1).alias("number"),
            pl.lit("NEW").alias("shelf"),
            pl.lit("2020-01-06 08:00:00").str.to_datetime().alias("updated_at"),
        ),
        "mending",
    )


GAP_RULES = (
    GapRule(
        "first-copy",
        "A book without a copy gets its first one",
        "mending",
        "copies",
        columns=(),
        tables=("books", "copies"),
        propose=_first_copies,
        mends=("book-has-copy",),
    ),
)
