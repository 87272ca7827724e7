"""Orders, invoices and payments that belong together and do not name each other, or name what is gone."""

import polars as pl

from desired_state.gaps.frames import AUGMENT, GAP_FILL
from desired_state.rules.report import alive
from reconcile.dataset import KEY, Dataset
from reconcile.spec import Profile
from reconcile.state import GapRule


def lost_invoices(dataset: Dataset, _profile: Profile) -> pl.DataFrame:
    """Let an order whose invoice is gone name none; if another invoice is of it, that one comes next."""
    return _lost(dataset, "orders", "invoice_id")


def lost_payment_invoices(dataset: Dataset, _profile: Profile) -> pl.DataFrame:
    """Let a payment whose invoice is gone name none: it was received all the same."""
    return _lost(dataset, "payments", "invoiceId")


def _lost(dataset: Dataset, table: str, column: str) -> pl.DataFrame:
    is_lost = pl.col(column).is_not_null() & ~pl.col(column).is_in(dataset["invoices"][KEY].implode())
    return dataset[table].filter(is_lost).select(KEY, pl.lit(None, dtype=pl.String).alias(column))


def lost_orders(dataset: Dataset, _profile: Profile) -> pl.DataFrame:
    """Let an invoice whose order is gone refer to nothing."""
    is_lost = (pl.col("referenceType") == "ORDER") & ~pl.col("referenceId").is_in(dataset["orders"][KEY].implode())
    none = pl.lit(None, dtype=pl.String)
    return alive(dataset, "invoices").filter(is_lost).select(KEY, referenceType=none, referenceId=none)


def invoice_references(dataset: Dataset, _profile: Profile) -> pl.DataFrame:
    """
    Let an invoice name its order: the one that names it, else the one of its number.

    `INV-000001` is the invoice of `ORD-000001` when both are of one client and neither names another document. An
    invoice that names an order of another invoice, and that another order names, is of that other order.
    """
    orders = alive(dataset, "orders").select("invoice_id", "order_number", order=KEY, customerId="client_id")
    naming = orders.select("order", invoice="invoice_id").drop_nulls()
    of_others = naming.select(referenceId="order", other="invoice")
    invoices = alive(dataset, "invoices").join(of_others, on="referenceId", how="left", maintain_order="left")
    is_strayed = (
        (pl.col("referenceType") == "ORDER")
        & (pl.col("other") != pl.col(KEY))
        & pl.col(KEY).is_in(naming["invoice"].implode())
    )
    is_free = pl.col("referenceType").is_null() & pl.col("referenceId").is_null()
    free = invoices.filter(is_free | is_strayed.fill_null(value=False))
    unnamed = orders.filter(pl.col("invoice_id").is_null() & pl.col("order_number").str.contains("ORD-", literal=True))
    named = alive(dataset, "invoices").filter(pl.col("referenceType") == "ORDER")["referenceId"].drop_nulls()
    by_number = (
        free.select("customerId", invoice=KEY, number=pl.col("invoiceNumber").str.to_lowercase())
        .join(
            unnamed.with_columns(
                number=pl.col("order_number").str.replace("ORD-", "INV-", literal=True).str.to_lowercase()
            ),
            on=["number", "customerId"],
        )
        .filter(~pl.col("order").is_in(named.implode()))
        .select("order", "invoice")
    )
    found = pl.concat([naming, by_number]).unique("invoice", keep="first", maintain_order=True)
    return (
        free.select(KEY)
        .join(found, left_on=KEY, right_on="invoice")
        .select(KEY, referenceType=pl.lit("ORDER"), referenceId="order")
    )


def order_invoices(dataset: Dataset, _profile: Profile) -> pl.DataFrame:
    """Let an order without an invoice name the first one that names it; one that is void counts last."""
    unnamed = alive(dataset, "orders").filter(pl.col("invoice_id").is_null()).select(KEY)
    naming = alive(dataset, "invoices").filter(pl.col("referenceType") == "ORDER")
    first = naming.sort(pl.col("status") == "VOID", KEY).unique("referenceId", keep="first", maintain_order=True)
    return unnamed.join(first.select(referenceId="referenceId", invoice_id=KEY), left_on=KEY, right_on="referenceId")


RULES = (
    GapRule(
        "order-invoice-gone",
        "Orders whose invoice is gone name none",
        AUGMENT,
        "orders",
        ("invoice_id",),
        ("orders", "invoices"),
        lost_invoices,
        mends=("orphans-orders-invoice_id",),
    ),
    GapRule(
        "payment-invoice-gone",
        "Payments whose invoice is gone name none",
        AUGMENT,
        "payments",
        ("invoiceId",),
        ("payments", "invoices"),
        lost_payment_invoices,
        mends=("payments-without-invoice", "orphans-payments-invoiceId"),
    ),
    GapRule(
        "invoice-order-gone",
        "Invoices whose order is gone refer to nothing",
        AUGMENT,
        "invoices",
        ("referenceType", "referenceId"),
        ("invoices", "orders"),
        lost_orders,
    ),
    GapRule(
        "invoice-reference",
        "Invoices name the order that they are of",
        GAP_FILL,
        "invoices",
        ("referenceType", "referenceId"),
        ("invoices", "orders"),
        invoice_references,
    ),
    GapRule(
        "order-invoice",
        "Orders name the invoice that names them",
        GAP_FILL,
        "orders",
        ("invoice_id",),
        ("orders", "invoices"),
        order_invoices,
        mends=("invoice-order-link",),
    ),
)
