"""One small gap at a time in a filled database: a top-up fills it, says by which rule, and touches nothing else."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from tests.servers.cached_state import STATE
from tests.servers.laws import assert_nothing_to_do, assert_strictly_sound, assert_topped_up, failed_checks, verify
from tests.servers.operating import LIGHT, Change, apply, changes, edit, id_of, look, plan, stored
from tests.servers.target import Target
from tests.servers.test_user_edits import BATCH, LINE_CELLS, ORDER, take_order
from tests.unit.test_json_schema import validator

pytestmark = pytest.mark.off_mysql

TOP_UP = (*LIGHT, "--no-clear")
RULES = {rule.id: rule for rule in STATE.gap_rules}
LINES = f"DELETE FROM order_line_items WHERE order_id = (SELECT id FROM orders WHERE order_number = '{ORDER}')"


def nothing(_target: Target) -> None:
    """Leave the database as it was filled."""


@dataclass(frozen=True, slots=True)
class Gap:
    """What somebody did, and what the plan says: per row the action and the rules, and the cells that change."""

    edits: tuple[str, ...]
    rules: dict[tuple[str, str], tuple[str, tuple[str, ...]]]
    cells: dict[tuple[str, str], tuple[dict[str, object], dict[str, object]]] = field(default_factory=dict)
    before: Callable[[Target], None] = nothing


GAPS = {
    "lines that somebody deleted": Gap(
        (LINES,), {("order_line_items", f"{ORDER}|{BATCH}"): ("create", ("order-lines-from-items",))}, before=take_order
    ),
    "a total that is not that of the lines": Gap(
        (f"UPDATE orders SET total = 205, tax = 5 WHERE order_number = '{ORDER}'",),
        {("orders", ORDER): ("update", ("order-amounts",))},
        {("orders", ORDER): ({"tax": "5.00", "total": "205.00"}, {"tax": "0.00", "total": "200.00"})},
        before=take_order,
    ),
    "an order and an invoice that do not name each other": Gap(
        (
            "UPDATE orders SET invoice_id = NULL WHERE order_number = 'ORD-000001'",
            "UPDATE invoices SET referenceType = NULL, referenceId = NULL WHERE invoiceNumber = 'INV-000001'",
        ),
        {
            ("orders", "ORD-000001"): ("update", ("order-invoice",)),
            ("invoices", "INV-000001"): ("update", ("invoice-reference",)),
        },
        {
            ("orders", "ORD-000001"): ({"invoice_id": None}, {"invoice_id": "INV-000001"}),
            ("invoices", "INV-000001"): (
                {"referenceType": None, "referenceId": None},
                {"referenceType": "ORDER", "referenceId": "ORD-000001"},
            ),
        },
    ),
    "an order that does not name its invoice": Gap(
        ("UPDATE orders SET invoice_id = NULL WHERE order_number = 'ORD-000001'",),
        {("orders", "ORD-000001"): ("update", ("order-invoice",))},
    ),
    "an invoice dated before its order": Gap(
        ("UPDATE invoices SET invoiceDate = '2024-01-01', dueDate = '2024-01-31' WHERE invoiceNumber = 'INV-000001'",),
        {
            ("invoices", "INV-000001"): ("update", ("invoice-dates",)),
            ("orders", "ORD-000001"): ("update", ("order-due-date",)),
        },
        {
            ("invoices", "INV-000001"): (
                {"invoiceDate": "2024-01-01", "dueDate": "2024-01-31"},
                {"invoiceDate": "2024-12-18", "dueDate": "2025-01-17"},
            )
        },
    ),
    "a payment made before its invoice": Gap(
        ("UPDATE payments SET paymentDate = '2024-01-01' WHERE paymentNumber = 'RCV-000002-1'",),
        {
            ("payments", "RCV-000002-1"): ("update", ("payment-dates",)),
            # What the client is said to take to pay follows from it.
            ("leaderboard_metric_cache", "WHL0001|payment_speed"): ("update", ("leaderboard-metrics",)),
        },
        {("payments", "RCV-000002-1"): ({"paymentDate": "2024-01-01"}, {"paymentDate": "2024-12-20"})},
    ),
    "a status that says something else": Gap(
        ("UPDATE invoices SET status = 'DRAFT' WHERE invoiceNumber = 'INV-000002'",),
        {("invoices", "INV-000002"): ("update", ("invoice-status",))},
        {("invoices", "INV-000002"): ({"status": "DRAFT"}, {"status": "PAID"})},
    ),
    "a debt that nobody owes": Gap(
        ("UPDATE clients SET total_owed = total_owed + 1 WHERE teri_code = 'REG0001'",),
        {("clients", "REG0001"): ("update", ("client-debt",))},
        {("clients", "REG0001"): ({"total_owed": "1.00"}, {"total_owed": "0.00"})},
    ),
    "a batch in the wrong workflow": Gap(
        (f"UPDATE batches SET statusId = 1 WHERE code = '{BATCH}'",),
        {("batches", BATCH): ("update", ("batch-status",))},
        {("batches", BATCH): ({"statusId": "awaiting-intake"}, {"statusId": "live"})},
    ),
    "an event that ends before it starts": Gap(
        ("UPDATE calendar_events SET end_date = '2020-01-01' WHERE title = 'Ask what clients think of BAT-000069'",),
        {("calendar_events", "Ask what clients think of BAT-000069"): ("update", ("event-end",))},
        {
            ("calendar_events", "Ask what clients think of BAT-000069"): (
                {"end_date": "2020-01-01"},
                {"end_date": "2025-06-10"},
            )
        },
    ),
    "a credit that is not its order's": Gap(
        ("UPDATE referral_credits SET credit_amount = 1 WHERE id = 2",),
        {("referral_credits", "ORD-000033"): ("update", ("referral-amounts",))},
        {("referral_credits", "ORD-000033"): ({"credit_amount": "1.00"}, {"credit_amount": "1438.01"})},
    ),
}


def rules_of(change: Change) -> tuple[str, ...]:
    """Read from a change which rules made it; each is named with its title."""
    named = [part.partition(": ") for part in change.why.split("; ")]
    assert [title for _, _, title in named] == [RULES[rule].title for rule, _, _ in named]
    return tuple(rule for rule, _, _ in named)


@pytest.mark.embedded
@pytest.mark.parametrize("gap", [pytest.param(gap, id=name) for name, gap in GAPS.items()])
def test_a_gap_is_filled_by_the_rule_that_says_so(filled: Target, gap: Gap) -> None:
    """The plan names row, rule, before and after, and fits its schema; afterwards every check is green."""
    gap.before(filled)
    edit(filled, *gap.edits)
    before = stored(filled)

    document = plan(filled, "--no-clear", "--format", "json").document
    found = [change for change in changes(filled, "--no-clear") if change.action != "skip"]
    _, planned = look(filled, no_clear=True)
    applied = apply(filled, "--no-clear")

    validator("plan").validate(document)
    assert {(c.table, c.key): (c.action, rules_of(c)) for c in found} == gap.rules
    assert {c.reason for c in found} == {"gap"}
    assert {c.step for c in found} == {RULES[rules_of(c)[-1]].step for c in found}
    shown = {(c.table, c.key): (c.before, c.after) for c in found}
    assert {row: shown[row] for row in gap.cells} == gap.cells
    for c in found:
        if c.action == "update":
            assert set(c.before or {}) <= {column for rule in rules_of(c) for column in RULES[rule].columns}
    assert applied.code == 0, applied.err
    assert_topped_up(before, planned, filled)
    assert_strictly_sound(filled)
    assert_nothing_to_do(filled, TOP_UP)


def test_deleted_lines_come_back_as_the_items_have_them(filled: Target) -> None:
    """The order's own document remembers what was sold: the same batch, quantity, price and cost."""
    take_order(filled)
    order = id_of(filled, "orders", ORDER)
    edit(filled, LINES)

    assert apply(filled, "--no-clear").code == 0

    (line,) = [
        row for row in stored(filled, "order_line_items")["order_line_items"].values() if row["order_id"] == order
    ]
    assert line["batch_id"] == id_of(filled, "batches", BATCH)
    numbers = {name for name in LINE_CELLS if name not in {"margin_source", "created_at"}}
    assert {name: float(line[name]) for name in numbers} == {name: float(LINE_CELLS[name]) for name in numbers}


