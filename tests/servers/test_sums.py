"""Checksums that a server works out: they differ exactly when rows do, and leave no row out."""

import random
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import pymysql
import pytest

from reconcile.live import sums
from reconcile.live.pymysql import connect_arguments
from reconcile.live.spread import Spread
from reconcile.live.sums import Asking, Cell, Summed, first_difference, gather
from reconcile.live.target import parse
from tests.servers.conftest import NewTarget
from tests.servers.stock_state import THINGS
from tests.servers.target import Target
from tests.servers.test_checksums import stock

__all__ = ["stock"]

pytestmark = pytest.mark.usefixtures("server")

CELLS = {
    "things": (
        Cell("id", "plain", nullable=False), Cell("number", "text", nullable=False),
        Cell("shelf", "plain", nullable=True), Cell("first", "text", nullable=True),
        Cell("second", "text", nullable=True), Cell("size", "plain", nullable=True),
        Cell("price", "plain", nullable=True), Cell("made_on", "plain", nullable=True),
        Cell("colour", "plain", nullable=True), Cell("extra", "text", nullable=True),
    ),
}  # fmt: skip
POOL: dict[str, list[str | int | None]] = {
    "number": ["T1", "T1 ", "t1", "#", "1#2"],
    "first": [None, "", "-", " ", "a", "A", "a ", "#", "1", "1#", "é", "e", "\\", "\x1f"],
    "second": [None, "", "-", " ", "a", "A", "a ", "#", "1", "1#", "é", "e", "\\", "\x1f"],
    "size": [None, 0, 1, -1, 10, 2**31 - 1],
    "price": [None, "0.00", "0.01", "-0.01", "10.00"],
    "made_on": [None, "2026-01-01", "2026-01-10"],
    "colour": [None, "red", "green", "blue"],
    "extra": [None, "[]", "[1]", '{"a": 1}'],
}


@contextmanager
def writing(target: Target) -> Iterator["pymysql.cursors.Cursor"]:
    """Open a transaction of the driver's that is rolled back."""
    place = parse(target.url, "the test")
    url = place.url
    assert url.host is not None
    connection = pymysql.connect(
        host=url.host, port=url.port or 3306, user=url.username, database=url.database, **connect_arguments(place)
    )
    with connection, connection.cursor() as cursor:
        yield cursor


def edit_somehow(cursor: "pymysql.cursors.Cursor", chance: random.Random) -> None:
    """Change a cell or two, let values change places, move, delete or repeat a row."""
    one, other = (chance.randint(1, THINGS) for _ in range(2))
    name, second = chance.sample([name for name in POOL if name != "number"], 2)
    match chance.randrange(7):
        case 0 | 1:
            cursor.execute(f"UPDATE things SET `{name}` = %s WHERE id = {one}", (chance.choice(POOL[name]),))
        case 2:
            cursor.execute(
                f"UPDATE things a, things b SET a.`{name}` = b.`{name}`, b.`{name}` = a.`{name}` "
                f"WHERE a.id = {one} AND b.id = {other}"
            )
        case 3:
            cursor.execute(f"SELECT `first`, `second` FROM things WHERE id = {one}")
            (texts,) = cursor.fetchall()
            cursor.execute(f"UPDATE things SET `first` = %s, `second` = %s WHERE id = {one}", texts[::-1])
        case 4:
            cursor.execute(f"UPDATE things SET id = id + 100000 WHERE id = {one}")
        case 5:
            cursor.execute(f"DELETE FROM things WHERE id = {one}")
        case _:
            for part in (name, second):
                value = chance.choice(POOL[part])
                cursor.execute(f"UPDATE things SET `{part}` = %s WHERE id IN ({one}, {other})", (value,))


@pytest.mark.parametrize("rows_per_range", [50, 50_000])
def test_sums_differ_exactly_when_rows_do(stock: Target, rows_per_range: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred edits by chance; what the driver reads of the rows says whether one has changed anything."""
    monkeypatch.setattr(sums, "ROWS_PER_RANGE", rows_per_range)
    chance = random.Random(20260105)  # noqa: S311 - edits
    names = ", ".join(f"HEX(`{cell.name}`), ISNULL(`{cell.name}`)" for cell in CELLS["things"] if cell.name != "price")
    query = f"SELECT {names}, price FROM things ORDER BY id"

    with writing(stock) as cursor:
        cursor.execute("SET foreign_key_checks = 0")
        cursor.execute("DELETE FROM parts")
        cursor.connection.commit()
        before = gather(cursor, [Summed("things", "id", CELLS["things"], THINGS)], ())
        alone: Spread[Asking] = Spread(cursor, lambda: nullcontext(cursor), 1, ())
        cursor.execute(query)
        held = cursor.fetchall()
        assert len(before.tables[0].ranges) == (0 if rows_per_range > THINGS else 6)
        seen = set()
        for _ in range(150):
            edit_somehow(cursor, chance)
            cursor.execute(query)
            is_same = cursor.fetchall() == held
            assert (first_difference(alone, before) is None) is is_same
            seen.add(is_same)
            cursor.connection.rollback()
        assert seen == {True, False}
        assert first_difference(alone, before) is None


def test_ids_far_apart_and_below_zero_are_summed(new_target: NewTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sums, "ROWS_PER_RANGE", 2)
    target = new_target("empty")
    target.execute("CREATE TABLE odd (id BIGINT PRIMARY KEY, note VARCHAR(10))")
    for number in (1, 2, 3, 2**31 - 2, 2**31 - 1, 2**40, 2**62):
        target.execute("INSERT INTO odd VALUES (:id, 'x')", {"id": number})
    cells = (Cell("id", "plain", nullable=False), Cell("note", "text", nullable=True))

    with writing(target) as cursor:
        found = gather(cursor, [Summed("odd", "id", cells, 7)], ())
        alone: Spread[Asking] = Spread(cursor, lambda: nullcontext(cursor), 1, ())

        assert found.rows == 7
        for number in (1, 2, 3, 2**31 - 2, 2**31 - 1, 2**40, 2**62):
            cursor.execute("UPDATE odd SET note = 'y' WHERE id = %s", (number,))
            assert first_difference(alone, found) == "rows of odd have changed"
            cursor.connection.rollback()


def test_a_row_that_is_too_long_to_be_summed_is_not_left_out(new_target: NewTarget) -> None:
    """The server makes such a text null, with a warning."""
    target = new_target("empty")
    target.execute("CREATE TABLE long_ones (id INT PRIMARY KEY, a LONGTEXT, b LONGTEXT)")
    half = "SELECT REPEAT('x', @@max_allowed_packet / 2 + 10)"
    target.execute(f"INSERT INTO long_ones (id, a) VALUES (1, ({half}))")
    target.execute(f"UPDATE long_ones SET b = ({half})")
    cells = (Cell("id", "plain", nullable=False), Cell("a", "text", nullable=True), Cell("b", "text", nullable=True))

    with writing(target) as cursor, pytest.raises(sums.Unsure):
        gather(cursor, [Summed("long_ones", "id", cells, 1)], ())
