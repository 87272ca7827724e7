"""A ledger whose rows hang on the date: going from one day to the next creates, changes and deletes a third each."""

import polars as pl

from reconcile import values
from reconcile.dataset import Dataset, conform
from reconcile.errors import Severity
from reconcile.spec import Column, Owner, Profile, Step, TableSpec
from reconcile.state import DesiredState, Rule

BOOKS, ENTRIES = 200, 3_000

SURROGATE = Column("id", values.Integer(), owner=Owner.SERVER)

SPECS = {
    "books": TableSpec(
        name="books",
        columns=(
            SURROGATE,
            Column("code", values.Text(20)),
            Column("title", values.Text(80)),
            Column("newest", values.Reference("entries", "NO ACTION"), nullable=True),
        ),
        key=("code",),
        step="ledger",
        unique=(("code",),),
    ),
    "entries": TableSpec(
        name="entries",
        columns=(
            SURROGATE,
            Column("number", values.Text(20)),
            Column("book", values.Reference("books", "RESTRICT")),
            Column("amount", values.Decimal(12, 2)),
            Column("booked_on", values.Date()),
            Column("memo", values.Text(200), nullable=True),
        ),
        key=("number",),
        step="ledger",
        unique=(("number",),),
    ),
}


def rows(profile: Profile) -> Dataset:
    """Give the ledger of the day: every third entry is not there, those that are say another thing each day."""
    day = pl.lit(profile.as_of.toordinal(), dtype=pl.Int64)
    number = pl.int_range(ENTRIES, dtype=pl.Int64)
    book = pl.format("B{}", number % BOOKS)
    entries = pl.select(
        number=pl.format("E{}", number),
        book=book,
        amount=((number * 7 + day) % 100_000).cast(pl.Decimal(12, 2)),
        booked_on=pl.lit(profile.as_of),
        memo=pl.format("Entry {} on day {}", number, day),
        is_there=(number + day) % 3 != 0,
    ).filter("is_there")
    newest = entries.group_by("book").agg(pl.col("number").last())
    books = (
        pl.select(code=pl.format("B{}", pl.int_range(BOOKS)), title=pl.format("Book of day {}", day))
        .join(newest, left_on="code", right_on="book", how="left", maintain_order="left")
        .rename({"number": "newest"})
    )
    return Dataset(
        SPECS, {"books": conform(SPECS["books"], books), "entries": conform(SPECS["entries"], entries.drop("is_there"))}
    )


def _of_two_days(ledger: Dataset) -> pl.DataFrame:
    """Find the entries of any day but the newest one's."""
    entries = ledger["entries"]
    return entries.filter(pl.col("booked_on") != pl.col("booked_on").max()).select(
        pl.col("_key").alias("key"), pl.lit("is of another day").alias("why")
    )


STATE = DesiredState(
    "ledger",
    (Step("ledger", "The ledger"), Step("checks", "Checks", checks=("checks",))),
    SPECS,
    rows,
    (Rule("one-day", "All entries are of one day", "checks", Severity.CRITICAL, ("entries",), _of_two_days),),
)
"""What `--state tests.servers.ledger_state` loads."""
