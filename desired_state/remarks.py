"""Remarks: what people write about an order, client, batch or invoice, by the state that it is in."""

import polars as pl

from desired_state.sales import CANCELLED, CONVERTED, DRAFT, OPEN, QUOTED, SALE
from desired_state.trade import Trade
from reconcile.fields import Draw

TYPES = ("order", "client", "batch", "invoice")
SIZES = {
    "order": pl.col("orders_count"),
    "client": pl.col("whales_count") + pl.col("regulars_count"),
    "batch": pl.col("batches_count"),
    "invoice": pl.col("invoiced_count"),
}
"""How many rows of each type a block has."""

_LARGE, _SMALL = "large", "small"
_VARIANTS = 2
_DAYS_TO_ARRIVE, _DAYS_TO_CLOSE, _DAYS_TO_HOLD, _DAYS_TO_QUARANTINE = 4, 10, 10, 2

_REMARKS = (
    ("order", SALE, "The client confirmed that all boxes arrived.", "They want the same mix again next month."),
    ("order", OPEN, "Please pack the heavy boxes first.", "All lines are on the shelf, nothing is missing."),
    ("order", DRAFT, "Quantities are still open, the client comes back to us.", "Prices are checked, terms are not."),
    ("order", QUOTED, "The quote is out, they compare prices.", "They asked whether a smaller quantity costs more."),
    ("order", CONVERTED, "Accepted as it stands.", "The client took every line of this quote."),
    ("order", CANCELLED, "Cancelled by phone, the stock is free again.", "They want to order later in the season."),
    (
        "client",
        _LARGE,
        "Wants one delivery a week and one invoice for it.",
        "Asks for first choice of new indoor lots.",
    ),
    ("client", _SMALL, "Prefers small boxes, the back door is narrow.", "New buyer, used to paying on delivery."),
    ("batch", "LIVE", "Looks and smells as described.", "Sells well, keep two boxes for regular clients."),
    ("batch", "SOLD_OUT", "Gone; clients keep asking for it.", "The last box left complete."),
    ("batch", "CLOSED", "Counted to nothing and closed.", "Papers are filed, nothing is left to do."),
    ("batch", "ON_HOLD", "Held back until the count is repeated.", "Do not sell before the weight is checked."),
    ("batch", "QUARANTINED", "Waits for a second lab report.", "The label does not match the lab report."),
    ("batch", "AWAITING_INTAKE", "The grower says it is on its way.", "Keep a shelf in cold storage free."),
    ("batch", "PHOTOGRAPHY_COMPLETE", "Pictures are in, the price is not.", "The second picture is too dark."),
    ("invoice", "PAID", "Paid in full, nothing is open.", "The payment matches to the cent."),
    ("invoice", "PARTIAL", "The rest is promised for the end of the month.", "They ask to pay the rest in two parts."),
    ("invoice", "OVERDUE", "No answer to the first reminder.", "They say that the invoice never reached them."),
    ("invoice", "SENT", "Sent to the buying office, as they asked.", "Sent again with their order number on it."),
    ("invoice", "VIEWED", "They have seen it and have no questions.", "Seen; the payment run is on Thursday."),
)
"""Per kind of row and state two remarks."""
_CALLS = ("please have a look.", "can you take this over?", "for your information.")


def about(trade: Trade, today: int) -> pl.DataFrame:
    """
    List what can be commented on.

    Returns:
        Per row `block`, `type`, its `place` in block and type, its key `subject`, its `state` and `since_day`, the day
        before as-of on which it got there.

    """
    blocks = trade.orders.select("order", "block")
    invoices = trade.invoices.join(blocks, on="order", how="left", maintain_order="left")
    clients = trade.clients.sort("block", ~pl.col("is_whale"), "index")
    parts = (
        trade.orders.select(
            "block", type=pl.lit("order"), place="index", subject="order", state="kind", since_day=_order_day()
        ),
        clients.select(
            "block",
            type=pl.lit("client"),
            place=pl.int_range(pl.len()).over("block"),
            subject="code",
            state=pl.when("is_whale").then(pl.lit(_LARGE)).otherwise(pl.lit(_SMALL)),
            since_day="created_day",
        ),
        trade.batches.select(
            "block", type=pl.lit("batch"), place="index", subject="batch", state="status", since_day=_batch_day()
        ),
        invoices.select(
            "block", type=pl.lit("invoice"), place="index", subject="document", state="status", since_day=_invoice_day()
        ),
    )
    return pl.concat(parts).with_columns(since_day=pl.min_horizontal("since_day", today - 1))


def _order_day() -> pl.Expr:
    arrived = pl.when(pl.col("kind") == SALE).then(pl.col("invoice_day") + _DAYS_TO_ARRIVE)
    accepted = pl.when(pl.col("kind") == CONVERTED).then("sale_day")
    return pl.coalesce(arrived, accepted, "day")


def _batch_day() -> pl.Expr:
    days = {
        "AWAITING_INTAKE": pl.col("day"),
        "PHOTOGRAPHY_COMPLETE": pl.col("received_day") + 1,
        "QUARANTINED": pl.col("received_day") + _DAYS_TO_QUARANTINE,
        "ON_HOLD": pl.col("live_day") + _DAYS_TO_HOLD,
        "LIVE": pl.col("live_day"),
        "SOLD_OUT": pl.col("last_sale_day"),
        "CLOSED": pl.col("last_sale_day") + _DAYS_TO_CLOSE,
    }
    return pl.coalesce(pl.when(pl.col("status") == status).then(day) for status, day in days.items())


def _invoice_day() -> pl.Expr:
    overdue = pl.when(pl.col("status") == "OVERDUE").then("due_day")
    return pl.coalesce(overdue, "last_paid_day", "day")


def remark(draw: Draw, column: str) -> pl.Expr:
    """One of the remarks that go with the columns `type` and `state`."""
    kind = pl.concat_str("type", pl.lit(" "), "state")
    texts = [
        kind.replace_strict(
            [f"{name} {state}" for name, state, *_ in _REMARKS],
            [variants[number] for _, _, *variants in _REMARKS],
            return_dtype=pl.String,
        )
        for number in range(_VARIANTS)
    ]
    return pl.when(draw.integer(column, 0, _VARIANTS - 1) == 0).then(texts[0]).otherwise(texts[1])


def call(draw: Draw, column: str, name: pl.Expr) -> pl.Expr:
    """Words that draw the attention of the person called *name*."""
    return pl.concat_str(pl.lit("@"), name, pl.lit(", "), draw.choice(column, _CALLS))
