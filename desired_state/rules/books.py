"""What the application expects of the ledger."""

import polars as pl

from desired_state.rules.report import EXACT, alive, amount, differ, report, say, total
from desired_state.statics import CASH, RECEIVABLE, REVENUE
from reconcile.dataset import KEY, Dataset
from reconcile.errors import Severity
from reconcile.state import Rule


def one_side(dataset: Dataset) -> pl.DataFrame:
    """A ledger entry is a debit or a credit of more than nothing, not both."""
    debit, credit = amount("debit"), amount("credit")
    is_one_sided = ((debit > 0) & (credit == 0)) | ((debit == 0) & (credit > 0))
    return report(alive(dataset, "ledgerEntries"), ~is_one_sided, say("debit {}, credit {}", "debit", "credit"))


def balance(dataset: Dataset) -> pl.DataFrame:
    """The debits of each event equal its credits; the violation is known by the event's first entry."""
    entries = alive(dataset, "ledgerEntries").filter(pl.col("referenceId").is_not_null())
    sums = total(entries, ["referenceType", "referenceId"], debits=pl.col("debit"), credits=pl.col("credit")).join(
        entries.group_by("referenceType", "referenceId").agg(pl.col(KEY).min()),
        on=["referenceType", "referenceId"],
        nulls_equal=True,
    )
    return report(
        sums,
        differ(pl.col("debits"), pl.col("credits")),
        say("{} {}: debits {}, credits {}", "referenceType", "referenceId", "debits", "credits"),
    )


def invoice_entries(dataset: Dataset) -> pl.DataFrame:
    """An invoice sent is booked in full: receivables against sales revenue."""
    sent = alive(dataset, "invoices").filter(~pl.col("status").is_in(["DRAFT", "VOID"]))
    return _booked(dataset, sent, "INVOICE", "totalAmount", debited=RECEIVABLE, credited=REVENUE)


def payment_entries(dataset: Dataset) -> pl.DataFrame:
    """A payment received is booked in full: cash against receivables."""
    received = alive(dataset, "payments").filter(pl.col("paymentType") == "RECEIVED")
    return _booked(dataset, received, "PAYMENT", "amount", debited=CASH, credited=RECEIVABLE)


def _booked(
    dataset: Dataset, events: pl.DataFrame, reference_type: str, column: str, *, debited: str, credited: str
) -> pl.DataFrame:
    numbers = dataset["accounts"].select("accountNumber", accountId=KEY)
    entries = (
        alive(dataset, "ledgerEntries")
        .filter(pl.col("referenceType") == reference_type)
        .join(numbers, on="accountId", how="left")
    )
    nothing = pl.lit(0).cast(EXACT)
    is_debited, is_credited = pl.col("accountNumber") == debited, pl.col("accountNumber") == credited
    sums = total(
        entries,
        "referenceId",
        debits=pl.when(is_debited).then(amount("debit")).otherwise(nothing),
        credits=pl.when(is_credited).then(amount("credit")).otherwise(nothing),
    )
    booked = events.join(sums, left_on=KEY, right_on="referenceId", how="left")
    return report(
        booked,
        differ(amount(column), pl.col("debits")) | differ(amount(column), pl.col("credits")),
        say(f"{{}}: debit of {debited} {{}}, credit of {credited} {{}}", column, "debits", "credits"),
    )


def periods(dataset: Dataset) -> pl.DataFrame:
    """A ledger entry's date lies in its fiscal period."""
    bounds = dataset["fiscalPeriods"].select("startDate", "endDate", period=KEY)
    entries = alive(dataset, "ledgerEntries").join(bounds, left_on="fiscalPeriodId", right_on="period", how="left")
    is_within = pl.col("entryDate").is_between(pl.col("startDate"), pl.col("endDate"))
    return report(entries, ~is_within, say("entry of {} in period {}", "entryDate", "fiscalPeriodId"))


_CHECKS = (
    ("ledger-one-side", "Ledger entries have one side", one_side, ("ledgerEntries",)),
    ("ledger-balance", "Debits equal credits per event", balance, ("ledgerEntries",)),
    ("ledger-invoices", "Invoices are booked in full", invoice_entries, ("invoices", "ledgerEntries", "accounts")),
    (
        "ledger-payments",
        "Payments received are booked in full",
        payment_entries,
        ("payments", "ledgerEntries", "accounts"),
    ),
    ("ledger-periods", "Entries lie in their fiscal period", periods, ("ledgerEntries", "fiscalPeriods")),
)
RULES = tuple(
    Rule(identifier, title, "invariants", Severity.CRITICAL, tables, check)
    for identifier, title, check, tables in _CHECKS
)
