"""Samples: what clients asked to try, what became of it, and the orders that followed."""

import polars as pl

from desired_state import dates, money
from desired_state.actors import PACKERS
from desired_state.blocks import expand
from desired_state.clientele import with_client
from desired_state.people import staff
from desired_state.sales import OPEN, SALE
from desired_state.tables.inventory import SAMPLE_REQUESTS
from desired_state.trade import Trade
from reconcile.dataset import conform, with_hash
from reconcile.fields import Draw, pick
from reconcile.spec import Profile

_PENDING, _FULFILLED, _CANCELLED = STATUSES = ("PENDING", "FULFILLED", "CANCELLED")
_DAYS_TO_EXPIRE = 30
_HANDED_OUT = 13 * 3_600
_NOTES = (
    "Wants to compare it with what is on the shelf now",
    "Asked for a sample before the next large order",
    "For the buyer to try with the team",
    "New on our list, not tried by this client yet",
)
_REASONS = (
    "The client chose another product",
    "The batch sold out before the sample was packed",
    "Asked for twice by mistake",
)


def sample_requests(profile: Profile, trade: Trade) -> pl.DataFrame:
    """
    Give the sampleRequests table; a third each is pending, fulfilled and cancelled.

    A client asks for one to three products that have been on sale for weeks. The cost is that of the goods. The first
    order of the client after a sample was handed out counts as its result.
    """
    draw = Draw(profile.seed, "sampleRequests")
    frame = with_hash(with_client(expand(trade.blocks, "samples").drop("ordinal"), trade, step=13), "client")
    frame = frame.with_columns(status=pick(pl.col("index") % len(STATUSES), STATUSES))
    is_pending, is_fulfilled, is_cancelled = (pl.col("status") == status for status in STATUSES)
    frame = frame.with_columns(
        day=dates.number(profile.as_of)
        - pl.when(is_pending).then(draw.integer("requestDate", 1, 10)).otherwise(draw.integer("requestDate", 15, 60)),
        second=draw.integer("requestDate.second", 8 * 3_600, 12 * 3_600),
    ).with_columns(closed_day=pl.col("day") + draw.integer("fulfilledDate", 1, 5))
    frame = _with_result(_with_items(frame, trade, draw), trade)
    requested = dates.as_moment(pl.col("day"), pl.col("second"))
    closed = dates.as_moment(pl.col("closed_day"), _HANDED_OUT)
    expires = dates.as_moment(pl.col("closed_day") + _DAYS_TO_EXPIRE, _HANDED_OUT)
    return conform(
        SAMPLE_REQUESTS,
        frame.select(
            "products",
            clientId="client",
            requestedBy=staff(draw, "requestedBy"),
            requestDate=requested,
            sampleRequestStatus="status",
            fulfilledDate=pl.when(is_fulfilled).then(closed),
            fulfilledBy=pl.when(is_fulfilled).then(draw.choice("fulfilledBy", PACKERS)),
            cancelledDate=pl.when(is_cancelled).then(closed),
            cancelledBy=pl.when(is_cancelled).then(staff(draw, "cancelledBy")),
            cancellationReason=pl.when(is_cancelled).then(draw.choice("cancellationReason", _REASONS)),
            notes=draw.choice("notes", _NOTES),
            totalCost=money.decimal(pl.col("cost_cents")),
            relatedOrderId=pl.when(is_fulfilled).then("order"),
            conversionDate=pl.when(is_fulfilled).then("ordered_at"),
            sampleLocation=pl.when(is_fulfilled).then(pl.lit("WITH_CLIENT")).otherwise(pl.lit("WAREHOUSE")),
            expirationDate=pl.when(is_fulfilled).then(expires),
            createdAt=requested,
            updatedAt=pl.when(is_pending).then(requested).otherwise(closed),
        ),
    )


def _with_items(requests: pl.DataFrame, trade: Trade, draw: Draw) -> pl.DataFrame:
    """Add `products`, the JSON list of what is asked for, and `cost_cents`, what the goods cost us."""
    live = trade.batches.filter(pl.col("status") == "LIVE").select(
        "block",
        "product",
        "is_flower",
        "cogs_cents",
        rank=pl.int_range(pl.len()).over("block", order_by="index"),
        pool_size=pl.len().over("block").cast(pl.Int64),
    )
    sizes = live.select("block", "pool_size").unique()
    # The middle of the list: on sale for weeks. Neighbours in it are different products.
    first = draw.integer("products", pl.col("pool_size") // 4, pl.col("pool_size") * 3 // 5)
    lines = (
        requests.join(sizes, on="block", how="left", maintain_order="left")
        .with_columns(rank=pl.int_ranges(first, first + draw.integer("products.count", 1, 3)))
        .explode("rank", empty_as_null=False)
        .join(live.drop("pool_size"), on=["block", "rank"], how="left", maintain_order="left")
        .with_columns(quantity=pl.when("is_flower").then(25).otherwise(100).cast(pl.Int64))
    )
    item = pl.concat_str(
        pl.lit('{"productId":"'), "product", pl.lit('","quantity":"'), money.shortest(pl.col("quantity")), pl.lit('"}')
    )
    baskets = lines.group_by("client").agg(
        products=pl.concat_str(pl.lit("["), item.str.join(","), pl.lit("]")),
        cost_cents=money.line_cents(pl.col("quantity"), pl.col("cogs_cents")).sum(),
    )
    return requests.join(baskets, on="client", how="left", maintain_order="left")


def _with_result(requests: pl.DataFrame, trade: Trade) -> pl.DataFrame:
    """Add the first sale to the client after the day its request was closed, and when it was made; null if none."""
    sales = trade.orders.filter(pl.col("kind").is_in([SALE, OPEN])).select(
        "client", "order", ordered_day="day", ordered_at=dates.as_moment(pl.col("day"), pl.col("second"))
    )
    later = requests.select("client", "closed_day").join(sales, on="client", how="inner")
    first = (
        later.filter(pl.col("ordered_day") > pl.col("closed_day"))
        .sort("ordered_at", "order")
        .group_by("client", maintain_order=True)
        .agg(pl.col("order", "ordered_at").first())
    )
    return requests.join(first, on="client", how="left", maintain_order="left")
