"""Whatever a hand does to the rows is shown by plan, before and after, and mended by apply."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from reconcile.dataset import KEY
from reconcile.render.cells import cell
from tests.servers.operating import (
    ADDITIVE,
    LIGHT,
    Change,
    apply,
    changes,
    command,
    dangling,
    desired,
    dump,
    edit,
    id_of,
    insert_like,
    next_ids,
    plan,
    set_cell,
    specs,
)
from tests.servers.target import Parameter, Target

pytestmark = pytest.mark.on_servers

ORDER, OTHER_ORDER = "ORD-000001", "ORD-000002"
CONVERTED = "ORD-000004"
"""An order that was made from a quote."""
AWKWARD = {
    "emoji": "Café 🌿👩🏽‍🌾",
    "backslashes": "C:\\new\\\\table\\",
    "quotes": "O'Brien's \"best\" `leaf`",
    "percent": "100 % %s %(x)s :name ?",
    "separators": "a\x1fb|c\x1fd",
    "lines": "one\ntwo\r\nthree\ttab",
    "null look-alike": "\\N",
    "escape look-alikes": "\\s\\b\\n",
    "empty": "",
    "spaces": "  both ends  ",
    "control": "\x01\x1a\x7f",
    "long": "x" * 5000,
}


def test_every_kind_of_cell_is_shown_and_mended(filled: Target, template: Target) -> None:
    """One edit per kind of column: the plan names exactly these cells, with what they hold and what they should."""
    brand, client, quote = (
        id_of(filled, "brands", "Overgrove"),
        id_of(filled, "clients", "REG0025"),
        id_of(filled, "orders", "QUO-000138"),
    )
    payment = id_of(filled, "invoices", "INV-000003")
    edits: list[tuple[str, str, str, Parameter, object]] = [
        ("orders", ORDER, "total", "1.01", "1.01"),
        ("orders", ORDER, "total_cogs", None, None),
        ("batches", "BAT-000001", "unitCogs", "0.0001", "0.0001"),
        ("clients", "REG0001", "total_owed", "-12.5", "-12.50"),
        ("clients", "REG0002", "credit_limit", "9999999999999.99", "9999999999999.99"),
        ("invoices", "INV-000001", "dueDate", "1999-12-31", "1999-12-31"),
        ("orders", OTHER_ORDER, "created_at", "2001-02-03 04:05:06", "2001-02-03 04:05:06"),
        ("orders", "ORD-000003", "confirmed_at", None, None),
        ("clients", "REG0003", "is_seller", 1, True),
        ("clients", "REG0004", "is_buyer", None, None),
        ("batches", "BAT-000002", "sampleAvailable", -7, -7),
        ("orders", ORDER, "items", '[{"b": 1, "a": [true, null, 1.50, "é"]}]', [{"a": [True, None, 1.5, "é"], "b": 1}]),
        ("clients", "REG0005", "tags", None, None),
        ("orders", "ORD-000005", "saleStatus", "CANCELLED", "CANCELLED"),
        ("orders", "ORD-000006", "saleStatus", None, None),
        ("products", "Amber Lattice Indoor", "brandId", brand, "Overgrove"),
        ("orders", "ORD-000007", "client_id", client, "REG0025"),
        ("orders", CONVERTED, "converted_from_order_id", quote, "QUO-000138"),
        ("ledgerEntries", "JE-INV-000001-1100", "referenceId", payment, "INV-000003"),
        ("clients", "REG0006", "email", None, None),
    ]
    expected: dict[tuple[str, str], dict[str, object]] = {}
    for table, key, column, value, shown in edits:
        set_cell(filled, (table, key), column, value)
        expected.setdefault((table, key), {})[column] = shown

    found = changes(filled)

    assert {(c.table, c.key): c.before for c in found} == expected
    assert {(c.table, c.key): c.after for c in found} == {
        row: declared(*row, list(cells)) for row, cells in expected.items()
    }
    assert {(c.action, c.reason) for c in found} == {("update", "differs")}
    assert_mended(filled, template)


def test_any_text_is_shown_as_it_is_and_mended(filled: Target, template: Target) -> None:
    """Bytes that mean something to SQL, to the driver or to our own row format are only bytes."""
    edited = dict(zip((f"REG{number:04}" for number in range(1, 25)), AWKWARD.values(), strict=False))
    for key, value in edited.items():
        set_cell(filled, ("clients", key), "address", value)

    found = changes(filled)

    assert {c.key: c.before for c in found} == {key: {"address": value} for key, value in edited.items()}
    assert_mended(filled, template)


def test_text_in_json_and_in_keys_is_shown_as_it_is(filled: Target, template: Target) -> None:
    """The key of an extra row and a text inside a document are texts like any other."""
    text = 'O\'Brien \\ "x" 🌿 %s | \x1f'
    filled.execute("INSERT INTO tags (name, `standardizedName`) VALUES (:name, 'x')", {"name": text})
    document = '["O\'Brien \\\\ \\"x\\" 🌿 %s |"]'
    set_cell(filled, ("clients", "REG0001"), "tags", document)

    found = {c.table: c for c in changes(filled)}

    extra, client = found["tags"], found["clients"]
    assert (extra.action, extra.before and extra.before["name"]) == ("delete", text)
    assert client.before == {"tags": ['O\'Brien \\ "x" 🌿 %s |']}
    assert_mended(filled, template)


def test_a_document_that_says_the_same_is_no_change(filled: Target) -> None:
    """Spaces, order of members and the spelling of a number are the server's business."""
    set_cell(filled, ("clients", "WHL0001"), "tags", '[ "wholesale",\n "high-volume" , "vip" ]')
    items = str(filled.rows("SELECT items FROM orders WHERE order_number = :key", {"key": ORDER})[0][0])
    respelled = items.replace(":118,", ": 118.0 ,").replace('"quantity": 118,', '"quantity": 118.0,')
    assert respelled != items
    set_cell(filled, ("orders", ORDER), "items", respelled)

    assert changes(filled) == []


