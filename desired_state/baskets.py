"""Baskets: which batches an order takes, how much of each and at what price; a quote and its sale share one."""

import polars as pl

from desired_state import money
from desired_state.catalogue import MARGINS
from desired_state.inventory import LIVE, SELLABLE
from desired_state.sales import CONVERTED, SALE
from reconcile.dataset import with_hash
from reconcile.fields import Draw
from reconcile.spec import Profile

_DAYS_ON_SALE = 7
"""Days a batch is on sale before an order may take it; more than a quote waits to become a sale."""
_MANUAL_MARGIN = (15_00, 32_00)
_MANUAL_WHALE, _MANUAL_REGULAR = 300, 100
_WHALE_POUND_QUARTERS, _REGULAR_POUND_QUARTERS = (4, 60), (1, 24)
_WHALE_PIECES, _REGULAR_PIECES = (10, 120), (2, 40)


def line_plan(profile: Profile, orders: pl.DataFrame, batches: pl.DataFrame) -> pl.DataFrame:
    """
    Give every order line with batch, quantity (hundredths) and prices; the lines of an order stand by batch
    code.

    An order takes neighbours in the list of batches on sale, so it has no batch twice. Open orders and quotes
    take only batches that stay live; shipped ones may take the last of a batch.
    """
    pools = _pools(batches)
    lines = (
        _with_pool(profile, orders, pools)
        .with_columns(line=pl.int_ranges(0, pl.col("line_count")))
        .explode("line", empty_as_null=False)
        .with_columns(rank=(pl.col("first_rank") + pl.col("line")) % pl.col("pool_size"))
        .join(pools, on=["block", "is_open", "rank"], how="left", maintain_order="left")
        .sort("block", "index", "batch")
        .with_columns(line_key=pl.concat_str("basket", "batch", separator="|"))
    )
    return _priced(with_hash(lines, "line_key"), Draw(profile.seed, "order_line_items"))


def _pools(batches: pl.DataFrame) -> pl.DataFrame:
    columns = ("block", "batch", "product", "category", "is_flower", "cogs_cents", "live_day", "stage", "index")
    sellable = batches.filter(pl.col("stage").is_in(SELLABLE)).select(columns).sort("block", "live_day", "index")
    stays_live = sellable.filter(pl.col("stage") == LIVE)
    both = pl.concat([sellable.with_columns(is_open=pl.lit(False)), stays_live.with_columns(is_open=pl.lit(True))])
    return both.with_columns(rank=pl.int_range(pl.len()).over("block", "is_open")).drop("stage", "index")


def _with_pool(profile: Profile, orders: pl.DataFrame, pools: pl.DataFrame) -> pl.DataFrame:
    """Give each order the number of batches on sale in time for it, and where among them its basket begins."""
    growth = (
        pools.group_by("block", "is_open", "live_day").agg(pool_size=pl.col("rank").max() + 1).sort("live_day", "block")
    )
    wanted = orders.select(
        "block", "index", "order", "basket", "kind", "is_whale", "is_invoiced", "line_count", "user",
        "day", "second", "invoice_day", "ship_second",
        is_open=~pl.col("kind").is_in([SALE, CONVERTED]),
        until_day=pl.col("sale_day") - _DAYS_ON_SALE,
    )  # fmt: skip
    # The frame goes through sort, so polars cannot see per group what sorting guarantees overall.
    pooled = wanted.sort("until_day").join_asof(
        growth, left_on="until_day", right_on="live_day", by=["block", "is_open"], check_sortedness=False
    )
    draw = Draw(profile.seed, "baskets")
    return with_hash(pooled.sort("block", "index"), "basket").with_columns(
        first_rank=draw.integer("first", 0, pl.col("pool_size") - 1)
    )


def _priced(lines: pl.DataFrame, draw: Draw) -> pl.DataFrame:
    is_whale = pl.col("is_whale")
    margins = {category: percent * 100 for category, percent in MARGINS.items()}
    quarters = (
        pl.when(is_whale)
        .then(draw.integer("quantity", *_WHALE_POUND_QUARTERS))
        .otherwise(draw.integer("quantity", *_REGULAR_POUND_QUARTERS))
    )
    pieces = (
        pl.when(is_whale)
        .then(draw.integer("quantity", *_WHALE_PIECES))
        .otherwise(draw.integer("quantity", *_REGULAR_PIECES))
    )
    manual_share = pl.when(is_whale).then(_MANUAL_WHALE).otherwise(_MANUAL_REGULAR)
    return (
        lines.with_columns(
            is_manual=draw.chance("margin_source", manual_share),
            quantity=pl.when(pl.col("is_flower")).then(quarters * 25).otherwise(pieces * 100),
        )
        .with_columns(
            margin=pl.when(pl.col("is_manual"))
            .then(draw.integer("margin_percent", *_MANUAL_MARGIN))
            .otherwise(pl.col("category").replace_strict(margins, return_dtype=pl.Int64))
        )
        .with_columns(price_cents=_exact_price(money.price_cents(pl.col("cogs_cents"), pl.col("margin"))))
        .with_columns(
            line_cents=money.line_cents(pl.col("quantity"), pl.col("price_cents")),
            line_cogs=pl.col("quantity") * pl.col("cogs_cents"),
        )
    )


def _exact_price(price_cents: pl.Expr) -> pl.Expr:
    """Bring the price of what is sold by quarters to a multiple of four cents: no line total is rounded then."""
    return pl.when(pl.col("is_flower")).then(money.divide(price_cents, 4) * 4).otherwise(price_cents)


def order_totals(lines: pl.DataFrame) -> pl.DataFrame:
    """
    Sum the lines of each order.

    Returns:
        Per order total_cents, total_cogs (in units of 0.0001), margin_cents, margin_percent (hundredths) and
        items, the JSON document that repeats the lines.

    """
    totals = (
        lines.with_columns(item=_item_json())
        .group_by("order", maintain_order=True)
        .agg(
            total_cents=pl.col("line_cents").sum(),
            total_cogs=pl.col("line_cogs").sum(),
            items=pl.col("item").str.join(","),
        )
    )
    margin = pl.col("total_cents") - money.divide(pl.col("total_cogs"), 100)
    return totals.with_columns(
        margin_cents=margin, items=pl.concat_str(pl.lit("["), "items", pl.lit("]"))
    ).with_columns(margin_percent=money.percent_hundredths(pl.col("margin_cents"), pl.col("total_cents")))


def _item_json() -> pl.Expr:
    # Keys in alphabetical order and numbers in shortest form: the canonical text of a JSON column.
    return pl.concat_str(
        pl.lit('{"batchId":"'),
        "batch",
        pl.lit('","lineCogs":'),
        money.shortest(pl.col("line_cogs"), 4),
        pl.lit(',"lineTotal":'),
        money.shortest(pl.col("line_cents")),
        pl.lit(',"marginPercent":'),
        money.shortest(pl.col("margin")),
        pl.lit(',"productId":"'),
        "product",
        pl.lit('","quantity":'),
        money.shortest(pl.col("quantity")),
        pl.lit(',"unitCogs":'),
        money.shortest(pl.col("cogs_cents")),
        pl.lit(',"unitPrice":'),
        money.shortest(pl.col("price_cents")),
        pl.lit("}"),
    )
