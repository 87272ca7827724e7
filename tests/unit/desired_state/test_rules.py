"""Every rule holds on the desired rows, fails on the row that breaks it, and never passes for want of data."""

from collections.abc import Callable
from datetime import date, datetime

import polars as pl
import pytest

from desired_state import STATE
from desired_state.rules import audits, books, documents, integrity, quality, sales, stock
from reconcile.dataset import KEY, Dataset, MissingTable
from reconcile.errors import Severity
from reconcile.state import Rule

RULES = {rule.id: rule for rule in STATE.rules}
TRADE = quality.RULES + integrity.RULES + audits.RULES + sales.RULES + documents.RULES + stock.RULES + books.RULES
"""The rules that this module breaks one by one; the tests of the other areas break theirs."""

GONE = "\\#99"
"""A reference to a row that does not exist, as the live side reads it."""


def edit(dataset: Dataset, table: str, key: str, **values: object) -> Dataset:
    """Give *dataset* with other values in the row *key* of *table*."""
    frame = dataset[table]
    assert key in frame[KEY].to_list()
    changed = frame.with_columns(
        pl.when(pl.col(KEY) == key)
        .then(pl.lit(value).cast(frame.schema[column]))
        .otherwise(pl.col(column))
        .alias(column)
        for column, value in values.items()
    )
    return Dataset(dataset.specs, dict(dataset.frames) | {table: changed})


def drop(dataset: Dataset, table: str, rows: pl.Expr) -> Dataset:
    """Give *dataset* without some rows of *table*."""
    return Dataset(dataset.specs, dict(dataset.frames) | {table: dataset[table].filter(~rows)})


def first(dataset: Dataset, table: str, rows: pl.Expr) -> str:
    """Give the key of the first row of *table* that meets a condition."""
    return str(dataset[table].filter(rows)[KEY][0])


def everything() -> pl.Expr:
    return pl.lit(value=True)


Mutation = Callable[[Dataset], tuple[Dataset, str]]


def setting(table: str, rows: pl.Expr, **values: object) -> Mutation:
    """Break the first row of *table* that meets a condition; the rule must report that row."""

    def mutate(dataset: Dataset) -> tuple[Dataset, str]:
        key = first(dataset, table, rows)
        return edit(dataset, table, key, **values), key

    return mutate


def orphaning(table: str, column: str) -> Mutation:
    """Let the first row of *table*, or one made for it, refer to nothing that exists."""

    def mutate(dataset: Dataset) -> tuple[Dataset, str]:
        if dataset[table].height:
            key = first(dataset, table, pl.col(column).is_not_null())
            return edit(dataset, table, key, **{column: GONE}), key
        row = pl.DataFrame({column: [GONE], KEY: ["\\#1"]})
        frame = pl.concat([dataset[table], row], how="diagonal")
        return Dataset(dataset.specs, dict(dataset.frames) | {table: frame}), "\\#1"

    return mutate


def emptying(table: str) -> Mutation:
    """Take every row out of *table*."""
    return lambda dataset: (drop(dataset, table, everything()), table)


def without_lines(dataset: Dataset) -> tuple[Dataset, str]:
    return drop(dataset, "order_line_items", pl.col("order_id") == "ORD-000001"), "ORD-000001"


def without_invoice_lines(dataset: Dataset) -> tuple[Dataset, str]:
    return drop(dataset, "invoiceLineItems", pl.col("invoiceId") == "INV-000001"), "INV-000001"


def without_fallback(dataset: Dataset) -> tuple[Dataset, str]:
    return drop(dataset, "pricing_defaults", pl.col(KEY) == "OTHER"), "OTHER"


def without_price(dataset: Dataset) -> tuple[Dataset, str]:
    product = first(dataset, "products", pl.col("category") == "Vape")
    return drop(dataset, "pricing_defaults", pl.col(KEY) == "Vape"), product


def without_revenue(dataset: Dataset) -> tuple[Dataset, str]:
    return drop(dataset, "ledgerEntries", pl.col(KEY) == "JE-INV-000001-4000"), "INV-000001"


def without_cash(dataset: Dataset) -> tuple[Dataset, str]:
    payment = first(dataset, "payments", pl.col("paymentType") == "RECEIVED")
    return drop(dataset, "ledgerEntries", pl.col(KEY) == f"JE-{payment}-1000"), payment


