"""
A desired state of two large tables, orders and their lines, and the customers they belong to.

`--scale N` is N times 10,000 rows: 100 customers, 2,475 orders and 7,425 lines. `--state benchmarks.trade` loads it.
"""

from collections.abc import Mapping
from datetime import datetime, time

import polars as pl

from reconcile import values
from reconcile.dataset import KEY, Dataset, conform, natural_key, with_hash
from reconcile.errors import Severity
from reconcile.fields import Draw
from reconcile.spec import Column, Owner, Profile, Step, TableSpec
from reconcile.state import DesiredState, Rule, Spans

CUSTOMERS, ORDERS, LINES_PER_ORDER = 100, 2_475, 3
"""Per unit of scale."""

_SURROGATE = Column("id", values.Integer(), owner=Owner.SERVER)
_MONEY = values.Decimal(12, 2)
_STATUSES = ("pending", "packed", "shipped", "delivered")
_GOODS = ("Anchor bolts", "Band saw", "Cable ties", "Drill bits", "Epoxy resin", "Floor paint", "Gaskets", "Hinges")
_SEASONS = ("spring", "summer", "autumn", "winter")

SPECS = {
    "customers": TableSpec(
        name="customers",
        columns=(_SURROGATE, Column("code", values.Text(20)), Column("name", values.Text(80))),
        key=("code",),
        step="trade",
        unique=(("code",),),
    ),
    "orders": TableSpec(
        name="orders",
        columns=(
            _SURROGATE,
            Column("order_number", values.Text(20)),
            Column("customer_id", values.Reference("customers", "RESTRICT")),
            Column("status", values.Enumeration(_STATUSES)),
            Column("total", _MONEY),
            Column("note", values.Text(120), nullable=True),
            Column("ordered_at", values.Timestamp()),
        ),
        key=("order_number",),
        step="trade",
        unique=(("order_number",),),
        indexes=(("customer_id",),),
    ),
    "order_line_items": TableSpec(
        name="order_line_items",
        columns=(
            _SURROGATE,
            Column("order_id", values.Reference("orders", "CASCADE"), is_part=True),
            Column("position", values.Integer()),
            Column("product", values.Text(80)),
            Column("quantity", values.Integer()),
            Column("unit_price", _MONEY),
            Column("total", _MONEY),
            Column("is_sample", values.Boolean()),
            Column("created_at", values.Timestamp()),
        ),
        key=("order_id", "position"),
        step="trade",
        unique=(("order_id", "position"),),
    ),
}


def rows(profile: Profile) -> Dataset:
    """Give the customers, orders and lines of a profile; those of a smaller scale are among them."""
    return Dataset(SPECS, {**customers(profile).frames, **trade(profile, range(ORDERS * profile.scale)).frames})


def customers(profile: Profile) -> Dataset:
    """Give the customers of a profile."""
    numbered = pl.select(number=pl.int_range(CUSTOMERS * profile.scale, dtype=pl.Int64)).select(
        code=pl.format("C{}", pl.col("number").cast(pl.String).str.zfill(8)), name=pl.format("Customer {}", "number")
    )
    return _conformed({"customers": numbered})


def trade(profile: Profile, numbers: range) -> Dataset:
    """Give the orders that have one of *numbers*, and their lines."""
    orders = _orders(profile, numbers)
    lines = _lines(profile, orders)
    totals = lines.group_by("order_id").agg(pl.col("total").sum())
    orders = orders.join(totals, left_on="order_number", right_on="order_id", how="left", maintain_order="left")
    return _conformed({"orders": orders, "order_line_items": lines})


def _conformed(frames: Mapping[str, pl.DataFrame]) -> Dataset:
    chosen = {name: frame.select(column.name for column in SPECS[name].declared) for name, frame in frames.items()}
    return Dataset(SPECS, {name: conform(SPECS[name], frame) for name, frame in chosen.items()})


def in_spans(orders: int, per_span: int) -> Spans:
    """Cut *orders* per unit of scale into spans of *per_span*."""

    def span(profile: Profile, number: int) -> Dataset:
        return trade(profile, range(orders * profile.scale)[number * per_span : (number + 1) * per_span])

    return Spans(
        ("orders", "order_line_items"),
        count=lambda profile: -(-orders * profile.scale // per_span),
        first_key=lambda _, number: f"O{number * per_span:010}",
        shared=customers,
        rows=span,
    )


def _orders(profile: Profile, numbers: range) -> pl.DataFrame:
    draw = Draw(profile.seed, "orders")
    number = pl.col("number")
    numbered = pl.select(number=pl.int_range(numbers.start, numbers.stop, dtype=pl.Int64)).with_columns(
        order_number=pl.format("O{}", number.cast(pl.String).str.zfill(10))
    )
    first = pl.lit(datetime.combine(profile.as_of, time(8)))
    return with_hash(numbered, "order_number").select(
        "order_number",
        "_hash",
        customer_id=pl.format("C{}", (number * CUSTOMERS // ORDERS).cast(pl.String).str.zfill(8)),
        status=draw.choice("status", _STATUSES),
        note=pl.when(draw.chance("note", 300)).then(
            pl.format("For {}; ring {}", draw.choice("season", _SEASONS), draw.integer("ring", 1, 99))
        ),
        ordered_at=first - pl.duration(minutes=draw.integer("minute", 0, 60 * 24 * 365)),
    )


def _lines(profile: Profile, orders: pl.DataFrame) -> pl.DataFrame:
    draw = Draw(profile.seed, "order_line_items")
    positions = pl.DataFrame({"position": range(1, LINES_PER_ORDER + 1)}, schema={"position": pl.Int64})
    lines = orders.select(pl.col("order_number").alias("order_id"), created_at="ordered_at").join(
        positions, how="cross"
    )
    keyed = lines.with_columns(natural_key(SPECS["order_line_items"], lines).alias(KEY))
    cents = draw.integer("cents", 50, 99_999)
    drawn = with_hash(keyed, KEY).with_columns(
        product=draw.choice("product", _GOODS), quantity=draw.integer("quantity", 1, 40), cents=cents
    )
    price = pl.col("cents").cast(pl.Decimal(38, 2)) / 100
    return drawn.with_columns(
        unit_price=price.cast(pl.Decimal(12, 2)),
        total=((pl.col("cents") * pl.col("quantity")).cast(pl.Decimal(38, 2)) / 100).cast(pl.Decimal(12, 2)),
        is_sample=draw.chance("is_sample", 20),
    )


def _wrong_totals(trade: Dataset) -> pl.DataFrame:
    sums = trade["order_line_items"].group_by("order_id").agg(pl.col("total").sum().alias("sum"))
    joined = trade["orders"].join(sums, left_on=KEY, right_on="order_id", how="left")
    return joined.filter(pl.col("total").ne_missing(pl.col("sum"))).select(
        pl.col(KEY).alias("key"), pl.format("total is {}, its lines come to {}", "total", "sum").alias("why")
    )


STATE = DesiredState(
    "trade",
    (Step("trade", "Customers, orders and lines"), Step("checks", "Checks", checks=("checks",))),
    SPECS,
    rows,
    (
        Rule(
            "order-totals", "An order comes to what its lines come to", "checks", Severity.CRITICAL,
            ("orders", "order_line_items"), _wrong_totals,
        ),
    ),
    spans=in_spans(ORDERS, 7 * ORDERS),
)  # fmt: skip
