"""Lines for orders that have none: from the order's own items, else from goods on sale that sum to its total."""

import polars as pl

from desired_state import dates, money
from desired_state.catalogue import MARGINS
from desired_state.gaps.frames import GAP_FILL, divide, nothing, units
from desired_state.gaps.items import read_items
from desired_state.rules.report import alive
from desired_state.tables.sales import ORDER_LINE_ITEMS
from reconcile.dataset import KEY, Dataset, conform, with_hash
from reconcile.fields import Draw
from reconcile.spec import Profile
from reconcile.state import GapRule

_MARGIN = MARGINS["DEFAULT"] * 100
_MOST_CENTS = 10**10
_MOST_PERCENT = 999_99
_CENT_E4 = 100
_ESTIMATED = "Estimated from the order's total"


def _unlined(dataset: Dataset) -> pl.DataFrame:
    """Give the orders without lines; a draft that is deleted is of no interest."""
    is_wanted = ~pl.col("is_draft") | pl.col("deleted_at").is_null()
    lined = dataset["order_line_items"].select(KEY, "order_id")
    return dataset["orders"].filter(is_wanted).join(lined, left_on=KEY, right_on="order_id", how="anti")


def _shelf(dataset: Dataset) -> pl.DataFrame:
    """Give the batches that a line may be taken from, those on sale if there are any, with place and cost."""
    batches = alive(dataset, "batches").filter(pl.col("productId").is_in(dataset["products"][KEY].implode()))
    on_sale = batches.filter((pl.col("batchStatus") == "LIVE") & (pl.col("onHandQty") > 0))
    chosen = on_sale if on_sale.height else batches
    return chosen.sort(KEY).select(
        batch=KEY, product="productId", shelf_cogs=units("unitCogs", 4), rank=pl.int_range(pl.len())
    )


def lines_from_items(dataset: Dataset, profile: Profile) -> pl.DataFrame:
    """
    Give the lines that an order's items describe, one per batch.

    Prices round as their column does, and quantities so that the lines come to their sum. An item whose batch is gone
    takes one of the same product, else any on sale; one without a price gets it from its total or its cost.
    """
    orders = _unlined(dataset)
    if orders.is_empty():
        return nothing(dataset, "order_line_items")
    items = _with_batch(dataset, profile, read_items(orders))
    quantity = pl.max_horizontal(pl.col("quantity_e4").fill_null(10_000), 100)
    cogs = pl.coalesce("cogs_e4", "unit_cogs")
    marked_up = money.divide(cogs * 100, 10_000 - _MARGIN)
    priced = items.with_columns(quantity_e4=quantity).with_columns(
        price_cents=pl.coalesce(
            "price_cents", money.divide(pl.col("total_cents") * 10_000, pl.col("quantity_e4")), marked_up
        )
    )
    merged = (
        priced.with_columns(cogs_e4=pl.coalesce(cogs, money.divide(pl.col("price_cents") * (10_000 - _MARGIN), 100)))
        .drop_nulls(["batch", "price_cents"])
        .group_by("order", "batch", maintain_order=True)
        .agg(pl.col("quantity_e4").sum(), pl.col("price_cents", "cogs_e4").first())
        .with_columns(original_e4="cogs_e4")
    )
    return _rows(dataset, _rounded(merged), orders, profile)


def _rounded(lines: pl.DataFrame) -> pl.DataFrame:
    """
    Add `quantity` in hundredths: rounded, and where the roundings of an order add up, a hundredth more or less.

    Each line total rounds to the cent. Where these together are more than a cent off quantity x price, quantities that
    had to be rounded anyway move, the one that helps most first, until they are not.
    """
    near = money.divide(pl.col("quantity_e4"), 100)
    off = _rounding(near).sum().over("order")
    less, more = (_rounding(near) - _rounding(near + step) for step in (-1, 1))
    less, more = pl.when(near > 1).then(less * off.sign()).otherwise(0), more * off.sign()
    is_exact = near * 100 == pl.col("quantity_e4")
    ranked = lines.with_columns(
        near=near,
        off=off.abs(),
        moved=near + pl.when(less > more).then(-1).otherwise(1),
        help=pl.when(is_exact).then(0).otherwise(pl.max_horizontal(less, more)),
    ).sort("order", "help", "batch", descending=[False, True, False])
    left = pl.col("off") - pl.col("help").cum_sum().over("order") + pl.col("help")
    is_moved = (left > _CENT_E4) & (pl.col("help") > 0)
    return ranked.with_columns(quantity=pl.when(is_moved).then("moved").otherwise("near"))


def _rounding(quantity: pl.Expr) -> pl.Expr:
    """What the line's total in cents is above quantity x price, in units of 0.0001."""
    product = quantity * pl.col("price_cents")
    return money.divide(product, 100) * 100 - product


def _with_batch(dataset: Dataset, profile: Profile, items: pl.DataFrame) -> pl.DataFrame:
    facts = dataset["batches"].select(batch=KEY, unit_cogs=units("unitCogs", 4))
    shelf = _shelf(dataset)
    of_product = shelf.group_by("product").agg(same_product=pl.col("batch").first())
    place = pl.format("{} {}", "order", "place").alias("item")
    any_batch = Draw(profile.seed, "order_line_items").integer("batch_id", 0, max(shelf.height - 1, 0))
    is_known = pl.col("batch").is_in(facts["batch"].implode())
    return (
        with_hash(items.with_columns(place), "item")
        .with_columns(rank=any_batch)
        .join(shelf.select("rank", any_batch="batch"), on="rank", how="left", maintain_order="left")
        .join(of_product, on="product", how="left", maintain_order="left")
        .with_columns(batch=pl.when(is_known).then("batch").otherwise(pl.coalesce("same_product", "any_batch")))
        .join(facts, on="batch", how="left", maintain_order="left")
    )


