"""Matters: for each theme the rows of the trade that something is to be done about, or was done of late."""

import polars as pl

from desired_state import dates, themes
from desired_state.inventory import AWAITING, HELD, QUARANTINED, SELLABLE
from desired_state.sales import CONVERTED, DRAFT, OPEN, QUOTED
from desired_state.trade import Trade

_KNOWN_DAYS = 400
"""So many days ago every vendor was known already."""
_DAYS_TO_HOLD = 10
_DAYS_TO_DELIVER = 3
_RECENT_DAYS = 90
"""What was settled longer ago is of no interest any more."""
_COLUMNS = {
    "block": pl.Int64,
    "subject": pl.String,
    "party": pl.String,
    "client": pl.String,
    "vendor": pl.String,
    "since_day": pl.Int64,
    "due_day": pl.Int64,
    "end_day": pl.Int64,
    "is_done": pl.Boolean,
    "is_urgent": pl.Boolean,
}


def receivables(trade: Trade, names: pl.DataFrame, today: int) -> pl.DataFrame:
    """Give the invoices that are due, and those paid after the day they were written."""
    blocks = trade.orders.select("order", "block")
    invoices = trade.invoices.join(blocks, on="order", how="left", maintain_order="left").join(
        names, on="client", how="left", maintain_order="left"
    )
    return _ranked(themes.RECEIVABLE, "invoice", _settled(invoices, today).with_columns(party="name"), "due_day")


def payables(trade: Trade, today: int) -> pl.DataFrame:
    """Give the bills that are due, and those paid after the day they came, with the vendor of their goods."""
    lots = trade.lots.select("lot", "block", "vendor")
    bills = trade.bills.join(lots, on="lot", how="left", maintain_order="left")
    return _ranked(themes.PAYABLE, "bill", _settled(bills, today).with_columns(party="vendor"), "due_day")


def clients(trade: Trade, names: pl.DataFrame) -> pl.DataFrame:
    """Give all clients, the large ones first."""
    named = trade.clients.rename({"code": "client"}).join(names, on="client", how="left", maintain_order="left")
    matters = named.with_columns(subject="client", party="name", since_day="created_day")
    return _ranked(themes.CLIENT, "client", matters, ~pl.col("is_whale"))


def vendors(trade: Trade, today: int) -> pl.DataFrame:
    """Give all vendors."""
    known = pl.lit(today - _KNOWN_DAYS, dtype=pl.Int64)
    matters = trade.vendors.with_columns(subject="vendor", party="vendor", since_day=known)
    return _ranked(themes.VENDOR, "vendor", matters)


def deliveries(sales: pl.DataFrame, today: int) -> pl.DataFrame:
    """Give the open sales, and those delivered; they arrived within three days of leaving."""
    is_done = pl.col("fulfillmentStatus") == "DELIVERED"
    arrived = pl.col("invoice_day") + 1 + pl.col("index") % _DAYS_TO_DELIVER
    matters = sales.filter((pl.col("kind") == OPEN) | is_done).with_columns(
        subject="order",
        party="name",
        since_day="day",
        due_day=pl.lit(None, dtype=pl.Int64),
        end_day=pl.when(is_done).then(arrived),
        is_done=is_done,
    )
    return _ranked(themes.DELIVERY, "order", matters.filter(_is_recent(today)), "day")


def quotes(sales: pl.DataFrame) -> pl.DataFrame:
    """Give the quotes that nobody has decided on, due on their last workday, and those that became a sale."""
    is_done = pl.col("kind") == CONVERTED
    matters = sales.filter(pl.col("kind").is_in([DRAFT, QUOTED, CONVERTED])).with_columns(
        subject="order",
        party="name",
        since_day="day",
        due_day=dates.to_workday_before(pl.col("valid_until").cast(pl.Int64)),
        end_day=pl.when(is_done).then("sale_day"),
        is_done=is_done,
    )
    return _ranked(themes.QUOTE, "order", matters, "day")


def intakes(trade: Trade, today: int) -> pl.DataFrame:
    """Give the lots of which a batch is still to come, and those that are all here."""
    lots = (
        trade.batches.sort("block", "index")
        .group_by("block", "lot", maintain_order=True)
        .agg(
            pl.col("index", "day", "received_day").first(),
            is_done=(pl.col("stage") != AWAITING).all(),
            party=pl.col("vendor").first(),
        )
    )
    matters = lots.with_columns(subject="lot", since_day="day", end_day=pl.when("is_done").then("received_day"))
    return _ranked(themes.INTAKE, "lot", matters.filter(_is_recent(today)), "day")


def photographs(trade: Trade, today: int) -> pl.DataFrame:
    """Give the batches still to come, and the others; they were photographed the day after they arrived."""
    is_done = pl.col("stage") != AWAITING
    matters = _batches(trade).with_columns(
        since_day="day", end_day=pl.when(is_done).then(pl.col("received_day") + 1), is_done=is_done
    )
    return _ranked(themes.PHOTOGRAPHY, "batch", matters.filter(_is_recent(today)), "day")


def samples(trade: Trade) -> pl.DataFrame:
    """Give the batches on sale, first those that samples were taken of, newest first."""
    matters = _batches(trade).filter(pl.col("status") == "LIVE").with_columns(since_day="live_day")
    return _ranked(themes.SAMPLES, "batch", matters, pl.col("sampled") == 0, -pl.col("live_day"))


def inspections(trade: Trade) -> pl.DataFrame:
    """Give the batches on hold or in quarantine, and after them those that are or were on sale."""
    is_held = pl.col("stage").is_in([HELD, QUARANTINED])
    matters = (
        _batches(trade)
        .filter(is_held | pl.col("stage").is_in(SELLABLE))
        .with_columns(since_day=pl.col("live_day") + _DAYS_TO_HOLD, is_urgent=is_held)
    )
    return _ranked(themes.COMPLIANCE, "batch", matters, ~is_held)


def _batches(trade: Trade) -> pl.DataFrame:
    return trade.batches.with_columns(subject="batch", party="product")


def _is_recent(today: int) -> pl.Expr:
    return pl.col("end_day").is_null() | (pl.col("end_day") >= today - _RECENT_DAYS)


def _settled(documents: pl.DataFrame, today: int) -> pl.DataFrame:
    is_done = pl.col("due_cents") == 0
    marked = documents.with_columns(
        subject="document",
        since_day="day",
        end_day=pl.when(is_done).then("last_paid_day"),
        is_done=is_done,
        is_urgent=~is_done & (pl.col("due_day") < today),
    )
    return marked.filter(~is_done | (pl.col("end_day") > pl.col("day")), _is_recent(today))


def _ranked(theme: str, subject_type: str, matters: pl.DataFrame, *order: str | pl.Expr) -> pl.DataFrame:
    """Count the subjects of a theme in each block: what waits in the given order, then what is done by its day."""
    # polars sorts false before true and null before both.
    missing = {name: pl.lit(None, dtype=dtype) for name, dtype in _COLUMNS.items() if name not in matters.columns}
    return (
        matters.with_columns(**missing)
        .sort("block", "is_done", "end_day", *order, "index")
        .select(
            *(pl.col(name).cast(dtype) for name, dtype in _COLUMNS.items()),
            theme=pl.lit(theme),
            subject_type=pl.lit(subject_type),
            rank=pl.int_range(pl.len()).over("block"),
            size=pl.len().cast(pl.Int64).over("block"),
        )
    )
