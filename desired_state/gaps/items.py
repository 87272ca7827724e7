"""The items document of an order, read as rows; an application may write its numbers as texts."""

import json
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

import polars as pl

_MOST = Decimal(10) ** 8
"""What no price, quantity or line total of an order may reach: the size of their columns."""

SCHEMA = {
    "order": pl.String,
    "place": pl.Int64,
    "batch": pl.String,
    "product": pl.String,
    "quantity_e4": pl.Int64,
    "price_cents": pl.Int64,
    "cogs_e4": pl.Int64,
    "total_cents": pl.Int64,
}


def read_items(orders: pl.DataFrame) -> pl.DataFrame:
    """
    Give a row for each item of the orders (`_key`, `items`) that names a batch or a product.

    Quantity and cost are in units of 0.0001, price and total in cents; null where the item has no number that fits the
    column. A document that is no list of items has no rows.
    """
    rows = [row for key, document in orders.select("_key", "items").iter_rows() for row in _items(key, document)]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _items(order: str, document: str | None) -> Iterator[tuple[object, ...]]:
    try:
        found = json.loads(document or "")
    except ValueError:
        return
    for place, item in enumerate(found if isinstance(found, list) else ()):
        if isinstance(item, dict) and (item.get("batchId") or item.get("productId")):
            yield (
                order,
                place,
                _name(item.get("batchId")),
                _name(item.get("productId")),
                _whole(item.get("quantity"), 4),
                _whole(item.get("unitPrice"), 2),
                _whole(item.get("unitCogs"), 4),
                _whole(item.get("lineTotal"), 2),
            )


def _name(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _whole(value: object, scale: int) -> int | None:
    """Read a number, or a text that spells one, as whole units; null unless it is 0 or more and not too large."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    if not (number.is_finite() and 0 <= number < _MOST):
        return None
    return int((number * 10**scale).to_integral_value(ROUND_HALF_UP))
