"""The pieces of a run, the next computed ahead, and its progress told as if each table were written at once."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from reconcile.apply.execute import Progress
from reconcile.plan import Plan

_T = TypeVar("_T")


def prefetched(items: Iterable[_T]) -> Iterator[_T]:
    """Give *items*, each computed in a thread while the one before is worked on."""
    coming = iter(items)
    with ThreadPoolExecutor(1) as ahead:
        waiting = ahead.submit(lambda: list(islice(coming, 1)))
        while found := waiting.result():
            waiting = ahead.submit(lambda: list(islice(coming, 1)))
            yield from found


@dataclass(slots=True)
class InPieces:
    """Tells *progress* of a table once, with all rows that *plan* writes; one attempt at a run has one of these."""

    progress: Progress
    plan: Plan
    _left: dict[str, int] = field(default_factory=dict)

    def started(self, table: str, rows: int) -> None:
        """Begin with a table, or go on with it."""
        if table not in self._left:
            self._left[table] = next(part.written for part in self.plan.tables if part.spec.name == table)
            self.progress.started(table, self._left[table])

    def advanced(self, table: str, rows: int) -> None:
        """Count rows."""
        self._left[table] -= rows
        self.progress.advanced(table, rows)

    def finished(self, table: str) -> None:
        """Say so when the last piece of a table is written."""
        if not self._left[table]:
            self.progress.finished(table)
