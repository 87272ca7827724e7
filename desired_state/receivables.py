"""Receivables: the invoices of shipped orders, their lines, and what each client owes."""

import polars as pl

from desired_state import dates, money
from desired_state.blocks import number
from desired_state.settlement import IN_TIME, IN_TWO, LAST_PAYMENT_SECOND, LATE, NEVER, PARTLY
from desired_state.tables.finance import INVOICE_LINE_ITEMS, INVOICES
from reconcile.dataset import conform, with_hash
from reconcile.fields import Draw
from reconcile.spec import Profile

HABITS = (NEVER,) * 2 + (PARTLY,) * 2 + (IN_TWO,) * 2 + (LATE,) * 4 + (IN_TIME,) * 10
"""How clients pay, dealt round in turn to the invoices."""

_SECONDS_TO_INVOICE = 600
_VIEWED = 400
_SALE_STATUSES = {"PAID": "PAID", "PARTIAL": "PARTIAL", "OVERDUE": "OVERDUE", "SENT": "PENDING", "VIEWED": "PENDING"}


def invoice_documents(orders: pl.DataFrame, totals: pl.DataFrame) -> pl.DataFrame:
    """Give one invoice per shipped order, dated the day it was shipped and never the day it was ordered."""
    amounts = totals.select("order", "total_cents", "total_cogs", "margin_cents")
    return (
        orders.filter("is_invoiced")
        .join(amounts, on="order", how="left", maintain_order="left")
        .select(
            "order", "client", "user", "terms", "term_days", "index", "due_day",
            "total_cents", "total_cogs", "margin_cents",
            day="invoice_day",
            early_days=pl.col("term_days") // 2,
            second=pl.col("ship_second") + _SECONDS_TO_INVOICE,
            number=number(pl.col("ordinal")),
            document=pl.concat_str(pl.lit("INV-"), number(pl.col("ordinal"))),
        )
    )  # fmt: skip


def with_status(profile: Profile, settled: pl.DataFrame) -> pl.DataFrame:
    """Add the invoice's status, SENT or VIEWED where payments and dates decide nothing, and the order's."""
    draw = Draw(profile.seed, "invoices")
    unpaid = pl.when(draw.chance("status", _VIEWED)).then(pl.lit("VIEWED")).otherwise(pl.lit("SENT"))
    return (
        with_hash(settled, "document")
        .with_columns(status=pl.coalesce("settled", unpaid))
        .with_columns(sale_status=pl.col("status").replace_strict(_SALE_STATUSES, return_dtype=pl.String))
    )


def invoices(invoice_frame: pl.DataFrame) -> pl.DataFrame:
    """Give the invoices table; tax and discount are 0, as the application writes them."""
    created = dates.as_moment(pl.col("day"), pl.col("second"))
    return conform(
        INVOICES,
        invoice_frame.select(
            "status",
            invoiceNumber="document",
            customerId="client",
            invoiceDate=dates.as_date(pl.col("day")),
            dueDate=dates.as_date(pl.col("due_day")),
            subtotal=money.decimal(pl.col("total_cents")),
            totalAmount=money.decimal(pl.col("total_cents")),
            amountPaid=money.decimal(pl.col("paid_cents")),
            amountDue=money.decimal(pl.col("due_cents")),
            paymentTerms="terms",
            referenceType=pl.lit("ORDER"),
            referenceId="order",
            createdBy="user",
            createdAt=created,
            updatedAt=pl.coalesce(dates.as_moment(pl.col("last_paid_day"), LAST_PAYMENT_SECOND), created),
        ),
    )


def invoice_lines(invoice_frame: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Give the invoiceLineItems table: the lines of the order, one for one."""
    frame = lines.join(
        invoice_frame.select("order", "document", "number", invoiced_day="day", invoiced_second="second"),
        on="order",
        how="inner",
        maintain_order="left",
    )
    return conform(
        INVOICE_LINE_ITEMS,
        frame.select(
            invoiceId="document",
            productId="product",
            batchId="batch",
            description=pl.concat_str("product", pl.lit(", batch "), "batch"),
            quantity=money.decimal(pl.col("quantity")),
            unitPrice=money.decimal(pl.col("price_cents")),
            lineTotal=money.decimal(pl.col("line_cents")),
            createdAt=dates.as_moment(pl.col("invoiced_day"), pl.col("invoiced_second")),
        ),
    )


def client_accounts(profile: Profile, orders: pl.DataFrame, invoice_frame: pl.DataFrame) -> pl.DataFrame:
    """
    Sum what each client was invoiced, earned us and owes.

    Returns:
        Per client that ever ordered: code, spent_cents, profit_cents, owed_cents, debt_days (the age of the
        oldest invoice with anything due) and last_at, the moment of the last order.

    """
    is_due = pl.col("due_cents") > 0
    accounts = invoice_frame.group_by("client").agg(
        spent_cents=pl.col("total_cents").sum(),
        profit_cents=pl.col("margin_cents").sum(),
        owed_cents=pl.col("due_cents").sum(),
        debt_days=dates.number(profile.as_of) - pl.col("day").filter(is_due).min(),
    )
    last = orders.group_by("client").agg(last_at=dates.as_moment(pl.col("day"), pl.col("second")).max())
    return last.join(accounts, on="client", how="left").rename({"client": "code"})
