"""A reset that would take rows of others along is refused, and says how many."""

import pytest

from reconcile.errors import ReconcileError
from tests.servers.operating import apply, carry_out, copy, dump, edit, id_of, look, plan
from tests.servers.target import Target

LINKS = [
    pytest.param(
        "INSERT INTO client_notes (client_id, note_id) VALUES ({0}, 1), ({0}, 2)",
        "2 rows of client_notes depend on clients rows to be deleted",
        "would be deleted with them",
        id="cascade",
    ),
    pytest.param(
        "INSERT INTO price_history (product_id, client_id, transaction_type, unit_price, quantity, total_price) "
        "VALUES (1, {0}, 'SALE', 1, 1, 1)",
        "1 rows of price_history depend on clients rows to be deleted",
        "would lose the reference",
        id="set null",
    ),
]


def extra_client(target: Target) -> int:
    """Add a client that nobody declared and give its id."""
    target.execute("INSERT INTO clients (teri_code, name) VALUES ('THEIRS', 'Theirs')")
    return id_of(target, "clients", "THEIRS")


@pytest.mark.parametrize(("insert", "what", "why"), LINKS)
def test_deletes_that_reach_rows_of_others_are_refused(
    database: Target, template: Target, insert: str, what: str, why: str
) -> None:
    """On servers only: SQLite holds no table but the managed ones."""
    copy(template, database)
    edit(database, insert.format(extra_client(database)))
    rows = dump(database)

    planned, applied = plan(database), apply(database)

    assert (planned.code, applied.code) == (4, 4)
    assert f"error: {what}" in applied.err
    assert why in applied.err
    assert dump(database) == rows
    assert apply(database, "--no-clear").code == 0
    assert dump(database) == rows


def test_rows_of_others_that_come_after_the_plan_are_not_taken_along(database: Target, template: Target) -> None:
    """
    Between plan and write somebody may attach rows to what is about to go.

    On servers only: SQLite holds no table but the managed ones.
    """
    copy(template, database)
    client = extra_client(database)
    session, planned = look(database)
    edit(database, f"INSERT INTO client_notes (client_id, note_id) VALUES ({client}, 1)")
    rows = dump(database)

    with pytest.raises(ReconcileError) as refused:
        carry_out(session, planned)

    assert refused.value.exit_code == 4
    assert dump(database) == rows


def test_an_extra_row_that_nobody_uses_goes(filled: Target) -> None:
    extra_client(filled)

    assert apply(filled).code == 0
    assert filled.rows("SELECT id FROM clients WHERE teri_code = 'THEIRS'") == []
