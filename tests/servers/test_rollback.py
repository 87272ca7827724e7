"""A run and its rollback leave every managed row as it was, byte for byte, and every edit made in between."""

from collections.abc import Callable, Sequence

import pytest

from tests.servers.operating import (
    LIGHT,
    Result,
    apply,
    assert_converged,
    changes,
    command,
    dump,
    edit,
    id_of,
    insert_like,
    set_cell,
    stored,
)
from tests.servers.server import Server
from tests.servers.target import Target

OURS = ("--state", "tests.servers.cached_state")


def rollback(target: Target, *words: str) -> Result:
    """Take a run back without a prompt."""
    return command(target, "rollback", *OURS, "--force", "--quiet", *words)


def rbac(target: Target, *words: str) -> Result:
    return command(target, "rbac", *OURS, "--apply", "--force", "--quiet", *words)


JSON_AS_TYPED = '{ "b" : [1, 2],  "a" : null }'


def live_in(target: Target) -> None:
    """Leave a database as people do: rows changed, added and deleted, and a document spelt in their own way."""
    edit(
        target,
        "DELETE FROM payments WHERE `paymentNumber` LIKE 'RCV-00000%'",
        "DELETE FROM `role_permissions` WHERE id < 9",
        "DELETE FROM tags WHERE name = 'Budget'",
        "INSERT INTO vendors (name) VALUES ('Extra')",
        "UPDATE roles SET description = 'Theirs' WHERE name = 'Accountant'",
    )
    set_cell(target, ("orders", "ORD-000001"), "notes", "by hand")
    set_cell(target, ("orders", "ORD-000002"), "items", JSON_AS_TYPED)
    set_cell(target, ("users", "qa-accounting"), "name", "By Hand")
    set_cell(target, ("clients", "WHL0001"), "name", "By  Hand % \\ ' \U0001f600")


RUNS: dict[str, Callable[[Target], Result]] = {
    "reset": lambda target: apply(target, "--max-delete", "100%"),
    "top-up": lambda target: apply(target, "--no-clear"),
    "rbac add-only": rbac,
    "rbac exact": lambda target: rbac(target, "--mode", "exact"),
}


@pytest.mark.parametrize("name", RUNS)
def test_a_rollback_restores_every_row_byte_for_byte(filled: Target, name: str) -> None:
    """Ids, the clocks that the server moves on every update, and the spelling of JSON documents included."""
    live_in(filled)
    before = dump(filled)
    assert RUNS[name](filled).code == 0
    assert dump(filled) != before

    undone = rollback(filled, "--max-delete", "100%", "--max-update", "100%")

    assert undone.code == 0, undone.err
    assert dump(filled) == before


@pytest.mark.embedded
def test_rolling_the_rollback_back_does_the_run_again(filled: Target) -> None:
    live_in(filled)
    assert apply(filled, "--max-delete", "100%").code == 0
    assert rollback(filled, "--max-delete", "100%").code == 0

    number = filled.rows("SELECT MAX(id) FROM reconcile_runs")[0][0]
    assert rollback(filled, str(number), "--max-delete", "100%").code == 0

    assert_converged(filled)


def test_edits_made_since_stay_and_are_listed(filled: Target) -> None:
    """What people changed or added since the run stays, and so does what their new rows refer to."""
    live_in(filled)
    before = stored(filled)
    assert apply(filled, "--max-delete", "100%").code == 0
    set_cell(filled, ("orders", "ORD-000001"), "notes", "since")
    set_cell(filled, ("tags", "Budget"), "description", "since")
    insert_like(filled, "payments", "RCV-000002-1", paymentNumber="THEIRS", notes="since")
    edited_order = stored(filled, "orders")["orders"][id_of(filled, "orders", "ORD-000001")]
    theirs = stored(filled, "payments")["payments"][id_of(filled, "payments", "THEIRS")]

    told = rollback(filled, "--dry-run", "--format", "json")
    assert rollback(filled).code == 0

    skipped = {(row["table"], row["key"]): row["why"] for row in told.document["changes"] if row["action"] == "skip"}
    assert "edited since run" in skipped["orders", "ORD-000001"]
    assert "edited since run" in skipped["tags", "Budget"]
    after = stored(filled)
    assert after["orders"][id_of(filled, "orders", "ORD-000001")] == edited_order
    assert after["payments"][id_of(filled, "payments", "THEIRS")] == theirs
    kept = {("orders", "ORD-000001"), ("tags", "Budget"), ("payments", "THEIRS")}
    same = {
        table: {i: row for i, row in rows.items() if i not in {id_of(filled, t, k) for t, k in kept if t == table}}
        for table, rows in after.items()
    }
    assert same == {
        table: {i: row for i, row in rows.items() if i in same.get(table, {})} for table, rows in before.items()
    }


