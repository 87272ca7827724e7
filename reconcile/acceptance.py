"""Accepted drift: which differences somebody agreed to live with, why, and until when. Knows no file and no clock."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Acceptance:
    """
    One entry of a baseline: differences of the tables and keys that fit the patterns are accepted until `expires`.

    With `columns`, only of rows that differ in these and no others; with `labels`, only differences of these kinds. A
    schema that moved is accepted only by an entry that names that label; its `key` is compared with what is wrong.
    """

    __pydantic_config__: ClassVar[Mapping[str, str]] = {"extra": "forbid"}

    table: str
    reason: str
    expires: date
    key: str = "*"
    columns: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()

    def is_over(self, today: date) -> bool:
        """Say whether it counts no more; its last day is `expires`."""
        return self.expires < today

    def takes(self, difference: "Difference") -> bool:
        """Say whether it is about *difference*."""
        return (
            fnmatchcase(difference.table, self.table)
            and fnmatchcase(difference.key, self.key)
            and (not self.columns or (bool(difference.columns) and set(difference.columns) <= set(self.columns)))
            and (difference.label in self.labels if self.labels else not difference.is_schema)
        )

    @property
    def is_plain(self) -> bool:
        """True when table and key are names, no patterns."""
        return not set("*?[") & {*self.table, *self.key}


@dataclass(frozen=True, slots=True)
class Difference:
    """What an acceptance is asked about: one drifting row, or one thing that is wrong with a table's schema."""

    table: str
    key: str
    columns: tuple[str, ...]
    label: str
    is_schema: bool = False


def accepted(differences: Iterable[Difference], entries: Sequence[Acceptance], today: date) -> list[int | None]:
    """Give per difference the place of the first entry that takes it and is not over; None where none does."""
    plain: dict[tuple[str, str], list[int]] = defaultdict(list)
    patterns: list[int] = []
    for place, entry in enumerate(entries):
        if not entry.is_over(today):
            (plain[entry.table, entry.key] if entry.is_plain else patterns).append(place)
    return [
        next(
            (
                place
                for place in sorted([*plain.get((difference.table, difference.key), ()), *patterns])
                if entries[place].takes(difference)
            ),
            None,
        )
        for difference in differences
    ]


def literal(text: str) -> str:
    """Give a pattern that only *text* fits."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in text)
