"""What is refused on real databases: deletes that reach others, protected targets, more than the limits allow."""

import pytest

from reconcile.cli.options import ApplyOptions
from reconcile.cli.session import open_session
from reconcile.errors import ReconcileError
from reconcile.live.connect import snapshot
from reconcile.live.protection import read_marker
from tests.servers.operating import apply, carry_out, command, copy, dump, edit, id_of, look, plan
from tests.servers.server import Server
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


MARKER = (
    "CREATE TABLE reconcile_protected (reason VARCHAR(200), id INT PRIMARY KEY)",
    "INSERT INTO reconcile_protected VALUES ('customers live here', 1)",
)


def marked(url: str) -> str | None:
    """Give what the marker says to whoever connects with *url*."""
    session = open_session(ApplyOptions(database_url=url))
    with snapshot(session.target, session.engine) as connection:
        return read_marker(connection)


def test_a_marked_database_wants_its_name(database: Target, template: Target) -> None:
    """Whoever is connected, wherever: no variable needs to be set. On SQLite the unit tests say the same."""
    copy(template, database)
    edit(database, *MARKER)
    extra_client(database)
    rows = dump(database)

    refused = [
        apply(database),
        apply(database, "--confirm", "terp"),
        apply(database, "--confirm", database.name.upper()),
        command(database, "clear", "--force", "--state", "tests.servers.cached_state", "--allow-cascade"),
    ]

    assert [result.code for result in refused] == [4] * 4
    assert "the target is protected (table reconcile_protected: customers live here)" in refused[0].err
    assert f"--confirm names terp, and the target is {database.name}" in refused[1].err
    assert dump(database) == rows
    assert plan(database).code == 2
    assert apply(database, "--confirm", database.name).code == 0
    assert apply(database).code == 0, "a run with nothing to write needs no name"
    edit(database, "DELETE FROM reconcile_protected")
    assert marked(database.url) is None


def test_a_marker_that_may_not_be_read_protects(server: Server, database: Target) -> None:
    """
    Without a right to the table MariaDB does not tell whether it is there, and MySQL tells only that it is not.

    A right to select is enough.
    """
    name = database.name
    narrow = server.url(name, "narrow", server.create_account("narrow", f"SELECT ON `{name}`.`clients`"))
    reader = server.url(name, "reader", server.create_account("reader", f"SELECT ON `{name}`.*"))

    found = [marked(narrow), marked(reader)]
    edit(database, *MARKER)
    found += [marked(narrow), marked(reader)]

    unreadable = "table reconcile_protected cannot be read"
    assert found.pop(0) == (unreadable if server.engine == "mariadb" else None)
    assert found == [None, unreadable, "table reconcile_protected: customers live here"]


def test_a_top_up_that_changes_too_much_is_refused(filled: Target) -> None:
    """Half the orders say another margin than their lines: the plan warns, apply refuses, the flag allows it."""
    edit(filled, "UPDATE orders SET total_margin = total_margin + 1 WHERE id % 2 = 0")
    rows = dump(filled)

    planned, refused = plan(filled, "--no-clear"), apply(filled, "--no-clear")

    said = "75 of 150 rows of orders would be updated (50.0%)"
    assert (planned.code, f"warning: {said}" in planned.err) == (2, True)
    assert (refused.code, f"error: {said}" in refused.err, dump(filled) == rows) == (4, True, True)
    assert "fix:   review the plan; --max-update 50% allows it\n" in refused.err
    assert apply(filled, "--no-clear", "--max-update", "50%").code == 0
