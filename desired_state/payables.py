"""Payables: the bills of sellers for the lots we own, and the lines of each."""

import polars as pl

from desired_state import dates, money
from desired_state.blocks import expand, number
from desired_state.inventory import AWAITING, RECEIVED_PERCENT
from desired_state.settlement import IN_TIME, IN_TWO, LAST_PAYMENT_SECOND, LATE, NEVER, PARTLY
from desired_state.tables.finance import BILL_LINE_ITEMS, BILLS
from reconcile.dataset import conform, with_hash
from reconcile.fields import Draw
from reconcile.spec import Profile

HABITS = (NEVER,) * 2 + (PARTLY,) * 2 + (IN_TWO,) + (LATE,) * 3 + (IN_TIME,) * 12
"""How we pay, dealt round in turn to the bills."""

_BILL_SECOND = 13 * 3_600
_TERM_DAYS = {"COD": 0, "NET_15": 15, "NET_30": 30}
_APPROVED = 400


def billed_lots(blocks: pl.DataFrame, batches: pl.DataFrame) -> pl.DataFrame:
    """
    Choose the lots that are billed, one per bill and spread over those received.

    The rest is held on consignment: nothing is owed for it until it is sold.
    """
    # As many batches of a block are received as have a lower index than the first that waits for intake.
    received = (pl.col("batches_count") * RECEIVED_PERCENT + 99) // 100
    frame = expand(blocks, "bills").with_columns(batch_index=pl.col("index") * received // pl.col("bills_count"))
    lots = batches.select("block", "lot", "seller", "user", "terms", "day", batch_index="index")
    return frame.join(lots, on=["block", "batch_index"], how="left", maintain_order="left").with_columns(
        number=number(pl.col("ordinal")), document=pl.concat_str(pl.lit("BILL-"), number(pl.col("ordinal")))
    )


def bill_lines(billed: pl.DataFrame, batches: pl.DataFrame) -> pl.DataFrame:
    """Give a line for each received batch of a billed lot: document, product, quantity taken in and cost."""
    received = batches.filter(pl.col("stage") != AWAITING).select("lot", "batch", "product", "cogs_cents", "intake")
    return (
        billed.select("document", "lot", "day")
        .join(received, on="lot", how="inner", maintain_order="left_right")
        .with_columns(line_cents=money.line_cents(pl.col("intake"), pl.col("cogs_cents")))
    )


def bill_documents(billed: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Give the bills, dated at the first workday on which the goods were here."""
    totals = lines.group_by("document").agg(total_cents=pl.col("line_cents").sum())
    day = dates.to_workday_after(pl.col("day") + 1)
    return (
        billed.join(totals, on="document", how="left", maintain_order="left")
        .with_columns(term_days=pl.col("terms").replace_strict(_TERM_DAYS, return_dtype=pl.Int64), day=day)
        .select(
            "document", "number", "index", "lot", "user", "terms", "term_days", "day", "total_cents",
            client="seller", early_days="term_days", due_day=pl.col("day") + pl.col("term_days"),
        )
    )  # fmt: skip


def with_status(profile: Profile, settled: pl.DataFrame) -> pl.DataFrame:
    """Add the bill's status: PENDING or APPROVED where payments and dates decide nothing."""
    draw = Draw(profile.seed, "bills")
    unpaid = pl.when(draw.chance("status", _APPROVED)).then(pl.lit("APPROVED")).otherwise(pl.lit("PENDING"))
    return with_hash(settled, "document").with_columns(status=pl.coalesce("settled", unpaid))


def bills(bill_frame: pl.DataFrame) -> pl.DataFrame:
    """Give the bills table; the party billed by is a client that sells."""
    created = dates.as_moment(pl.col("day"), _BILL_SECOND)
    return conform(
        BILLS,
        bill_frame.select(
            "status",
            billNumber="document",
            vendorId="client",
            billDate=dates.as_date(pl.col("day")),
            dueDate=dates.as_date(pl.col("due_day")),
            subtotal=money.decimal(pl.col("total_cents")),
            totalAmount=money.decimal(pl.col("total_cents")),
            amountPaid=money.decimal(pl.col("paid_cents")),
            amountDue=money.decimal(pl.col("due_cents")),
            paymentTerms="terms",
            referenceType=pl.lit("LOT"),
            referenceId="lot",
            createdBy="user",
            createdAt=created,
            updatedAt=pl.coalesce(dates.as_moment(pl.col("last_paid_day"), LAST_PAYMENT_SECOND), created),
        ),
    )


def bill_line_items(bill_frame: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Give the billLineItems table."""
    frame = lines.drop("day").join(
        bill_frame.select("document", "day"), on="document", how="left", maintain_order="left"
    )
    return conform(
        BILL_LINE_ITEMS,
        frame.select(
            billId="document",
            productId="product",
            lotId="lot",
            description=pl.concat_str("product", pl.lit(" from lot "), "lot"),
            quantity=money.decimal(pl.col("intake")),
            unitPrice=money.decimal(pl.col("cogs_cents")),
            lineTotal=money.decimal(pl.col("line_cents")),
            createdAt=dates.as_moment(pl.col("day"), _BILL_SECOND),
        ),
    )
