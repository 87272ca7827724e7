"""What the application expects of orders, their lines and what clients owe."""

import json

import polars as pl

from desired_state.rules.report import HALF_CENT, alive, amount, differ, lacks, report, say, total
from reconcile.dataset import KEY, Dataset
from reconcile.errors import Severity
from reconcile.state import Rule
from reconcile.values import canonical_json, dump_json

_ONE_HUNDRED = 100
_MARGIN_TOLERANCE = 0.02
"""Percent points; a price rounded to the cent moves the margin of the cheapest goods by as much."""


def order_total(dataset: Dataset) -> pl.DataFrame:
    """An order's total is subtotal plus tax less discount."""
    due = amount("subtotal") + amount("tax") - amount("discount")
    return report(
        alive(dataset, "orders"),
        differ(amount("total"), due),
        say("total {}, subtotal {} + tax {} - discount {}", "total", "subtotal", "tax", "discount"),
    )


def order_tax(dataset: Dataset) -> pl.DataFrame:
    """An order's tax is 0: the application writes no other, and its total checks know of none."""
    return report(alive(dataset, "orders"), amount("tax") != 0, say("tax {}, 0 expected", "tax"))


def _with_lines(dataset: Dataset) -> pl.DataFrame:
    """Give the orders that must have lines: all but drafts in which nobody has put any yet."""
    lined = dataset["order_line_items"]["order_id"].implode()
    is_begun = ~pl.col("is_draft") | pl.col(KEY).is_in(lined) | (pl.col("subtotal") != 0)
    return alive(dataset, "orders").filter(is_begun)


def order_subtotal(dataset: Dataset) -> pl.DataFrame:
    """An order has lines and its subtotal is their sum."""
    lines = total(dataset["order_line_items"], "order_id", lines=pl.col("line_total"))
    orders = _with_lines(dataset).join(lines, left_on=KEY, right_on="order_id", how="left")
    return report(
        orders, differ(amount("subtotal"), pl.col("lines")), say("subtotal {}, lines {}", "subtotal", "lines")
    )


def order_cogs(dataset: Dataset) -> pl.DataFrame:
    """An order's total cost is the sum of quantity x unit cost of its lines."""
    lines = total(dataset["order_line_items"], "order_id", lines=amount("quantity") * amount("cogs_per_unit"))
    orders = _with_lines(dataset).join(lines, left_on=KEY, right_on="order_id", how="left")
    return report(
        orders, differ(amount("total_cogs"), pl.col("lines")), say("total_cogs {}, lines {}", "total_cogs", "lines")
    )


def order_margin(dataset: Dataset) -> pl.DataFrame:
    """An order's margin is subtotal less cost, and its margin percent that share of the subtotal."""
    off_margin = differ(amount("total_margin"), amount("subtotal") - amount("total_cogs"))
    share = pl.col("total_margin").cast(pl.Float64) / pl.col("subtotal").cast(pl.Float64) * _ONE_HUNDRED
    off_percent = (pl.col("avg_margin_percent").cast(pl.Float64) - share).abs() > _MARGIN_TOLERANCE
    return report(
        alive(dataset, "orders"),
        off_margin | (off_percent & (amount("subtotal") != 0)),
        say("margin {} ({} %), subtotal {}, cost {}", "total_margin", "avg_margin_percent", "subtotal", "total_cogs"),
    )


def line_total(dataset: Dataset) -> pl.DataFrame:
    """A line's total is quantity x unit price, rounded to the cent."""
    product = amount("quantity") * amount("unit_price")
    return report(
        dataset["order_line_items"],
        differ(amount("line_total"), product, HALF_CENT),
        say("line_total {}, quantity {} x unit_price {}", "line_total", "quantity", "unit_price"),
    )


def line_price(dataset: Dataset) -> pl.DataFrame:
    """A line's unit price is cost / (1 - margin), and its margin is what the price leaves above the cost."""
    price, cogs, margin = (pl.col(name).cast(pl.Float64) for name in ("unit_price", "cogs_per_unit", "margin_percent"))
    off_percent = ((price - cogs) / price * _ONE_HUNDRED - margin).abs() > _MARGIN_TOLERANCE
    off_dollar = differ(amount("margin_dollar"), amount("unit_price") - amount("cogs_per_unit"))
    is_free = pl.col("is_sample").fill_null(value=False)
    return report(
        dataset["order_line_items"].filter(~is_free),
        off_percent | off_dollar,
        say(
            "unit_price {}, cost {}, margin {} % = {}", "unit_price", "cogs_per_unit", "margin_percent", "margin_dollar"
        ),
    )


def order_items(dataset: Dataset) -> pl.DataFrame:
    """An order's items document says the same as its lines; the order of the items does not count."""
    products = dataset["batches"].select("productId", batch_id=KEY)
    lines = dataset["order_line_items"].join(products, on="batch_id", how="left").sort("order_id", "batch_id")
    documents = lines.group_by("order_id").agg(expected=_item().str.join(","))
    orders = (
        _with_lines(dataset)
        .join(documents, left_on=KEY, right_on="order_id", how="left")
        .with_columns(expected=pl.concat_str(pl.lit("["), "expected", pl.lit("]")))
        .filter(pl.col("expected").ne_missing(pl.col("items")))
        .with_columns(found=pl.col("items").map_elements(_by_batch, return_dtype=pl.String))
        .with_columns(expected=pl.col("expected").map_elements(canonical_json, return_dtype=pl.String))
    )
    return report(orders, pl.col("found") != pl.col("expected"), say("items {}, lines {}", "found", "expected"))


