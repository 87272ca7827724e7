"""Canonical forms: what text becomes, and that it comes back."""

from datetime import date, datetime
from decimal import Decimal

import polars as pl
import pytest

from reconcile import values
from reconcile.values import Kind, canonical_json, dtype, dump_json, parse, text

ENUMERATION = values.Enumeration(("raw", "made"))
POLYMORPHIC = values.PolymorphicReference("subject_type", (("maker", "makers"),))

CANONICAL = [
    pytest.param(values.Integer(), "-12", -12, id="integer"),
    pytest.param(values.Integer(64), "9223372036854775807", 2**63 - 1, id="largest integer"),
    pytest.param(values.Boolean(), "1", True, id="true"),
    pytest.param(values.Boolean(), "0", False, id="false"),
    pytest.param(values.Decimal(15, 4), "-12.5000", Decimal("-12.5"), id="decimal"),
    pytest.param(values.Text(10), " a\n", " a\n", id="text"),
    pytest.param(values.Text(), "", "", id="empty text"),
    pytest.param(values.Date(), "2024-02-29", date(2024, 2, 29), id="leap day"),
    pytest.param(values.Timestamp(), "2026-01-05 23:59:59", datetime(2026, 1, 5, 23, 59, 59), id="timestamp"),
    pytest.param(ENUMERATION, "raw", "raw", id="enumeration"),
    pytest.param(values.Json(), '{"a":[1,null]}', '{"a":[1,null]}', id="json"),
    pytest.param(values.Reference("makers"), "ACME", "ACME", id="reference"),
    pytest.param(POLYMORPHIC, "ACME", "ACME", id="polymorphic reference"),
]


def parsed(kind: Kind, source: str | None) -> object:
    return pl.DataFrame({"cell": pl.Series([source], dtype=pl.String)}).select(parse(kind, pl.col("cell"))).item()


def written(kind: Kind, value: object) -> object:
    return pl.DataFrame({"cell": pl.Series([value], dtype=dtype(kind))}).select(text(kind, pl.col("cell"))).item()


@pytest.mark.parametrize(("kind", "source", "value"), CANONICAL)
def test_text_becomes_the_canonical_value_and_comes_back(kind: Kind, source: str, value: object) -> None:
    assert value == parsed(kind, source)
    assert source == written(kind, value)


@pytest.mark.parametrize(("kind", "source", "value"), CANONICAL)
def test_a_parsed_column_has_the_kinds_type(kind: Kind, source: str, value: object) -> None:
    column = pl.DataFrame({"cell": [source]}).select(parse(kind, pl.col("cell"))).to_series()

    assert dtype(kind) == column.dtype


@pytest.mark.parametrize(("kind", "source", "value"), CANONICAL)
def test_null_stays_null(kind: Kind, source: str, value: object) -> None:
    assert parsed(kind, None) is None
    assert written(kind, None) is None


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("0.005", "0.01"),
        ("-0.005", "-0.01"),
        ("0.0049999999", "0.00"),
        ("2.675", "2.68"),
        ("2.665", "2.67"),
        ("7", "7.00"),
        ("999.99", "999.99"),
    ],
)
def test_decimals_round_half_away_from_zero(source: str, expected: str) -> None:
    """As the servers round exact numbers. Source: MySQL manual, "Rounding Behavior"."""
    assert Decimal(expected) == parsed(values.Decimal(5, 2), source)


def test_a_moment_loses_the_fraction_of_its_second() -> None:
    assert datetime(2026, 1, 5, 8, 0, 59) == parsed(values.Timestamp(), "2026-01-05 08:00:59.999999")


def test_a_day_loses_its_time() -> None:
    assert date(2026, 1, 5) == parsed(values.Date(), "2026-01-05 23:00:00")


def test_any_number_but_zero_is_true() -> None:
    """TINYINT(1) holds more than two values; the application reads all but 0 as true."""
    assert [parsed(values.Boolean(), source) for source in ("2", "-1", "0")] == [True, True, False]


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        (values.Integer(), "1.5"),
        (values.Integer(), "many"),
        (values.Boolean(), "yes"),
        (values.Decimal(5, 2), "1000.00"),
        (values.Decimal(5, 2), "999.995"),
        (values.Decimal(5, 2), "n/a"),
        (values.Date(), "0000-00-00"),
        (values.Date(), "2026-02-30"),
        (values.Timestamp(), "2026-01-05"),
    ],
)
def test_text_that_cannot_be_read_becomes_null(kind: Kind, source: str) -> None:
    assert parsed(kind, source) is None


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ('{"b": 1, "a": 2}', '{"a":2,"b":1}'),
        ("[1.0, 2.50, 1e2, -0.0]", "[1,2.5,100,0]"),
        ('{"a": {"d": [], "c": {}}}', '{"a":{"c":{},"d":[]}}'),
        ('"\\u00e9\\u20ac"', '"é€"'),
        ("true", "true"),
        ("null", "null"),
        ("9007199254740993", "9007199254740993"),
        ("1e300", "1e+300"),
    ],
)
def test_json_documents_of_one_meaning_have_one_text(document: str, expected: str) -> None:
    assert expected == canonical_json(document)
    assert expected == canonical_json(expected)


@pytest.mark.parametrize("document", ["", "{", "not json", "{'a': 1}"])
def test_text_that_is_no_json_is_kept(document: str) -> None:
    assert document == canonical_json(document)


def test_half_a_surrogate_pair_in_json_stays_escaped() -> None:
    """No text column can hold it unescaped, and a live document must never stop the reading of a table."""
    assert parsed(values.Json(), '"\\ud800"') == '"\\ud800"'


def test_decoded_json_is_written_in_canonical_form() -> None:
    assert dump_json({"b": None, "a": [1.0, True, "x"]}) == '{"a":[1,true,"x"],"b":null}'