def off_balance(dataset: Dataset) -> tuple[Dataset, str]:
    return edit(dataset, "ledgerEntries", "JE-INV-000001-1100", debit="1.00"), "JE-INV-000001-1100"


def without_sale_movement(dataset: Dataset) -> tuple[Dataset, str]:
    movement = dataset["inventoryMovements"].filter(pl.col("inventoryMovementType") == "SALE").row(0, named=True)
    return (
        drop(dataset, "inventoryMovements", pl.col(KEY) == movement[KEY]),
        f"{movement['referenceId']}|{movement['batchId']}",
    )


def seller_stops(dataset: Dataset) -> tuple[Dataset, str]:
    bill = dataset["bills"].row(0, named=True)
    return edit(dataset, "clients", bill["vendorId"], is_seller=False), bill[KEY]


def unlinked(dataset: Dataset) -> tuple[Dataset, str]:
    return edit(dataset, "invoices", "INV-000001", referenceId="ORD-000002"), "ORD-000001"


def unbalancing(dataset: Dataset) -> tuple[Dataset, str]:
    """Lose one debit of the ledger."""
    key = first(dataset, "ledgerEntries", pl.col("debit") > 0)
    return drop(dataset, "ledgerEntries", pl.col(KEY) == key), "ledgerEntries"


def without_selling(dataset: Dataset) -> tuple[Dataset, str]:
    """Let a client with a supplier profile sell no more."""
    key = first(dataset, "supplier_profiles", everything())
    return edit(dataset, "clients", key, is_seller=False), key


MUTATIONS: dict[str, Mutation] = {
    "orders-without-lines": without_lines,
    "lines-without-order-or-batch": setting("order_line_items", everything(), batch_id=None),
    "movements-without-batch": setting("inventoryMovements", everything(), batchId=GONE),
    "invoices-without-lines": without_invoice_lines,
    "payments-without-invoice": setting("payments", pl.col("paymentType") == "RECEIVED", invoiceId=GONE),
    "order-totals-off-lines": setting("orders", everything(), total="1.00"),
    "events-out-of-order": setting("payments", pl.col("paymentType") == "RECEIVED", paymentDate=date(2020, 1, 1)),
    "order-total": setting("orders", everything(), discount="1.00"),
    "order-tax": setting("orders", everything(), tax="8.75"),
    "order-subtotal": setting("orders", everything(), subtotal="1.00"),
    "order-cogs": setting("orders", everything(), total_cogs="1.0000"),
    "order-margin": setting("orders", everything(), avg_margin_percent="99.00"),
    "order-items": setting("orders", everything(), items="[]"),
    "order-sale-status": setting("orders", pl.col("saleStatus") == "PAID", saleStatus="PARTIAL"),
    "line-total": setting("order_line_items", everything(), line_total="1.00"),
    "line-price": setting("order_line_items", everything(), margin_percent="99.00"),
    "client-total-owed": setting("clients", everything(), total_owed="0.01"),
    "product-pricing": without_price,
    "fallback-pricing": without_fallback,
    "invoice-order-link": unlinked,
    "invoice-order-total": setting("invoices", everything(), totalAmount="1.00"),
    "invoice-order-status": setting("invoices", pl.col("status") == "PAID", status="VOID"),
    "invoice-order-dates": setting("invoices", everything(), invoiceDate=date(2020, 1, 1)),
    "invoice-amounts": setting("invoices", everything(), amountDue="1.00"),
    "invoice-lines": without_invoice_lines,
    "invoice-status": setting("invoices", pl.col("status") == "OVERDUE", status="PAID"),
    "invoice-overdue": setting("invoices", pl.col("status") == "OVERDUE", dueDate=date(2026, 12, 31)),
    "invoice-paid": setting("invoices", everything(), amountPaid="1.00"),
    "bill-amounts": setting("bills", everything(), amountDue="1.00"),
    "bill-lines": setting("bills", everything(), totalAmount="1.00"),
    "bill-status": setting("bills", pl.col("status") == "PAID", status="PENDING"),
    "bill-paid": setting("bills", everything(), amountPaid="1.00"),
    "payment-amounts": setting("payments", everything(), amount="0.00"),
    "payment-dates": setting("payments", pl.col("paymentType") == "SENT", paymentDate=date(2020, 1, 1)),
    "sellers": seller_stops,
    "batch-quantities": setting("batches", everything(), holdQty="-0.2500"),
    "batch-reserved": setting("batches", pl.col("batchStatus") == "SOLD_OUT", reservedQty="1.0000"),
    "batch-sold-out": setting("batches", pl.col("batchStatus") == "SOLD_OUT", onHandQty="1.0000"),
    "batch-status": setting("batches", pl.col("batchStatus") == "LIVE", statusId="in-photography"),
    "batch-history": setting("batches", pl.col("batchStatus") == "LIVE", statusId="closed"),
    "movement-sums": setting("inventoryMovements", everything(), quantityAfter="0.5000"),
    "batch-on-hand": setting("batches", pl.col("batchStatus") == "LIVE", onHandQty="0.2500"),
    "sale-movements": without_sale_movement,
    "ledger-one-side": setting("ledgerEntries", pl.col("debit") > 0, credit="1.00"),
    "ledger-balance": off_balance,
    "ledger-invoices": without_revenue,
    "ledger-payments": without_cash,
    "no-negative-inventory": setting("batches", everything(), holdQty="-1.00"),
    "debits-equal-credits": unbalancing,
    "invoice-status-consistency": setting("invoices", pl.col("status") == "SENT", status="PAID"),
    "no-orphaned-order-items": setting("order_line_items", everything(), order_id=GONE),
    "payment-amounts-valid": setting("payments", everything(), amount="0.00"),
    "INV-001": setting("batches", everything(), defectiveQty="-1.00"),
    "INV-002": setting("batches", everything(), reservedQty="99999.00"),
    "AR-001": setting("invoices", everything(), amountDue="-5.00"),
    "AR-002": setting("invoices", everything(), amountPaid="123456.00"),
    "ORD-001": setting("orders", everything(), total="1.00"),
    "ORD-REF": setting("order_line_items", everything(), order_id=GONE),
    "CLI-001": without_selling,
    "PAY-001": setting("payments", everything(), amount="-1.00"),
    "ledger-periods": setting("ledgerEntries", everything(), entryDate=date(2020, 1, 1)),
}


