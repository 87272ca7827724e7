"""Gap rules of documents, stock and modules: what they make of rows that lack something or contradict others."""

from datetime import date, datetime
from decimal import Decimal

import polars as pl
import pytest

from desired_state import STATE
from reconcile.dataset import KEY, Dataset
from tests.unit.desired_state.conftest import AS_OF
from tests.unit.desired_state.test_rules import drop, edit, first
from tests.unit.desired_state.top_up import add, as_live, filled, holds, touched

USER = "user-seed-001"
NOON = datetime(2025, 12, 1, 12)
INVOICE = {
    "invoiceNumber": "OWN-I",
    "customerId": "REG0001",
    "invoiceDate": date(2025, 12, 2),
    "dueDate": date(2025, 12, 2),
    "subtotal": "100.00",
    "totalAmount": "100.00",
    "amountDue": "100.00",
    "status": "OVERDUE",
    "createdBy": USER,
}


@pytest.fixture(scope="module")
def whole(light: Dataset) -> Dataset:
    return as_live(light)


def test_money_received_stays(whole: Dataset) -> None:
    """An invoice that was paid twice is overpaid; no payment is lowered."""
    payment = whole["payments"].filter(pl.col("paymentType") == "RECEIVED").row(0, named=True)
    again = add(
        whole, "payments", paymentNumber="OWN-P", paymentType="RECEIVED", paymentDate=payment["paymentDate"],
        amount="1.00", paymentMethod="CASH", customerId=payment["customerId"], invoiceId=payment["invoiceId"],
        createdBy=USER,
    )  # fmt: skip
    after = filled(again)

    assert after["payments"].filter(pl.col(KEY) == "OWN-P")["amount"].to_list() == [Decimal("1.00")]
    assert holds(after, "invoice-paid", "invoice-status", "ledger-payments")


def test_a_deleted_payment_does_not_come_back(whole: Dataset) -> None:
    """What was paid follows the payments that are left."""
    payment = whole["payments"].filter(pl.col("paymentType") == "SENT").row(0, named=True)
    after = filled(edit(whole, "payments", payment[KEY], deleted_at=NOON))

    assert after["payments"].height == whole["payments"].height
    assert holds(after, "bill-paid", "bill-amounts", "bill-status")


def test_an_invoice_may_be_overdue_after_as_of(whole: Dataset) -> None:
    """The application knows the day better, as long as no other invoice says otherwise."""
    waiting = whole["invoices"].filter(pl.col("status").is_in(["SENT", "VIEWED"]))["dueDate"].min()
    assert isinstance(waiting, date)
    late = add(whole, "invoices", **(INVOICE | {"dueDate": AS_OF}))
    contrary = add(whole, "invoices", **(INVOICE | {"dueDate": waiting}))

    assert waiting > AS_OF
    assert "invoice-status" not in touched(late).get("OWN-I", [])
    assert "invoice-status" in touched(contrary)["OWN-I"]
    assert holds(filled(contrary), "invoice-overdue")


def test_only_the_tax_is_taken_off_a_payment(whole: Dataset) -> None:
    """A paid invoice loses its tax and its payment with it; one of another amount keeps what was received."""
    order, invoice = "ORD-000001", "INV-000001"
    total = whole["orders"].filter(pl.col(KEY) == order)["total"][0]
    payments = whole["payments"].filter(pl.col("invoiceId") == invoice)[KEY].to_list()
    base = drop(whole, "payments", pl.col(KEY).is_in(payments))

    def paid(subtotal: Decimal, tax: Decimal) -> Decimal:
        whole_sum = subtotal + tax
        sent = edit(
            base, "invoices", invoice, subtotal=str(subtotal), taxAmount=str(tax), totalAmount=str(whole_sum),
            amountPaid=str(whole_sum), amountDue="0.00", status="PAID",
        )  # fmt: skip
        after = filled(
            add(
                sent, "payments", paymentNumber="OWN-P", paymentType="RECEIVED", paymentDate=AS_OF,
                amount=str(whole_sum), paymentMethod="CASH", customerId="REG0001", invoiceId=invoice, createdBy=USER,
            )
        )  # fmt: skip
        assert holds(after, "invoice-order-total", "invoice-amounts", "invoice-paid", "invoice-order-status")
        return Decimal(after["payments"].filter(pl.col(KEY) == "OWN-P")["amount"][0])

    assert paid(total, Decimal("9.99")) == total
    assert paid(total * 2, Decimal("9.99")) == total * 2 + Decimal("9.99")


