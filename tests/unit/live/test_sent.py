"""The sum of rows that were sent: over texts that differ for rows that differ."""

from zlib import crc32

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from reconcile.live.schema import LiveColumn
from reconcile.live.sent import sum_up

WORDS = st.none() | st.text(st.sampled_from("#-01aé"), max_size=4)
NUMBERS = st.none() | st.integers(-20, 20)
ROWS = st.tuples(NUMBERS, WORDS, WORDS)
SCHEMA = {"number": pl.Int64, "word": pl.String, "title": pl.String}
LIVE = {
    name: LiveColumn(name=name, data_type="int" if name == "number" else "varchar", nullable=True, has_default=False)
    for name in SCHEMA
}


def text(row: tuple[int | None, str | None, str | None]) -> str:
    """Write a row as `row_text` says that the server writes it."""
    number, word, title = row
    length = "-" if word is None else str(len(word.encode()))
    parts = ["-" if number is None else str(number), length, str(int(title is None)), word, title]
    return "#".join(part for part in parts if part is not None)


@given(st.lists(ROWS, max_size=5))
def test_a_sum_is_that_of_the_rows_texts(rows: list[tuple[int | None, str | None, str | None]]) -> None:
    found = sum_up(pl.DataFrame(rows, schema=SCHEMA, orient="row"), LIVE)
    assert (found.rows, found.total) == (len(rows), sum(crc32(text(row).encode()) for row in rows))


@given(ROWS, ROWS)
def test_rows_that_differ_are_different_texts(
    one: tuple[int | None, str | None, str | None], other: tuple[int | None, str | None, str | None]
) -> None:
    assert (text(one) == text(other)) == (one == other)
