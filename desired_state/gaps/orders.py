"""Orders that contradict their lines, and lines that contradict themselves: amounts, margins and items."""

import json
from decimal import Decimal

import polars as pl

from desired_state.gaps.frames import AUGMENT, divide, nothing, units
from desired_state.rules.report import EXACT, HALF_CENT, amount, differ, total
from desired_state.rules.sales import order_items
from reconcile.dataset import KEY, Dataset
from reconcile.spec import Profile
from reconcile.state import GapRule
from reconcile.values import dump_json

_AMOUNTS = ("subtotal", "tax", "discount", "total", "total_cogs", "total_margin", "avg_margin_percent")
_MOST_PERCENT = Decimal("999.99")
_PERCENT_TOLERANCE = Decimal("0.02")


def line_amounts(dataset: Dataset, _profile: Profile) -> pl.DataFrame:
    """
    Bring margin and total of a line to its price, cost and quantity: these were agreed, the others follow.

    What is given for free has no margin to speak of.
    """
    price, cogs = amount("unit_price"), amount("cogs_per_unit")
    product = (amount("quantity") * price).cast(EXACT)
    percent = divide(units(price - cogs, 4) * 10_000, pl.max_horizontal(units(price, 4), 1))
    lines = dataset["order_line_items"].with_columns(
        wanted_total=product.round(2, mode="half_away_from_zero"),
        wanted_percent=_limited(percent),
        wanted_dollar=(price - cogs).round(2, mode="half_away_from_zero"),
    )
    is_free = pl.col("is_sample").fill_null(value=False) | (price <= 0)
    is_margin_off = ~is_free & (
        differ(amount("margin_percent"), pl.col("wanted_percent"), _PERCENT_TOLERANCE)
        | differ(amount("margin_dollar"), price - cogs)
    )
    is_total_off = differ(amount("line_total"), product, HALF_CENT)
    return lines.filter(is_margin_off | is_total_off).select(
        KEY,
        margin_percent=pl.when(is_margin_off).then("wanted_percent").otherwise(amount("margin_percent")),
        margin_dollar=pl.when(is_margin_off).then("wanted_dollar").otherwise(amount("margin_dollar")),
        line_total=pl.when(is_total_off).then("wanted_total").otherwise(amount("line_total")),
    )


def amounts(dataset: Dataset, _profile: Profile) -> pl.DataFrame:
    """
    Give the amounts of orders that say something else than their lines: no tax, and a discount as agreed.

    All amounts of such an order follow from the lines; an order that agrees with them to the cent stays. A discount
    that the total does not know of was not given.
    """
    lines = total(
        dataset["order_line_items"],
        "order_id",
        lines=pl.col("line_total"),
        cogs=amount("quantity") * amount("cogs_per_unit"),
    )
    is_full = ~differ(amount("total"), pl.col("lines"))
    discount = pl.when(is_full).then(0).otherwise(amount("discount").fill_null(0)).cast(EXACT)
    orders = (
        dataset["orders"]
        .join(lines.drop_nulls(), left_on=KEY, right_on="order_id", maintain_order="left")
        .with_columns(due=pl.col("lines") - discount, margin=pl.col("lines") - pl.col("cogs"))
        .with_columns(percent=_percent())
    )
    is_off = (
        differ(amount("subtotal"), pl.col("lines"))
        | (amount("tax") != 0)
        | differ(amount("discount"), discount)
        | differ(amount("total"), pl.col("due"))
        | differ(amount("total_cogs"), pl.col("cogs"))
        | differ(amount("total_margin"), pl.col("margin"))
        | differ(amount("avg_margin_percent"), pl.col("percent"), _PERCENT_TOLERANCE)
    )
    return orders.filter(is_off.fill_null(value=True)).select(
        KEY,
        subtotal="lines",
        tax=pl.lit(0).cast(EXACT),
        discount=discount,
        total="due",
        total_cogs="cogs",
        total_margin=pl.col("margin").round(2, mode="half_away_from_zero"),
        avg_margin_percent="percent",
    )


