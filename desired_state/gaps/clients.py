"""Clients whose part in the documents is not on record: who sells, what is owed, what was bought."""

import polars as pl

from desired_state.gaps.frames import AUGMENT, nothing
from desired_state.rules.report import EXACT, alive, amount, differ, total
from reconcile.dataset import KEY, Dataset, with_hash
from reconcile.fields import Draw
from reconcile.spec import Profile
from reconcile.state import GapRule

_TOTALS = ("total_spent", "total_profit", "avg_profit_margin", "oldest_debt_days")


def lost_sellers(dataset: Dataset, profile: Profile, table: str) -> pl.DataFrame:
    """Let a row of *table* whose vendor is no client name one that sells, else any."""
    clients = alive(dataset, "clients").sort(KEY)
    is_sent = pl.lit(value=True) if table == "bills" else pl.col("paymentType") == "SENT"
    lost = alive(dataset, table).filter(
        (is_sent | pl.col("vendorId").is_not_null())
        & ~pl.col("vendorId").is_in(dataset["clients"][KEY].implode()).fill_null(value=False)
    )
    if lost.is_empty() or clients.is_empty():
        return nothing(dataset, table).select(KEY, "vendorId")
    selling = clients.filter("is_seller")
    chosen = selling if selling.height else clients.head(1)
    ranked = chosen.select(seller=KEY, rank=pl.int_range(pl.len(), dtype=pl.Int64))
    return (
        with_hash(lost.select(KEY), KEY)
        .with_columns(rank=Draw(profile.seed, table).integer("vendorId", 0, chosen.height - 1))
        .join(ranked, on="rank", maintain_order="left")
        .select(KEY, vendorId="seller")
    )


def payment_sellers(dataset: Dataset, profile: Profile) -> pl.DataFrame:
    """Let a payment sent whose vendor is no client name that of its bill, else one that sells."""
    lost = lost_sellers(dataset, profile, "payments")
    if lost.is_empty():
        return lost
    bills = dataset["bills"].select(billId=KEY, billed_by="vendorId")
    payments = dataset["payments"].select(KEY, "billId")
    return (
        lost.join(payments, on=KEY, maintain_order="left")
        .join(bills, on="billId", how="left", maintain_order="left")
        .select(KEY, vendorId=pl.coalesce("billed_by", "vendorId"))
    )


def sellers(dataset: Dataset, _profile: Profile) -> pl.DataFrame:
    """Let a client that bills us, is paid by us, brings goods or is a supplier be one that sells."""
    bills = alive(dataset, "bills")["vendorId"]
    paid = alive(dataset, "payments")["vendorId"]
    brought, supplying = dataset["intake_sessions"]["vendor_id"], dataset["supplier_profiles"]["client_id"]
    named = pl.concat([bills, paid, brought, supplying]).drop_nulls().implode()
    is_none = ~pl.col("is_seller").fill_null(value=False)
    return dataset["clients"].filter(is_none & pl.col(KEY).is_in(named)).select(KEY, is_seller=pl.lit(value=True))


def debts(dataset: Dataset, _profile: Profile) -> pl.DataFrame:
    """Let a client owe what is due on its invoices that are neither paid nor void."""
    open_invoices = alive(dataset, "invoices").filter(~pl.col("status").is_in(["PAID", "VOID"]))
    due = total(open_invoices, "customerId", due=pl.col("amountDue"))
    clients = (
        alive(dataset, "clients")
        .join(due, left_on=KEY, right_on="customerId", how="left", maintain_order="left")
        .with_columns(pl.col("due").fill_null(pl.lit(0).cast(EXACT)))
    )
    off = differ(amount("total_owed"), pl.col("due")).fill_null(value=True)
    return clients.filter(off).select(KEY, total_owed="due")


def history(dataset: Dataset, profile: Profile) -> pl.DataFrame:
    """Sum what a client was invoiced, earned us and owes since when, where that was never set."""
    margins = alive(dataset, "orders").select(order=KEY, margin=amount("total_margin"))
    invoices = (
        alive(dataset, "invoices")
        .filter(~pl.col("status").is_in(["DRAFT", "VOID"]))
        .join(margins, left_on="referenceId", right_on="order", how="left")
    )
    sums = invoices.group_by("customerId").agg(
        spent=amount("totalAmount").sum(),
        profit=pl.col("margin").fill_null(0).sum(),
        since=pl.col("invoiceDate").filter(amount("amountDue") > 0).min(),
    )
    never = alive(dataset, "clients").filter(amount("total_spent").fill_null(0) == 0).select(KEY)
    days = (pl.lit(profile.as_of) - pl.col("since")).dt.total_days().clip(lower_bound=0)
    share = pl.col("profit").cast(pl.Float64) / pl.col("spent").cast(pl.Float64) * 100
    return (
        never.join(sums, left_on=KEY, right_on="customerId", maintain_order="left")
        .filter(pl.col("spent") > 0)
        .select(
            KEY,
            total_spent="spent",
            total_profit=pl.col("profit").round(2, mode="half_away_from_zero"),
            avg_profit_margin=share.clip(-999, 999).round(2),
            oldest_debt_days=days.fill_null(0),
        )
    )


BILL_SELLERS = GapRule(
    "bill-seller",
    "Bills of a party that is no client name one that sells",
    AUGMENT,
    "bills",
    ("vendorId",),
    ("bills", "clients"),
    lambda dataset, profile: lost_sellers(dataset, profile, "bills"),
)
PAYMENT_SELLERS = GapRule(
    "payment-seller",
    "Payments sent to a party that is no client name the one that billed",
    AUGMENT,
    "payments",
    ("vendorId",),
    ("payments", "bills", "clients"),
    payment_sellers,
)
SELLERS = GapRule(
    "seller",
    "Clients that bill us, are paid by us, bring goods or are suppliers are ones that sell",
    AUGMENT,
    "clients",
    ("is_seller",),
    ("clients", "bills", "payments", "intake_sessions", "supplier_profiles"),
    sellers,
    mends=("sellers", "intake-sellers", "CLI-001"),
)
TOTALS = (
    GapRule(
        "client-debt",
        "Clients owe what is due on their invoices",
        AUGMENT,
        "clients",
        ("total_owed",),
        ("clients", "invoices"),
        debts,
        mends=("client-total-owed",),
    ),
    GapRule(
        "client-history",
        "Clients whose totals were never set get them from their invoices",
        AUGMENT,
        "clients",
        _TOTALS,
        ("clients", "invoices", "orders"),
        history,
    ),
)
