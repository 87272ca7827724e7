"""Checksums of rows: what they are written as, and how often an edit leaves them as they were."""

import random
import zlib
from collections.abc import Callable
from contextlib import nullcontext

from reconcile.live import sums
from reconcile.live.spread import Spread
from reconcile.live.sums import Asking, Cell, TableSums, first_difference

TRIES = 40_000


def missed(weigh: Callable[[int], int]) -> int:
    """Count how often two rows that swap a value of equal length leave the weighed sum of their CRC32 as it was."""
    chance = random.Random(1)  # noqa: S311 - the same each time
    found = 0
    for _ in range(TRIES):
        one, other = chance.sample(range(100_000, 1_000_000), 2)
        words = [f"{chance.randrange(10**6):06}" for _ in range(2)]
        rows = [(one, words[0]), (other, words[1])]
        swapped = [(one, words[1]), (other, words[0])]
        before, after = (
            sum(zlib.crc32(f"{key}#{word}".encode()) * weigh(key) for key, word in side) for side in (rows, swapped)
        )
        found += words[0] != words[1] and before == after
    return found


def test_a_sum_without_weights_misses_some_values_that_rows_have_swapped() -> None:
    """CRC32 is linear: where the bits that differ by key and those that differ by value are others, the sum stays."""
    assert missed(lambda _key: 1) > 0


def test_a_sum_weighed_by_the_key_misses_none_of_them() -> None:
    assert missed(lambda key: key) == 0


class Catalogue:
    """A server that says of its schema what it is told to, and has no rows."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def execute(self, query: str, /) -> object:
        self.asked.append(query)
        return None

    def fetchall(self) -> list[tuple[object, ...]]:
        return [("11.4", "me@%", "shop", 16777216, 0, None)]


def test_names_are_quoted() -> None:
    server = Catalogue()
    cells = (Cell("a`b", "text", nullable=True), Cell("c", "plain", nullable=False), Cell("s", "secret", nullable=True))
    table = TableSums("t`x", "id", cells, 0)

    told = sums._sum(3, table)

    assert told == (
        "SELECT 3, COUNT(*), SUM(CRC32(CONCAT_WS('#', `c`, ISNULL(`s`), ISNULL(`a``b`), `a``b`)) "
        "* (MOD(`id`, 2147483646) + 1)) FROM `t``x`"
    )
    asking: Spread[Asking] = Spread(server, lambda: nullcontext(server), 1, ())
    assert first_difference(asking, sums.Sums((), (), {})) == "the server, the account or the schema is another"
    assert len(server.asked) == 1
