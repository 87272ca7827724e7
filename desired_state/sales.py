"""Orders: who orders, when, and on which terms. What an order asks for is in `baskets`."""

import polars as pl

from desired_state import dates
from desired_state.blocks import code, expand
from desired_state.people import staff
from reconcile.dataset import with_hash
from reconcile.fields import Draw
from reconcile.spec import Profile

SALE, OPEN, DRAFT, QUOTED, CONVERTED, CANCELLED = "sale", "open", "draft", "quoted", "converted", "cancelled"
QUOTES = (DRAFT, QUOTED, CONVERTED)

_CYCLE = 16
_REST = {0: DRAFT, 8: DRAFT, 1: CONVERTED, 9: QUOTED, 2: CANCELLED}
"""The kinds of the orders that are not invoiced, by their place in a cycle of sixteen; all others are open."""
_SALES_PER_QUOTE = 3
"""The n-th order that is not invoiced, if it is a converted quote, became the sale with this many times n."""

_OLDEST_ORDER_AGE = 168
_ORDER_SPAN = 159
_AGES = {OPEN: (1, 6), DRAFT: (1, 14), QUOTED: (2, 20), CANCELLED: (10, 90)}
_WHALE_ORDERS = 700
_WEEKEND_ORDERS_KEPT = 150
_OFFICE_HOURS = (8 * 3_600 + 1_800, 17 * 3_600)
_SHIPPING_SECONDS = 7 * 3_600
_SHIPPING_STEP = 7_919


def order_plan(profile: Profile, blocks: pl.DataFrame, clients: pl.DataFrame) -> pl.DataFrame:
    """
    Give every order with its kind, client, terms and days.

    The first orders of a block are invoiced, oldest first; the rest are open sales of the last days, quotes and
    cancelled sales. Every sixteenth of the rest is a quote that became one of the invoiced sales.
    """
    draw = Draw(profile.seed, "orders")
    rest = pl.col("index") - pl.col("invoiced_count")
    frame = expand(blocks, "orders").with_columns(kind=_kind(rest))
    frame = frame.with_columns(
        basket_index=pl.when(pl.col("kind") == CONVERTED).then(rest * _SALES_PER_QUOTE).otherwise(pl.col("index")),
        order=pl.when(pl.col("kind").is_in(QUOTES))
        .then(code("QUO-", pl.col("ordinal")))
        .otherwise(code("ORD-", pl.col("ordinal"))),
    ).with_columns(basket=code("ORD-", pl.col("orders_first") + pl.col("basket_index")))
    frame = with_hash(frame, "basket").with_columns(
        is_invoiced=pl.col("kind") == SALE,
        client=_client(draw),
        sale_day=_sale_day(profile, draw),
        user=staff(draw, "created_by"),
        second=draw.integer("created_at.second", *_OFFICE_HOURS),
        ship_second=9 * 3_600 + pl.col("ordinal") * _SHIPPING_STEP % _SHIPPING_SECONDS,
    )
    terms = clients.select("terms", "term_days", "is_whale", client="code")
    frame = frame.join(terms, on="client", how="left", maintain_order="left").with_columns(
        day=pl.when(pl.col("kind") == CONVERTED)
        .then(dates.to_workday_before(pl.col("sale_day") - draw.integer("quoted", 1, 4)))
        .otherwise("sale_day"),
        line_count=pl.when(pl.col("is_whale"))
        .then(draw.integer("lines", 3, 10))
        .otherwise(draw.integer("lines", 1, 5)),
        invoice_day=pl.when("is_invoiced").then(
            dates.to_workday_after(pl.col("sale_day") + draw.integer("shipped", 1, 3))
        ),
    )
    quotes = frame.filter(pl.col("kind") == CONVERTED).select("basket", quote="order")
    return frame.with_columns(due_day=pl.col("invoice_day") + pl.col("term_days")).join(
        quotes, on="basket", how="left", maintain_order="left"
    )


def _kind(rest: pl.Expr) -> pl.Expr:
    place = (rest % _CYCLE).replace_strict(_REST, default=OPEN, return_dtype=pl.String)
    return pl.when(rest < 0).then(pl.lit(SALE)).otherwise(place)


def _client(draw: Draw) -> pl.Expr:
    # The smaller of two draws: the first whales of a block buy most.
    whale = pl.min_horizontal(
        draw.integer("client_id.whale", 0, pl.col("whales_count") - 1),
        draw.integer("client_id.whale.again", 0, pl.col("whales_count") - 1),
    )
    regular = draw.integer("client_id.regular", 0, pl.col("regulars_count") - 1)
    return (
        pl.when(draw.chance("client_id", _WHALE_ORDERS))
        .then(code("WHL", pl.col("whales_first") + whale, 4))
        .otherwise(code("REG", pl.col("regulars_first") + regular, 4))
    )


def _sale_day(profile: Profile, draw: Draw) -> pl.Expr:
    # Spread evenly over the period; most of what falls on a weekend moves to a workday of the same week.
    age = (
        _OLDEST_ORDER_AGE
        - pl.col("basket_index") * _ORDER_SPAN // pl.col("invoiced_count")
        - draw.integer("created_at", 0, 1)
    )
    for kind, (low, high) in _AGES.items():
        age = pl.when(pl.col("kind") == kind).then(draw.integer(f"created_at.{kind}", low, high)).otherwise(age)
    day = dates.number(profile.as_of) - age
    workday = (
        pl.when(pl.col("kind").is_in([SALE, CONVERTED]))
        .then(dates.to_workday_of_week(day, draw.integer("created_at.workday", 0, 4)))
        .otherwise(dates.to_workday_before(day))
    )
    return pl.when(draw.chance("created_at.weekend", _WEEKEND_ORDERS_KEPT)).then(day).otherwise(workday)
