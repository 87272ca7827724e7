"""What people did to a living database survives a top-up and is told, row by row; a reset says what it takes back."""

import json
from collections.abc import Mapping

import pytest

from tests.servers.laws import assert_nothing_to_do, assert_strictly_sound
from tests.servers.operating import LIGHT, Change, apply, assert_converged, changes, command, dump, id_of, plan, stored
from tests.servers.target import Target

pytestmark = pytest.mark.on_mariadb

TOP_UP = (*LIGHT, "--no-clear")

GRANT = (
    "INSERT INTO role_permissions (role_id, permission_id) SELECT r.id, p.id FROM roles r, permissions p "
    "WHERE r.name = 'Warehouse Staff' AND p.name = 'clients:delete'"
)
GRANTED = (
    "SELECT COUNT(*) FROM role_permissions g JOIN roles r ON r.id = g.role_id "
    "JOIN permissions p ON p.id = g.permission_id WHERE r.name = 'Warehouse Staff' AND p.name = 'clients:delete'"
)
ORDER, BATCH = "ORD-BY-HAND", "BAT-000001"
ORDER_CELLS: Mapping[str, str | int] = {
    "order_number": ORDER, "orderType": "SALE", "is_draft": 0, "paymentTerms": "NET_15", "saleStatus": "PENDING",
    "subtotal": "200.00", "tax": "0.00", "discount": "0.00", "total": "200.00", "total_cogs": "130.0000",
    "total_margin": "70.00", "avg_margin_percent": "35.00", "notes": "Taken by phone, deliver before noon",
    "created_at": "2025-06-02 10:15:00",
}  # fmt: skip
LINE_CELLS: Mapping[str, str | int] = {
    "quantity": "2.00", "unit_price": "100.00", "line_total": "200.00", "cogs_per_unit": "65.0000",
    "original_cogs_per_unit": "65.0000", "margin_percent": "35.00", "margin_dollar": "35.00",
    "margin_source": "MANUAL", "created_at": "2025-06-02 10:15:00",
}  # fmt: skip
ITEM = {
    "quantity": 2, "unitPrice": 100, "unitCogs": 65, "lineTotal": 200, "lineCogs": 130, "marginPercent": 35,
}  # fmt: skip


def insert(target: Target, table: str, **cells: str | int) -> None:
    names = ", ".join(f"`{name}`" for name in cells)
    target.execute(f"INSERT INTO `{table}` ({names}) VALUES ({', '.join(f':{name}' for name in cells)})", cells)


def take_order(target: Target) -> None:
    """Enter an order as the application does: one line, sums that agree, nothing shipped or invoiced yet."""
    batch = id_of(target, "batches", BATCH)
    ((product,),) = target.rows("SELECT productId FROM batches WHERE id = :id", {"id": batch})
    items = json.dumps([{"batchId": batch, "productId": int(str(product)), **ITEM}])
    client, user = id_of(target, "clients", "REG0001"), id_of(target, "users", "admin-seed-001")
    insert(target, "orders", client_id=client, created_by=user, items=items, **ORDER_CELLS)
    insert(target, "order_line_items", order_id=id_of(target, "orders", ORDER), batch_id=batch, **LINE_CELLS)


@pytest.fixture
def lived_in(filled: Target) -> Target:
    """A filled database that administrators and sellers have worked in."""
    filled.execute(GRANT)
    filled.execute("UPDATE roles SET description = 'Keeps the books, ask before changing' WHERE name = 'Accountant'")
    filled.execute("UPDATE feature_flags SET default_enabled = 0, name = 'Sales (beta)' WHERE `key` = 'module-sales'")
    filled.execute("UPDATE sites SET deleted_at = '2025-05-30 08:00:00' WHERE code = 'COLD'")
    take_order(filled)
    return filled


def told(found: list[Change]) -> dict[tuple[str, str], tuple[str, str, str]]:
    """Give what a plan says becomes of each row, and why."""
    return {(c.table, c.key): (c.action, c.reason, c.why) for c in found}


EXTRA = ("role_permissions", "Warehouse Staff|clients:delete")
LINE = ("order_line_items", f"{ORDER}|{BATCH}")
NO_CHANGE, NO_DELETE = "a top-up changes no existing row", "a top-up deletes no row"

KEPT = {
    EXTRA: ("skip", "not declared", NO_DELETE),
    ("roles", "Accountant"): ("skip", "differs", NO_CHANGE),
    ("feature_flags", "module-sales"): ("skip", "differs", NO_CHANGE),
    ("sites", "COLD"): ("skip", "differs", "deleted softly and left so: a top-up changes no existing row"),
    ("orders", ORDER): ("skip", "not declared", NO_DELETE),
    LINE: ("skip", "not declared", NO_DELETE),
}
TAKEN_BACK = {
    EXTRA: ("skip", "not declared", "role_permissions keeps the rows of others"),
    ("roles", "Accountant"): ("update", "differs", "the live row differs from the declared one"),
    ("feature_flags", "module-sales"): ("update", "differs", "the live row differs from the declared one"),
    ("sites", "COLD"): ("update", "differs", "deleted softly and declared: it is restored"),
    ("orders", ORDER): ("delete", "not declared", "in the database and not declared"),
    LINE: ("delete", "not declared", "in the database and not declared"),
}