def _percent() -> pl.Expr:
    margin, whole = units("margin"), units("lines")
    return _limited(pl.when(whole > 0).then(divide(margin * 10_000, pl.max_horizontal(whole, 1))).otherwise(0))


def _limited(hundredths: pl.Expr) -> pl.Expr:
    """Turn hundredths of a percent into percent, as far as the column goes."""
    return (hundredths.cast(EXACT) / pl.lit(Decimal(100))).cast(EXACT).clip(-_MOST_PERCENT, _MOST_PERCENT)


def items(dataset: Dataset, _profile: Profile) -> pl.DataFrame:
    """
    Give the items document of orders that have lines and describe others.

    An item of a line keeps its place and what else it says; what no line knows goes, what is missing comes last.
    """
    lined = dataset["order_line_items"]["order_id"].implode()
    wrong = order_items(dataset).join(dataset["orders"].filter(pl.col(KEY).is_in(lined)), left_on="key", right_on=KEY)
    if wrong.is_empty():
        return nothing(dataset, "orders").select(KEY, "items")
    lines: dict[str, dict[str, dict[str, object]]] = {}
    for order, batch, item in _described(dataset, wrong["key"]).iter_rows():
        lines.setdefault(order, {})[batch] = {name: _plain(value) for name, value in item.items()}
    documents = [_document(found, lines[order]) for order, found in wrong.select("key", "items").iter_rows()]
    return pl.DataFrame({KEY: wrong["key"], "items": documents})


def _described(dataset: Dataset, orders: pl.Series) -> pl.DataFrame:
    """Give order, batch and item of each line of *orders*."""
    products = dataset["batches"].select("productId", batch_id=KEY)
    cost = (amount("quantity") * amount("cogs_per_unit")).cast(EXACT)
    item = pl.struct(
        batchId="batch_id",
        lineCogs=cost,
        lineTotal="line_total",
        marginPercent="margin_percent",
        productId="productId",
        quantity="quantity",
        unitCogs="cogs_per_unit",
        unitPrice="unit_price",
    )
    return (
        dataset["order_line_items"]
        .filter(pl.col("order_id").is_in(orders.implode()))
        .join(products, on="batch_id", how="left")
        .sort("order_id", "batch_id")
        .select("order_id", "batch_id", item.alias("item"))
    )


def _plain(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else value


def _document(found: str, lines: dict[str, dict[str, object]]) -> str:
    """Bring a document to *lines*, by batch."""
    try:
        items = json.loads(found)
    except ValueError:
        items = []
    missing = dict(lines)
    kept = [
        item | missing.pop(item["batchId"])
        for item in (items if isinstance(items, list) else [])
        if isinstance(item, dict) and isinstance(item.get("batchId"), str) and item["batchId"] in missing
    ]
    return dump_json([*kept, *missing.values()])


RULES = (
    GapRule(
        "line-amounts",
        "Margin and total of an order line follow from its price, cost and quantity",
        AUGMENT,
        "order_line_items",
        ("margin_percent", "margin_dollar", "line_total"),
        ("order_line_items",),
        line_amounts,
        mends=("line-total", "line-price"),
    ),
    GapRule(
        "order-amounts",
        "Amounts of an order follow from its lines, without tax",
        AUGMENT,
        "orders",
        _AMOUNTS,
        ("orders", "order_line_items"),
        amounts,
        mends=(
            "order-totals-off-lines",
            "order-total",
            "order-tax",
            "order-subtotal",
            "order-cogs",
            "order-margin",
            "ORD-001",
        ),
    ),
    GapRule(
        "order-items",
        "Items of an order say what its lines say",
        AUGMENT,
        "orders",
        ("items",),
        ("orders", "order_line_items", "batches"),
        items,
        mends=("order-items",),
    ),
)
