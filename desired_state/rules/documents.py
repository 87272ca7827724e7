"""What the application expects of invoices, bills and payments, and of their agreement with orders."""

import polars as pl

from desired_state.rules.report import CENT, EXACT, alive, amount, differ, report, say, total
from reconcile.dataset import KEY, Dataset
from reconcile.errors import Severity
from reconcile.state import Rule

_SALE_STATUSES = {
    "PAID": "PAID",
    "PARTIAL": "PARTIAL",
    "OVERDUE": "OVERDUE",
    "DRAFT": "PENDING",
    "SENT": "PENDING",
    "VIEWED": "PENDING",
    "VOID": "CANCELLED",
}
_UNPAID = ("DRAFT", "SENT", "VIEWED")


def _zero() -> pl.Expr:
    return pl.lit(0).cast(EXACT)


def invoice_links(dataset: Dataset) -> pl.DataFrame:
    """An order names an invoice exactly when the invoice names the order."""
    orders = alive(dataset, "orders").select("invoice_id", key=KEY)
    invoices = alive(dataset, "invoices").select("referenceType", "referenceId", invoice=KEY)
    named = orders.filter(pl.col("invoice_id").is_not_null()).join(
        invoices, left_on="invoice_id", right_on="invoice", how="left"
    )
    is_mutual = (pl.col("referenceType") == "ORDER") & (pl.col("referenceId") == pl.col("key"))
    one_way = named.filter(~is_mutual.fill_null(value=False)).select(
        "key", why=say("invoice {} refers to {} {}", "invoice_id", "referenceType", "referenceId")
    )
    naming = invoices.filter(pl.col("referenceType") == "ORDER").join(
        orders, left_on="referenceId", right_on="key", how="left"
    )
    is_named = pl.col("invoice_id") == pl.col("invoice")
    other_way = naming.filter(~is_named.fill_null(value=False)).select(
        key="invoice", why=say("order {} names invoice {}", "referenceId", "invoice_id")
    )
    return pl.concat([one_way, other_way])


def _with_order(dataset: Dataset) -> pl.DataFrame:
    orders = alive(dataset, "orders").select(
        "invoice_id", "total", "saleStatus", "due_date", order=KEY, ordered=pl.col("created_at")
    )
    return alive(dataset, "invoices").join(orders, left_on=KEY, right_on="invoice_id", how="inner")


def invoice_order_total(dataset: Dataset) -> pl.DataFrame:
    """An invoice's total is the total of its order."""
    return report(
        _with_order(dataset),
        differ(amount("totalAmount"), amount("total")),
        say("invoice {}, order {} {}", "totalAmount", "order", "total"),
    )


def invoice_order_status(dataset: Dataset) -> pl.DataFrame:
    """An order's sale status is the one that goes with the status of its invoice."""
    expected = pl.col("status").replace_strict(_SALE_STATUSES, default=None, return_dtype=pl.String)
    return report(
        _with_order(dataset),
        expected != pl.col("saleStatus"),
        say("invoice {}, order {} {}", "status", "order", "saleStatus"),
    )


def invoice_order_dates(dataset: Dataset) -> pl.DataFrame:
    """An invoice is dated no earlier than its order was created, both due on the same day."""
    too_early = pl.col("invoiceDate").cast(pl.Datetime("us")) < pl.col("ordered")
    other_due = pl.col("due_date") != pl.col("dueDate")
    return report(
        _with_order(dataset),
        too_early | other_due | (pl.col("dueDate") < pl.col("invoiceDate")),
        say("ordered {}, invoiced {}, due {} and {}", "ordered", "invoiceDate", "dueDate", "due_date"),
    )


def invoice_amounts(dataset: Dataset) -> pl.DataFrame:
    """An invoice's total is subtotal plus tax less discount; due is the total less what was paid."""
    return _amounts(dataset, "invoices")


def bill_amounts(dataset: Dataset) -> pl.DataFrame:
    """A bill's total is subtotal plus tax less discount; due is the total less what was paid."""
    return _amounts(dataset, "bills")


