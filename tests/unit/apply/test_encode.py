"""The bulk encoder: literals as the driver itself would write them, in statements of bounded size."""

import polars as pl
import pytest
from pymysql.converters import escape_item

from reconcile.apply.encode import ROWS_AT_ONCE, STATEMENT_BYTES, literal, value_lists

NASTY = [
    "",
    "plain",
    "it's",
    'say "hi"',
    "back\\slash",
    "\\",
    "\\'",
    "'; DROP TABLE makers; --",
    "\0\n\r\x1a\t\b",
    "100 % %s %(name)s",
    "?:name",
    "Grüße 😀",
    "\u2028\ufeff",
    "`backticked`",
    "NULL",
    "0x41",
    "_utf8'x'",
]


def encoded(column: pl.Series) -> list[str]:
    return pl.DataFrame({"cell": column}).select(literal("cell", column.dtype)).to_series().to_list()


@pytest.mark.parametrize("value", NASTY)
def test_texts_are_escaped_as_the_driver_does(value: str) -> None:
    assert [escape_item(value, "utf8mb4")] == encoded(pl.Series([value]))


def test_every_character_of_latin_1_is_escaped_as_the_driver_does() -> None:
    characters = [chr(code) for code in range(256)]

    assert [escape_item(character, "utf8mb4") for character in characters] == encoded(pl.Series(characters))


@pytest.mark.parametrize("value", [0, -1, 2**63 - 1, -(2**63)])
def test_integers_are_written_as_the_driver_does(value: int) -> None:
    assert [escape_item(value, "utf8mb4")] == encoded(pl.Series([value], dtype=pl.Int64))


@pytest.mark.parametrize("dtype", [pl.String, pl.Int64])
def test_null_is_written_as_null(dtype: type[pl.DataType]) -> None:
    assert encoded(pl.Series([None], dtype=dtype)) == ["NULL"]


@pytest.mark.parametrize("dtype", [pl.Float64, pl.Boolean, pl.Binary, pl.Date])
def test_what_has_no_exact_text_does_not_travel(dtype: type[pl.DataType]) -> None:
    with pytest.raises(TypeError, match="column cell: values travel as text or integers"):
        encoded(pl.Series([None], dtype=dtype))


def test_rows_keep_their_order() -> None:
    rows = pl.DataFrame({"id": [2, 1, None], "code": ["b", None, "it's"]})

    assert list(value_lists(rows)) == [(3, "(2,'b'),(1,NULL),(NULL,'it\\'s')")]


def test_no_rows_need_no_statement() -> None:
    assert list(value_lists(pl.DataFrame(schema={"id": pl.Int64, "code": pl.String}))) == []


def test_statements_have_a_bounded_size() -> None:
    """And together hold every row once, in order."""
    rows = pl.DataFrame({"id": range(2_500), "text": ["x" * 1_000] * 2_500})

    statements = list(value_lists(rows))

    assert len(statements) == 6
    assert all(len(text) < STATEMENT_BYTES * 1.1 for _, text in statements)
    assert sum(height for height, _ in statements) == 2_500
    assert [f"({number}," for number in range(2_500)] == [
        line[: line.index(",") + 1] for _, text in statements for line in text.replace("),(", ")\n(").split("\n")
    ]


def test_rows_that_are_encoded_in_parts_keep_their_order() -> None:
    rows = pl.DataFrame({"id": range(2 * ROWS_AT_ONCE + 1)})

    statements = list(value_lists(rows))

    assert [height for height, _ in statements] == [ROWS_AT_ONCE, ROWS_AT_ONCE, 1]
    assert ",".join(text for _, text in statements) == ",".join(f"({number})" for number in range(rows.height))


def test_a_row_larger_than_a_statement_takes_little_company() -> None:
    rows = pl.DataFrame({"text": ["a" * STATEMENT_BYTES, "x" * (STATEMENT_BYTES * 2), "b" * 1_000]})

    statements = list(value_lists(rows))

    assert sum(height for height, _ in statements) == 3
    assert all(len(text) < STATEMENT_BYTES * 2.1 for _, text in statements)


def test_bytes_count_and_not_characters() -> None:
    rows = pl.DataFrame({"text": ["€" * 1_000] * 250})

    assert len(list(value_lists(rows))) == 2
