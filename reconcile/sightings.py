"""When each difference was first and last seen. Knows no file and no clock: the caller says what time it is."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import datetime, timedelta

REMEMBERED = timedelta(days=30)
"""How long a difference that is gone is remembered: one that comes back in this time is the same one."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One difference: a table, a key and the columns that differ; a schema's finding has its text for a key."""

    table: str
    key: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """When a difference was seen for the first and the last time, in UTC."""

    first: datetime
    last: datetime


def see(history: Mapping[Sighting, Seen], present: Iterable[Sighting], now: datetime) -> dict[Sighting, Seen]:
    """
    Give *history* with what is *present* seen at *now*; what has not been seen for 30 days is forgotten.

    Differences of tables that were not looked at keep their times like those that are gone.
    """
    kept = {what: seen for what, seen in history.items() if now - seen.last <= REMEMBERED}
    return kept | {what: Seen(kept[what].first if what in kept else now, now) for what in _unique(present)}


def _unique(present: Iterable[Sighting]) -> Set[Sighting]:
    return dict.fromkeys(present).keys()