def _amounts(dataset: Dataset, table: str) -> pl.DataFrame:
    parts = amount("subtotal") + amount("taxAmount") - amount("discountAmount")
    left = amount("totalAmount") - amount("amountPaid")
    return report(
        alive(dataset, table),
        differ(amount("totalAmount"), parts) | differ(amount("amountDue"), left),
        say(
            "total {}, subtotal {} + tax {} - discount {}; paid {}, due {}",
            "totalAmount", "subtotal", "taxAmount", "discountAmount", "amountPaid", "amountDue",
        ),
    )  # fmt: skip


def invoice_lines(dataset: Dataset) -> pl.DataFrame:
    """An invoice has lines, and its total is their sum."""
    return _lines(dataset, "invoices", "invoiceLineItems", "invoiceId")


def bill_lines(dataset: Dataset) -> pl.DataFrame:
    """A bill has lines, and its total is their sum."""
    return _lines(dataset, "bills", "billLineItems", "billId")


def _lines(dataset: Dataset, table: str, line_table: str, column: str) -> pl.DataFrame:
    lines = total(alive(dataset, line_table), column, lines=pl.col("lineTotal"))
    documents = alive(dataset, table).join(lines, left_on=KEY, right_on=column, how="left")
    return report(
        documents, differ(amount("totalAmount"), pl.col("lines")), say("total {}, lines {}", "totalAmount", "lines")
    )


def invoice_status(dataset: Dataset) -> pl.DataFrame:
    """An invoice is PAID when nothing is due, PARTIAL when some was paid, and neither when none was."""
    return _status(dataset, "invoices", _UNPAID)


def bill_status(dataset: Dataset) -> pl.DataFrame:
    """A bill is PAID when nothing is due, PARTIAL when some was paid, and neither when none was."""
    return _status(dataset, "bills", ("DRAFT", "PENDING", "APPROVED"))


def _status(dataset: Dataset, table: str, unpaid: tuple[str, ...]) -> pl.DataFrame:
    is_settled = amount("amountDue") <= pl.lit(CENT).cast(EXACT)
    is_begun = amount("amountPaid") > 0
    allowed = (
        pl.when(pl.col("status") == "VOID")
        .then(pl.lit(value=True))
        .when(is_settled)
        .then(pl.col("status") == "PAID")
        .when(is_begun)
        .then(pl.col("status") == "PARTIAL")
        .otherwise(pl.col("status").is_in([*unpaid, "OVERDUE"]) & is_settled.is_not_null())
    )
    return report(
        alive(dataset, table), ~allowed, say("status {}, paid {}, due {}", "status", "amountPaid", "amountDue")
    )


def invoice_overdue(dataset: Dataset) -> pl.DataFrame:
    """
    There is a day on which every unpaid invoice's status is right: all OVERDUE ones are due before all others.

    Rows do not say which day it is. Where statuses contradict each other the smaller side is reported.
    """
    unpaid = alive(dataset, "invoices").filter(amount("amountPaid") == 0)
    overdue = unpaid.filter(pl.col("status") == "OVERDUE")
    waiting = unpaid.filter(pl.col("status").is_in(["SENT", "VIEWED"]))
    too_late = overdue.filter(pl.col("dueDate") >= pl.lit(waiting["dueDate"].min(), dtype=pl.Date))
    too_early = waiting.filter(pl.col("dueDate") <= pl.lit(overdue["dueDate"].max(), dtype=pl.Date))
    fewer = too_late if too_late.height <= too_early.height else too_early
    why = say("status {} though due {}, where others say otherwise", "status", "dueDate")
    return fewer.select(key=KEY, why=why)


def invoice_paid(dataset: Dataset) -> pl.DataFrame:
    """What an invoice says was paid is the sum of its payments."""
    return _paid(dataset, "invoices", "invoiceId")


def bill_paid(dataset: Dataset) -> pl.DataFrame:
    """What a bill says was paid is the sum of its payments."""
    return _paid(dataset, "bills", "billId")