def test_a_document_that_names_a_row_by_its_key_text_differs(filled: Target, template: Target) -> None:
    """The application stores the id; a document that holds the natural key instead is broken."""
    wanted = desired()["orders"].filter(order_number=ORDER)["items"].item()
    set_cell(filled, ("orders", ORDER), "items", wanted)

    assert [(c.key, c.action) for c in changes(filled)] == [(ORDER, "update")]
    assert_mended(filled, template)


def test_references_to_nothing_are_shown_by_number_and_mended(filled: Target, template: Target) -> None:
    """A row that points to a row that is gone names it by id: there is no key to name it by."""
    edit(filled, "UPDATE products SET `brandId` = 987654 WHERE `nameCanonical` = 'Amber Lattice Indoor'")

    (found,) = changes(filled)

    assert (found.key, found.before, found.after) == (
        "Amber Lattice Indoor",
        {"brandId": "\\#987654"},
        {"brandId": "Driftmark"},
    )
    assert_mended(filled, template)


def test_a_row_that_refers_to_itself_is_mended(filled: Target, template: Target) -> None:
    set_cell(filled, ("orders", CONVERTED), "converted_from_order_id", id_of(filled, "orders", CONVERTED))
    set_cell(filled, ("orders", "ORD-000052"), "converted_from_order_id", None)

    found = {c.key: (c.before, c.after) for c in changes(filled)}

    assert found == {
        CONVERTED: ({"converted_from_order_id": CONVERTED}, {"converted_from_order_id": "QUO-000122"}),
        "ORD-000052": ({"converted_from_order_id": None}, {"converted_from_order_id": "QUO-000138"}),
    }
    assert_mended(filled, template)


def test_swapped_unique_values_change_places_again(filled: Target, template: Target) -> None:
    """Neither of the two can be written first while the other one holds its value; a ring of three is the same."""
    codes = ("BAT-000001", "BAT-000002", "BAT-000003")
    skus = {
        str(row.code): str(row.sku) for row in filled.rows("SELECT code, sku FROM batches WHERE code <= 'BAT-000003'")
    }
    for code in codes:
        set_cell(filled, ("batches", code), "sku", f"moving {code}")
    for code, holder in zip(codes, codes[1:] + codes[:1], strict=True):
        set_cell(filled, ("batches", code), "sku", skus[holder])

    found = {c.key: (c.before, c.after) for c in changes(filled)}

    assert found == {
        code: ({"sku": skus[holder]}, {"sku": skus[code]})
        for code, holder in zip(codes, codes[1:] + codes[:1], strict=True)
    }
    assert_mended(filled, template)


def test_a_unique_value_that_an_extra_row_took_comes_back(filled: Target, template: Target) -> None:
    """The extra row goes in the same run, so its value is free."""
    ((sku,),) = filled.rows("SELECT sku FROM batches WHERE code = 'BAT-000001'")
    set_cell(filled, ("batches", "BAT-000001"), "sku", "moved away")
    insert_like(filled, "batches", "BAT-000002", code="BAT-EXTRA", sku=str(sku))

    found = {c.key: c.action for c in changes(filled)}

    assert found == {"BAT-000001": "update", "BAT-EXTRA": "delete"}
    assert_mended(filled, template)


