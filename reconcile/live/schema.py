"""What a live schema is made of: columns, keys, foreign keys, tables. Facts only; `introspect` finds them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_QUOTED = re.compile(r"'((?:[^']|'')*)'")


@dataclass(frozen=True, slots=True)
class LiveColumn:
    """
    One column as the server has it.

    `data_type` is the lower-case type name and `column_type` the whole type; `length` counts characters; `allowed`
    lists an enumeration's values. `default` is a plain value as text, None where there is none or the server works it
    out. `is_json` marks a text column that is checked to hold JSON; only `describe` looks for that.
    """

    name: str
    data_type: str
    nullable: bool
    has_default: bool
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    allowed: tuple[str, ...] | None = None
    collation: str | None = None
    column_type: str = ""
    default: str | None = None
    is_clock_default: bool = False
    is_clock_on_update: bool = False
    is_auto_increment: bool = False
    is_generated: bool = False
    is_json: bool = False


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """
    A declared link of one column: deleting the parent does `on_delete` to the child.

    `parent_column` is what the column must equal, None where that is the parent's primary key and not named;
    `is_composite` marks one column of several that link together.
    """

    table: str
    column: str
    parent: str
    on_delete: str
    parent_column: str | None = None
    is_composite: bool = False


@dataclass(frozen=True, slots=True)
class LiveKey:
    """One index over whole columns; an index over parts of texts, expressions or some of the rows is none."""

    columns: tuple[str, ...]
    is_unique: bool
    is_primary: bool = False


@dataclass(frozen=True, slots=True)
class LiveTable:
    """All that the catalogue says about one table."""

    name: str
    columns: Mapping[str, LiveColumn]
    keys: tuple[LiveKey, ...]
    foreign_keys: tuple[ForeignKey, ...]


@dataclass(frozen=True, slots=True)
class LiveSchema:
    """The tables that were asked for and exist, by name, each with its columns by name."""

    tables: Mapping[str, Mapping[str, LiveColumn]]


def quoted(values: str) -> tuple[str, ...]:
    """Give the texts in a list of SQL literals, such as an enumeration's values."""
    return tuple(value.replace("''", "'") for value in _QUOTED.findall(values))
