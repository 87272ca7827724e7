"""Settlement: when invoices and bills are paid, how much is still due, and the status that follows."""

from collections.abc import Sequence

import polars as pl

from desired_state import dates, money
from desired_state.people import staff
from desired_state.statics import OPERATING, RESERVE
from desired_state.tables.finance import PAYMENTS
from reconcile.dataset import conform, with_hash
from reconcile.fields import Draw, pick
from reconcile.spec import Profile

IN_TIME, LATE, IN_TWO, PARTLY, NEVER = "in time", "late", "in two", "partly", "never"
_METHODS = (("CHECK", 40), ("ACH", 30), ("WIRE", 15), ("CASH", 10), ("CREDIT_CARD", 5))
_BANK_ACCOUNTS = ((OPERATING, 9), (RESERVE, 1))
LAST_PAYMENT_SECOND = 18 * 3_600
_FIRST_PAYMENT_SECOND = 16 * 3_600 + 1_800
"""Payments are entered in the late afternoon, after the invoices of the day."""
_DAYS_TO_RECONCILE = 10
_RECONCILED = 700
_SPREAD = 7
"""Deals habits to neighbours in turn: it has no divisor in common with the number of habits."""


def payments_of(profile: Profile, documents: pl.DataFrame, prefix: str, habits: Sequence[str]) -> pl.DataFrame:
    """
    Give the payments made on *documents* before as-of.

    A document has `document`, `number`, `index`, `day`, `due_day`, `term_days`, `total_cents` and `early_days`, after
    which it is paid at the earliest. Habits are dealt round by index, so all of them occur at all ages.

    Returns:
        Per payment the columns of its document, `payment`, `part` (1 or 2), `paid_day` and `amount_cents`.

    """
    draw = Draw(profile.seed, f"payments.{prefix}")
    share = pl.col("total_cents") * draw.integer("share", 30, 70) // 100
    frame = with_hash(documents, "document").with_columns(habit=pick(pl.col("index") * _SPREAD % len(habits), habits))
    in_time = pl.col("day") + draw.integer("in_time", pl.col("early_days"), pl.col("term_days").clip(lower_bound=2))
    late = pl.col("due_day") + draw.integer("late", 1, 45)
    is_split = pl.col("habit").is_in([IN_TWO, PARTLY])
    first = frame.filter(pl.col("habit") != NEVER).with_columns(
        part=pl.lit(1),
        paid_day=pl.when(pl.col("habit") == LATE).then(late).otherwise(in_time),
        amount_cents=pl.when(is_split).then(share).otherwise("total_cents"),
    )
    second = frame.filter(pl.col("habit") == IN_TWO).with_columns(
        part=pl.lit(2),
        paid_day=pl.max_horizontal(in_time, pl.col("due_day")) + draw.integer("second", 1, 30),
        amount_cents=pl.col("total_cents") - share,
    )
    both = pl.concat([first, second]).with_columns(paid_day=dates.to_workday_after(pl.col("paid_day")))
    return both.filter(pl.col("paid_day") < dates.number(profile.as_of)).with_columns(
        payment=pl.concat_str(pl.lit(f"{prefix}-"), "number", pl.lit("-"), "part")
    )


def settle(profile: Profile, documents: pl.DataFrame, payments: pl.DataFrame) -> pl.DataFrame:
    """
    Add to *documents* what was paid, when last, what is due and `settled`, the status that follows.

    PAID when nothing is due, else PARTIAL when anything was paid, else OVERDUE when the due day has passed;
    null when none of them holds. A document paid in part stays PARTIAL past its due day: OVERDUE means
    unpaid.
    """
    paid = payments.group_by("document").agg(
        paid_cents=pl.col("amount_cents").sum(), last_paid_day=pl.col("paid_day").max()
    )
    return (
        documents.join(paid, on="document", how="left", maintain_order="left")
        .with_columns(pl.col("paid_cents").fill_null(0))
        .with_columns(due_cents=pl.col("total_cents") - pl.col("paid_cents"))
        .with_columns(
            settled=pl.when(pl.col("due_cents") == 0)
            .then(pl.lit("PAID"))
            .when(pl.col("paid_cents") > 0)
            .then(pl.lit("PARTIAL"))
            .when(pl.col("due_day") < dates.number(profile.as_of))
            .then(pl.lit("OVERDUE"))
        )
    )


def payment_rows(profile: Profile, payments: pl.DataFrame, payment_type: str) -> pl.DataFrame:
    """Give rows of the payments table: RECEIVED from the clients of invoices, SENT to the sellers of bills."""
    is_received = payment_type == "RECEIVED"
    draw = Draw(profile.seed, "payments")
    party, document = pl.col("client"), pl.col("document")
    paid_at = dates.as_moment(
        pl.col("paid_day"), draw.integer("createdAt.second", _FIRST_PAYMENT_SECOND, LAST_PAYMENT_SECOND)
    )
    is_settled = pl.col("paid_day") <= dates.number(profile.as_of) - _DAYS_TO_RECONCILE
    is_reconciled = is_settled & draw.chance("isReconciled", _RECONCILED)
    reconciled_at = pl.when(is_reconciled).then(
        dates.as_moment(pl.col("paid_day") + draw.integer("reconciledAt", 1, 7), 10 * 3_600)
    )
    none = pl.lit(None, dtype=pl.String)
    return conform(
        PAYMENTS,
        with_hash(payments, "payment").select(
            paymentNumber="payment",
            paymentType=pl.lit(payment_type),
            paymentDate=dates.as_date(pl.col("paid_day")),
            amount=money.decimal(pl.col("amount_cents")),
            paymentMethod=draw.weighted("paymentMethod", _METHODS),
            referenceNumber=pl.concat_str(
                pl.lit("REF-"), draw.integer("referenceNumber", 100_000, 999_999).cast(pl.String)
            ),
            bankAccountId=draw.weighted("bankAccountId", _BANK_ACCOUNTS),
            customerId=party if is_received else none,
            vendorId=none if is_received else party,
            invoiceId=document if is_received else none,
            billId=none if is_received else document,
            isReconciled=is_reconciled,
            reconciledAt=reconciled_at,
            createdBy=staff(draw, "createdBy"),
            createdAt=paid_at,
            updatedAt=pl.coalesce(reconciled_at, paid_at),
        ),
    )
