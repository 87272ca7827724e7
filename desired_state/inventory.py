"""Inventory: the lots that arrive and the batches they are split into, up to the day each batch can be sold."""

import polars as pl

from desired_state import dates
from desired_state.blocks import code, expand
from desired_state.parties import seller_counts, sellers
from desired_state.people import staff
from desired_state.tables.inventory import LOTS
from reconcile.dataset import conform, with_hash
from reconcile.fields import Draw
from reconcile.spec import Profile

_OLDEST_LOT_AGE = 285
_LOT_SPAN = 282
_PRODUCT_STEP = 11
"""Takes neighbouring batches to products of different categories, and all batches to all products."""

AWAITING, PHOTOGRAPHED, HELD, QUARANTINED = "awaiting", "photographed", "held", "quarantined"
LIVE, SELLS_OUT, CLOSES = "live", "sells-out", "closes"
SELLABLE = (LIVE, SELLS_OUT, CLOSES)

RECEIVED_PERCENT = 97
_LIVE_PERCENT = 92
_SELLS_OUT_PERCENT = 60
_CLOSES_PERCENT = 40
_CYCLE = 20
_CYCLE_HELD, _CYCLE_QUARANTINED, _CYCLE_CLOSES = 6, 13, 19
_CYCLE_SELLS_OUT = (3, 9, 16)

_FLOWER_COGS = (800_00, 1_800_00)
_OTHER_COGS = (20_00, 100_00)
_GRADES = (("A", 3), ("B", 2), ("C", 1), ("", 1))


def lot_plan(profile: Profile, blocks: pl.DataFrame, vendors: pl.DataFrame, clients: pl.DataFrame) -> pl.DataFrame:
    """
    Give every lot with its day, vendor and the selling client that supplies it.

    The first lot of a block is the oldest; a third of them arrived before the first order, as opening stock.
    """
    draw = Draw(profile.seed, "lots")
    frame = expand(blocks, "lots").join(seller_counts(clients), on="block", how="left", maintain_order="left")
    frame = with_hash(frame.with_columns(lot=code("LOT-", pl.col("ordinal"))), "lot").with_columns(
        vendor_ordinal=pl.col("vendors_first") + pl.col("index") % pl.col("vendors_count"),
        seller_rank=draw.integer("supplier_client_id", 0, pl.col("seller_count") - 1),
        day=dates.to_workday_before(
            dates.number(profile.as_of) - _OLDEST_LOT_AGE + pl.col("index") * _LOT_SPAN // pl.col("lots_count")
        ),
        second=draw.integer("date.second", 7 * 3_600, 10 * 3_600),
        user=staff(draw, "receivedBy"),
    )
    terms = vendors.select("vendor", "terms", vendor_ordinal="ordinal")
    return frame.join(terms, on="vendor_ordinal", how="left", maintain_order="left").join(
        sellers(clients), on=["block", "seller_rank"], how="left", maintain_order="left"
    )


def lots(plan: pl.DataFrame) -> pl.DataFrame:
    """Give the lots table."""
    moment = dates.as_moment(pl.col("day"), pl.col("second"))
    return conform(
        LOTS,
        plan.select(
            code="lot", supplier_client_id="seller", vendorId="vendor", date=moment, createdAt=moment, updatedAt=moment
        ),
    )


def batch_plan(
    profile: Profile, blocks: pl.DataFrame, lot_frame: pl.DataFrame, product_frame: pl.DataFrame
) -> pl.DataFrame:
    """
    Give every batch with its lot, product, cost, stage and the days it was received and went live.

    A stage says how far a batch gets, not yet whether anybody buys it. The newest batches wait for intake or
    for their photographs; of the others every block holds the same mix.
    """
    draw = Draw(profile.seed, "batches")
    frame = expand(blocks, "batches").with_columns(
        batch=code("BAT-", pl.col("ordinal")),
        lot_index=pl.col("index") * pl.col("lots_count") // pl.col("batches_count"),
        product_index=pl.col("index") * _PRODUCT_STEP % pl.col("products_count"),
        stage=_stage(),
    )
    lot_columns = lot_frame.select(
        "block", "lot", "vendor", "terms", "seller", "user", "day", "second", lot_index="index"
    )
    products = product_frame.select("block", "product", "category", product_index="index")
    frame = frame.join(lot_columns, on=["block", "lot_index"], how="left", maintain_order="left")
    frame = frame.join(products, on=["block", "product_index"], how="left", maintain_order="left")
    is_flower = pl.col("category") == "Flower"
    return with_hash(frame, "batch").with_columns(
        is_flower=is_flower,
        cogs_cents=pl.when(is_flower)
        .then(draw.integer("unitCogs", *_FLOWER_COGS))
        .otherwise(draw.integer("unitCogs", *_OTHER_COGS)),
        created_second=pl.col("second") + draw.integer("createdAt.second", 3_600, 3 * 3_600),
        grade=draw.weighted("grade", _GRADES),
        received_day=pl.col("day") + 1,
        received_second=draw.integer("received.second", 8 * 3_600, 10 * 3_600),
        live_day=pl.col("day") + 1 + draw.integer("live", 2, 5),
    )


def _stage() -> pl.Expr:
    percent = pl.col("index") * 100 // pl.col("batches_count")
    place = pl.col("index") % _CYCLE
    return (
        pl.when(percent >= RECEIVED_PERCENT)
        .then(pl.lit(AWAITING))
        .when(percent >= _LIVE_PERCENT)
        .then(pl.lit(PHOTOGRAPHED))
        .when(place == _CYCLE_HELD)
        .then(pl.lit(HELD))
        .when(place == _CYCLE_QUARANTINED)
        .then(pl.lit(QUARANTINED))
        .when((place == _CYCLE_CLOSES) & (percent < _CLOSES_PERCENT))
        .then(pl.lit(CLOSES))
        .when(place.is_in(_CYCLE_SELLS_OUT) & (percent < _SELLS_OUT_PERCENT))
        .then(pl.lit(SELLS_OUT))
        .otherwise(pl.lit(LIVE))
    )
