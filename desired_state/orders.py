"""The orders and their lines as the tables hold them."""

import polars as pl

from desired_state import dates, money
from desired_state.actors import PACKERS
from desired_state.sales import CANCELLED, CONVERTED, DRAFT, OPEN, QUOTED, QUOTES
from desired_state.tables.sales import ORDER_LINE_ITEMS, ORDERS
from reconcile.dataset import conform
from reconcile.fields import Draw
from reconcile.spec import Profile

_DAYS_TO_DELIVER = 4
_DAYS_TO_PACK = 3
_QUOTE_VALID_DAYS = 30
_QUOTE_STATUSES = {DRAFT: "DRAFT", QUOTED: "SENT", CONVERTED: "CONVERTED"}


def orders(profile: Profile, plan: pl.DataFrame, totals: pl.DataFrame, invoices: pl.DataFrame) -> pl.DataFrame:
    """
    Give the orders table.

    *invoices* has per shipped order its document, what was paid and the sale status that follows. An order
    that is not invoiced has no due date: nothing is owed yet.
    """
    draw = Draw(profile.seed, "orders")
    frame = (
        plan.join(totals, on="order", how="left", maintain_order="left")
        .join(
            invoices.select("order", "sale_status", "paid_cents", invoice="document"),
            on="order",
            how="left",
            maintain_order="left",
        )
        .with_columns(_moments(draw))
        .with_columns(fulfilment=_fulfilment(profile, draw))
    )
    is_packed = pl.col("fulfilment").is_in(["PACKED", "SHIPPED", "DELIVERED"])
    packer = draw.choice("packed_by", PACKERS)
    packed_at = pl.when(is_packed).then("packed_at")
    return conform(
        ORDERS,
        frame.select(
            *_amounts(),
            "items",
            order_number="order",
            orderType=pl.when(pl.col("kind").is_in(QUOTES)).then(pl.lit("QUOTE")).otherwise(pl.lit("SALE")),
            is_draft=pl.col("kind") == DRAFT,
            client_id="client",
            valid_until=pl.when(pl.col("kind").is_in(QUOTES)).then(dates.as_date(pl.col("day") + _QUOTE_VALID_DAYS)),
            quoteStatus=pl.col("kind").replace_strict(_QUOTE_STATUSES, default=None, return_dtype=pl.String),
            paymentTerms="terms",
            due_date=dates.as_date(pl.col("due_day")),
            saleStatus=_sale_status(),
            invoice_id="invoice",
            fulfillmentStatus="fulfilment",
            packed_at=packed_at,
            packed_by=pl.when(is_packed).then(packer),
            shipped_at="shipped_at",
            shipped_by=pl.when(pl.col("is_invoiced")).then(packer),
            pickPackStatus=_pick_pack(),
            converted_from_order_id=pl.when(pl.col("is_invoiced")).then("quote"),
            converted_at=pl.when(pl.col("quote").is_not_null()).then("sale_at"),
            confirmed_at="confirmed_at",
            notes=pl.when(pl.col("kind") == CANCELLED).then(pl.lit("Cancelled by the client before packing")),
            created_by="user",
            created_at="created_at",
            updated_at=pl.coalesce("shipped_at", packed_at, "confirmed_at", "sale_at"),
        ),
    )


def _moments(draw: Draw) -> list[pl.Expr]:
    created = dates.as_moment(pl.col("day"), pl.col("second"))
    is_sale = ~pl.col("kind").is_in(QUOTES)
    confirmed_second = pl.col("second") + draw.integer("confirmed_at", 1_200, 3 * 3_600)
    pack_second = pl.col("ship_second") - draw.integer("packed_at", 1_800, 5_400)
    pack_day = pl.coalesce("invoice_day", pl.col("day") + 1)
    return [
        created.alias("created_at"),
        dates.as_moment(pl.col("sale_day"), pl.col("second")).alias("sale_at"),
        pl.when(is_sale & (pl.col("kind") != CANCELLED))
        .then(dates.as_moment(pl.col("day"), confirmed_second))
        .alias("confirmed_at"),
        dates.as_moment(pack_day, pack_second).alias("packed_at"),
        dates.as_moment(pl.col("invoice_day"), pl.col("ship_second")).alias("shipped_at"),
    ]


def _fulfilment(profile: Profile, draw: Draw) -> pl.Expr:
    today = dates.number(profile.as_of)
    is_delivered = pl.col("invoice_day") <= today - _DAYS_TO_DELIVER
    can_be_packed = pl.col("day") <= today - _DAYS_TO_PACK
    stage = draw.weighted("fulfillmentStatus", (("CONFIRMED", 7), ("PACKED", 3)))
    return (
        pl.when(pl.col("is_invoiced"))
        .then(pl.when(is_delivered).then(pl.lit("DELIVERED")).otherwise(pl.lit("SHIPPED")))
        .when(pl.col("kind") == CANCELLED)
        .then(pl.lit("CANCELLED"))
        .when(pl.col("kind") == OPEN)
        .then(pl.when(can_be_packed).then(stage).otherwise(pl.lit("CONFIRMED")))
        .otherwise(pl.lit("DRAFT"))
    )


def _pick_pack() -> pl.Expr:
    statuses = {"DELIVERED": "READY", "SHIPPED": "READY", "PACKED": "PACKED", "CONFIRMED": "PICKING"}
    return pl.col("fulfilment").replace_strict(statuses, default="PENDING", return_dtype=pl.String)


def _sale_status() -> pl.Expr:
    return (
        pl.when(pl.col("kind") == CANCELLED)
        .then(pl.lit("CANCELLED"))
        .when(pl.col("kind") == OPEN)
        .then(pl.lit("PENDING"))
        .otherwise("sale_status")
    )


def _amounts() -> list[pl.Expr]:
    return [
        money.decimal(pl.col("total_cents")).alias("subtotal"),
        money.decimal(pl.col("total_cents")).alias("total"),
        money.decimal(pl.col("total_cogs"), 4).alias("total_cogs"),
        money.decimal(pl.col("margin_cents")).alias("total_margin"),
        money.decimal(pl.col("margin_percent")).alias("avg_margin_percent"),
        money.decimal(pl.col("paid_cents").fill_null(0)).alias("cash_payment"),
    ]


def order_line_items(lines: pl.DataFrame) -> pl.DataFrame:
    """Give the order_line_items table; a margin is the category's default or one that was agreed by hand."""
    cogs = money.decimal(pl.col("cogs_cents"))
    created = dates.as_moment(pl.col("day"), pl.col("second"))
    return conform(
        ORDER_LINE_ITEMS,
        lines.select(
            order_id="order",
            batch_id="batch",
            product_display_name="product",
            quantity=money.decimal(pl.col("quantity")),
            cogs_per_unit=cogs,
            original_cogs_per_unit=cogs,
            margin_percent=money.decimal(pl.col("margin")),
            margin_dollar=money.decimal(pl.col("price_cents") - pl.col("cogs_cents")),
            is_margin_overridden="is_manual",
            margin_source=pl.when(pl.col("is_manual")).then(pl.lit("MANUAL")).otherwise(pl.lit("DEFAULT")),
            unit_price=money.decimal(pl.col("price_cents")),
            line_total=money.decimal(pl.col("line_cents")),
            created_at=created,
            updated_at=created,
        ),
    )
