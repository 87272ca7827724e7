"""Computing ahead: things come in their order, at most one early, and errors where they are due."""

from collections.abc import Iterator
from threading import Event

import pytest

from reconcile.prefetch import prefetched


def test_items_come_in_their_order_and_one_ahead() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(4):
            made.append(number)
            yield number

    seen = []
    with prefetched(items()) as coming:
        for item in coming:
            seen.append(item)
            assert len(made) <= item + 2
    assert seen == [0, 1, 2, 3]


def test_the_first_is_begun_before_anybody_asks_for_it() -> None:
    begun = Event()

    def items() -> Iterator[int]:
        begun.set()
        yield 1

    with prefetched(items()):
        assert begun.wait(10)


def test_what_goes_wrong_ahead_is_raised_where_it_is_due() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("the second")

    with prefetched(items()) as coming:
        assert next(coming) == 1
        with pytest.raises(ValueError, match="the second"):
            next(coming)
