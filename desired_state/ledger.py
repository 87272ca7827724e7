"""Books: the ledger entries of every invoice, bill and payment, and each client's list of transactions."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from desired_state import dates, money
from desired_state.statics import CASH, COGS, INVENTORY, PAYABLE, RECEIVABLE, REVENUE, period_name
from desired_state.tables.finance import LEDGER_ENTRIES
from desired_state.tables.parties import CLIENT_TRANSACTIONS
from reconcile.dataset import conform

_POSTED_SECOND = 20 * 3_600


@dataclass(frozen=True, slots=True)
class _Leg:
    """One side of a booking: the account, the column its amount comes from, and the side."""

    account: str
    cents: str
    is_debit: bool


_INVOICE_LEGS = (
    _Leg(RECEIVABLE, "total_cents", is_debit=True),
    _Leg(REVENUE, "total_cents", is_debit=False),
    _Leg(COGS, "goods_cents", is_debit=True),
    _Leg(INVENTORY, "owned_cents", is_debit=False),
    _Leg(PAYABLE, "consigned_cents", is_debit=False),
)
_RECEIVED_LEGS = (_Leg(CASH, "amount_cents", is_debit=True), _Leg(RECEIVABLE, "amount_cents", is_debit=False))
_BILL_LEGS = (_Leg(INVENTORY, "total_cents", is_debit=True), _Leg(PAYABLE, "total_cents", is_debit=False))
_SENT_LEGS = (_Leg(PAYABLE, "amount_cents", is_debit=True), _Leg(CASH, "amount_cents", is_debit=False))

_NAMES = {
    CASH: "Cash",
    RECEIVABLE: "Accounts receivable",
    INVENTORY: "Inventory",
    PAYABLE: "Accounts payable",
    REVENUE: "Sales revenue",
    COGS: "Cost of goods sold",
}


def goods_sold(lines: pl.DataFrame, owned: pl.DataFrame) -> pl.DataFrame:
    """
    Split the cost of each shipped order into goods of our own and goods on consignment.

    Returns:
        Per order owned_cents and consigned_cents, which add up to the order's cost rounded to the cent.

    """
    costs = (
        lines.filter("is_invoiced")
        .with_columns(is_owned=pl.col("batch").is_in(owned["batch"].implode()))
        .group_by("order")
        .agg(cost=pl.col("line_cogs").sum(), owned=pl.col("line_cogs").filter(pl.col("is_owned")).sum())
    )
    owned_cents = money.divide(pl.col("owned"), 100)
    return costs.select(
        "order", owned_cents=owned_cents, consigned_cents=money.divide(pl.col("cost"), 100) - owned_cents
    )


def entries(
    invoices: pl.DataFrame, received: pl.DataFrame, bills: pl.DataFrame, sent: pl.DataFrame, sold: pl.DataFrame
) -> pl.DataFrame:
    """
    Give the ledgerEntries table: for every event entries on two sides that add up to the same.

    An invoice books revenue and the cost of the goods: our own leave inventory, goods on consignment are owed
    to the seller from now on. An entry is named after its document and account, so each exists once.
    """
    sales = invoices.join(sold, on="order", how="left", maintain_order="left").with_columns(
        goods_cents=pl.col("owned_cents") + pl.col("consigned_cents")
    )
    legs = [
        *_legs(_events(sales, "INVOICE", "document", "day"), _INVOICE_LEGS),
        *_legs(_events(received, "PAYMENT", "payment", "paid_day"), _RECEIVED_LEGS),
        *_legs(_events(bills, "BILL", "document", "day"), _BILL_LEGS),
        *_legs(_events(sent, "PAYMENT", "payment", "paid_day"), _SENT_LEGS),
    ]
    frame = pl.concat(legs).filter(pl.col("cents") > 0)
    posted = dates.as_moment(pl.col("entry_day"), pl.lit(_POSTED_SECOND))
    entry_date = dates.as_date(pl.col("entry_day"))
    amount = money.decimal(pl.col("cents"))
    nothing = money.decimal(pl.lit(0, dtype=pl.Int64))
    return conform(
        LEDGER_ENTRIES,
        frame.select(
            entryNumber=pl.concat_str(pl.lit("JE-"), "reference", pl.lit("-"), "account"),
            entryDate=entry_date,
            accountId="account",
            debit=pl.when(pl.col("is_debit")).then(amount).otherwise(nothing),
            credit=pl.when(pl.col("is_debit")).then(nothing).otherwise(amount),
            description=pl.concat_str("account_name", pl.lit(" for "), "reference"),
            referenceType="reference_type",
            referenceId="reference",
            fiscalPeriodId=period_name(entry_date),
            isPosted=pl.lit(True),
            postedAt=posted,
            postedBy="user",
            createdBy="user",
            createdAt=posted,
        ),
    )


def _events(documents: pl.DataFrame, reference_type: str, reference: str, day: str) -> pl.DataFrame:
    cents = [name for name in documents.columns if name.endswith("_cents")]
    return documents.select("user", *cents, reference=reference, reference_type=pl.lit(reference_type), entry_day=day)


def _legs(events: pl.DataFrame, legs: Sequence[_Leg]) -> list[pl.DataFrame]:
    return [
        events.select(
            "user",
            "reference",
            "reference_type",
            "entry_day",
            account=pl.lit(leg.account),
            account_name=pl.lit(_NAMES[leg.account]),
            cents=leg.cents,
            is_debit=pl.lit(leg.is_debit),
        )
        for leg in legs
    ]


def client_transactions(
    orders: pl.DataFrame, totals: pl.DataFrame, invoices: pl.DataFrame, received: pl.DataFrame
) -> pl.DataFrame:
    """
    Give the client_transactions table: a row for each confirmed sale, each invoice and each payment received.

    A payment counts negative, so a client's invoices and payments add up to what the client owes.
    """
    paid = invoices.select("order", "sale_status", "paid_cents", "last_paid_day")
    sales = orders.filter(pl.col("kind").is_in(["sale", "open"])).join(
        totals.select("order", "total_cents"), on="order", how="left", maintain_order="left"
    )
    sales = sales.join(paid, on="order", how="left", maintain_order="left").with_columns(
        pl.col("sale_status").fill_null("PENDING"), pl.col("paid_cents").fill_null(0)
    )
    rows = pl.concat(
        [
            _transactions(sales, "ORDER", "order", "day", "sale_status"),
            _transactions(invoices, "INVOICE", "document", "day", "sale_status"),
            _transactions(
                received.with_columns(
                    total_cents=-pl.col("amount_cents"),
                    paid_cents=pl.col("amount_cents"),
                    last_paid_day=pl.col("paid_day"),
                    sale_status=pl.lit("PAID"),
                ),
                "PAYMENT", "payment", "paid_day", "sale_status",
            ),
        ]
    )  # fmt: skip
    return conform(CLIENT_TRANSACTIONS, rows)


def _transactions(events: pl.DataFrame, kind: str, document: str, day: str, status: str) -> pl.DataFrame:
    is_paid = pl.col("paid_cents") > 0
    created = dates.as_moment(pl.col(day), pl.lit(_POSTED_SECOND))
    paid_at = dates.as_moment(pl.col("last_paid_day"), pl.lit(_POSTED_SECOND))
    return events.select(
        client_id="client",
        transaction_type=pl.lit(kind),
        transaction_number=pl.concat_str(pl.lit("TXN-"), document),
        transaction_date=dates.as_date(pl.col(day)),
        amount=money.decimal(pl.col("total_cents")),
        payment_status=status,
        payment_date=dates.as_date(pl.col("last_paid_day")),
        payment_amount=pl.when(is_paid).then(money.decimal(pl.col("paid_cents"))),
        created_at=created,
        updated_at=pl.coalesce(paid_at, created),
    )
