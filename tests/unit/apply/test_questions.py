"""How often a run asks whether its lock is still its own: at first, and then whenever many rows were written since."""

import pytest

from reconcile.apply.execute import ROWS_PER_QUESTION, _Questions


@pytest.mark.parametrize(
    ("rows", "asked"),
    [
        ([0, 0], 0),
        ([1], 1),
        ([1, 1, 1], 1),
        ([ROWS_PER_QUESTION, 1], 2),
        ([ROWS_PER_QUESTION - 1, 1, 1], 2),
        ([ROWS_PER_QUESTION - 1, 0, 1], 1),
    ],
)
def test_it_is_asked_at_first_and_after_many_rows(rows: list[int], asked: int) -> None:
    told: list[None] = []
    questions = _Questions(lambda: told.append(None))
    for number in rows:
        questions.before(number)

    assert len(told) == asked
