"""Ask whether many things hold over several connections at once, where each answer counts for itself.

The connections share no moment: what holds was seen to hold while this went on, not at one instant. What does not hold
is told; whoever has to know more reads over one connection, in one snapshot. Knows no driver and no SQLAlchemy.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

_Connection = TypeVar("_Connection")
_Thing = TypeVar("_Thing")

MOST_CONNECTIONS = 4
"""At once, where nobody says how many: a server has other things to do."""


def usual_connections() -> int:
    """Give as many connections as this machine has processors for, up to the most."""
    # The processors that this process may use. Source: Python manual, "os.sched_getaffinity".
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(MOST_CONNECTIONS, cores)


def shared_out(sizes: Mapping[str, int], most: int) -> list[list[str]]:
    """Share things out in *most* parts or fewer, of about the same size: the largest first, to the smallest part."""
    parts: list[list[str]] = [[] for _ in range(min(most, len(sizes)))]
    filled = [0] * len(parts)
    for name in sorted(sizes, key=sizes.__getitem__, reverse=True):
        place = filled.index(min(filled))
        parts[place].append(name)
        filled[place] += sizes[name]
    return parts


@dataclass(frozen=True, slots=True)
class Spread(Generic[_Connection]):
    """
    A connection, and how to open `another` like it, up to so many `connections` in all; None for the usual number.

    Where another fails to open with one of `refusals`, those that are open do its work.
    """

    connection: _Connection
    another: Callable[[], AbstractContextManager[_Connection]]
    connections: int | None
    refusals: tuple[type[Exception], ...]

    @property
    def most(self) -> int:
        """How many connections there may be at once."""
        return self.connections or usual_connections()

    def first_failing(self, things: Iterable[_Thing], holds: Callable[[_Connection, _Thing], bool]) -> _Thing | None:
        """
        Give one of the *things* that does not hold, None where all do.

        They are asked about in their order, so the one that is given is among the first that do not; after it nothing
        new is asked. What *holds* raises is raised, once the answers that are still on their way have come.
        """
        waiting = deque(things)
        failing: list[_Thing] = []

        def left() -> Iterator[_Thing]:
            with suppress(IndexError):  # another thread may have taken the last one just now
                while not failing:
                    yield waiting.popleft()

        def ask(connection: _Connection) -> None:
            try:
                for thing in left():
                    if not holds(connection, thing):
                        failing.append(thing)  # noqa: PERF401 - the others see it at once
            except BaseException:
                waiting.clear()
                raise

        def ask_elsewhere() -> None:
            with ExitStack() as closing:
                try:
                    connection = closing.enter_context(self.another())
                except self.refusals:
                    return
                ask(connection)

        helpers = min(self.most, len(waiting)) - 1
        if helpers < 1:
            ask(self.connection)
        else:
            with ThreadPoolExecutor(helpers) as threads:
                others = [threads.submit(ask_elsewhere) for _ in range(helpers)]
                ask(self.connection)
            for other in others:
                other.result()
        return failing[0] if failing else None
