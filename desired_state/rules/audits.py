"""The 13 checks of the two audit lists that ran beside the seeder, on the columns that really exist.

Seven of them used to pass because a table or column they named was missing.
"""

from collections.abc import Callable

import polars as pl

from desired_state.rules import stock
from desired_state.rules.documents import invoice_amounts, invoice_paid
from desired_state.rules.integrity import orphans
from desired_state.rules.report import CENT, EXACT, Violations, alive, amount, differ, report, say, total
from desired_state.rules.stock import QUANTITIES
from reconcile.dataset import KEY, Dataset
from reconcile.errors import Severity
from reconcile.state import Rule


def no_negative_inventory(dataset: Dataset) -> pl.DataFrame:
    """None of a batch's six quantities is negative, softly deleted batches included."""
    worst = pl.min_horizontal(*QUANTITIES)
    return report(dataset["batches"], worst < 0, say("smallest quantity {}, 0 or more expected", worst))


def debits_equal_credits(dataset: Dataset) -> pl.DataFrame:
    """All debits of the ledger together equal all credits."""
    sums = alive(dataset, "ledgerEntries").select(
        pl.lit("ledgerEntries").alias(KEY),
        debits=pl.col("debit").sum().cast(EXACT),
        credits=pl.col("credit").sum().cast(EXACT),
    )
    return report(
        sums.head(1), differ(pl.col("debits"), pl.col("credits")), say("debits {}, credits {}", "debits", "credits")
    )


def paid_invoices_are_paid(dataset: Dataset) -> pl.DataFrame:
    """The payments of an invoice called PAID come to its total."""
    payments = total(alive(dataset, "payments"), "invoiceId", payments=pl.col("amount"))
    invoices = (
        alive(dataset, "invoices")
        .filter(pl.col("status") == "PAID")
        .join(payments, left_on=KEY, right_on="invoiceId", how="left")
        .with_columns(pl.col("payments").fill_null(0))
    )
    short = pl.col("payments") < amount("totalAmount") - pl.lit(CENT).cast(EXACT)
    return report(invoices, short, say("PAID, total {}, payments {}", "totalAmount", "payments"))


def order_totals(dataset: Dataset) -> pl.DataFrame:
    """An order's total is the sum of quantity x unit price of its lines; an order without lines comes to 0."""
    lines = total(dataset["order_line_items"], "order_id", lines=amount("quantity") * amount("unit_price"))
    orders = (
        alive(dataset, "orders")
        .join(lines, left_on=KEY, right_on="order_id", how="left")
        .with_columns(pl.when(pl.col(KEY).is_in(lines["order_id"].implode())).then("lines").otherwise(0).alias("lines"))
    )
    return report(orders, differ(amount("total"), pl.col("lines")), say("total {}, lines {}", "total", "lines"))


def payment_amounts(*, with_deleted: bool) -> Violations:
    """Make the check that a payment is more than nothing."""

    def violations(dataset: Dataset) -> pl.DataFrame:
        payments = dataset["payments"] if with_deleted else alive(dataset, "payments")
        return report(payments, amount("amount") <= 0, say("amount {}", "amount"))

    return violations


def suppliers_sell(dataset: Dataset) -> pl.DataFrame:
    """A client with a supplier profile is one that sells."""
    selling = dataset["clients"].filter(pl.col("is_seller"))[KEY].implode()
    profiles = dataset["supplier_profiles"]
    return report(profiles, ~pl.col("client_id").is_in(selling), say("client {} does not sell", "client_id"))


def _rules(
    group: str, checks: tuple[tuple[str, str, Callable[[Dataset], pl.DataFrame], tuple[str, ...]], ...]
) -> tuple[Rule, ...]:
    return tuple(
        Rule(identifier, title, group, Severity.CRITICAL, tables, check) for identifier, title, check, tables in checks
    )


_DATABASE = (
    ("no-negative-inventory", "No negative inventory", no_negative_inventory, ("batches",)),
    ("debits-equal-credits", "Debits equal credits", debits_equal_credits, ("ledgerEntries",)),
    ("invoice-status-consistency", "Paid invoices are paid", paid_invoices_are_paid, ("invoices", "payments")),
    (
        "no-orphaned-order-items",
        "No orphaned order lines",
        orphans("order_line_items", "order_id", "orders"),
        ("order_line_items", "orders"),
    ),
    ("payment-amounts-valid", "Payment amounts are valid", payment_amounts(with_deleted=True), ("payments",)),
)
_ACCEPTANCE = (
    ("INV-001", "Batch quantities are not negative", stock.quantities, ("batches",)),
    ("INV-002", "Reserved is at most on hand", stock.reserved, ("batches",)),
    ("AR-001", "Amount due = total - paid", invoice_amounts, ("invoices",)),
    ("AR-002", "Amount paid = sum of payments", invoice_paid, ("invoices", "payments")),
    ("ORD-001", "Order total = sum of quantity x price", order_totals, ("orders", "order_line_items")),
    (
        "ORD-REF",
        "Order lines name an order",
        orphans("order_line_items", "order_id", "orders"),
        ("order_line_items", "orders"),
    ),
    ("CLI-001", "Suppliers are clients that sell", suppliers_sell, ("supplier_profiles", "clients")),
    ("PAY-001", "Payments are more than nothing", payment_amounts(with_deleted=False), ("payments",)),
)
RULES = _rules("database-audit", _DATABASE) + _rules("acceptance-audit", _ACCEPTANCE)
