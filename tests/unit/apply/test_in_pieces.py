"""Pieces of a run: computed one ahead, in their order, and told as if each table were written at once."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from reconcile.apply.in_pieces import InPieces, prefetched
from tests.unit.tiny import declared, live, planned


@dataclass(slots=True)
class Told:
    """What a progress display was told."""

    said: list[tuple[str, str, int]] = field(default_factory=list)

    def started(self, table: str, rows: int) -> None:
        self.said.append(("started", table, rows))

    def advanced(self, table: str, rows: int) -> None:
        self.said.append(("advanced", table, rows))

    def finished(self, table: str) -> None:
        self.said.append(("finished", table, 0))


def test_a_table_that_is_written_in_pieces_is_told_once() -> None:
    plan = planned(declared({"makers": [{"code": code} for code in "ABC"]}), live({"makers": []}))
    told = Told()
    progress = InPieces(told, plan)
    for rows in (2, 1):
        progress.started("makers", rows)
        progress.advanced("makers", rows)
        progress.finished("makers")

    assert told.said == [
        ("started", "makers", 3),
        ("advanced", "makers", 2),
        ("advanced", "makers", 1),
        ("finished", "makers", 0),
    ]


def test_items_come_in_their_order_and_one_ahead() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(4):
            made.append(number)
            yield number

    seen = []
    for item in prefetched(items()):
        seen.append(item)
        assert len(made) <= item + 2
    assert seen == [0, 1, 2, 3]


def test_what_goes_wrong_ahead_is_raised_where_it_is_due() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("the second")

    coming = prefetched(items())
    assert next(coming) == 1
    with pytest.raises(ValueError, match="the second"):
        next(coming)
