"""Invoices, bills and payments that are not booked, and the fiscal periods they fall in."""

from dataclasses import dataclass

import polars as pl

from desired_state.gaps.frames import AUGMENT, GAP_FILL, nothing, number
from desired_state.rules.report import CENT, EXACT, alive, amount
from desired_state.statics import CASH, INVENTORY, PAYABLE, RECEIVABLE, REVENUE, period_name
from desired_state.tables.finance import FISCAL_PERIODS, LEDGER_ENTRIES
from reconcile.dataset import KEY, UNRESOLVED, Dataset, conform
from reconcile.spec import Profile
from reconcile.state import GapRule

_CENT = pl.lit(CENT).cast(EXACT)
_NUMBER_LENGTH = 50
_TABLE = "ledgerEntries"


@dataclass(frozen=True, slots=True)
class _Event:
    """One kind of event to be booked: where it is recorded, what it comes to, and the accounts of its two sides."""

    reference_type: str
    table: str
    condition: pl.Expr
    number: str
    dated: str
    worth: str
    debited: str
    credited: str


_SENT_OUT = ~pl.col("status").is_in(["DRAFT", "VOID"])
_EVENTS = (
    _Event("INVOICE", "invoices", _SENT_OUT, "invoiceNumber", "invoiceDate", "totalAmount", RECEIVABLE, REVENUE),
    _Event(
        "PAYMENT", "payments", pl.col("paymentType") == "RECEIVED",
        "paymentNumber", "paymentDate", "amount", CASH, RECEIVABLE,
    ),
    _Event("BILL", "bills", _SENT_OUT, "billNumber", "billDate", "totalAmount", INVENTORY, PAYABLE),
    _Event(
        "PAYMENT", "payments", pl.col("paymentType") == "SENT",
        "paymentNumber", "paymentDate", "amount", PAYABLE, CASH,
    ),
)  # fmt: skip


def _legs(dataset: Dataset) -> pl.DataFrame:
    """
    Give the two sides that each event must have, with what is booked of each.

    Returns:
        Per side reference and its type, document, date, user, account (key and number), is_debit, worth, `booked`
        (0 where nothing is), `count`, the number of entries of the event in that account, and how many are `standing`.

    """
    accounts = alive(dataset, "accounts").sort(KEY).select("accountNumber", accountId=KEY)
    accounts = accounts.unique("accountNumber", keep="first")
    sides = []
    for event in _EVENTS:
        events = (
            alive(dataset, event.table)
            .filter(event.condition)
            .select(
                reference_type=pl.lit(event.reference_type),
                reference=KEY,
                document=event.number,
                day=event.dated,
                user="createdBy",
                worth=amount(event.worth),
            )
        )
        for account, is_debit in ((event.debited, True), (event.credited, False)):
            sides.append(events.with_columns(accountNumber=pl.lit(account), is_debit=pl.lit(value=is_debit)))
    is_alive = pl.col("deleted_at").is_null()
    booked = (
        dataset[_TABLE]
        .group_by("referenceType", "referenceId", "accountId")
        .agg(
            debits=amount("debit").filter(is_alive).sum(),
            credits=amount("credit").filter(is_alive).sum(),
            standing=is_alive.sum(),
            count=pl.len(),
        )
    )
    return (
        pl.concat(sides)
        .filter(pl.col("worth") > 0)
        .join(accounts, on="accountNumber", maintain_order="left")
        .join(
            booked,
            left_on=["reference_type", "reference", "accountId"],
            right_on=["referenceType", "referenceId", "accountId"],
            how="left",
            maintain_order="left",
        )
        .with_columns(
            booked=pl.when("is_debit").then("debits").otherwise("credits").fill_null(0),
            count=pl.col("count").fill_null(0),
        )
    )


def _missing(dataset: Dataset) -> pl.DataFrame:
    return _legs(dataset).filter(pl.col("worth") - pl.col("booked") > _CENT)


def _with_period(dataset: Dataset, legs: pl.DataFrame) -> pl.DataFrame:
    """Add the fiscal period of each leg's day, the one that begins last where several do; null where none does."""
    periods = alive(dataset, "fiscalPeriods").sort("startDate", KEY).select("startDate", "endDate", fiscalPeriodId=KEY)
    found = legs.sort("day").join_asof(periods, left_on="day", right_on="startDate", check_sortedness=False)
    is_within = pl.col("day") <= pl.col("endDate")
    return found.with_columns(fiscalPeriodId=pl.when(is_within).then("fiscalPeriodId"))


def periods(dataset: Dataset, _profile: Profile) -> pl.DataFrame:
    """Give the month of each day on which something is still to be booked and that no fiscal period holds."""
    days = pl.concat([_missing(dataset).select("day"), _misplaced(dataset).select("day")])
    if days.is_empty():
        return nothing(dataset, "fiscalPeriods")
    outside = _with_period(dataset, days).filter(pl.col("fiscalPeriodId").is_null())
    start = pl.col("startDate")
    months = outside.select(startDate=pl.col("day").dt.month_start()).unique().sort("startDate")
    rows = months.select(
        "startDate",
        periodName=period_name(start),
        endDate=start.dt.month_end(),
        fiscalYear=start.dt.year(),
        status=pl.lit("OPEN"),
        createdAt=start.cast(pl.Datetime("us")),
        updatedAt=start.cast(pl.Datetime("us")),
    )
    return conform(FISCAL_PERIODS, rows, step=GAP_FILL)


def _misplaced(dataset: Dataset) -> pl.DataFrame:
    """Give key and day of the entries whose day is not in their fiscal period."""
    bounds = dataset["fiscalPeriods"].select("startDate", "endDate", fiscalPeriodId=KEY)
    placed = alive(dataset, _TABLE).join(bounds, on="fiscalPeriodId", how="left")
    is_within = pl.col("entryDate").is_between(pl.col("startDate"), pl.col("endDate"))
    return placed.filter(~is_within.fill_null(value=False)).select(KEY, day="entryDate")


