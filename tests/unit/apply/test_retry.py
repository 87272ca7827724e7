"""Trying a transaction again."""

import pymysql
import pytest
from sqlalchemy.exc import OperationalError

from reconcile.apply.retry import PAUSES, retrying
from reconcile.errors import ReconcileError
from reconcile.live.server_errors import server_errors
from reconcile.live.target import parse

TARGET = parse("mysql://erp@db/erp", "a test")


class Work:
    """A transaction that fails with each of some server errors in turn, then succeeds."""

    def __init__(self, *numbers: int) -> None:
        self.waiting = list(numbers)
        self.tries = 0

    def __call__(self) -> str:
        self.tries += 1
        if self.waiting:
            number = self.waiting.pop(0)
            with server_errors(TARGET):
                raise OperationalError("UPDATE", None, pymysql.err.OperationalError(number, "no"))
        return "done"


def tried(work: Work) -> tuple[str, list[float], list[str]]:
    waits: list[float] = []
    told: list[str] = []
    result = retrying(work, waits.append, lambda what, _: told.append(what))
    return result, waits, told


def test_work_that_succeeds_is_done_once() -> None:
    work = Work()

    assert tried(work) == ("done", [], [])
    assert work.tries == 1


def test_a_deadlock_and_a_lock_wait_are_tried_again_after_longer_and_longer_pauses() -> None:
    result, waits, told = tried(Work(1213, 1205, 1213))

    assert (result, waits) == ("done", [0.2, 0.4, 0.8])
    assert told == [
        "a deadlock with another session",
        "another session holds a lock for too long",
        "a deadlock with another session",
    ]


@pytest.mark.parametrize("number", [1062, 1451, 2013, 1021, 1045])
def test_what_does_not_pass_by_itself_is_not_tried_again(number: int) -> None:
    work = Work(number)

    with pytest.raises(ReconcileError):
        tried(work)

    assert work.tries == 1


def test_it_ends_when_the_others_do_not() -> None:
    work = Work(*[1213] * 99)

    with pytest.raises(ReconcileError):
        tried(work)

    assert work.tries == PAUSES + 1