_ITEM_KEYS = ("batchId", "lineCogs", "lineTotal", "marginPercent", "productId", "quantity", "unitCogs", "unitPrice")


def _item() -> pl.Expr:
    cost = amount("quantity") * amount("cogs_per_unit")
    return pl.concat_str(
        pl.lit('{"batchId":'), _quoted("batch_id"),
        pl.lit(',"lineCogs":'), _number(cost),
        pl.lit(',"lineTotal":'), _number(pl.col("line_total")),
        pl.lit(',"marginPercent":'), _number(pl.col("margin_percent")),
        pl.lit(',"productId":'), _quoted("productId"),
        pl.lit(',"quantity":'), _number(pl.col("quantity")),
        pl.lit(',"unitCogs":'), _number(pl.col("cogs_per_unit")),
        pl.lit(',"unitPrice":'), _number(pl.col("unit_price")),
        pl.lit("}"),
    )  # fmt: skip


def _quoted(column: str) -> pl.Expr:
    escaped = pl.col(column).str.replace_all("\\", "\\\\", literal=True).str.replace_all('"', '\\"', literal=True)
    return pl.concat_str(pl.lit('"'), escaped, pl.lit('"'))


def _number(column: pl.Expr) -> pl.Expr:
    return column.cast(pl.String).str.strip_chars_end("0").str.strip_chars_end(".")


def _by_batch(document: str) -> str:
    """Bring an items document into the form of the expected one: known keys only, items by batch."""
    try:
        items = json.loads(document)
        known = [{key: item[key] for key in _ITEM_KEYS if key in item} for item in items]
    except (ValueError, TypeError):
        return document
    return dump_json(sorted(known, key=lambda item: str(item.get("batchId"))))


def sale_status(dataset: Dataset) -> pl.DataFrame:
    """A sale's status follows from the cash paid: PAID all of it, PARTIAL some, PENDING and OVERDUE none."""
    sales = alive(dataset, "orders").filter((pl.col("orderType") == "SALE") & ~pl.col("is_draft"))
    cash, due = amount("cash_payment"), amount("total")
    allowed = (
        pl.when(pl.col("saleStatus") == "PAID")
        .then(cash >= due)
        .when(pl.col("saleStatus") == "PARTIAL")
        .then((cash > 0) & (cash < due))
        .when(pl.col("saleStatus").is_in(["PENDING", "OVERDUE"]))
        .then(cash == 0)
        .when(pl.col("saleStatus") == "CANCELLED")
        .then(pl.lit(value=True))
    )
    return report(sales, ~allowed, say("status {}, cash paid {}, total {}", "saleStatus", "cash_payment", "total"))


def client_debt(dataset: Dataset) -> pl.DataFrame:
    """A client owes what is due on its invoices that are neither paid nor void."""
    open_invoices = alive(dataset, "invoices").filter(~pl.col("status").is_in(["PAID", "VOID"]))
    due = total(open_invoices, "customerId", due=pl.col("amountDue")).with_columns(has_open=pl.lit(value=True))
    clients = (
        alive(dataset, "clients")
        .join(due, left_on=KEY, right_on="customerId", how="left")
        .with_columns(
            due=pl.when(pl.col("has_open").is_null()).then(pl.lit(0).cast(pl.Decimal(38, 4))).otherwise("due")
        )
    )
    return report(
        clients,
        differ(amount("total_owed"), pl.col("due")),
        say("total_owed {}, due on invoices {}", "total_owed", "due"),
    )


def product_pricing(dataset: Dataset) -> pl.DataFrame:
    """Each product's category has a default margin, under that very spelling."""
    priced = dataset["pricing_defaults"]["product_category"].implode()
    return report(
        alive(dataset, "products"),
        ~pl.col("category").is_in(priced),
        say("no default margin for category {}", "category"),
    )


def fallback_pricing(dataset: Dataset) -> pl.DataFrame:
    """The two categories that the application falls back to, OTHER and DEFAULT, have a margin."""
    wanted = pl.DataFrame({KEY: ["OTHER", "DEFAULT"]})
    return report(wanted, lacks(dataset, KEY, "pricing_defaults"), say("no default margin for category {}", KEY))


_CHECKS = (
    ("order-total", "Order total = subtotal + tax - discount", order_total, ("orders",)),
    ("order-tax", "Orders carry no tax", order_tax, ("orders",)),
    ("order-subtotal", "Order subtotal = sum of lines", order_subtotal, ("orders", "order_line_items")),
    ("order-cogs", "Order cost = sum of lines", order_cogs, ("orders", "order_line_items")),
    ("order-margin", "Order margin = subtotal - cost", order_margin, ("orders",)),
    ("order-items", "Order items = lines", order_items, ("orders", "order_line_items", "batches")),
    ("order-sale-status", "Sale status follows from cash paid", sale_status, ("orders",)),
    ("line-total", "Line total = quantity x price", line_total, ("order_line_items",)),
    ("line-price", "Line price = cost / (1 - margin)", line_price, ("order_line_items",)),
    ("client-total-owed", "Clients owe what is due on invoices", client_debt, ("clients", "invoices")),
    ("product-pricing", "Product categories have a default margin", product_pricing, ("products", "pricing_defaults")),
    ("fallback-pricing", "The fallback categories have a margin", fallback_pricing, ("pricing_defaults",)),
)
RULES = tuple(
    Rule(identifier, title, "invariants", Severity.CRITICAL, tables, check)
    for identifier, title, check, tables in _CHECKS
)
