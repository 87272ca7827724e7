"""Invoices that lack lines or contradict their order: lines, dates and amounts."""

import polars as pl

from desired_state.gaps.frames import AUGMENT, GAP_FILL, nothing
from desired_state.rules.report import CENT, EXACT, alive, amount, differ, total
from desired_state.tables.finance import INVOICE_LINE_ITEMS
from reconcile.dataset import KEY, Dataset, conform
from reconcile.spec import Profile
from reconcile.state import GapRule

_ROUNDING = 20
"""A twentieth of the total is what rounded quantities may take it off by; a tax is more."""


def _orders(dataset: Dataset) -> pl.DataFrame:
    """Give the order of each invoice: the one that names it, else the one that it names."""
    naming = dataset["orders"].select(order=KEY, invoice="invoice_id").drop_nulls()
    named = dataset["invoices"].filter(pl.col("referenceType") == "ORDER").select(order="referenceId", invoice=KEY)
    return pl.concat([naming, named.drop_nulls()]).unique("invoice", keep="first", maintain_order=True)


def lines(dataset: Dataset, _profile: Profile) -> pl.DataFrame:
    """Give lines to the invoices that have none: those of the order, else one for the total."""
    lined = dataset["invoiceLineItems"].select("invoiceId")
    bare = dataset["invoices"].join(lined, left_on=KEY, right_on="invoiceId", how="anti")
    if bare.is_empty():
        return nothing(dataset, "invoiceLineItems")
    invoices = bare.select("totalAmount", "createdAt", invoice=KEY)
    batches = dataset["batches"].select("code", batch_id=KEY, product="productId")
    products = dataset["products"].select("nameCanonical", productId=KEY, product=KEY)
    sold = (
        invoices.join(_orders(dataset), on="invoice", maintain_order="left")
        .join(dataset["order_line_items"], left_on="order", right_on="order_id", maintain_order="left")
        .join(batches, on="batch_id", maintain_order="left")
        .join(products, on="product", how="left", maintain_order="left")
        .select(
            "productId", "createdAt", "quantity",
            invoiceId="invoice", batchId="batch_id", unitPrice="unit_price", lineTotal="line_total",
            description=pl.format("{}, batch {}", pl.coalesce("product_display_name", "nameCanonical", pl.lit("Goods")),
                                  "code"),
        )
    )  # fmt: skip
    whole = invoices.filter(~pl.col("invoice").is_in(sold["invoiceId"].implode())).select(
        "createdAt", invoiceId="invoice", quantity=pl.lit(1), unitPrice="totalAmount", lineTotal="totalAmount",
        description=pl.lit("Goods as invoiced"),
    )  # fmt: skip
    return pl.concat([conform(INVOICE_LINE_ITEMS, rows, step=GAP_FILL) for rows in (sold, whole)])


def dates(dataset: Dataset, _profile: Profile) -> pl.DataFrame:
    """
    Date an invoice at the first midnight that is not before its order, and let it be due as many days later.

    A date compares as its midnight, so an order of the afternoon is invoiced the next day at the earliest.
    """
    ordered = (
        dataset["orders"]
        .group_by("invoice_id")
        .agg(ordered=pl.col("created_at").max(), is_order_alive=pl.col("deleted_at").is_null().any())
    )
    is_paid = pl.col(KEY).is_in(dataset["payments"]["invoiceId"].drop_nulls().implode())
    day = pl.col("ordered").dt.date()
    is_midnight = pl.col("ordered") == day.cast(pl.Datetime("us"))
    first = pl.when(is_midnight).then(day).otherwise(day.dt.offset_by("1d"))
    shift = pl.max_horizontal("first", "invoiceDate") - pl.col("invoiceDate")
    return (
        dataset["invoices"]
        .join(ordered, left_on=KEY, right_on="invoice_id", maintain_order="left")
        .filter((pl.col("deleted_at").is_null() & pl.col("is_order_alive")) | is_paid)
        .with_columns(first=first)
        .filter((pl.col("invoiceDate") < pl.col("first")) | (pl.col("dueDate") < pl.col("invoiceDate")))
        .select(
            KEY,
            invoiceDate=pl.max_horizontal("first", "invoiceDate"),
            dueDate=pl.max_horizontal("first", "invoiceDate", pl.col("dueDate") + shift),
        )
    )


