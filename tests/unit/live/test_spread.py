"""Asking over several connections finds what asking over one finds, and asks about each thing once."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Barrier, Lock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.live.spread import MOST_CONNECTIONS, Spread, usual_connections


class Refused(Exception):
    """The server takes no more connections."""


def spread(connections: int, opened: list[str], most: int = 99) -> Spread[str]:
    lock = Lock()

    @contextmanager
    def another() -> Iterator[str]:
        with lock:
            if len(opened) >= most:
                raise Refused
            opened.append(f"open {len(opened)}")
        yield opened[-1]
        with lock:
            opened.append("closed")

    return Spread("first", another, connections, (Refused,))


@given(
    st.lists(st.booleans(), max_size=30), st.integers(min_value=1, max_value=6), st.integers(min_value=0, max_value=6)
)
def test_finds_whether_all_hold_whatever_the_connections(held: list[bool], connections: int, most: int) -> None:
    asked = Counter[int]()

    def holds(_: str, place: int) -> bool:
        asked[place] += 1
        return held[place]

    found = spread(connections, [], most).first_failing(range(len(held)), holds)

    assert (found is None) is all(held)
    assert found is None or not held[found]
    assert found is not None or asked == Counter(range(len(held)))
    assert max(asked.values(), default=1) == 1


def test_what_failed_first_is_told_over_one_connection() -> None:
    asked: list[int] = []

    def holds(connection: str, thing: int) -> bool:
        assert connection == "first"
        asked.append(thing)
        return thing < 3

    assert spread(1, []).first_failing(range(9), holds) == 3
    assert asked == [0, 1, 2, 3]


def test_connections_ask_at_the_same_time_and_are_closed() -> None:
    opened: list[str] = []
    together = Barrier(3)

    def holds(_: str, __: int) -> bool:
        together.wait(timeout=10)  # nobody goes on before three ask
        return True

    assert spread(3, opened).first_failing(range(3), holds) is None
    assert len(opened) == 4
    assert opened.count("closed") == 2


def test_no_more_connections_are_opened_than_there_are_things() -> None:
    opened: list[str] = []

    spread(4, opened).first_failing(["one"], lambda _, __: True)

    assert opened == []


def test_those_that_are_open_do_the_work_of_one_that_is_refused() -> None:
    assert spread(3, [], most=0).first_failing(range(9), lambda _, thing: thing != 8) == 8


@pytest.mark.parametrize("connections", [1, 3])
def test_what_goes_wrong_is_raised(connections: int) -> None:
    def holds(_: str, thing: int) -> bool:
        if thing == 5:
            raise ValueError("lost connection")
        return True

    with pytest.raises(ValueError, match="lost connection"):
        spread(connections, []).first_failing(range(9), holds)


def test_there_are_usually_as_many_as_processors_up_to_four() -> None:
    assert 1 <= usual_connections() <= MOST_CONNECTIONS
