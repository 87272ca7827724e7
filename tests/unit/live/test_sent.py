"""The hash of rows that were sent: of texts that differ for rows that differ."""

from zlib import crc32

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconcile.live import sent
from reconcile.live.schema import LiveColumn
from reconcile.live.sent import Part, hash_rows

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


@given(rows=st.lists(ROWS, max_size=5), most_bytes=st.sampled_from([1, 20, 1_000]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_hash_is_that_of_the_rows_texts_in_turn(
    rows: list[tuple[int | None, str | None, str | None]], most_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In parts, where they are longer than what a server joins."""
    monkeypatch.setattr(sent, "MOST_BYTES", most_bytes)

    found = hash_rows(pl.DataFrame(rows, schema=SCHEMA, orient="row"), LIVE)

    assert found.rows == len(rows)
    left = list(rows)
    for part in found.parts:
        lines, left = left[: part.rows], left[part.rows :]
        assert part == Part(len(lines), crc32("\n".join(map(text, lines)).encode()))
    assert most_bytes < 1_000 or len(found.parts) == min(len(rows), 1)


@given(ROWS, ROWS)
def test_rows_that_differ_are_different_texts(
    one: tuple[int | None, str | None, str | None], other: tuple[int | None, str | None, str | None]
) -> None:
    assert (text(one) == text(other)) == (one == other)
