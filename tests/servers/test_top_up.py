"""A top-up (`--no-clear`) adds what is missing; a row that is there changes by a gap rule or not at all."""

import pytest

from tests.servers.operating import (
    apply,
    assert_converged,
    changes,
    command,
    dangling,
    dump,
    edit,
    id_of,
    next_ids,
    set_cell,
)
from tests.servers.target import Target

pytestmark = pytest.mark.on_mariadb


def test_foreign_and_changed_rows_stay_and_missing_ones_come(filled: Target) -> None:
    """The mode of a database that people work in: their rows and their edits are theirs."""
    order = id_of(filled, "orders", "ORD-000001")
    edit(
        filled,
        f"DELETE FROM order_line_items WHERE order_id = {order}",
        "DELETE FROM tags WHERE name IN ('Indoor', 'Budget')",
        "DELETE FROM pricing_defaults",
    )
    set_cell(filled, ("clients", "REG0001"), "name", "Renamed by hand")
    set_cell(filled, ("strains", "Amber Lattice"), "category", None)
    filled.execute("INSERT INTO vendors (name) VALUES ('A vendor of theirs')")
    filled.execute("INSERT INTO brands (name) VALUES ('A brand of theirs'), ('A brand of theirs')")
    before = dump(filled)

    found = changes(filled, "--no-clear")
    result = apply(filled, "--no-clear")

    assert {c.action for c in found} == {"create", "skip"}
    assert {(c.table, c.key) for c in found if c.reason == "differs"} == {
        ("clients", "REG0001"),
        ("strains", "Amber Lattice"),
    }
    assert {(c.table, c.reason) for c in found if c.action == "skip" and c.reason != "differs"} == {
        ("vendors", "not declared"),
        ("brands", "not declared"),
        ("brands", "duplicate key"),
    }
    assert result.code == 0, result.err
    after = dump(filled)
    assert {table: [row for row in after[table] if row in set(rows)] for table, rows in before.items()} == before
    assert dangling(filled) == {}
    assert len(after["pricing_defaults"]) == 13
    assert_converged(filled, "--no-clear")


def test_a_second_top_up_writes_nothing(filled: Target) -> None:
    """What it leaves as it is, it leaves alone every time."""
    set_cell(filled, ("clients", "REG0001"), "name", "Renamed by hand")
    filled.execute("DELETE FROM tags WHERE name = 'Indoor'")
    assert apply(filled, "--no-clear").code == 0
    rows, ids = dump(filled), next_ids(filled)

    assert apply(filled, "--no-clear").code == 0

    assert dump(filled) == rows
    assert next_ids(filled) == ids


def test_a_top_up_of_an_empty_database_is_a_first_fill(target: Target, template: Target) -> None:
    assert apply(target, "--no-clear").code == 0

    assert dump(target, secrets=False) == dump(template, secrets=False)


def test_a_missing_row_whose_unique_value_is_taken_is_refused(filled: Target) -> None:
    """It cannot be added and nothing else may give way, so nothing is written."""
    ((sku,),) = filled.rows("SELECT sku FROM batches WHERE code = 'BAT-000001'")
    filled.execute("UPDATE batches SET code = 'THEIRS' WHERE code = 'BAT-000001'")
    rows = dump(filled)

    result = apply(filled, "--no-clear")

    assert (result.code, "a unique value is taken by another row" in result.err) == (1, True)
    assert "BAT-000001 needs the value that THEIRS has" in result.err
    assert str(sku).startswith("SKU-")
    assert dump(filled) == rows


def test_a_reset_after_a_top_up_makes_everything_as_declared(filled: Target) -> None:
    set_cell(filled, ("clients", "REG0001"), "name", "Renamed by hand")
    assert command(filled, "verify").code == 0
    assert apply(filled, "--no-clear").code == 0

    assert apply(filled).code == 0

    assert_converged(filled)


def test_a_deleted_row_comes_back_although_kept_rows_still_name_its_old_id(filled: Target) -> None:
    """A gap rule lets the entries that named it book it again, not twice; no other row changes."""
    filled.execute("DELETE FROM payments WHERE id = 3")
    rows = dump(filled)

    result = apply(filled, "--no-clear")

    assert (result.code, "1 created, 2 updated, 0 deleted" in result.out) == (0, True), result.out
    assert "warning" not in result.err
    after = dump(filled)
    assert [name for name, before in rows.items() if set(before) - set(after[name])] == ["ledgerEntries"]
    assert len(after["ledgerEntries"]) == len(rows["ledgerEntries"])
