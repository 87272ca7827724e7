"""Computes the next of many things in a thread while the one before is worked on."""

from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

_T = TypeVar("_T")


def prefetched(items: Iterable[_T]) -> Generator[_T, None, None]:
    """
    Give *items* in turn, each computed ahead; what that raises is raised where it is due.

    Whoever may stop before the end closes it, which waits for the thread.
    """
    coming = iter(items)
    with ThreadPoolExecutor(1) as ahead:
        waiting = ahead.submit(lambda: list(islice(coming, 1)))
        while found := waiting.result():
            waiting = ahead.submit(lambda: list(islice(coming, 1)))
            yield from found