MODULES = ("todo_tasks", "todo_lists", "inbox_items", "comment_mentions", "comments", "sampleRequests")
FILLED_BY = {
    "todo_lists": ("empty-lists", 1),
    "todo_tasks": ("empty-tasks", 20),
    "comments": ("empty-comments", 30),
    "sampleRequests": ("empty-samples", 15),
}


def test_an_emptied_module_gets_its_declared_rows(filled: Target) -> None:
    """As long as its step is part of the run, no rule has to make some up."""
    edit(filled, *(f"DELETE FROM {table}" for table in MODULES))

    found = changes(filled, "--no-clear")

    assert {c.reason for c in found} == {"missing"}
    assert apply(filled, "--no-clear").code == 0
    assert_strictly_sound(filled)
    assert_nothing_to_do(filled, TOP_UP)


def test_an_emptied_module_is_filled_by_rules_where_its_step_is_left_out(filled: Target) -> None:
    """A few rows about what is there, once: when there are rows again, the rule is done."""
    edit(filled, *(f"DELETE FROM {table}" for table in MODULES))
    shape = ("--no-clear", "--step", "gap-fill")
    before = stored(filled)

    found = changes(filled, *shape)
    applied = apply(filled, *shape)

    assert applied.code == 0, applied.err
    counted: dict[tuple[str, str], int] = {}
    for change in found:
        assert (change.action, change.reason, change.step) == ("create", "gap", "gap-fill")
        (rule,) = rules_of(change)
        counted[change.table, rule] = counted.get((change.table, rule), 0) + 1
    assert counted == {(table, rule): rows for table, (rule, rows) in FILLED_BY.items()}
    after = stored(filled)
    assert {table: len(rows) - len(before.get(table, {})) for table, rows in after.items() if table in MODULES} == {
        table: rows for table, (_, rows) in FILLED_BY.items()
    }
    assert {table: after[table] for table in before} == dict(before)
    assert_strictly_sound(filled)
    assert_nothing_to_do(filled, (*LIGHT, *shape))


