"""Orders that contradict their invoice, or the cash that was paid: due date, sale status and cash."""

import polars as pl

from desired_state.gaps.frames import AUGMENT
from desired_state.rules.report import EXACT, alive, amount
from reconcile.dataset import KEY, Dataset
from reconcile.spec import Profile
from reconcile.state import GapRule

SALE_STATUSES = {
    "PAID": "PAID",
    "PARTIAL": "PARTIAL",
    "OVERDUE": "OVERDUE",
    "DRAFT": "PENDING",
    "SENT": "PENDING",
    "VIEWED": "PENDING",
}
"""The sale status that goes with an invoice's; whether a void invoice cancels its order is a person's to say."""


def due_dates(dataset: Dataset, _profile: Profile) -> pl.DataFrame:
    """Let an order be due on the day its invoice is."""
    invoices = alive(dataset, "invoices").select(invoice_id=KEY, due="dueDate")
    orders = alive(dataset, "orders").select(KEY, "invoice_id", "due_date")
    return (
        orders.join(invoices, on="invoice_id", maintain_order="left")
        .filter(pl.col("due_date").ne_missing(pl.col("due")))
        .select(KEY, due_date="due")
    )


def sale_statuses(dataset: Dataset, profile: Profile) -> pl.DataFrame:
    """
    Bring an order's sale status to its invoice and its cash to what was paid; without invoice the cash decides.

    Cash that agrees with the status stays.
    """
    invoices = alive(dataset, "invoices").select("status", "amountPaid", invoice_id=KEY)
    orders = alive(dataset, "orders").join(invoices, on="invoice_id", how="left", maintain_order="left")
    is_sale = (pl.col("orderType") == "SALE") & ~pl.col("is_draft")
    has_invoice = pl.col("status").is_not_null()
    cash, due = amount("cash_payment").fill_null(0), amount("total")
    by_cash = (
        pl.when((cash >= due) & (cash > 0))
        .then(pl.lit("PAID"))
        .when(cash > 0)
        .then(pl.lit("PARTIAL"))
        .when(pl.col("due_date") < profile.as_of)
        .then(pl.lit("OVERDUE"))
        .otherwise(pl.lit("PENDING"))
    )
    by_invoice = pl.col("status").replace_strict(SALE_STATUSES, default=None, return_dtype=pl.String)
    own = pl.col("saleStatus")
    is_right = _agrees(own, amount("cash_payment"), due).fill_null(value=False)
    wanted = pl.when(has_invoice).then(by_invoice).when(is_sale & ~is_right).then(by_cash).otherwise(own)
    found = orders.with_columns(wanted=wanted).filter(pl.col("wanted").is_not_null())
    is_cash_right = ~is_sale | _agrees(pl.col("wanted"), amount("cash_payment"), due).fill_null(value=False)
    paid = (
        pl.when(pl.col("wanted") == "PAID")
        .then(pl.max_horizontal(amount("amountPaid"), due))
        .when(pl.col("wanted") == "PARTIAL")
        .then(amount("amountPaid"))
        .otherwise(pl.lit(0).cast(EXACT))
    )
    settled = pl.when(has_invoice).then(paid).otherwise(cash)
    return found.filter(pl.col("wanted").ne_missing(own) | ~is_cash_right).select(
        KEY, saleStatus="wanted", cash_payment=pl.when(is_cash_right).then(amount("cash_payment")).otherwise(settled)
    )


def _agrees(status: pl.Expr, cash: pl.Expr, due: pl.Expr) -> pl.Expr:
    """Say whether a sale's status and the cash paid agree; null where one is missing."""
    return (
        pl.when(status == "PAID")
        .then(cash >= due)
        .when(status == "PARTIAL")
        .then((cash > 0) & (cash < due))
        .when(status.is_in(["PENDING", "OVERDUE"]))
        .then(cash == 0)
        .when(status == "CANCELLED")
        .then(pl.lit(value=True))
    )


RULES = (
    GapRule(
        "order-due-date",
        "Orders are due when their invoice is",
        AUGMENT,
        "orders",
        ("due_date",),
        ("orders", "invoices"),
        due_dates,
        mends=("invoice-order-dates",),
    ),
    GapRule(
        "order-sale-status",
        "Sale status and cash of an order follow from its invoice, else from the cash paid",
        AUGMENT,
        "orders",
        ("saleStatus", "cash_payment"),
        ("orders", "invoices"),
        sale_statuses,
        mends=("invoice-order-status", "order-sale-status"),
    ),
)
