"""`reconcile clear`: the manual clean-up as a plan of deletes, children first, foreign keys on."""

import pytest

from tests.servers.operating import Result, apply, command, copy, declared_rows, dump, edit, id_of, next_ids
from tests.servers.target import Target

STATE = ("--state", "tests.servers.cached_state")
CLIENT = "INSERT INTO clients (teri_code, name) VALUES ('THEIRS', 'Theirs')"
CLIENT_NOTE = "INSERT INTO client_notes (client_id, note_id) VALUES ({0}, 1), ({0}, 2)"


def clear(target: Target, *words: str) -> Result:
    return command(target, "clear", "--force", *STATE, *words)


def counts(target: Target, *tables: str) -> list[int]:
    return [int(str(target.rows(f"SELECT COUNT(*) FROM `{table}`")[0][0])) for table in tables]


def test_a_clear_empties_the_managed_tables_and_a_seed_fills_them_again(filled: Target, template: Target) -> None:
    """Accounts, roles, flags and what else keeps the rows of others stay, but for the rows that are ours alone."""
    stays = ("users", "roles", "role_permissions", "user_roles", "feature_flags", "rooms", "accounts", "bankAccounts")
    before = counts(filled, *stays)

    cleared = clear(filled)

    assert cleared.code == 0, cleared.err
    assert counts(filled, "clients", "orders", "comments", "products", "client_activity") == [0] * 5
    assert counts(filled, *stays) == before
    rows, ids = dump(filled), next_ids(filled)
    again = clear(filled)
    assert (again.code, "Nothing to do" in again.out) == (0, True)
    assert (dump(filled), next_ids(filled)) == (rows, ids)
    assert apply(filled).code == 0
    assert declared_rows(filled) == declared_rows(template)


@pytest.mark.embedded
def test_a_dry_run_shows_every_delete_and_writes_nothing(filled: Target) -> None:
    rows = dump(filled)

    shown = command(filled, "clear", "--dry-run", *STATE, "-t", "comment*", "--format", "json")

    assert shown.code == 0, shown.err
    document = shown.document
    assert (document["mode"], {change["action"] for change in document["changes"]}) == ("clear", {"delete"})
    assert {touched["table"]: touched["percent"] for touched in document["blast_radius"]["tables"]} == {
        "comments": 100.0,
        "comment_mentions": 100.0,
    }
    assert dump(filled) == rows


@pytest.mark.embedded
def test_a_clear_of_some_tables_leaves_the_others_sound(filled: Target) -> None:
    """What other tables refer to stays, unless they go with it; what nothing refers to goes."""
    refused = clear(filled, "-t", "brands")
    rows = dump(filled)
    alone = clear(filled, "-t", "inbox_items")

    assert refused.code == 4
    assert "rows of products depend on brands rows to be deleted" in refused.err
    assert "deleting 18 brands removes 56 products; deleting 56 products removes 80 batches" in refused.err
    assert alone.code == 0, alone.err
    assert {table for table in rows if dump(filled).get(table) != rows[table]} == {"inbox_items"}
    assert counts(filled, "inbox_items", "comments") == [0, 50]


@pytest.mark.embedded
def test_a_clear_that_breaks_a_rule_is_rolled_back(filled: Target) -> None:
    """Invoices without lines: the rule held before, so nothing is committed that it does not hold after."""
    rows = dump(filled)

    refused = clear(filled, "-t", "invoiceLineItems")

    assert refused.code == 3
    assert dump(filled) == rows


def test_rows_of_others_go_along_only_when_allowed(database: Target, template: Target) -> None:
    """On servers only: SQLite holds no table but the managed ones."""
    copy(template, database)
    edit(database, CLIENT)
    edit(database, CLIENT_NOTE.format(id_of(database, "clients", "THEIRS")))
    rows = dump(database)

    refused = clear(database)
    assert (refused.code, dump(database) == rows) == (4, True)
    assert "deleting 39 clients removes 2 client_notes" in refused.err

    assert clear(database, "--allow-cascade", "--max-delete", "10").code == 4
    assert dump(database) == rows
    assert clear(database, "--allow-cascade").code == 0
    assert counts(database, "clients", "client_notes") == [0, 0]


@pytest.mark.embedded
def test_what_a_clear_cannot_do_is_said(target: Target) -> None:
    """A file that is not there is not made; a name that matches nothing is a mistake."""
    absent = clear(target)
    assert apply(target).code == 0
    unknown = clear(target, "-t", "nothing*")

    assert (absent.code, unknown.code) == (1, 64)
    assert "the database file does not exist" in absent.err
    assert "no table matches 'nothing*'" in unknown.err
