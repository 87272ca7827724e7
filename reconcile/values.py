"""Column kinds, the canonical form of each and its one exact text form; the only meaning of "equal".

Every kind maps to one polars type. `parse` turns text (as servers, plan files and defaults give it) into that
type and `text` turns it back: `parse(text(x)) = x` for every canonical x. Must never read a clock or a server.
"""

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import polars as pl


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number, `bits` wide and signed; canonical as Int64."""

    bits: int = 32


@dataclass(frozen=True, slots=True)
class Boolean:
    """True or false, stored as 1 or 0; canonical as Boolean."""


@dataclass(frozen=True, slots=True)
class Decimal:
    """An exact number of `precision` digits, `scale` of them after the point; canonical as Decimal."""

    precision: int
    scale: int


@dataclass(frozen=True, slots=True)
class Text:
    """Characters, at most `max_length` of them (None: as many as a TEXT column's 65,535 bytes hold)."""

    max_length: int | None = None


@dataclass(frozen=True, slots=True)
class Secret:
    """
    Characters that nobody may see, at most `max_length`, such as the hash of a password.

    In the dataset a declared cell is the name of the secret, which becomes its value only in the statement that
    writes it; a live cell is read as `SET`, whatever it holds.
    """

    max_length: int


SET = "set"
"""What a live secret is read as."""


@dataclass(frozen=True, slots=True)
class Date:
    """A calendar day; canonical as Date."""


@dataclass(frozen=True, slots=True)
class Timestamp:
    """A moment in UTC, whole seconds; canonical as Datetime in microseconds without a zone."""


@dataclass(frozen=True, slots=True)
class Enumeration:
    """One of `values`, in the order the schema lists them; canonical as String."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Json:
    """
    A JSON document; canonical as text with sorted keys, no spaces and numbers in their shortest form.

    `references` names object keys, at any depth, whose value is the surrogate key of a row: (key, table).
    In the dataset such a value is the natural key of that row.
    """

    references: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Reference:
    """
    The surrogate key of a row in `table`; in the dataset the natural key text of that row.

    `on_delete` is the action of the foreign key that the schema declares; None where the link is only logical.
    """

    table: str
    on_delete: str | None = None


@dataclass(frozen=True, slots=True)
class PolymorphicReference:
    """The surrogate key of a row in the table that `discriminator` selects: (value of that column, table)."""

    discriminator: str
    tables: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class TextReference:
    """
    A text of at most `max_length` characters that names a row of `table` by the value of its `column`.

    There is no foreign key; in the dataset the cell is the natural key text of that row.
    """

    table: str
    column: str
    max_length: int


Kind: TypeAlias = (
    Integer
    | Boolean
    | Decimal
    | Text
    | Secret
    | Date
    | Timestamp
    | Enumeration
    | Json
    | Reference
    | PolymorphicReference
    | TextReference
)

DATE_FORMAT = "%Y-%m-%d"
TIME_FORMAT = "%H:%M:%S"
TIMESTAMP_FORMAT = f"{DATE_FORMAT} {TIME_FORMAT}"
_SECONDS_A_DAY, _NANOSECONDS = 86_400, 1_000_000_000
_MANY_MOMENTS = 20_000
_MAX_PRECISION = 38


def dtype(kind: Kind) -> pl.DataType:
    """Give the polars type of *kind*'s canonical form."""
    match kind:
        case Integer():
            return pl.Int64()
        case Boolean():
            return pl.Boolean()
        case Decimal(precision, scale):
            return pl.Decimal(precision, scale)
        case Date():
            return pl.Date()
        case Timestamp():
            return pl.Datetime("us")
        case Text() | Secret() | Enumeration() | Json() | Reference() | PolymorphicReference() | TextReference():
            return pl.String()


def is_free_text(kind: Kind) -> bool:
    """Say whether a cell of *kind* may hold any characters."""
    match kind:
        case Text() | Enumeration() | Json() | Reference() | PolymorphicReference() | Secret() | TextReference():
            return True
        case _:
            return False


def is_looked_up(kind: Kind) -> bool:
    """Say whether a cell of *kind* stands for something else that a server holds: an id, a text, a secret."""
    match kind:
        case Reference() | TextReference() | PolymorphicReference() | Secret():
            return True
        case Json(references):
            return bool(references)
        case _:
            return False


def parse(kind: Kind, column: pl.Expr) -> pl.Expr:
    """
    Turn text into *kind*'s canonical form.

    A number rounds half away from zero to the column's scale, a time to the second below. Text that cannot be
    read becomes null; the caller compares nulls before and after where that must not pass unseen.
    """
    match kind:
        case Integer():
            return column.cast(pl.Int64, strict=False)
        case Boolean():
            return column.cast(pl.Int64, strict=False) != 0
        case Decimal(precision, scale):
            # The cast alone would round a half to the even digit.
            # One digit more before the point holds what rounding carries over, for the last cast to refuse.
            wide_scale = _MAX_PRECISION - 1 - precision + scale
            wide = column.cast(pl.Decimal(_MAX_PRECISION, wide_scale), strict=False)
            return wide.round(scale, mode="half_away_from_zero").cast(pl.Decimal(precision, scale), strict=False)
        case Date():
            return column.str.slice(0, 10).str.to_date(DATE_FORMAT, strict=False)
        case Timestamp():
            return column.str.slice(0, 19).str.to_datetime(TIMESTAMP_FORMAT, strict=False)
        case Json():
            return column.map_elements(canonical_json, return_dtype=pl.String)
        case Text() | Secret() | Enumeration() | Reference() | PolymorphicReference() | TextReference():
            return column


def text(kind: Kind, column: pl.Expr) -> pl.Expr:
    """Turn a canonical column into its exact text form; null stays null."""
    match kind:
        case Boolean():
            return column.cast(pl.Int64).cast(pl.String)
        case Integer() | Decimal():
            return column.cast(pl.String)
        case Date():
            return column.dt.to_string(DATE_FORMAT)
        case Timestamp():
            return column.map_batches(_moments_text, return_dtype=pl.String, is_elementwise=True)
        case Text() | Secret() | Enumeration() | Json() | Reference() | PolymorphicReference() | TextReference():
            return column


def _moments_text(moments: pl.Series) -> pl.Series:
    """Write moments; of many, each day and each second of a day is written once."""
    if len(moments) < _MANY_MOMENTS:
        return moments.dt.to_string(TIMESTAMP_FORMAT)
    seconds = moments.dt.epoch("s")
    days = seconds // _SECONDS_A_DAY
    first, last = days.min(), days.max()
    if not (isinstance(first, int) and isinstance(last, int)) or last - first > len(moments):
        return moments.dt.to_string(TIMESTAMP_FORMAT)
    dates = pl.int_range(first, last + 1, dtype=pl.Int64, eager=True).cast(pl.Date).dt.to_string(f"{DATE_FORMAT} ")
    return dates.gather(days - first) + _times_of_day().gather(seconds - days * _SECONDS_A_DAY)


@cache
def _times_of_day() -> pl.Series:
    seconds = pl.int_range(_SECONDS_A_DAY, dtype=pl.Int64, eager=True)
    return (seconds * _NANOSECONDS).cast(pl.Time).dt.to_string(TIME_FORMAT)


def canonical_json(document: str) -> str:
    """
    Give the canonical text of one JSON document.

    MySQL re-orders object keys and drops spaces, MariaDB keeps the text as sent: both come to one form here. A
    text that is not JSON is kept as it is, so that it differs from every canonical document and is seen.
    Source: MySQL manual, "The JSON Data Type", normalization of JSON values.
    """
    try:
        value = _decode(document)
    except ValueError:
        return document
    return _written(value)


def dump_json(value: object) -> str:
    """Write a decoded JSON value in canonical form."""
    return _written(_shortest_numbers(value))


def _written(value: object) -> str:
    document = _encode(value)
    try:
        document.encode()
    except UnicodeEncodeError:
        # Half a surrogate pair can only be written escaped.
        return json.dumps(value, sort_keys=True, separators=(",", ":"))
    return document


def _shortest(number: str) -> float | int:
    value = float(number)
    return int(value) if value.is_integer() and abs(value) < _EXACT else value


_EXACT = 2**53
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
_decode = json.JSONDecoder(parse_float=_shortest).decode


def translate_members(value: object, members: Collection[str], translate: Callable[[str, object], object]) -> object:
    """Give a decoded JSON value with what stands under *members*, at any depth, translated by member and item."""
    match value:
        case list():
            return [translate_members(item, members, translate) for item in value]
        case dict():
            return {
                member: translate(member, item) if member in members else translate_members(item, members, translate)
                for member, item in value.items()
            }
        case _:
            return value


def translate_document(document: str, members: Collection[str], translate: Callable[[str, object], object]) -> str:
    """
    Give a canonical document, canonical again, with what stands under *members* translated by member and item.

    Raises:
        ValueError: it is no JSON document.

    """
    return _written(translate_members(json.loads(document), members, translate))


def members_of(document: str, members: Collection[str]) -> list[tuple[str, object]]:
    """List what stands under one of *members* in a JSON document, at any depth, as (member, item)."""
    found: list[tuple[str, object]] = []
    translate_members(json.loads(document), members, lambda member, item: found.append((member, item)))
    return found


def _shortest_numbers(value: object) -> object:
    match value:
        case float() if value.is_integer() and abs(value) < _EXACT:
            return int(value)
        case list():
            return [_shortest_numbers(item) for item in value]
        case dict():
            return {key: _shortest_numbers(item) for key, item in value.items()}
        case _:
            return value