def test_a_top_up_keeps_every_edit_and_says_why(lived_in: Target) -> None:
    """Each stands in the plan with what it is and what was declared, and is byte for byte as it was afterwards."""
    lived_in.execute("DELETE FROM tags WHERE name = 'Indoor'")
    rows = stored(lived_in)

    found = changes(lived_in, "--no-clear")
    applied = apply(lived_in, "--no-clear")

    assert told(found) == KEPT | {("tags", "Indoor"): ("create", "missing", "declared and not in the database")}
    assert applied.code == 0, applied.err
    after = stored(lived_in)
    assert {table: {number: after[table][number] for number in kept} for table, kept in rows.items()} == rows
    assert len(after["tags"]) == len(rows["tags"]) + 1
    assert told(changes(lived_in, "--no-clear")) == KEPT
    assert_nothing_to_do(lived_in, TOP_UP)


def test_what_people_did_breaks_no_rule(lived_in: Target) -> None:
    """Otherwise the tests here would not be about people who use the application as they should."""
    assert_strictly_sound(lived_in)


def test_a_kept_edit_shows_both_sides(lived_in: Target) -> None:
    """So that whoever reads the plan can decide whether a reset is wanted."""
    found = {(c.table, c.key): (c.before, c.after) for c in changes(lived_in, "--no-clear")}
    shown = plan(lived_in, "--no-clear").out

    assert found["feature_flags", "module-sales"] == (
        {"default_enabled": False, "name": "Sales (beta)"},
        {"default_enabled": True, "name": "Sales Module"},
    )
    assert found["sites", "COLD"] == ({"deleted_at": "2025-05-30 08:00:00"}, {"deleted_at": None})
    before, after = found["orders", ORDER]
    assert (before and before["notes"], after) == (ORDER_CELLS["notes"], None)
    assert "= [COLD] differs: deleted softly and left so: a top-up changes no existing row" in shown
    assert f"= [{ORDER}] not declared: a top-up deletes no row" in shown


def test_a_reset_takes_back_what_is_declared_and_keeps_the_grant(lived_in: Target) -> None:
    """The site is restored, texts come back, the order goes; who may do what stays as administrators had it."""
    site, grants = id_of(lived_in, "sites", "COLD"), lived_in.rows(GRANTED)

    found = changes(lived_in)
    applied = apply(lived_in)

    assert told(found) == TAKEN_BACK
    assert applied.code == 0, applied.err
    assert lived_in.rows("SELECT id, deleted_at FROM sites WHERE code = 'COLD'") == [(site, None)]
    assert lived_in.rows("SELECT id FROM orders WHERE order_number = :key", {"key": ORDER}) == []
    assert lived_in.rows(GRANTED) == grants == [(1,)]
    assert told(changes(lived_in)) == {EXTRA: TAKEN_BACK[EXTRA]}
    assert_strictly_sound(lived_in)
    assert_converged(lived_in)


def test_a_reset_of_other_steps_leaves_the_edits_of_the_rest(lived_in: Target) -> None:
    """Only what the module defaults declare is taken back: flag, order and renamed role are of other steps."""
    rows = dump(lived_in)

    applied = apply(lived_in, "--step", "defaults")

    assert applied.code == 0, applied.err
    after = dump(lived_in)
    assert {table for table in rows if rows[table] != after[table]} == {"sites"}


def test_a_flag_made_by_hand_and_deleted_softly_blocks_nothing(filled: Target) -> None:
    """A row of others under a key of its own is no concern of ours, deleted or not."""
    insert(filled, "feature_flags", key="theirs", name="Theirs", deleted_at="2025-01-01 00:00:00")

    applied = command(filled, "apply", "--force", *LIGHT)

    assert (applied.code, "0 created, 0 updated, 0 deleted" in applied.out) == (0, True)


def test_a_declared_row_that_is_deleted_softly_is_not_added_again(filled: Target) -> None:
    """The replaced tool looked past it and failed on its unique key."""
    filled.execute("UPDATE feature_flags SET deleted_at = '2025-01-01 00:00:00'")
    filled.execute("UPDATE sites SET deleted_at = '2025-01-01 00:00:00'")
    rows = {table: len(found) for table, found in dump(filled).items()}

    assert {c.action for c in changes(filled, "--no-clear")} == {"skip"}
    assert apply(filled, "--no-clear").code == 0
    assert apply(filled).code == 0

    assert {table: len(found) for table, found in dump(filled).items()} == rows
    assert filled.rows("SELECT COUNT(*) FROM sites WHERE deleted_at IS NOT NULL") == [(0,)]
    assert_converged(filled)
