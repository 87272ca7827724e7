"""A small desired state with a column of every kind: what its tables hold is changed by hand in every way."""

from datetime import date, datetime, timedelta

import polars as pl

from reconcile import values
from reconcile.dataset import Dataset, conform
from reconcile.spec import Column, Owner, Profile, Step, TableSpec
from reconcile.state import DesiredState

THINGS = 300

_SURROGATE = Column("id", values.Integer(), owner=Owner.SERVER)

SPECS = {
    "shelves": TableSpec(
        name="shelves",
        columns=(_SURROGATE, Column("code", values.Text(20)), Column("title", values.Text(40), nullable=True)),
        key=("code",),
        step="stock",
        unique=(("code",),),
    ),
    "things": TableSpec(
        name="things",
        columns=(
            _SURROGATE,
            Column("number", values.Text(20)),
            Column("shelf", values.Reference("shelves", "RESTRICT"), nullable=True),
            Column("first", values.Text(40), nullable=True),
            Column("second", values.Text(40), nullable=True),
            Column("size", values.Integer(), nullable=True),
            Column("price", values.Decimal(12, 2), nullable=True),
            Column("made_on", values.Date(), nullable=True),
            Column("seen_at", values.Timestamp(), nullable=True),
            Column("is_new", values.Boolean(), nullable=True),
            Column("colour", values.Enumeration(("red", "green", "blue")), nullable=True),
            Column("extra", values.Json(), nullable=True),
            Column("word", values.Secret(60), nullable=True),
            Column("touched", values.Timestamp(), owner=Owner.CREATION, nullable=True),
        ),
        key=("number",),
        step="stock",
        unique=(("number",),),
    ),
    "parts": TableSpec(
        name="parts",
        columns=(_SURROGATE, Column("number", values.Text(20)), Column("thing", values.Reference("things", "CASCADE"))),
        key=("number",),
        step="parts",
        unique=(("number",),),
    ),
}
LEFTOVERS = "CREATE TABLE leftovers (id INT AUTO_INCREMENT PRIMARY KEY, note VARCHAR(40))"


def rows(profile: Profile) -> Dataset:
    """Give the stock; every third cell that may be null is, and texts have in them what separates texts elsewhere."""
    number = pl.int_range(THINGS, dtype=pl.Int64)

    def some(every: int, cell: pl.Expr) -> pl.Expr:
        return pl.when(number % 3 != every % 3).then(cell)

    first = pl.lit(datetime.combine(date(2026, 1, 5), datetime.min.time()))
    things = pl.select(
        number=pl.format("T{}", number.cast(pl.String).str.zfill(6)),
        shelf=some(0, pl.format("S{}", number % 7)),
        first=some(1, pl.format("#{}é-", number)),
        second=some(2, pl.format("a{}\\#", number)),
        size=some(0, number * profile.seed),
        price=some(1, number.cast(pl.Decimal(12, 2))),
        made_on=some(2, pl.lit(profile.as_of) - pl.duration(days=number % 5)),
        seen_at=some(0, first + pl.duration(minutes=number)),
        is_new=some(1, number % 2 == 0),
        colour=some(2, pl.when(number % 2 == 0).then(pl.lit("red")).otherwise(pl.lit("blue"))),
        extra=some(0, pl.format("[{}]", number)),
        word=pl.lit(None, dtype=pl.String),
        touched=first + timedelta(days=1),
    )
    shelves = pl.select(code=pl.format("S{}", pl.int_range(7)), title=pl.format("Shelf {}", pl.int_range(7)))
    few = pl.int_range(20)
    parts = pl.select(number=pl.format("P{}", few), thing=pl.format("T{}", few.cast(pl.String).str.zfill(6)))
    frames = {"shelves": shelves, "things": things, "parts": parts}
    return Dataset(SPECS, {name: conform(SPECS[name], frame) for name, frame in frames.items()})


STATE = DesiredState(
    "stock", (Step("stock", "Shelves and things"), Step("parts", "Parts")), SPECS, rows, (), cleared=("leftovers",)
)
