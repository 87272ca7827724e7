"""Static tables of the warehouse and the books: the same few rows in every dataset."""

from datetime import date

import polars as pl

from desired_state import dates
from desired_state.actors import ADMIN
from desired_state.tables.finance import ACCOUNTS, BANK_ACCOUNTS, FISCAL_PERIODS
from desired_state.tables.inventory import LOCATIONS, WORKFLOW_STATUSES
from reconcile.dataset import conform
from reconcile.spec import Profile

STATUSES = (
    ("awaiting-intake", "Awaiting Intake", "#FFA500"),
    ("in-photography", "In Photography", "#3B82F6"),
    ("photography-complete", "Photography Complete", "#10B981"),
    ("live", "Live", "#22C55E"),
    ("on-hold", "On Hold", "#EAB308"),
    ("quarantined", "Quarantined", "#EF4444"),
    ("sold-out", "Sold Out", "#6B7280"),
    ("closed", "Closed", "#1F2937"),
)
_LOCATIONS = (
    ("Main Warehouse", "A", "1", "1", "1"),
    ("Main Warehouse", "A", "1", "2", "1"),
    ("Main Warehouse", "A", "2", "1", "1"),
    ("Main Warehouse", "B", "1", "1", "1"),
    ("Main Warehouse", "B", "1", "2", "1"),
    ("Cold Storage", "C", "1", "1", "1"),
    ("Cold Storage", "C", "1", "2", "1"),
    ("Vault", "V", "1", "1", "1"),
)

CASH, RECEIVABLE, INVENTORY, PAYABLE, REVENUE, COGS = "1000", "1100", "1200", "2000", "4000", "5000"
_ACCOUNTS = (
    (CASH, "Cash", "ASSET", "DEBIT"),
    (RECEIVABLE, "Accounts Receivable", "ASSET", "DEBIT"),
    (INVENTORY, "Inventory", "ASSET", "DEBIT"),
    (PAYABLE, "Accounts Payable", "LIABILITY", "CREDIT"),
    ("3000", "Owner's Equity", "EQUITY", "CREDIT"),
    ("3100", "Retained Earnings", "EQUITY", "CREDIT"),
    (REVENUE, "Sales Revenue", "REVENUE", "CREDIT"),
    (COGS, "Cost of Goods Sold", "EXPENSE", "DEBIT"),
    ("5100", "Operating Expenses", "EXPENSE", "DEBIT"),
)
OPERATING = "Operating Account"
RESERVE = "Reserve Account"
_BANK_ACCOUNTS = (
    (OPERATING, "CHECKING", 1_250_000, "000100"),
    ("Payroll Account", "CHECKING", 350_000, "000200"),
    (RESERVE, "SAVINGS", 500_000, "000300"),
    ("Business Credit Card", "CREDIT_CARD", -25_000, "000400"),
)

_MONTHS_BACK = 12
_DAYS_TO_CLOSE = 10


def workflow_statuses(profile: Profile) -> pl.DataFrame:
    """Give the eight statuses in the order a batch goes through them."""
    frame = pl.DataFrame(STATUSES, schema=["slug", "name", "color"], orient="row").with_columns(
        order=pl.int_range(1, len(STATUSES) + 1)
    )
    return conform(WORKFLOW_STATUSES, _dated(frame, profile))


def locations(profile: Profile) -> pl.DataFrame:
    """Give the eight places where stock stands."""
    frame = pl.DataFrame(_LOCATIONS, schema=["site", "zone", "rack", "shelf", "bin"], orient="row")
    return conform(LOCATIONS, _dated(frame, profile))


def accounts(profile: Profile) -> pl.DataFrame:
    """Give the chart of accounts that the application books to."""
    frame = pl.DataFrame(
        _ACCOUNTS, schema=["accountNumber", "accountName", "accountType", "normalBalance"], orient="row"
    )
    return conform(ACCOUNTS, _dated(frame, profile))


def bank_accounts(profile: Profile) -> pl.DataFrame:
    """Give the four bank accounts, known by their name; all stand for the one Cash account of the books."""
    frame = pl.DataFrame(
        _BANK_ACCOUNTS, schema=["accountName", "accountType", "currentBalance", "accountNumber"], orient="row"
    ).with_columns(
        bankName=pl.lit("Example Savings & Trust"),
        ledgerAccountId=pl.when(pl.col("accountType") != "CREDIT_CARD").then(pl.lit(CASH)),
    )
    return conform(BANK_ACCOUNTS, _dated(frame, profile))


def fiscal_periods(profile: Profile) -> pl.DataFrame:
    """
    Give the month of as-of and the twelve before it, which no entry precedes.

    A month is closed ten days after its end; later ones are open.
    """
    months = [_month_before(profile.as_of, back) for back in range(_MONTHS_BACK, -1, -1)]
    start = pl.col("startDate")
    frame = pl.DataFrame({"startDate": months}).with_columns(endDate=start.dt.month_end())
    closed_day = pl.col("endDate").cast(pl.Int64) + _DAYS_TO_CLOSE
    is_closed = closed_day < dates.number(profile.as_of)
    closed_at = pl.when(is_closed).then(dates.as_moment(closed_day, 17 * 3_600))
    created = dates.as_moment(start.cast(pl.Int64))
    return conform(
        FISCAL_PERIODS,
        frame.select(
            "startDate",
            "endDate",
            periodName=period_name(start),
            fiscalYear=start.dt.year(),
            status=pl.when(is_closed).then(pl.lit("CLOSED")).otherwise(pl.lit("OPEN")),
            closedAt=closed_at,
            closedBy=pl.when(is_closed).then(pl.lit(ADMIN)),
            createdAt=created,
            updatedAt=pl.coalesce(closed_at, created),
        ),
    )


def period_name(day: pl.Expr) -> pl.Expr:
    """The name, and natural key, of the fiscal period that *day* (a Date) falls in: `2026-01`."""
    return day.dt.to_string("%Y-%m")


def _month_before(day: date, back: int) -> date:
    months = day.year * 12 + day.month - 1 - back
    return date(months // 12, months % 12 + 1, 1)


def _dated(frame: pl.DataFrame, profile: Profile) -> pl.DataFrame:
    moment = dates.go_live(profile.as_of)
    return frame.with_columns(createdAt=moment, updatedAt=moment)
