"""A reset clears the listed tables, keeps the rows of others elsewhere, and takes along only what it shows."""

import pytest

from tests.servers.operating import apply, assert_converged, changes, copy, edit, id_of
from tests.servers.target import Target

NOTE = "INSERT INTO scratch_pad_notes (userId, content) VALUES (1, 'call back on Monday')"
CLIENT = "INSERT INTO clients (teri_code, name) VALUES ('THEIRS', 'Theirs')"
CLIENT_NOTE = "INSERT INTO client_notes (client_id, note_id) VALUES ({0}, 1), ({0}, 2)"
PRICE = (
    "INSERT INTO price_history (product_id, client_id, transaction_type, unit_price, quantity, total_price) "
    "VALUES (1, {0}, 'SALE', 1, 1, 1)"
)


@pytest.fixture
def living(database: Target, template: Target) -> Target:
    """A filled database of the live schema; on servers only, SQLite holds no table but the managed ones."""
    copy(template, database)
    return database


def test_a_listed_table_without_declared_rows_ends_empty(living: Target) -> None:
    """Each of its rows is a delete that the plan shows."""
    edit(living, NOTE)

    [change] = changes(living)

    assert (change.table, change.action, change.reason) == ("scratch_pad_notes", "delete", "not declared")
    assert change.before is not None
    assert change.before["content"] == "call back on Monday"
    assert apply(living).code == 0
    assert living.rows("SELECT COUNT(*) FROM scratch_pad_notes") == [(0,)]
    assert_converged(living)


def test_a_top_up_clears_nothing(living: Target) -> None:
    edit(living, NOTE)

    assert changes(living, "--no-clear") == []


def test_a_listed_table_can_be_left_out(living: Target) -> None:
    edit(living, NOTE)

    assert changes(living, "--exclude-table", "scratch_pad_notes") == []
    assert [change.table for change in changes(living, "--table", "scratch*")] == ["scratch_pad_notes"]


def test_rows_of_others_in_tables_that_are_not_listed_stay(living: Target) -> None:
    """Accounts, rooms and flags that somebody made are theirs, whatever a reset does elsewhere."""
    edit(living, "INSERT INTO users (openId, name) VALUES ('theirs', 'Theirs')")
    edit(living, "INSERT INTO rooms (name, room_type) VALUES ('Theirs', 'meeting')")
    edit(living, "INSERT INTO feature_flags (`key`, name) VALUES ('theirs', 'Theirs')")

    assert {(change.table, change.action) for change in changes(living)} == {
        ("users", "skip"),
        ("rooms", "skip"),
        ("feature_flags", "skip"),
    }
    assert apply(living).code == 0
    assert_converged(living)


def test_what_cascades_is_shown_and_deleted_when_allowed(living: Target) -> None:
    """Rows outside the run become changes of the plan: deleted with their parent, or without the reference."""
    edit(living, CLIENT)
    client = id_of(living, "clients", "THEIRS")
    edit(living, CLIENT_NOTE.format(client))
    edit(living, PRICE.format(client))

    assert apply(living).code == 4
    found = changes(living, "--allow-cascade")

    assert [(change.table, change.action, change.reason) for change in found if change.table != "clients"] == [
        ("client_notes", "delete", "dependent"),
        ("client_notes", "delete", "dependent"),
        ("price_history", "update", "dependent"),
    ]
    assert apply(living, "--allow-cascade").code == 0
    assert living.rows("SELECT COUNT(*) FROM client_notes") == [(0,)]
    assert living.rows("SELECT client_id FROM price_history") == [(None,)]
    assert_converged(living)


def test_rows_of_others_in_an_additive_table_cascade_only_when_allowed(living: Target) -> None:
    edit(living, CLIENT)
    client = id_of(living, "clients", "THEIRS")
    edit(living, "INSERT INTO users (openId, name) VALUES ('theirs', 'Theirs')")
    user = id_of(living, "users", "theirs")
    edit(
        living,
        f"INSERT INTO client_activity (client_id, user_id, activity_type) VALUES ({client}, {user}, 'NOTE_ADDED')",
    )

    refused = apply(living)

    assert refused.code == 4
    assert "1 rows of client_activity depend on clients rows to be deleted" in refused.err
    assert apply(living, "--allow-cascade").code == 0
    assert_converged(living)
