"""The seven data-quality checks that a finished run must pass, as the replaced validator had them."""

import polars as pl

from desired_state.rules.report import amount, differ, lacks, report, say, total
from reconcile.dataset import KEY, Dataset
from reconcile.errors import Severity
from reconcile.state import Rule


def orders_without_lines(dataset: Dataset) -> pl.DataFrame:
    """An order that is no draft has a line."""
    lined = dataset["order_line_items"]["order_id"].implode()
    orders = dataset["orders"].filter(~pl.col("is_draft"))
    return report(orders, ~pl.col(KEY).is_in(lined), say("no order line; total {}", "total"))


def lines_without_order_or_batch(dataset: Dataset) -> pl.DataFrame:
    """An order line has an order and a batch."""
    broken = lacks(dataset, "order_id", "orders") | lacks(dataset, "batch_id", "batches")
    return report(
        dataset["order_line_items"], broken, say("order {}, batch {}: one is missing", "order_id", "batch_id")
    )


def movements_without_batch(dataset: Dataset) -> pl.DataFrame:
    """An inventory movement has a batch."""
    broken = lacks(dataset, "batchId", "batches")
    return report(dataset["inventoryMovements"], broken, say("batch {} is missing", "batchId"))


def invoices_without_lines(dataset: Dataset) -> pl.DataFrame:
    """An invoice has a line, whatever its status."""
    lined = dataset["invoiceLineItems"]["invoiceId"].implode()
    return report(
        dataset["invoices"],
        ~pl.col(KEY).is_in(lined),
        say("no invoice line; status {}, total {}", "status", "totalAmount"),
    )


def payments_without_invoice(dataset: Dataset) -> pl.DataFrame:
    """A received payment that names an invoice names one that exists."""
    received = dataset["payments"].filter((pl.col("paymentType") == "RECEIVED") & pl.col("invoiceId").is_not_null())
    return report(received, lacks(dataset, "invoiceId", "invoices"), say("invoice {} is missing", "invoiceId"))


def order_totals_off_lines(dataset: Dataset) -> pl.DataFrame:
    """An order's total is the sum of its lines, to the cent; orders without lines are another check's."""
    lines = total(dataset["order_line_items"], "order_id", lines=pl.col("line_total"))
    orders = dataset["orders"].join(lines, left_on=KEY, right_on="order_id", how="inner")
    return report(orders, differ(amount("total"), pl.col("lines")), say("total {}, lines {}", "total", "lines"))


def events_out_of_order(dataset: Dataset) -> pl.DataFrame:
    """
    A paid invoice is dated no earlier than its order was created, and its payment no earlier than the invoice.

    A date compares as its midnight: an order created at noon needs an invoice dated the day after or later.
    """
    orders = dataset["orders"].select("invoice_id", ordered=pl.col("created_at"))
    invoices = dataset["invoices"].select("invoiceDate", invoice=KEY)
    events = (
        dataset["payments"]
        .join(invoices, left_on="invoiceId", right_on="invoice", how="inner")
        .join(orders, left_on="invoiceId", right_on="invoice_id", how="inner")
    )
    invoiced = pl.col("invoiceDate").cast(pl.Datetime("us"))
    broken = (pl.col("ordered") > invoiced) | (pl.col("invoiceDate") > pl.col("paymentDate"))
    return report(events, broken, say("ordered {}, invoiced {}, paid {}", "ordered", "invoiceDate", "paymentDate"))


_CHECKS = (
    ("orders-without-lines", "Orders have lines", orders_without_lines, ("orders", "order_line_items")),
    (
        "lines-without-order-or-batch",
        "Order lines have an order and a batch",
        lines_without_order_or_batch,
        ("order_line_items", "orders", "batches"),
    ),
    (
        "movements-without-batch",
        "Inventory movements have a batch",
        movements_without_batch,
        ("inventoryMovements", "batches"),
    ),
    ("invoices-without-lines", "Invoices have lines", invoices_without_lines, ("invoices", "invoiceLineItems")),
    (
        "payments-without-invoice",
        "Received payments name an invoice that exists",
        payments_without_invoice,
        ("payments", "invoices"),
    ),
    (
        "order-totals-off-lines",
        "Order totals are the sum of their lines",
        order_totals_off_lines,
        ("orders", "order_line_items"),
    ),
    (
        "events-out-of-order",
        "Order, invoice and payment follow each other",
        events_out_of_order,
        ("orders", "invoices", "payments"),
    ),
)
RULES = tuple(
    Rule(identifier, title, "data-quality", Severity.CRITICAL, tables, check)
    for identifier, title, check, tables in _CHECKS
)
