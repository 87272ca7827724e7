"""Computes the next of many things in a thread while the one before is worked on."""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

_T = TypeVar("_T")


@contextmanager
def prefetched(items: Iterable[_T]) -> Iterator[Iterator[_T]]:
    """
    Give *items* in turn, each computed ahead, the first at once; what that raises is raised where it is due.

    The end of the block waits for the thread.
    """
    coming = iter(items)
    with ThreadPoolExecutor(1) as ahead:

        def begin() -> Future[list[_T]]:
            return ahead.submit(lambda: list(islice(coming, 1)))

        def in_turn(waiting: Future[list[_T]]) -> Iterator[_T]:
            while found := waiting.result():
                waiting = begin()
                yield from found

        yield in_turn(begin())
