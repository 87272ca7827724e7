"""What LOAD DATA reads: lines whose cells come apart as they were, whatever is in them."""

import re

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from reconcile.apply import load

_TEXTS = st.none() | st.text(st.sampled_from("ab\\\t\n\0N\"'é"), max_size=5)
_UNESCAPED = {"t": "\t", "n": "\n", "0": "\0", "\\": "\\"}


def cell(source: str) -> str | None:
    """Read a cell as the server does. Source: MySQL manual, "LOAD DATA Statement", field and line handling."""
    if source == "\\N":
        return None
    return re.sub(r"\\(.)", lambda found: _UNESCAPED[found[1]], source, flags=re.DOTALL)


@given(st.lists(st.tuples(st.none() | st.integers(-9, 9), _TEXTS, _TEXTS), max_size=6))
def test_lines_come_apart_as_they_were(rows: list[tuple[int | None, str | None, str | None]]) -> None:
    frame = pl.DataFrame(rows, schema={"number": pl.Int64, "word": pl.String, "title": pl.String}, orient="row")

    lines = load._lines(frame).decode().split("\n")[:-1]

    found = [tuple(map(cell, line.split("\t"))) for line in lines]
    assert found == [(None if number is None else str(number), *texts) for number, *texts in rows]
