"""When two natural keys are the same row: exactly when the live column's collation says that they are equal.

Printable ASCII folds here by the documented rule of the language-neutral collations; as soon as other characters
occur, and for any other collation, the server is asked for its own sort weights.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import polars as pl
from sqlalchemy import Connection, Engine, cast, collate, func, literal, select
from sqlalchemy.dialects import mysql

from reconcile.live.connect import snapshot
from reconcile.live.target import Target

_UNICODE = r"(utf8|utf8mb3|utf8mb4|ucs2|utf16|utf16le|utf32)"
_NEUTRAL = re.compile(rf"^{_UNICODE}_(general|unicode|unicode_520|0900_ai|uca1400(_nopad)?_ai)(_nopad)?_ci$|_bin$")
_ASCII = [chr(code) for code in range(ord(" "), ord("~") + 1)]
_PLAIN = re.compile(r"[0-9A-Z]*")
_PRINTABLE_ASCII = r"^[ -~]*$"
_BATCH_SIZE = 200


@dataclass(frozen=True, slots=True)
class Collation:
    """What matters of a collation: do characters count as they are, do trailing spaces, is its ASCII rule known."""

    name: str
    is_binary: bool
    pads_space: bool
    is_neutral: bool


BINARY = Collation("binary", is_binary=True, pads_space=False, is_neutral=True)
"""SQLite's default: equal means the same characters. Source: SQLite manual, "Collating Sequences"."""

Weigh = Callable[[Collation, list[str]], list[str]]
"""Ask a server for the sort weights of texts under a collation, as hexadecimal text."""


def collation_named(name: str | None) -> Collation:
    """
    Read a collation's rules off its name; None is a column without one.

    Source: MySQL manual, "Collation Naming Conventions" and "Trailing Space Handling in Comparisons"; MariaDB
    manual, "Supported Character Sets and Collations" (nopad).
    """
    if name is None or name == "binary":
        return BINARY
    return Collation(
        name,
        is_binary=name.endswith("_bin"),
        pads_space="_0900_" not in name and "nopad" not in name,
        is_neutral=bool(_NEUTRAL.search(name)),
    )


def sorts_as_bytes(collation: Collation, keys: Iterable[str]) -> bool:
    """
    Say whether the collation is known to sort *keys* as their bytes do.

    Each language-neutral one of Unicode has the digits before the letters, both as in ASCII; for all else the server is
    asked.
    """
    return collation is BINARY or (collation.is_neutral and all(map(_PLAIN.fullmatch, keys)))


def fold(collation: Collation, keys: pl.Series, weigh: Weigh) -> pl.Series:
    """
    Give for each text one that equals another's exactly when the collation holds the two equal; null stays null.

    The results compare only within one call: fold both sides of a comparison together.
    """
    if collation.pads_space:
        keys = keys.str.strip_chars_end(" ")
    if collation.is_binary:
        return keys
    if not collation.is_neutral:
        return _weighed(collation, keys, keys, weigh)
    beyond_ascii = keys.filter(~keys.str.contains(_PRINTABLE_ASCII))
    if beyond_ascii.drop_nulls().is_empty():
        return keys.str.to_lowercase()
    # A neutral collation weighs each ASCII character on its own, so their weights simply follow each other.
    by_character = keys.str.replace_many(_ASCII, weigh(collation, _ASCII))
    return _weighed(collation, by_character, beyond_ascii, weigh, keys)


def _weighed(
    collation: Collation, rest: pl.Series, asked: pl.Series, weigh: Weigh, keys: pl.Series | None = None
) -> pl.Series:
    keys = rest if keys is None else keys
    texts = asked.drop_nulls().unique(maintain_order=True)
    weights = pl.Series("weight", weigh(collation, texts.to_list()), dtype=pl.String)
    known = pl.DataFrame({"text": texts, "weight": weights})
    joined = pl.DataFrame({"text": keys, "rest": rest}).join(known, on="text", how="left", maintain_order="left")
    return joined.select(pl.coalesce("weight", "rest")).to_series().alias(keys.name)


def server_weights(connection: Connection) -> Weigh:
    """
    Give the function that asks this connection's server.

    Source: MySQL manual, "String Functions and Operators", WEIGHT_STRING(); MariaDB documents it alike.
    """

    def weigh(collation: Collation, texts: list[str]) -> list[str]:
        charset = mysql.CHAR(charset=collation.name.split("_", 1)[0])
        weights: list[str] = []
        for start in range(0, len(texts), _BATCH_SIZE):
            columns = [
                func.hex(func.weight_string(collate(cast(literal(text), charset), collation.name))).label(f"w{i}")
                for i, text in enumerate(texts[start : start + _BATCH_SIZE])
            ]
            weights += map(str, connection.execute(select(*columns)).one())
        return weights

    return weigh


def elsewhere(target: Target, engine: Engine) -> Weigh:
    """Give the function that asks the server over a connection of its own, for a thread that has none."""

    def weigh(collation: Collation, texts: list[str]) -> list[str]:
        with snapshot(target, engine) as connection:
            return server_weights(connection)(collation, texts)

    return weigh