@pytest.mark.embedded
def test_a_first_fill_can_be_taken_back_whole(target: Target) -> None:
    """Nobody is left to be locked out: all that decides who may do what was made by the run."""
    assert apply(target).code == 0

    refused = rollback(target)
    undone = rollback(target, "--max-delete", "100%")

    assert (refused.code, "--max-delete" in refused.err) == (4, True)
    assert (undone.code, dump(target)) == (0, {})


def test_an_id_that_is_taken_by_now_stays_with_whoever_has_it(filled: Target) -> None:
    edit(filled, "INSERT INTO tags (id, name, `standardizedName`, category) VALUES (500, 'Mine', 'mine', 'CUSTOM')")
    assert apply(filled).code == 0
    edit(filled, "INSERT INTO tags (id, name, `standardizedName`, category) VALUES (500, 'New', 'new', 'CUSTOM')")

    told = command(filled, "rollback", *OURS, "--force")

    assert (told.code, "rows come back under another id" in told.err) == (0, True)
    assert id_of(filled, "tags", "New") == 500
    assert id_of(filled, "tags", "Mine") != 500


def test_rows_of_tables_that_nothing_is_declared_in_come_back(server: Server, filled: Target) -> None:
    """
    A reset empties them; their specs are those of the live schema, and so they return column by column.

    A file of ours has no such table; hence servers alone.
    """
    assert server.engine == filled.engine
    edit(filled, "INSERT INTO `productTags` (id, `productId`, `tagId`) VALUES (7, 1, 1), (9, 2, 1)")
    before = dump(filled)
    assert apply(filled).code == 0
    assert "productTags" not in dump(filled)

    assert rollback(filled, "--max-delete", "100%").code == 0
    assert dump(filled) == before


def test_the_journal_can_be_read_without_the_tool(server: Server, filled: Target) -> None:
    """
    UNCOMPRESS() gives the lines; SQLite has no such function.

    Source: MySQL manual, "Encryption and Compression Functions".
    """
    assert server.engine == filled.engine
    set_cell(filled, ("tags", "Budget"), "description", "by hand")
    assert apply(filled).code == 0

    ((text,),) = filled.rows(
        "SELECT CONVERT(UNCOMPRESS(payload) USING utf8mb4) FROM reconcile_changes "
        "WHERE run_id = (SELECT MAX(id) FROM reconcile_runs) AND table_name = 'tags'"
    )

    head, line = str(text).split("\n")
    assert '"description"' in head
    assert '"key":"Budget"' in line
    assert '"by hand"' in line


@pytest.mark.embedded
def test_the_journal_is_no_part_of_a_reset_and_shows_among_the_tables(filled: Target) -> None:
    set_cell(filled, ("tags", "Budget"), "description", "by hand")
    assert apply(filled).code == 0
    runs = filled.rows("SELECT COUNT(*) FROM reconcile_runs")

    assert {change.table for change in changes(filled)} == set()
    tables = command(filled, "query", *OURS, "--quiet", "tables").out
    assert all(name in tables for name in ("reconcile_runs", "reconcile_changes"))
    assert command(filled, "schema", "check", *OURS, "--quiet").code == 0
    assert filled.rows("SELECT COUNT(*) FROM reconcile_runs") == runs


@pytest.mark.embedded
@pytest.mark.parametrize("words", [("runs",), ("show", "1"), ("explain", "tags", "Budget", *LIGHT)])
def test_what_tells_of_runs_writes_nothing(filled: Target, words: Sequence[str]) -> None:
    before = dump(filled)
    name, *rest = words
    asked = command(filled, name, *rest, "--quiet", *(() if "--state" in rest else OURS))

    assert asked.code == 0, asked.err
    assert dump(filled) == before