def test_an_invoice_of_its_own_gets_one_line_and_is_booked(whole: Dataset) -> None:
    after = filled(add(whole, "invoices", **INVOICE))
    lines = after["invoiceLineItems"].filter(pl.col("invoiceId") == "OWN-I")

    assert lines.select("quantity", "lineTotal", "batchId").rows() == [(Decimal("1.00"), Decimal("100.00"), None)]
    assert holds(after, "invoice-lines", "ledger-invoices", "ledger-balance", "ledger-periods", "client-total-owed")


def test_a_day_before_all_periods_gets_its_month(whole: Dataset) -> None:
    """What is booked long ago needs a fiscal period; a long number still fits the entry's."""
    old = INVOICE | {"invoiceNumber": "N" * 50, "invoiceDate": date(2019, 2, 14), "dueDate": date(2019, 3, 1)}
    after = filled(add(whole, "invoices", **old))
    entries = after["ledgerEntries"].filter(pl.col("referenceId") == "N" * 50)

    assert entries["fiscalPeriodId"].to_list() == ["2019-02", "2019-02"]
    assert (entries["entryNumber"].str.len_chars() <= 50).all()
    assert entries["entryNumber"].n_unique() == 2


def test_numbers_alike_in_two_tables_are_booked_apart(whole: Dataset) -> None:
    """An invoice and a payment of one number share the receivables account, not the entry."""
    both = add(
        add(whole, "invoices", **(INVOICE | {"invoiceNumber": "1001"})),
        "payments", paymentNumber="1001", paymentType="RECEIVED", paymentDate=date(2025, 12, 3), amount="40.00",
        paymentMethod="CASH", customerId="REG0001", invoiceId="1001", createdBy=USER,
    )  # fmt: skip

    assert holds(filled(both), "ledger-invoices", "ledger-payments", "invoice-status")


def test_a_bill_of_no_client_goes_to_one_that_sells(whole: Dataset) -> None:
    bill = first(whole, "bills", pl.col("amountPaid") > 0)
    payment = first(whole, "payments", pl.col("billId") == bill)
    lost = edit(edit(whole, "bills", bill, vendorId="\\#17"), "payments", payment, vendorId="\\#17")
    after = filled(lost)

    named = {
        after[table].filter(pl.col(KEY) == key)["vendorId"][0]
        for table, key in (("bills", bill), ("payments", payment))
    }
    assert len(named) == 1
    assert holds(after, "sellers")


def test_a_batch_whose_product_is_gone_gets_an_unidentified_one(whole: Dataset) -> None:
    """Two ids are two products; what they were is not guessed."""
    lost = edit(edit(whole, "batches", "BAT-000001", productId="\\#17"), "batches", "BAT-000002", productId="\\#18")
    after = filled(lost)

    products = after["batches"].filter(pl.col(KEY).is_in(["BAT-000001", "BAT-000002"]))["productId"].to_list()
    assert products == ["Unidentified product 17", "Unidentified product 18"]
    assert holds(after, "orphans-batches-productId", "product-pricing", "order-items")


def test_stock_decides_whether_a_batch_is_sold_out(whole: Dataset) -> None:
    batch = first(whole, "batches", pl.col("batchStatus") == "SOLD_OUT")
    after = filled(edit(whole, "batches", batch, onHandQty="3.0000"))

    assert after["batches"].filter(pl.col(KEY) == batch).select("batchStatus", "statusId").rows() == [("LIVE", "live")]
    assert holds(after, "batch-sold-out", "batch-status", "batch-history", "batch-on-hand")


def test_movements_begin_with_the_stock_there_was(whole: Dataset) -> None:
    """The application's first movement starts from what nothing explains; the intake before it does."""
    batch = first(whole, "batches", pl.col("batchStatus") == "LIVE")
    bare = drop(whole, "inventoryMovements", pl.col("batchId") == batch)
    sold = add(
        edit(bare, "batches", batch, onHandQty="95.0000", reservedQty="0.0000"),
        "inventoryMovements", batchId=batch, inventoryMovementType="ADJUSTMENT", quantityChange="-5.0000",
        quantityBefore="100.0000", quantityAfter="95.0000", performedBy=USER, createdAt=datetime(2026, 1, 2, 9),
    )  # fmt: skip
    lines = pl.col("batch_id") == batch
    after = filled(drop(sold, "order_line_items", lines & pl.col("order_id").str.starts_with("ORD-")))
    changes = after["inventoryMovements"].filter(
        (pl.col("batchId") == batch) & (pl.col("inventoryMovementType") != "SALE")
    )

    assert changes.sort("createdAt")["quantityChange"].to_list()[0] >= 100
    assert holds(after, "movement-sums", "batch-on-hand")