def entry_periods(dataset: Dataset, _profile: Profile) -> pl.DataFrame:
    """Let an entry be in the fiscal period that its day is in."""
    misplaced = _misplaced(dataset)
    if misplaced.is_empty():
        return nothing(dataset, _TABLE).select(KEY, "fiscalPeriodId")
    return _with_period(dataset, misplaced).drop_nulls("fiscalPeriodId").select(KEY, "fiscalPeriodId")


def lost_references(dataset: Dataset, _profile: Profile) -> pl.DataFrame:
    """
    Let an entry whose document is gone book the one of the number that the entry's own number tells.

    A document that came back has another id; booked again it would count twice.
    """
    numbers = dataset["accounts"].select("accountNumber", accountId=KEY)
    documents = pl.concat(
        alive(dataset, event.table)
        .filter(event.condition)
        .select(referenceType=pl.lit(event.reference_type), document=event.number, found=KEY)
        for event in _EVENTS
    ).unique(["referenceType", "document"], keep="none")
    lost = (
        alive(dataset, _TABLE)
        .filter(pl.col("referenceId").str.starts_with(UNRESOLVED))
        .join(numbers, on="accountId")
        .with_columns(
            document=pl.col("entryNumber")
            .str.strip_prefix("JE-")
            .str.strip_prefix(pl.format("{}-", "referenceType"))
            .str.strip_suffix(pl.format("-{}", "accountNumber"))
        )
    )
    return lost.join(documents, on=["referenceType", "document"]).select(KEY, referenceId="found")


def entries(dataset: Dataset, _profile: Profile) -> pl.DataFrame:
    """
    Give the entries of invoices, bills and payments that are not booked, or of the rest of one booked in part.

    The cost of goods is booked when they leave the stock, which is not known to have happened here.
    """
    missing = _missing(dataset)
    if missing.is_empty():
        return nothing(dataset, _TABLE)
    legs = _with_period(dataset, missing).drop_nulls("fiscalPeriodId")
    open_amount, none = pl.col("worth") - pl.col("booked"), pl.lit(0).cast(EXACT)
    again = pl.when(pl.col("count") > 0).then(pl.format("-{}", pl.col("count") + 1)).otherwise(pl.lit(""))
    suffix = pl.concat_str(pl.lit("-"), "accountNumber", again)
    posted = pl.col("day").cast(pl.Datetime("us")).dt.offset_by("20h")
    rows = legs.select(
        entryNumber=number("JE-", pl.format("{}-{}", "reference_type", "document"), suffix, _NUMBER_LENGTH),
        entryDate="day",
        accountId="accountId",
        debit=pl.when("is_debit").then(open_amount).otherwise(none),
        credit=pl.when("is_debit").then(none).otherwise(open_amount),
        description=pl.format("Booked for {}", "document"),
        referenceType="reference_type",
        referenceId="reference",
        fiscalPeriodId="fiscalPeriodId",
        isPosted=pl.lit(value=True),
        postedAt=posted,
        postedBy="user",
        createdBy="user",
        createdAt=posted,
    )
    return conform(LEDGER_ENTRIES, rows, step=GAP_FILL).unique(KEY, keep="first", maintain_order=True)


def lowered(dataset: Dataset, _profile: Profile) -> pl.DataFrame:
    """Bring the one entry of an event in an account down to what the event comes to, where it says more."""
    legs = _legs(dataset).filter((pl.col("booked") - pl.col("worth") > _CENT) & (pl.col("standing") == 1))
    if legs.is_empty():
        return nothing(dataset, _TABLE).select(KEY, "debit", "credit")
    automatic = alive(dataset, _TABLE).filter(~pl.col("isManual"))
    return automatic.select(KEY, "accountId", "referenceType", "referenceId", "debit", "credit").join(
        legs.select("accountId", "is_debit", "worth", referenceType="reference_type", referenceId="reference"),
        on=["accountId", "referenceType", "referenceId"],
    ).select(
        KEY,
        debit=pl.when("is_debit").then("worth").otherwise(amount("debit")),
        credit=pl.when("is_debit").then(amount("credit")).otherwise("worth"),
    )  # fmt: skip


_READ = ("invoices", "payments", "bills", "accounts", _TABLE)
RULES = (
    GapRule(
        "ledger-references",
        "Entries book the document that their number tells",
        AUGMENT,
        _TABLE,
        ("referenceId",),
        _READ,
        lost_references,
        mends=("ledger-invoices", "ledger-payments"),
    ),
    GapRule(
        "ledger-amounts",
        "Entries come to no more than what they book",
        AUGMENT,
        _TABLE,
        ("debit", "credit"),
        _READ,
        lowered,
    ),
    GapRule(
        "fiscal-periods",
        "Days on which something is booked lie in a fiscal period",
        GAP_FILL,
        "fiscalPeriods",
        (),
        (*_READ, "fiscalPeriods"),
        periods,
        mends=("ledger-periods",),
    ),
    GapRule(
        "entry-period",
        "Entries are in the fiscal period of their day",
        AUGMENT,
        _TABLE,
        ("fiscalPeriodId",),
        (_TABLE, "fiscalPeriods"),
        entry_periods,
        mends=("ledger-periods",),
    ),
    GapRule(
        "ledger-entries",
        "Invoices, bills and payments are booked in full",
        GAP_FILL,
        _TABLE,
        (),
        (*_READ, "fiscalPeriods"),
        entries,
        mends=("ledger-invoices", "ledger-payments", "ledger-balance", "debits-equal-credits"),
    ),
)