def mutation_of(rule: Rule) -> Mutation:
    """Give the mutation that the rule must notice."""
    if rule.id.startswith("filled-"):
        return emptying(rule.tables[0])
    if rule.id.startswith("orphans-"):
        return orphaning(rule.tables[0], rule.id.rpartition("-")[2])
    return MUTATIONS[rule.id]


def test_rules_have_the_counts_of_the_lists_they_replace() -> None:
    """7 data-quality and 27 integrity checks, of which 14 only warn; ids are unique."""
    integrity = [rule for rule in STATE.rules if rule.group == "integrity"]

    assert len(RULES) == len(STATE.rules)
    assert sum(rule.group == "data-quality" for rule in STATE.rules) == 7
    assert len(integrity) == 27
    assert sum(rule.severity is Severity.WARNING for rule in integrity) == 14
    groups = [rule.group for rule in STATE.rules]
    assert set(groups) == {group for step in STATE.steps for group in step.checks}
    assert groups.count("database-audit") == 5
    assert groups.count("acceptance-audit") == 8


@pytest.mark.parametrize("rule", STATE.rules, ids=lambda rule: rule.id)
def test_rule_holds_on_the_desired_rows(rule: Rule, whole: Dataset) -> None:
    """The desired state breaks no rule."""
    assert rule.violations(whole)["key"].to_list() == []


@pytest.mark.parametrize("rule", TRADE, ids=lambda rule: rule.id)
def test_rule_reports_the_row_that_breaks_it(rule: Rule, whole: Dataset) -> None:
    """One broken cell, and the rule names its row and says why."""
    broken, key = mutation_of(rule)(whole)
    violations = rule.violations(broken)

    assert key in violations["key"].to_list()
    assert {"key": pl.String, "why": pl.String} == dict(violations.schema)
    assert violations["why"].null_count() == 0


@pytest.mark.parametrize(
    ("rule", "table"),
    [(rule, table) for rule in STATE.rules for table in rule.tables],
    ids=lambda value: value if isinstance(value, str) else value.id,
)
def test_rule_fails_without_its_tables(rule: Rule, table: str, whole: Dataset) -> None:
    """A table that is missing is never taken for an empty one, and the rule declares all it reads."""
    declared = {name: whole[name] for name in rule.tables}

    rule.violations(Dataset(whole.specs, declared))
    with pytest.raises(MissingTable):
        rule.violations(Dataset(whole.specs, {name: declared[name] for name in declared if name != table}))