def test_a_lost_movement_goes_to_the_batch_of_its_order(whole: Dataset) -> None:
    sale = whole["inventoryMovements"].filter(pl.col("referenceType") == "ORDER").row(0, named=True)
    after = filled(edit(whole, "inventoryMovements", sale[KEY], batchId="\\#5"))
    batches = whole["order_line_items"].filter(pl.col("order_id") == sale["referenceId"])["batch_id"].to_list()

    assert after["inventoryMovements"].filter(pl.col(KEY) == sale[KEY])["batchId"][0] == min(batches)
    assert holds(after, "movements-without-batch", "movement-sums", "batch-on-hand")


def test_empty_modules_get_a_few_rows(whole: Dataset) -> None:
    """They are about rows that are there, so every check holds of them."""
    empty = whole
    for table in ("sampleRequests", "calendar_events", "inbox_items", "comment_mentions", "comments", "todo_tasks",
                  "todo_lists", "billLineItems", "bills"):  # fmt: skip
        empty = drop(empty, table, pl.lit(value=True))
    empty = drop(empty, "payments", pl.col("paymentType") == "SENT")
    empty = drop(empty, "ledgerEntries", ~pl.col("referenceType").is_in(["INVOICE"]))
    after = filled(empty)

    counts = {table: after[table].height for table in ("sampleRequests", "calendar_events", "comments", "bills")}
    assert counts == {"sampleRequests": 15, "calendar_events": 20, "comments": 30, "bills": 10}
    assert (after["todo_lists"].height, after["todo_tasks"].height) == (1, 20)
    assert [rule.id for rule in STATE.rules if rule.violations(after).height] == []


def test_a_lost_comment_goes_by_the_place_it_names(whole: Dataset) -> None:
    """The replaced tool wrote the place in the list of invoices, from 0, where their id belongs."""
    comment = first(whole, "comments", pl.col("commentable_type") == "invoice")
    after = filled(edit(whole, "comments", comment, commentable_id="\\#3"))

    assert after["comments"].filter(pl.col(KEY) == comment)["commentable_id"][0] == "INV-000004"


def test_inbox_items_of_one_user_tell_of_different_mentions(whole: Dataset) -> None:
    items = whole["inbox_items"].filter(pl.col("source_type") == "mention")[KEY]
    lost = whole
    for place, key in enumerate(items):
        lost = edit(lost, "inbox_items", key, source_id=f"\\#{place}", user_id=USER)
    after = filled(drop(lost, "comment_mentions", pl.lit(value=True)))
    sources = after["inbox_items"].filter(pl.col(KEY).is_in(items.implode()))["source_id"]

    assert sources.n_unique() == len(items)
    assert holds(after, "inbox-sources")


def test_an_event_keeps_its_start(whole: Dataset) -> None:
    event = first(whole, "calendar_events", pl.col("deleted_at").is_null())
    early = edit(
        whole, "calendar_events", event, start_date=AS_OF, end_date=date(2025, 1, 1), start_time="23:30:00",
        end_time="08:00:00",
    )  # fmt: skip
    after = filled(early)["calendar_events"].filter(pl.col(KEY) == event)

    assert after.select("start_date", "end_date", "start_time", "end_time").rows() == [
        (AS_OF, AS_OF, "23:30:00", "23:59:59")
    ]


def test_a_payment_that_came_back_is_not_booked_twice(whole: Dataset) -> None:
    """Its entries still name the id it had before; the number of the entry tells which payment they are of."""
    payment = first(whole, "payments", pl.col("paymentType") == "RECEIVED")
    is_of_it = (pl.col("referenceType") == "PAYMENT") & (pl.col("referenceId") == payment)
    entries = whole["ledgerEntries"].with_columns(
        pl.when(is_of_it).then(pl.lit("\\#7")).otherwise(pl.col("referenceId")).alias("referenceId")
    )
    after = filled(Dataset(whole.specs, dict(whole.frames) | {"ledgerEntries": entries}))

    assert after["ledgerEntries"].equals(whole["ledgerEntries"])
    assert whole["ledgerEntries"].filter(is_of_it).height == 2