def test_a_rule_of_a_step_that_is_left_out_fills_nothing(filled: Target) -> None:
    """The check that it would mend stays red, and the run says which rule that is."""
    edit(filled, "UPDATE payments SET paymentDate = '2024-01-01' WHERE paymentNumber = 'RCV-000002-1'")
    before = stored(filled)

    applied = apply(filled, "--no-clear", "--skip-augment")

    assert (applied.code, stored(filled)) == (0, before)
    assert set(failed_checks(verify(filled))) >= {"events-out-of-order", "payment-dates"}
    assert [c.reason for c in changes(filled, "--no-clear", "--skip-augment")] == ["differs"]


def test_gap_rules_do_not_run_in_a_reset(filled: Target) -> None:
    """A reset brings back what is declared and deletes the rest; there is no gap to fill."""
    take_order(filled)
    edit(filled, LINES, "UPDATE orders SET invoice_id = NULL WHERE order_number = 'ORD-000001'")

    found = {(c.table, c.key): (c.action, c.reason) for c in changes(filled)}

    assert found == {("orders", ORDER): ("delete", "not declared"), ("orders", "ORD-000001"): ("update", "differs")}


def test_a_movement_whose_batch_is_gone_is_not_counted_twice(filled: Target) -> None:
    """The declared movement comes back under its own batch; the one that lost it must not go there as well."""
    edit(filled, "UPDATE inventoryMovements SET batchId = 99999 WHERE id = 3")

    assert apply(filled, "--no-clear").code == 0

    assert_strictly_sound(filled)
    assert_nothing_to_do(filled, TOP_UP)