def test_deleted_rows_come_back_and_extra_rows_go(filled: Target) -> None:
    """With everything that hangs on them, under foreign keys that hold all the while."""
    kept_ids = {table: id_of(filled, table, key) for table, key in (("clients", "REG0001"), ("orders", OTHER_ORDER))}
    edit(
        filled,
        f"DELETE FROM order_line_items WHERE order_id = {id_of(filled, 'orders', ORDER)}",
        f"DELETE FROM orders WHERE order_number = '{ORDER}'",
        "DELETE FROM vendors WHERE name = 'Ostrivale Fields'",
        "DELETE FROM workflow_statuses WHERE slug = 'closed'",
        "DELETE FROM `ledgerEntries`",
    )
    insert_like(filled, "clients", "REG0001", teri_code="REG9999")
    insert_like(filled, "orders", OTHER_ORDER, order_number="ORD-999999", client_id=id_of(filled, "clients", "REG9999"))
    line = {"order_id": id_of(filled, "orders", "ORD-999999")}
    insert_like(filled, "order_line_items", "", **line)

    found = changes(filled)

    created = {(c.table, c.key) for c in found if c.action == "create"}
    deleted = {(c.table, c.key) for c in found if c.action == "delete"}
    assert {("orders", ORDER), ("vendors", "Ostrivale Fields"), ("workflow_statuses", "closed")} <= created
    assert {("clients", "REG9999"), ("orders", "ORD-999999")} <= deleted
    assert sum(table == "ledgerEntries" for table, _ in created) == desired()["ledgerEntries"].height
    shown = next(c for c in found if c.key == ORDER)
    assert (shown.before, shown.after) == (None, declared("orders", ORDER, None))
    assert apply(filled).code == 0
    assert_references_hold(filled)
    assert {
        table: id_of(filled, table, key) for table, key in (("clients", "REG0001"), ("orders", OTHER_ORDER))
    } == kept_ids


def test_rows_that_repeat_a_key_are_reported_and_go(filled: Target) -> None:
    """Nothing in the schema keeps brands and products unique; the oldest row stands for the key."""
    oldest = id_of(filled, "brands", "Driftmark")
    insert_like(filled, "brands", "Driftmark", description="second")
    insert_like(filled, "products", "Amber Lattice Indoor", category="third")
    second = filled.rows("SELECT MAX(id) FROM brands")[0][0]
    set_cell(filled, ("products", "Deep Larder Gummies"), "brandId", str(second))

    result = plan(filled, "--format", "json")
    found = {(c.table, c.action, c.reason) for c in changes(filled)}

    assert {finding["what"] for finding in result.document["findings"]} == {"live rows share a natural key"}
    assert found == {
        ("brands", "delete", "duplicate key"),
        ("products", "delete", "duplicate key"),
        ("products", "update", "differs"),
    }
    assert apply(filled).code == 0
    assert_references_hold(filled)
    assert id_of(filled, "brands", "Driftmark") == oldest


def test_a_key_in_other_letters_is_the_same_row_where_the_server_says_so(filled: Target) -> None:
    """On SQLite, which compares characters, it is another row: one goes, one comes, and references follow."""
    name, row = "Tamberlow Gardens", id_of(filled, "vendors", "Tamberlow Gardens")
    # MySQL's own collation counts trailing spaces, MariaDB's does not.
    spelled = "TAMBERLOW gardens" + (" " if filled.engine == "mariadb" else "")
    filled.execute("UPDATE vendors SET name = :name WHERE id = :id", {"name": spelled, "id": row})

    everything = [(c.table, c.key, c.action, c.before, c.after) for c in changes(filled)]
    found = [change for change in everything if change[0] == "vendors"]

    if filled.engine == "sqlite":
        assert [(key, action) for _, key, action, _, _ in found] == [(spelled, "delete"), (name, "create")]
    else:
        assert found == [("vendors", name, "update", {"name": spelled}, {"name": name})]
        assert everything == found
    assert apply(filled).code == 0
    assert_references_hold(filled)
    assert (id_of(filled, "vendors", name) == row) == (filled.engine != "sqlite")


def test_rows_of_others_are_kept_and_shown_as_skipped(filled: Target) -> None:
    """People, bank accounts and the chart of accounts belong to others too: nothing undeclared is deleted there."""
    filled.execute("INSERT INTO users (`openId`, name) VALUES ('somebody', 'Somebody Else')")
    insert_like(filled, "bankAccounts", "Operating Account", accountName="Their Account")
    insert_like(filled, "accounts", "1000", accountNumber="9999", accountName="Theirs")
    rows, ids = dump(filled), next_ids(filled)

    found = [(c.table, c.key, c.action, c.reason) for c in changes(filled)]

    assert sorted(found) == [
        ("accounts", "9999", "skip", "not declared"),
        ("bankAccounts", "Their Account", "skip", "not declared"),
        ("users", "somebody", "skip", "not declared"),
    ]
    assert apply(filled).code == 0
    assert dump(filled) == rows
    assert next_ids(filled) == ids