def lines_from_total(dataset: Dataset, profile: Profile) -> pl.DataFrame:
    """
    Give lines that sum to the order's total before tax: whole units of a batch on sale, and the rest of another.

    Only for orders that must have lines and describe none. The cost of the rest is estimated.
    """
    orders = _unlined(dataset).filter(~pl.col("is_draft"))
    shelf = _shelf(dataset)
    if orders.is_empty() or shelf.is_empty():
        return nothing(dataset, "order_line_items")
    goods = units("total") - units(pl.col("tax").fill_null(0)) + units(pl.col("discount").fill_null(0))
    facts = shelf.select("rank", "batch", "shelf_cogs")
    first = Draw(profile.seed, "order_line_items").integer("from_total", 0, shelf.height - 1)
    wanted = (
        with_hash(orders.select(KEY, order=KEY, goods=goods.clip(lower_bound=0)), KEY)
        .with_columns(rank=first)
        .join(facts, on="rank", maintain_order="left")
        .with_columns(price=money.divide(pl.col("shelf_cogs") * 100, 10_000 - _MARGIN))
        .with_columns(
            count=pl.when((pl.col("price") > 0) & (shelf.height > 1)).then(pl.col("goods") // pl.col("price"))
        )
        .with_columns(pl.col("count").fill_null(0), rest_rank=(pl.col("rank") + 1) % shelf.height)
        .with_columns(rest=pl.col("goods") - pl.col("count") * pl.col("price").fill_null(0))
    )
    whole = wanted.filter(pl.col("count") > 0).select(
        "order", "batch",
        quantity=pl.col("count") * 100, price_cents="price", cogs_e4="shelf_cogs", original_e4="shelf_cogs",
    )  # fmt: skip
    rest = (
        wanted.filter((pl.col("rest") > 0) | (pl.col("count") == 0))
        .select("order", price_cents="rest", rank=pl.when(shelf.height > 1).then("rest_rank").otherwise("rank"))
        .join(facts, on="rank", maintain_order="left")
        .select(
            "order", "batch",
            quantity=pl.lit(100, dtype=pl.Int64), price_cents="price_cents",
            cogs_e4=pl.col("price_cents") * (10_000 - _MARGIN) // 100, original_e4="shelf_cogs",
        )
    )  # fmt: skip
    return _rows(dataset, pl.concat([whole, rest]), orders, profile)


def _rows(dataset: Dataset, lines: pl.DataFrame, orders: pl.DataFrame, profile: Profile) -> pl.DataFrame:
    """Make rows of the table from order, batch, quantity, price_cents, cogs_e4 and the original cost."""
    products = dataset["products"].select("nameCanonical", product=KEY)
    names = dataset["batches"].select(batch=KEY, product="productId").join(products, on="product")
    created = pl.coalesce("created_at", dates.midnight(profile.as_of))
    price, cogs = pl.col("price_cents"), pl.col("cogs_e4")
    margin_e4 = price * 100 - cogs
    percent = divide(margin_e4 * 100, pl.max_horizontal(price, 1)).clip(-_MOST_PERCENT, _MOST_PERCENT)
    total = money.line_cents(pl.col("quantity"), price)
    original = pl.coalesce("original_e4", "cogs_e4")
    is_estimated = cogs != original
    rows = (
        lines.join(orders.select("created_at", order=KEY), on="order", maintain_order="left")
        .join(names.select("batch", "nameCanonical"), on="batch", how="left", maintain_order="left")
        .filter(total < _MOST_CENTS)
    )
    return conform(
        ORDER_LINE_ITEMS,
        rows.select(
            order_id="order",
            batch_id="batch",
            product_display_name=pl.col("nameCanonical").str.slice(0, 255),
            quantity=money.decimal(pl.col("quantity")),
            cogs_per_unit=money.decimal(cogs, 4),
            original_cogs_per_unit=money.decimal(original, 4),
            is_cogs_overridden=is_estimated,
            cogs_override_reason=pl.when(is_estimated).then(pl.lit(_ESTIMATED)),
            margin_percent=money.decimal(percent),
            margin_dollar=money.decimal(divide(margin_e4, 100)),
            is_margin_overridden=pl.lit(value=True),
            margin_source=pl.lit("MANUAL"),
            unit_price=money.decimal(price),
            line_total=money.decimal(total),
            is_sample=price == 0,
            created_at=created,
            updated_at=created,
        ),
        step=GAP_FILL,
    )


_TABLES = ("orders", "order_line_items", "batches", "products")
RULES = (
    GapRule(
        "order-lines-from-items",
        "Orders without lines get them from their items",
        GAP_FILL,
        "order_line_items",
        (),
        _TABLES,
        lines_from_items,
        mends=("orders-without-lines",),
    ),
    GapRule(
        "order-lines-from-total",
        "Orders without lines or items get goods on sale that sum to their total",
        GAP_FILL,
        "order_line_items",
        (),
        _TABLES,
        lines_from_total,
        mends=("orders-without-lines",),
    ),
)
