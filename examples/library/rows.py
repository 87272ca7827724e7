"""The rows: few and known ones written down, many alike computed as columns."""

from datetime import timedelta

import polars as pl

from reconcile.dataset import KEY, Dataset, conform, with_hash
from reconcile.declaration import Row, declare
from reconcile.fields import Draw
from reconcile.spec import Profile, Size

from .tables import AUTHORS, BOOKS, COPIES, LOANS, SPECS

_AUTHORS: list[Row] = [
    {"name": "Ilse Varnholt", "country": "Germany"},
    {"name": "Odile Maret", "country": "France"},
    {"name": "Tomas Rydell"},
]
_BOOKS: list[Row] = [
    {"isbn": "9780000000011", "title": "The Quiet Harbour", "author_id": "Ilse Varnholt", "published": "1998-03-01"},
    {"isbn": "9780000000028", "title": "Salt and Paper", "author_id": "Ilse Varnholt", "genre": "poetry"},
    {"isbn": "9780000000035", "title": "Counting Rivers", "author_id": "Odile Maret", "genre": "science"},
    {"isbn": "9780000000042", "title": "A House in June", "author_id": "Tomas Rydell", "published": "2011-06-21"},
]
_COPIES_PER_BOOK = 2
_LOANS = {Size.LIGHT: 2, Size.FULL: 4}
_LOAN_DAYS = 28
_READERS = ("Reader 17", "Reader 23", "Reader 42")


def rows(profile: Profile) -> Dataset:
    """Give every declared row; all dates of loans hang on `profile.as_of`, all chance on `profile.seed`."""
    books = declare(BOOKS, _BOOKS)
    copies = _copies(books)
    return Dataset(
        SPECS,
        {"authors": declare(AUTHORS, _AUTHORS), "books": books, "copies": copies, "loans": _loans(profile, copies)},
    )


def _copies(books: pl.DataFrame) -> pl.DataFrame:
    numbers = pl.DataFrame({"number": range(1, _COPIES_PER_BOOK + 1)})
    return conform(
        COPIES,
        books.join(numbers, how="cross").select(
            pl.col(KEY).alias("book_id"),
            "number",
            pl.col("genre").str.slice(0, 3).str.to_uppercase().alias("shelf"),
            pl.lit("2020-01-06 08:00:00").str.to_datetime().alias("updated_at"),
        ),
    )


def _loans(profile: Profile, copies: pl.DataFrame) -> pl.DataFrame:
    draw = Draw(profile.seed, "loans")
    ordinal = pl.int_range(1, pl.len() + 1)
    lent = pl.lit(profile.as_of) - pl.duration(days=draw.integer("lent_on", 1, _LOAN_DAYS))
    plan = copies.head(_LOANS[profile.size]).select(
        pl.format("L-{}", ordinal.cast(pl.String).str.zfill(4)).alias("code"), pl.col(KEY).alias("copy_id")
    )
    return conform(
        LOANS,
        with_hash(plan, "code").select(
            "code",
            "copy_id",
            draw.choice("reader", _READERS).alias("reader"),
            lent.alias("lent_on"),
            (lent + timedelta(days=_LOAN_DAYS)).alias("due_on"),
        ),
    )
