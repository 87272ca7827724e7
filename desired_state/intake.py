"""Intake: the sessions in which lots of selling clients are received, and the batches counted in each."""

import polars as pl

from desired_state import dates, money
from desired_state.blocks import code, expand
from desired_state.inventory import AWAITING
from desired_state.tables.inventory import INTAKE_SESSION_BATCHES, INTAKE_SESSIONS
from desired_state.trade import Trade
from reconcile.dataset import KEY, Dataset, conform

_OPENED, _COUNTED = 8 * 3_600, 16 * 3_600
_DONE_PERCENT = 80


def session_plan(trade: Trade) -> pl.DataFrame:
    """
    Give every session with its lot; four of five are completed, the newest in progress.

    A completed session is that of a lot whose bill is paid: what the session came to is what was billed and paid.
    One in progress waits for its goods, so nothing is counted yet.
    """
    place = pl.col("index") - pl.col("done")
    frame = expand(trade.blocks, "sessions").with_columns(done=pl.col("sessions_count") * _DONE_PERCENT // 100)
    frame = frame.with_columns(
        is_done=place < 0,
        rank=pl.when(place < 0).then(pl.col("index")).otherwise(place),
        session=code("INT-", pl.col("ordinal")),
    )
    columns = ("block", "is_done", "rank", "lot", "seller", "user", "terms", "day", "due_day", "total_cents")
    lots = pl.concat([_paid_lots(trade).select(columns), _awaited_lots(trade).select(columns)])
    return frame.select("block", "session", "is_done", "rank").join(
        lots, on=["block", "is_done", "rank"], how="left", maintain_order="left"
    )


def _paid_lots(trade: Trade) -> pl.DataFrame:
    """Rank the lots whose bill is paid, spread over all of them: as many ranks as there are completed sessions."""
    done = trade.blocks.select("block", done=pl.col("sessions_count") * _DONE_PERCENT // 100)
    lots = trade.lots.select("block", "lot", "day")
    paid = trade.bills.filter(pl.col("status") == "PAID").drop("day").join(lots, on="lot", maintain_order="left")
    paid = paid.with_columns(
        place=pl.int_range(pl.len()).over("block", order_by="index"), size=pl.len().over("block").cast(pl.Int64)
    ).join(done, on="block", maintain_order="left")
    wanted = done.with_columns(rank=pl.int_ranges(0, pl.col("done"))).explode("rank", empty_as_null=False)
    sizes = paid.select("block", "size").unique()
    chosen = wanted.join(sizes, on="block", maintain_order="left").select(
        "block", "rank", place=pl.col("rank") * pl.col("size") // pl.col("done")
    )
    return chosen.join(paid, on=["block", "place"], how="left", maintain_order="left").with_columns(
        is_done=pl.lit(value=True), seller="client"
    )


def _awaited_lots(trade: Trade) -> pl.DataFrame:
    """Rank the lots whose batches still wait for intake."""
    lots = trade.batches.filter(pl.col("stage") == AWAITING).unique("lot", keep="first", maintain_order=True)
    return lots.with_columns(
        is_done=pl.lit(value=False),
        rank=pl.int_range(pl.len()).over("block", order_by="index"),
        due_day=pl.lit(None, dtype=pl.Int64),
        total_cents=pl.lit(0, dtype=pl.Int64),
    )


def sessions(plan: pl.DataFrame) -> pl.DataFrame:
    """Give the intake_sessions table; goods are received the day after they arrive."""
    is_done = pl.col("is_done")
    day = pl.col("day") + pl.when(is_done).then(1).otherwise(0)
    counted = pl.when(is_done).then(dates.as_moment(day, _COUNTED))
    opened = dates.as_moment(day, _OPENED)
    notes = pl.when(is_done).then(pl.lit("Counted and agreed, lot ")).otherwise(pl.lit("Waiting to be counted, lot "))
    amount = money.decimal(pl.col("total_cents"))
    return conform(
        INTAKE_SESSIONS,
        plan.select(
            session_number="session",
            vendor_id="seller",
            status=pl.when(is_done).then(pl.lit("COMPLETED")).otherwise(pl.lit("IN_PROGRESS")),
            receive_date=dates.as_date(day),
            received_by="user",
            paymentTerms="terms",
            payment_due_date=dates.as_date(pl.col("due_day")),
            total_amount=amount,
            amount_paid=amount,
            internal_notes=pl.concat_str(notes, "lot"),
            receipt_generated=is_done,
            receipt_generated_at=counted,
            created_at=opened,
            updated_at=pl.coalesce(counted, opened),
            completed_at=counted,
        ),
    )


def session_batches(plan: pl.DataFrame, bill_lines: pl.DataFrame) -> pl.DataFrame:
    """Give the intake_session_batches table: what a completed session counted of each batch, at the price billed."""
    counted = plan.filter("is_done").select("session", "lot", "day")
    frame = counted.join(bill_lines.drop("day"), on="lot", how="inner", maintain_order="left_right")
    moment = dates.as_moment(pl.col("day") + 1, _COUNTED)
    return conform(
        INTAKE_SESSION_BATCHES,
        frame.select(
            intake_session_id="session",
            batch_id="batch",
            received_qty=money.decimal(pl.col("intake")),
            unit_cost=money.decimal(pl.col("cogs_cents")),
            total_cost=money.decimal(pl.col("line_cents")),
            created_at=moment,
            updated_at=moment,
        ),
    )


def deliverers(dataset: Dataset) -> pl.DataFrame:
    """
    Give the clients that an intake session names, as the application needs them: they sell.

    Returns:
        `_key` of the client and `is_seller`, always true.

    """
    named = dataset["intake_sessions"].select(pl.col("vendor_id").alias(KEY)).unique()
    return named.join(dataset["clients"].select(KEY), on=KEY, how="semi").with_columns(is_seller=pl.lit(value=True))