def test_rule_fails_without_its_columns(whole: Dataset) -> None:
    """A column that is missing is never taken for nulls."""
    frames = dict(whole.frames) | {"orders": whole["orders"].drop("tax")}

    with pytest.raises(pl.exceptions.ColumnNotFoundError):
        RULES["order-tax"].violations(Dataset(whole.specs, frames))


@pytest.mark.parametrize(
    ("identifier", "table", "column"),
    [
        ("order-total", "orders", "total"),
        ("order-subtotal", "order_line_items", "line_total"),
        ("invoice-amounts", "invoices", "amountDue"),
        ("invoice-paid", "payments", "amount"),
        ("payment-amounts", "payments", "amount"),
        ("batch-quantities", "batches", "defectiveQty"),
        ("batch-on-hand", "inventoryMovements", "quantityChange"),
        ("client-total-owed", "clients", "total_owed"),
        ("order-sale-status", "orders", "cash_payment"),
        ("ledger-one-side", "ledgerEntries", "debit"),
    ],
)
def test_a_missing_value_breaks_the_rule(identifier: str, table: str, column: str, whole: Dataset) -> None:
    """A null where a number is expected is a violation, not a pass."""
    rows = pl.lit(value=True)
    if table == "payments":
        rows = pl.col("paymentType") == "RECEIVED"
    broken, _ = setting(table, rows, **{column: None})(whole)

    assert RULES[identifier].violations(broken).height > 0


def test_an_order_of_the_same_day_breaks_the_order_of_events(whole: Dataset) -> None:
    """The invoice's date is its midnight, which lies before an order created at noon of that day."""
    payment = whole["payments"].row(0, named=True)
    invoice = whole["invoices"].row(by_predicate=pl.col(KEY) == payment["invoiceId"], named=True)
    noon = datetime.combine(invoice["invoiceDate"], datetime.min.time()).replace(hour=12)
    broken = edit(whole, "orders", invoice["referenceId"], created_at=noon)

    assert payment[KEY] in RULES["events-out-of-order"].violations(broken)["key"].to_list()


def test_deleted_rows_do_not_count(whole: Dataset) -> None:
    """What a deleted invoice leaves due is owed by nobody."""
    invoice = whole["invoices"].filter(pl.col("amountDue") > 0).row(0, named=True)
    deleted = edit(whole, "invoices", invoice[KEY], deleted_at=datetime(2026, 1, 1))

    assert [invoice["customerId"]] == RULES["client-total-owed"].violations(deleted)["key"].to_list()


def test_the_order_of_items_does_not_count(whole: Dataset) -> None:
    """The application may write the items of an order in any order."""
    order = whole["orders"].filter(pl.col("items").str.count_matches("batchId") == 2).row(0, named=True)
    left, right = order["items"].strip("[]").replace("},{", "}\n{").split("\n")
    swapped = edit(whole, "orders", order[KEY], items=f"[{right},{left}]")

    assert RULES["order-items"].violations(swapped).height == 0


@pytest.mark.parametrize("items", ["{}", "[1]", "nothing", '[{"batchId":null}]'])
def test_items_of_another_shape_are_violations(items: str, whole: Dataset) -> None:
    """A document that is no list of items is reported, and stops no check."""
    broken = edit(whole, "orders", "ORD-000001", items=items)

    assert RULES["order-items"].violations(broken)["key"].to_list() == ["ORD-000001"]


def test_reasons_say_the_numbers(whole: Dataset) -> None:
    """Who reads a violation sees both sides of it."""
    total = whole["orders"]["total"][0]
    broken = edit(whole, "orders", "ORD-000001", total="120.00")

    found = RULES["order-totals-off-lines"].violations(broken).to_dicts()
    assert [{"key": "ORD-000001", "why": f"total 120.00, lines {total:.4f}"}] == found


def test_a_single_wrong_due_date_is_named_alone(whole: Dataset) -> None:
    """Where statuses contradict each other the rule blames the few, whichever side they are on."""
    overdue = first(whole, "invoices", pl.col("status") == "OVERDUE")
    waiting = first(whole, "invoices", pl.col("status") == "SENT")
    late = edit(whole, "invoices", overdue, dueDate=date(2026, 12, 31))
    early = edit(whole, "invoices", waiting, dueDate=date(2020, 1, 1))

    assert [overdue] == RULES["invoice-overdue"].violations(late)["key"].to_list()
    assert [waiting] == RULES["invoice-overdue"].violations(early)["key"].to_list()
