"""Which kind of column a live column is: the reverse of the types that `tables` spells, and more of them."""

import re
from datetime import date, datetime
from decimal import Decimal as Number
from decimal import InvalidOperation

from reconcile import values
from reconcile.live.introspect import LiveColumn
from reconcile.values import DATE_FORMAT, TIMESTAMP_FORMAT, Kind

LONGEST_VARCHAR = 16_383
"""Characters of four bytes that one row holds. Source: MySQL manual, "Limits on Table Column Count and Row Size"."""

LONGEST_NUMBER = 37
"""Digits of a decimal; polars holds 38 and rounding needs one of them."""

LONGEST_SECRET = 4_096
"""Characters that a secret in a TEXT column may have."""

_BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "integer": 32, "bigint": 64}
_LONG_TEXTS = {"text", "mediumtext", "longtext"}
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SECRET_WORDS = {"hash", "token", "tokens", "salt", "pwd", "apikey", "credential", "credentials"}
_SECRET_PARTS = re.compile(r"passw|secret|(api|private|access|auth)_?key", re.IGNORECASE)


def names_secret(name: str) -> bool:
    """Say whether a column's name suggests that nobody may see what it holds."""
    return bool(_SECRET_PARTS.search(name)) or not _SECRET_WORDS.isdisjoint(
        word.lower() for word in _WORDS.findall(name)
    )


def kind_of(column: LiveColumn) -> Kind | None:
    """
    Give the kind that reads and writes a live column without loss; None for types that no kind stands for.

    Those are floating-point numbers, binary types, times of day, years, sets and bits; and JSON that holds secrets.
    Numbers beyond 64 bits with sign are reported where they are read.
    """
    is_secret = names_secret(column.name)
    is_unsigned = "unsigned" in column.column_type.lower()
    match column.data_type:
        case "boolean":
            return values.Boolean()
        case "tinyint" if column.column_type.lower().startswith("tinyint(1)"):
            return values.Boolean()
        case number if number in _BITS:
            return values.Integer(min(_BITS[number] + is_unsigned, 64))
        case "decimal" if column.precision is not None:
            is_exact = column.precision <= LONGEST_NUMBER
            return values.Decimal(column.precision, column.scale or 0) if is_exact else None
        case "json" | "longtext" if column.data_type == "json" or column.is_json:
            return None if is_secret else values.Json()
        case text if text in _LONG_TEXTS:
            return values.Secret(LONGEST_SECRET) if is_secret else values.Text()
        case "varchar" | "char" | "tinytext":
            return _short_text(column, is_secret=is_secret)
        case "enum":
            return values.Enumeration(column.allowed) if column.allowed else None
        case "date":
            return values.Date()
        case "timestamp" | "datetime":
            return values.Timestamp()
        case _:
            return None


def _short_text(column: LiveColumn, *, is_secret: bool) -> Kind:
    if column.allowed:
        return values.Enumeration(column.allowed)
    length = column.length or LONGEST_VARCHAR
    return values.Secret(length) if is_secret else values.Text(length)


def default_of(kind: Kind, default: str | None) -> str | None:
    """Give a live default in the text form of *kind*; None where it is no value of that kind."""
    if default is None:
        return None
    try:
        match kind:
            case values.Integer():
                return str(int(default))
            case values.Boolean():
                return str(int(int(default) != 0))
            case values.Decimal(_, scale):
                return str(Number(default).quantize(Number(1).scaleb(-scale)))
            case values.Date():
                return date.fromisoformat(default).strftime(DATE_FORMAT)
            case values.Timestamp():
                return datetime.fromisoformat(default).replace(microsecond=0).strftime(TIMESTAMP_FORMAT)
            case values.Enumeration(allowed):
                return default if default in allowed else None
            case values.Text() | values.Json():
                return default
            case _:
                return None
    except (ValueError, InvalidOperation):
        return None