def untaxed(dataset: Dataset) -> pl.DataFrame:
    """
    Give the invoices whose lines sum to the total of their order and whose own total is another.

    Returns:
        Per invoice its columns and `sold`, the total of the order; both sides are alive and name each other.

    """
    sums = total(alive(dataset, "invoiceLineItems"), "invoiceId", lines=pl.col("lineTotal"))
    orders = alive(dataset, "orders").select("invoice_id", order=KEY, sold=amount("total"))
    return (
        alive(dataset, "invoices")
        .join(orders, left_on=[KEY, "referenceId"], right_on=["invoice_id", "order"], maintain_order="left")
        .filter(differ(amount("totalAmount"), pl.col("sold")))
        .join(sums, left_on=KEY, right_on="invoiceId", maintain_order="left")
        .filter(~differ(pl.col("lines"), pl.col("sold")))
    )


def amounts(dataset: Dataset, _profile: Profile) -> pl.DataFrame:
    """Bring the amounts of an invoice to its order and lines, which carry no tax; paid is what its payments say."""
    found = untaxed(dataset)
    paid = total(alive(dataset, "payments"), "invoiceId", paid=pl.col("amount"))
    none = pl.lit(0).cast(EXACT)
    return (
        found.join(paid, left_on=KEY, right_on="invoiceId", how="left", maintain_order="left")
        .with_columns(pl.col("paid").fill_null(none))
        .select(
            KEY,
            subtotal="sold",
            taxAmount=none,
            discountAmount=none,
            totalAmount="sold",
            amountPaid="paid",
            amountDue=pl.col("sold") - pl.col("paid"),
        )
    )


def payments_without_tax(dataset: Dataset, _profile: Profile) -> pl.DataFrame:
    """
    Lower the largest payment of an invoice that is about to lose its tax, where more was paid than is left to pay.

    What was received is a fact otherwise: payments stay where the invoice was overpaid as it stood, and where it is
    of another amount than its order even without the tax.
    """
    paid = alive(dataset, "payments").select("invoiceId", "amount", payment=KEY).drop_nulls("invoiceId")
    sums = total(paid, "invoiceId", paid=pl.col("amount"))
    is_taxed = (amount("taxAmount") > 0) & ((amount("subtotal") - pl.col("sold")).abs() * _ROUNDING <= pl.col("sold"))
    too_much = (
        untaxed(dataset)
        .filter(is_taxed)
        .join(sums, left_on=KEY, right_on="invoiceId")
        .filter(
            (pl.col("paid") > pl.col("sold")) & (pl.col("paid") <= amount("totalAmount") + pl.lit(CENT).cast(EXACT))
        )
        .select(invoiceId=KEY, excess=pl.col("paid") - pl.col("sold"))
    )
    return (
        paid.join(too_much, on="invoiceId")
        .sort("invoiceId", "amount", "payment", descending=[False, True, False])
        .unique("invoiceId", keep="first", maintain_order=True)
        .filter(amount("amount") > pl.col("excess"))
        .select(pl.col("payment").alias(KEY), amount=amount("amount") - pl.col("excess"))
    )


_TABLES = ("invoices", "invoiceLineItems", "orders", "payments")
LINES = GapRule(
    "invoice-lines",
    "Invoices without lines get those of their order, else one for the total",
    GAP_FILL,
    "invoiceLineItems",
    (),
    ("invoices", "invoiceLineItems", "orders", "order_line_items", "batches", "products"),
    lines,
    mends=("invoices-without-lines",),
)
DATES = GapRule(
    "invoice-dates",
    "Invoices are dated no earlier than their order",
    AUGMENT,
    "invoices",
    ("invoiceDate", "dueDate"),
    ("invoices", "orders", "payments"),
    dates,
    mends=("events-out-of-order", "invoice-order-dates"),
)
PAYMENTS = GapRule(
    "payment-without-tax",
    "Payments of an invoice do not exceed it once the tax is gone",
    AUGMENT,
    "payments",
    ("amount",),
    _TABLES,
    payments_without_tax,
)
AMOUNTS = GapRule(
    "invoice-amounts",
    "Amounts of an invoice are those of its order, without tax",
    AUGMENT,
    "invoices",
    ("subtotal", "taxAmount", "discountAmount", "totalAmount", "amountPaid", "amountDue"),
    _TABLES,
    amounts,
    mends=("invoice-order-total", "invoice-amounts", "invoice-lines"),
)
