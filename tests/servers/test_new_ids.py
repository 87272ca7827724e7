"""Rows that were created are found again whatever ids the server gave them: not every server counts upwards."""

import pytest

from tests.servers.conftest import NewTarget
from tests.servers.ledgers import DAYS, STATE, apply_day, ledger, open_ledger
from tests.servers.operating import edit, run
from tests.servers.server import Server

pytestmark = pytest.mark.on_servers


def test_ids_below_those_that_exist_are_found(server: Server, new_target: NewTarget) -> None:
    """
    As servers give them that hand out ids in blocks, one to each node: what is new lies before what was there.

    Here a trigger counts from 1 while a row of the table has a high id.
    """
    usual, target = new_target("empty"), new_target("empty")
    held = open_ledger(usual)
    assert run("schema", "create", *STATE, "--database-url", target.url).code == 0
    edit(target, "INSERT INTO books (id, code, title) VALUES (9000000, 'B7', 'an older one'), (9000001, 'X', 'x')")
    server.execute(
        "CREATE TRIGGER counts BEFORE INSERT ON books FOR EACH ROW "
        "SET @given = COALESCE(@given, 0) + 1, NEW.id = @given",
        database=target.name,
    )

    result = apply_day(target, DAYS[0])

    assert result.code == 0, result.err
    assert ledger(target) == held[DAYS[0]]
    assert target.rows("SELECT MIN(id), MAX(id), COUNT(*) FROM books") == [(1, 9_000_000, 200)]


def test_a_row_that_is_not_stored_under_its_key_is_missed(server: Server, new_target: NewTarget) -> None:
    """What was there before never stands in for it."""
    target = new_target("empty")
    assert run("schema", "create", *STATE, "--database-url", target.url).code == 0
    server.execute(
        "CREATE TRIGGER spoils BEFORE INSERT ON books FOR EACH ROW "
        "SET NEW.code = IF(NEW.code = 'B7', 'B7 and more', NEW.code)",
        database=target.name,
    )

    result = apply_day(target, DAYS[0])

    assert (result.code, "200 rows were created, 199 were found" in result.err) == (1, True)
    assert not target.rows("SELECT 1 FROM books")