def test_declared_rows_of_shared_tables_are_mended(filled: Target, template: Target) -> None:
    """Keeping the rows of others does not mean leaving our own to drift."""
    set_cell(filled, ("accounts", "1000"), "accountName", "Petty Cash")
    set_cell(filled, ("bankAccounts", "Operating Account"), "currentBalance", "0.01")

    found = {(c.table, c.key): (c.action, c.before) for c in changes(filled)}

    assert found == {
        ("accounts", "1000"): ("update", {"accountName": "Petty Cash"}),
        ("bankAccounts", "Operating Account"): ("update", {"currentBalance": "0.01"}),
    }
    assert_mended(filled, template)


def test_columns_that_the_server_owns_do_not_count(filled: Target) -> None:
    """A clock that moved is no change, and stays where it is."""
    table = "tags"
    filled.execute(f"UPDATE `{table}` SET `updatedAt` = '2031-01-01 00:00:00'")
    rows = dump(filled)

    assert changes(filled) == []
    assert apply(filled).code == 0
    assert dump(filled) == rows


def test_only_the_chosen_tables_are_planned_and_written(filled: Target) -> None:
    set_cell(filled, ("tags", "Indoor"), "color", "#000000")
    set_cell(filled, ("strains", "Amber Lattice"), "category", "Other")
    set_cell(filled, ("clients", "REG0001"), "name", "Other")

    assert [c.table for c in changes(filled, "--table", "tags", "-t", "st*")] == ["strains", "tags"]
    assert [c.table for c in changes(filled, "-x", "tags", "-x", "clients")] == ["strains"]
    assert apply(filled, "-x", "strains").code == 0

    assert [c.table for c in changes(filled)] == ["strains"]


def test_a_table_left_out_may_be_spelled_otherwise(filled: Target) -> None:
    """What a run leaves out it still reads; its rows are known by the declared keys before and after the write."""
    if filled.engine != "sqlite":
        filled.execute("UPDATE vendors SET name = 'TAMBERLOW gardens' WHERE name = 'Tamberlow Gardens'")
    set_cell(filled, ("brands", "Argentfold"), "description", "Other")

    result = apply(filled, "-x", "vendors")

    assert (result.code, "0 created, 1 updated, 0 deleted" in result.out) == (0, True), result.err


def test_a_dry_run_writes_nothing(filled: Target) -> None:
    set_cell(filled, ("tags", "Indoor"), "color", "#000000")
    rows = dump(filled)

    result = apply(filled, "--dry-run")

    assert (result.code, "1 to update" in result.out) == (0, True)
    assert dump(filled) == rows


def test_without_force_and_without_a_terminal_nothing_is_written(
    filled: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", NoTerminal())
    set_cell(filled, ("tags", "Indoor"), "color", "#000000")
    rows = dump(filled)

    result = command(filled, "apply", *LIGHT)

    assert result.code == 4
    assert "tags: 0 rows deleted, 1 overwritten" in result.err
    assert dump(filled) == rows


@dataclass
class NoTerminal:
    """A standard input that nobody types into."""

    lines: list[str] = field(default_factory=list)

    def isatty(self) -> bool:
        return False


def declared(table: str, key: str, columns: list[str] | None) -> Mapping[str, object]:
    """Give what a declared row should show for *columns*, for all of them where none are named."""
    (row,) = desired()[table].filter(**{KEY: key}).to_dicts()
    spec = specs()[table]
    names = [column.name for column in spec.declared] if columns is None else columns
    return {name: cell(spec.column(name).kind, row[name]) for name in names}


def assert_mended(target: Target, template: Target) -> None:
    """Hold that apply leaves, byte for byte and id for id, what the first fill made; only clocks may have moved."""
    result = apply(target)
    assert result.code == 0, result.err
    assert dump(target, clocks=False) == dump(template, clocks=False)


def assert_references_hold(target: Target) -> None:
    """Hold that the rows are as declared and that no reference points to a row that is not there."""
    assert [c for c in changes(target) if c.action != "skip"] == []
    assert dangling(target) == {}


def test_shared_tables_are_these() -> None:
    """The list that these tests go by is the specs' own."""
    assert {name for name, spec in specs().items() if not spec.prunes} == set(ADDITIVE)


def test_a_change_shows_in_the_text_too(filled: Target) -> None:
    set_cell(filled, ("tags", "Indoor"), "color", "#000000")
    (expected,) = changes(filled)
    assert isinstance(expected, Change)

    lines = plan(filled).out.splitlines()

    assert "~ [Indoor] differs: the live row differs from the declared one" in lines
    assert f'    color: "#000000" → "{(expected.after or {})["color"]}"' in lines
