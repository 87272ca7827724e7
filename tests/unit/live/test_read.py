"""Reading: what the server formats comes apart as it was."""

import polars as pl
import pytest

from reconcile.errors import ReconcileError
from reconcile.live.read import ESCAPED_BACKSLASH, ESCAPED_SEPARATOR, NULL, SEPARATOR, RawTable
from tests.unit.tiny import TAGS

NAMES = ("id", "code", "title")


def line(*cells: str | None) -> str:
    """Format a row as the server is asked to."""
    return SEPARATOR.join(
        NULL if cell is None else cell.replace("\\", ESCAPED_BACKSLASH).replace(SEPARATOR, ESCAPED_SEPARATOR)
        for cell in cells
    )


@pytest.mark.parametrize(
    "title", ["", "plain", None, "\\N", "\\", "\\s", "\\b", f"a{SEPARATOR}b", "\\\\s\\N", "é\n'\""]
)
def test_a_line_comes_apart_as_it_was(title: str | None) -> None:
    rows = RawTable(TAGS, NAMES, [line("1", "a", title), line("2", "b", "x")]).frame()

    assert [("1", "a", title), ("2", "b", "x")] == rows.rows()


def test_tuples_are_taken_as_they_are() -> None:
    rows = RawTable(TAGS, NAMES, [("1", "a", None), ("2", "\\N", "x")]).frame()

    assert rows.rows() == [("1", "a", None), ("2", "\\N", "x")]


def test_no_rows_still_have_columns() -> None:
    assert {"id": pl.String, "code": pl.String, "title": pl.String} == dict(RawTable(TAGS, NAMES, []).frame().schema)


def test_a_row_too_large_for_the_server_is_said_so() -> None:
    with pytest.raises(ReconcileError) as error:
        RawTable(TAGS, NAMES, ["1", None]).frame()  # type: ignore[arg-type]

    assert error.value.findings[0].what == "a row is too large to read"
