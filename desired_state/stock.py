"""Stock: what each batch took in, sold and has left, the movements that say so, and its statuses."""

import polars as pl

from desired_state import dates, money
from desired_state.inventory import AWAITING, CLOSES, HELD, LIVE, PHOTOGRAPHED, QUARANTINED, SELLABLE, SELLS_OUT
from desired_state.sales import OPEN
from desired_state.tables.inventory import BATCHES, INVENTORY_MOVEMENTS
from desired_state.workflow import STATUS_SLUGS
from reconcile.dataset import conform
from reconcile.fields import Draw
from reconcile.spec import Profile

_STATUSES = {
    AWAITING: "AWAITING_INTAKE",
    PHOTOGRAPHED: "PHOTOGRAPHY_COMPLETE",
    HELD: "ON_HOLD",
    QUARANTINED: "QUARANTINED",
    LIVE: "LIVE",
    SELLS_OUT: "SOLD_OUT",
    CLOSES: "CLOSED",
}
_REASONS = ("COUNT_DISCREPANCY", "REWEIGH", "DAMAGED", "QUALITY_ISSUE")
_FREE_POUND_QUARTERS, _FREE_PIECES = (20, 400), (20, 400)
_SAMPLED, _ADJUSTED = 250, 150


def balance(profile: Profile, batches: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """
    Add to every batch what went out, what is left and what it must therefore have taken in.

    Intake is the sum of the rest, so stock never runs below nothing. A batch meant to sell out that nobody
    bought stays live. Quantities are hundredths.
    """
    draw = Draw(profile.seed, "batches")
    sold = (
        lines.filter("is_invoiced")
        .group_by("batch")
        .agg(
            sold=pl.col("quantity").sum(),
            last_sale_day=pl.col("invoice_day").max(),
            last_sale_second=pl.col("ship_second").sort_by("invoice_day", "ship_second").last(),
        )
    )
    reserved = lines.filter(pl.col("kind") == OPEN).group_by("batch").agg(reserved=pl.col("quantity").sum())
    small = pl.when(pl.col("is_flower")).then(25).otherwise(100).cast(pl.Int64)
    is_sellable = pl.col("stage").is_in(SELLABLE)
    frame = (
        batches.join(sold, on="batch", how="left", maintain_order="left")
        .join(reserved, on="batch", how="left", maintain_order="left")
        .with_columns(pl.col("sold", "reserved").fill_null(0))
        .with_columns(
            stage=pl.when(pl.col("stage").is_in([SELLS_OUT, CLOSES]) & (pl.col("sold") == 0))
            .then(pl.lit(LIVE))
            .otherwise("stage"),
            sampled=pl.when(is_sellable & draw.chance("sampled", _SAMPLED)).then(small).otherwise(0),
            adjusted=pl.when(is_sellable & draw.chance("adjusted", _ADJUSTED))
            .then(small * draw.integer("adjusted.by", 1, 3))
            .otherwise(0),
        )
    )
    free = (
        pl.when(pl.col("is_flower"))
        .then(draw.integer("free", *_FREE_POUND_QUARTERS) * 25)
        .otherwise(draw.integer("free", *_FREE_PIECES) * 100)
    )
    is_empty = pl.col("stage").is_in([AWAITING, SELLS_OUT, CLOSES])
    return frame.with_columns(
        on_hand=pl.when(is_empty).then(0).otherwise(pl.col("reserved") + free),
        status=pl.col("stage").replace_strict(_STATUSES, return_dtype=pl.String),
    ).with_columns(intake=pl.col("on_hand") + pl.col("sold") + pl.col("sampled") + pl.col("adjusted"))


def movements(profile: Profile, batches: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Give the inventoryMovements table: in order of time, each starting where the one before ended."""
    draw = Draw(profile.seed, "inventoryMovements")
    sales = lines.filter("is_invoiced").select(
        "batch",
        "user",
        type=pl.lit("SALE"),
        change=-pl.col("quantity"),
        day="invoice_day",
        second="ship_second",
        reference_type=pl.lit("ORDER"),
        reference="order",
        reason=pl.lit(None, dtype=pl.String),
    )
    frame = pl.concat([*_other_movements(batches, draw), sales]).sort("batch", "day", "second")
    after = pl.col("change").cum_sum().over("batch")
    return conform(
        INVENTORY_MOVEMENTS,
        frame.select(
            batchId="batch",
            inventoryMovementType="type",
            quantityChange=money.decimal(pl.col("change")),
            quantityBefore=money.decimal(after - pl.col("change")),
            quantityAfter=money.decimal(after),
            referenceType="reference_type",
            referenceId="reference",
            adjustmentReason="reason",
            performedBy="user",
            createdAt=dates.as_moment(pl.col("day"), pl.col("second")),
        ),
    )


def _other_movements(batches: pl.DataFrame, draw: Draw) -> list[pl.DataFrame]:
    # Samples and corrections come before the first sale, in the days a batch is new on the shelf.
    none = pl.lit(None, dtype=pl.String)
    intake = batches.filter(pl.col("intake") > 0).select(
        "batch",
        "user",
        type=pl.lit("INTAKE"),
        change="intake",
        day="received_day",
        second="received_second",
        reference_type=pl.lit("LOT"),
        reference="lot",
        reason=none,
    )
    samples = batches.filter(pl.col("sampled") > 0).select(
        "batch",
        "user",
        type=pl.lit("SAMPLE"),
        change=-pl.col("sampled"),
        day=pl.col("live_day") + draw.integer("sample", 1, 3),
        second=pl.lit(11 * 3_600, dtype=pl.Int64),
        reference_type=none,
        reference=none,
        reason=none,
    )
    corrections = batches.filter(pl.col("adjusted") > 0).select(
        "batch",
        "user",
        type=pl.lit("ADJUSTMENT"),
        change=-pl.col("adjusted"),
        day=pl.col("live_day") + draw.integer("adjustment", 4, 6),
        second=pl.lit(12 * 3_600, dtype=pl.Int64),
        reference_type=none,
        reference=none,
        reason=draw.choice("adjustmentReason", _REASONS),
    )
    return [intake, samples, corrections]


def batches(
    batch_frame: pl.DataFrame, changes: pl.DataFrame, billed: pl.DataFrame, bill_lines: pl.DataFrame
) -> pl.DataFrame:
    """
    Give the batches table.

    A batch of a billed lot is our own and paid as far as the bill is; any other is on consignment. Stock on
    hold or in quarantine is on hand but not for sale.
    """
    paid = bill_lines.join(
        billed.select("document", "paid_cents", "total_cents"), on="document", maintain_order="left"
    ).select("batch", amount_paid=pl.col("line_cents") * pl.col("paid_cents") // pl.col("total_cents"))
    last = changes.group_by("batch").agg(last_at=dates.as_moment(pl.col("day"), pl.col("second")).max())
    frame = batch_frame.join(paid, on="batch", how="left", maintain_order="left").join(
        last, on="batch", how="left", maintain_order="left"
    )
    is_owned = pl.col("amount_paid").is_not_null()
    is_live = pl.col("status") == "LIVE"
    on_hand = pl.col("on_hand")
    last_sale = dates.as_moment(pl.col("last_sale_day"), pl.col("last_sale_second"))
    return conform(
        BATCHES,
        frame.select(
            code="batch",
            sku=pl.concat_str(
                pl.lit("SKU-"),
                pl.col("category").str.slice(0, 3).str.to_uppercase(),
                pl.col("batch").str.strip_prefix("BAT"),
            ),
            productId="product",
            lotId="lot",
            batchStatus="status",
            statusId=pl.col("status").replace_strict(STATUS_SLUGS, return_dtype=pl.String),
            grade=pl.when(pl.col("grade") != "").then("grade"),
            sampleAvailable=(is_live & (pl.col("sampled") > 0)).cast(pl.Int64),
            cogsMode=pl.lit("FIXED"),
            unitCogs=money.decimal(pl.col("cogs_cents")),
            paymentTerms=pl.when(is_owned).then("terms").otherwise(pl.lit("CONSIGNMENT")),
            ownership_type=pl.when(is_owned).then(pl.lit("OFFICE_OWNED")).otherwise(pl.lit("CONSIGNED")),
            amountPaid=money.decimal(pl.col("amount_paid").fill_null(0)),
            onHandQty=money.decimal(on_hand),
            sampleQty=money.decimal(pl.col("sampled")),
            reservedQty=money.decimal(pl.col("reserved")),
            quarantineQty=money.decimal(pl.when(pl.col("stage") == QUARANTINED).then(on_hand).otherwise(0)),
            holdQty=money.decimal(pl.when(pl.col("stage") == HELD).then(on_hand).otherwise(0)),
            publishEcom=is_live.cast(pl.Int64),
            publishB2b=is_live.cast(pl.Int64),
            createdAt=dates.as_moment(pl.col("day"), pl.col("created_second")),
            updatedAt=pl.max_horizontal("last_at", last_sale),
        ),
    )
