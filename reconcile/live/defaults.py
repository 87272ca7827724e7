"""What a column's DEFAULT says: a plain value, the current time, or an expression that only the server can work out.

Each server writes a default into its catalogue in its own way. Source: MariaDB manual, "Information Schema COLUMNS
Table"; MySQL manual, "The INFORMATION_SCHEMA COLUMNS Table"; SQLite manual, "PRAGMA table_info".
"""

import re
from enum import StrEnum

_CLOCK = re.compile(r"(current_timestamp|now|localtime|localtimestamp)(\(\d?\))?", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_QUOTED = re.compile(r"'((?:[^'\\]|\\.|'')*)'", re.DOTALL)
_SQLITE_QUOTED = re.compile(r"'((?:[^']|'')*)'", re.DOTALL)
_CHARSET = re.compile(r"^_\w+(?=')")
_ESCAPE = re.compile(r"''|\\(.)", re.DOTALL)
_CONTROL = {"0": "\0", "n": "\n", "r": "\r", "t": "\t", "b": "\b", "Z": "\x1a"}
_TRUTH = {"true": "1", "false": "0"}


class Spelling(StrEnum):
    """How a catalogue spells defaults."""

    SQL = "sql"
    """As SQL: texts in quotes, with backslash escapes (MariaDB)."""

    BARE = "bare"
    """Values as they are; what is SQL is marked as generated, its quotes and backslashes escaped once more (MySQL)."""

    STANDARD = "standard"
    """As SQL without backslash escapes (SQLite)."""


def is_clock(default: str | None) -> bool:
    """Say whether a default is the current time."""
    return default is not None and _CLOCK.fullmatch(default) is not None


def plain(default: str | None, spelling: Spelling, *, is_generated: bool = False) -> str | None:
    """Give the value that a default is, as text; None where there is none or it is an expression."""
    if default is None or (spelling is Spelling.BARE and not is_generated):
        return default
    if spelling is Spelling.STANDARD:
        quoted = _SQLITE_QUOTED.fullmatch(default)
        return quoted[1].replace("''", "'") if quoted else _bare(default)
    if spelling is Spelling.BARE:
        default = _CHARSET.sub("", re.sub(r"\\(.)", r"\1", default, flags=re.DOTALL))
    quoted = _QUOTED.fullmatch(default)
    return _ESCAPE.sub(_unescaped, quoted[1]) if quoted else _bare(default)


def _bare(default: str) -> str | None:
    return default if _NUMBER.fullmatch(default) else _TRUTH.get(default.lower())


def _unescaped(escape: re.Match[str]) -> str:
    character = escape[1]
    return "'" if character is None else _CONTROL.get(character, character)
