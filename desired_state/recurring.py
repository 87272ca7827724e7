"""Recurring orders: what some clients get every week or month, and when the next one is due."""

import polars as pl

from desired_state import dates
from desired_state.blocks import expand
from desired_state.clientele import by_turns, with_client
from desired_state.people import staff
from desired_state.tables.sales import RECURRING_ORDERS
from desired_state.trade import Trade
from reconcile.dataset import conform, with_hash
from reconcile.fields import Draw, pick
from reconcile.spec import Profile

WEEKS = {"WEEKLY": 1, "BIWEEKLY": 2}
MONTHS = {"MONTHLY": 1, "QUARTERLY": 3}
_FREQUENCIES = ("WEEKLY", "BIWEEKLY", "MONTHLY", "WEEKLY", "QUARTERLY")
_ACTIVE, _PAUSED, _CANCELLED = STATUSES = ("ACTIVE", "PAUSED", "CANCELLED")
_PRODUCT_STEP = 13
_POUNDS, _PIECES = (2, 20), (10, 60)


def recurring_orders(profile: Profile, trade: Trade) -> pl.DataFrame:
    """
    Give the recurring_orders table; seven of ten are active.

    An order recurs on one weekday or one day of the month. The next date is one period after the last; it lies ahead
    for an active one, and stays where it was for one that was paused or has ended. Weekdays count from Sunday, 0.
    """
    draw = Draw(profile.seed, "recurring_orders")
    frame = with_client(expand(trade.blocks, "standing_orders").drop("ordinal"), trade, step=17)
    frame = with_hash(frame, "client").with_columns(
        frequency=pick(pl.col("index") % len(_FREQUENCIES), _FREQUENCIES),
        status=by_turns(_ACTIVE, 7, STATUSES[1:], "standing_orders_count"),
        weekday=draw.integer("day_of_week", 0, 4),
        monthday=draw.integer("day_of_month", 1, 28),
    )
    frame = _with_dates(_with_template(frame, trade, draw), dates.number(profile.as_of), draw)
    created = dates.as_moment(pl.col("start_day") - draw.integer("created_at", 2, 9), 11 * 3_600)
    is_weekly = pl.col("frequency").is_in(list(WEEKS))
    return conform(
        RECURRING_ORDERS,
        frame.select(
            "frequency",
            "status",
            client_id="client",
            day_of_week=pl.when(is_weekly).then(pl.col("weekday") + 1),
            day_of_month=pl.when(~is_weekly).then("monthday"),
            order_template="template",
            start_date=dates.as_date(pl.col("start_day")),
            end_date=pl.when(pl.col("status") == _CANCELLED).then(dates.as_date(pl.col("until_day"))),
            last_generated_date=dates.as_date(pl.col("last_day")),
            next_generation_date=dates.as_date(pl.col("next_day")),
            notify_email=pl.concat_str(pl.lit("orders@"), pl.col("client").str.to_lowercase(), pl.lit(".example.com")),
            created_at=created,
            updated_at=dates.as_moment(pl.col("last_day"), 6 * 3_600),
            created_by=staff(draw, "created_by"),
        ),
    )


def _with_dates(orders: pl.DataFrame, today: int, draw: Draw) -> pl.DataFrame:
    """Add start_day, until_day (the last day an order could be made on), last_day and next_day."""
    status = pl.col("status")
    frame = orders.with_columns(
        wished_day=today - draw.integer("start_date", 130, 250),
        until_day=today
        - pl.when(status == _ACTIVE)
        .then(1)
        .when(status == _PAUSED)
        .then(draw.integer("paused", 10, 40))
        .otherwise(draw.integer("end_date", 15, 50)),
    )
    is_weekly = pl.col("frequency").is_in(list(WEEKS))
    return frame.with_columns(
        pl.when(is_weekly).then(weekly).otherwise(monthly).alias(name)
        for name, weekly, monthly in zip(("start_day", "last_day", "next_day"), _by_week(), _by_month(), strict=True)
    )


def _by_week() -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """Give start, last and next day of an order that recurs every so many weeks."""
    start = pl.col("wished_day") - (dates.weekday(pl.col("wished_day")) - pl.col("weekday")) % 7
    period = 7 * pl.col("frequency").replace_strict(WEEKS, default=1, return_dtype=pl.Int64)
    last = start + (pl.col("until_day") - start) // period * period
    return start, last, last + period


def _by_month() -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """Give start, last and next day of an order that recurs every so many months."""
    first = _month(pl.col("wished_day"))
    period = pl.col("frequency").replace_strict(MONTHS, default=1, return_dtype=pl.Int64)
    reached = _month(pl.col("until_day")) - (_day_in(_month(pl.col("until_day"))) > pl.col("until_day")).cast(pl.Int64)
    last = first + (reached - first) // period * period
    return _day_in(first), _day_in(last), _day_in(last + period)


def _month(day: pl.Expr) -> pl.Expr:
    """Give the number of the month that *day* lies in, from 0 in January of the year 0."""
    date = dates.as_date(day)
    return date.dt.year().cast(pl.Int64) * 12 + date.dt.month() - 1


def _day_in(month: pl.Expr) -> pl.Expr:
    """Give the number of the row's `monthday` in *month*."""
    return pl.date(month // 12, month % 12 + 1, pl.col("monthday")).cast(pl.Int32).cast(pl.Int64)


def _with_template(orders: pl.DataFrame, trade: Trade, draw: Draw) -> pl.DataFrame:
    """Add `template`, the JSON document with one to three products and the quantity of each."""
    products = trade.products.select("block", "product", "category", product_index="index")
    start = draw.integer("order_template", 0, pl.col("products_count") - 1)
    lines = (
        orders.with_columns(start=start, line=pl.int_ranges(0, draw.integer("order_template.count", 1, 3)))
        .explode("line", empty_as_null=False)
        .with_columns(
            product_index=(pl.col("start") + pl.col("line") * _PRODUCT_STEP) % pl.col("products_count"),
            line_key=pl.concat_str("client", "line", separator="|"),
        )
        .join(products, on=["block", "product_index"], how="left", maintain_order="left")
    )
    each = Draw(draw.seed, "recurring_orders.items")
    is_flower = pl.col("category") == "Flower"
    quantity = pl.when(is_flower).then(each.integer("quantity", *_POUNDS)).otherwise(each.integer("quantity", *_PIECES))
    item = pl.concat_str(pl.lit('{"productId":"'), "product", pl.lit('","quantity":'), "quantity", pl.lit("}"))
    templates = (
        with_hash(lines, "line_key")
        .with_columns(quantity=quantity)
        .group_by("client")
        .agg(template=pl.concat_str(pl.lit('{"items":['), item.str.join(","), pl.lit("]}")))
    )
    return orders.join(templates, on="client", how="left", maintain_order="left")