def _paid(dataset: Dataset, table: str, column: str) -> pl.DataFrame:
    payments = total(alive(dataset, "payments"), column, payments=pl.col("amount")).with_columns(
        has_payments=pl.lit(value=True)
    )
    documents = (
        alive(dataset, table)
        .join(payments, left_on=KEY, right_on=column, how="left")
        .with_columns(payments=pl.when(pl.col("has_payments").is_null()).then(_zero()).otherwise("payments"))
    )
    return report(
        documents,
        differ(amount("amountPaid"), pl.col("payments")),
        say("paid {}, payments {}", "amountPaid", "payments"),
    )


def payment_amounts(dataset: Dataset) -> pl.DataFrame:
    """A payment is more than nothing."""
    return report(alive(dataset, "payments"), amount("amount") <= 0, say("amount {}", "amount"))


def payment_dates(dataset: Dataset) -> pl.DataFrame:
    """A payment is made no earlier than its invoice or bill is dated."""
    invoices = dataset["invoices"].select("invoiceDate", invoice=KEY)
    bills = dataset["bills"].select("billDate", bill=KEY)
    payments = (
        alive(dataset, "payments")
        .filter(pl.col("invoiceId").is_not_null() | pl.col("billId").is_not_null())
        .join(invoices, left_on="invoiceId", right_on="invoice", how="left")
        .join(bills, left_on="billId", right_on="bill", how="left")
        .with_columns(dated=pl.coalesce("invoiceDate", "billDate"))
    )
    return report(payments, pl.col("paymentDate") < pl.col("dated"), say("paid {}, dated {}", "paymentDate", "dated"))


def sellers(dataset: Dataset) -> pl.DataFrame:
    """Who bills us, and whom we pay, is a client that sells."""
    selling = dataset["clients"].filter(pl.col("is_seller"))[KEY].implode()
    bills = alive(dataset, "bills").select("vendorId", KEY)
    payments = alive(dataset, "payments").filter((pl.col("paymentType") == "SENT") | pl.col("vendorId").is_not_null())
    parties = pl.concat([bills, payments.select("vendorId", KEY)])
    return report(parties, ~pl.col("vendorId").is_in(selling), say("{} is no client that sells", "vendorId"))


_CHECKS = (
    ("invoice-order-link", "Orders and invoices name each other", invoice_links, ("orders", "invoices")),
    ("invoice-order-total", "Invoice total = order total", invoice_order_total, ("orders", "invoices")),
    ("invoice-order-status", "Sale status = invoice status", invoice_order_status, ("orders", "invoices")),
    ("invoice-order-dates", "Orders precede their invoices", invoice_order_dates, ("orders", "invoices")),
    ("invoice-amounts", "Invoice amounts add up", invoice_amounts, ("invoices",)),
    ("invoice-lines", "Invoice total = sum of lines", invoice_lines, ("invoices", "invoiceLineItems")),
    ("invoice-status", "Invoice status follows from amounts", invoice_status, ("invoices",)),
    ("invoice-overdue", "Invoice status follows from the due date", invoice_overdue, ("invoices",)),
    ("invoice-paid", "Invoice paid = sum of payments", invoice_paid, ("invoices", "payments")),
    ("bill-amounts", "Bill amounts add up", bill_amounts, ("bills",)),
    ("bill-lines", "Bill total = sum of lines", bill_lines, ("bills", "billLineItems")),
    ("bill-status", "Bill status follows from amounts", bill_status, ("bills",)),
    ("bill-paid", "Bill paid = sum of payments", bill_paid, ("bills", "payments")),
    ("payment-amounts", "Payments are more than nothing", payment_amounts, ("payments",)),
    ("payment-dates", "Invoices and bills precede their payments", payment_dates, ("payments", "invoices", "bills")),
    ("sellers", "Bills and payments sent name a client that sells", sellers, ("bills", "payments", "clients")),
)
RULES = tuple(
    Rule(identifier, title, "invariants", Severity.CRITICAL, tables, check)
    for identifier, title, check, tables in _CHECKS
)
