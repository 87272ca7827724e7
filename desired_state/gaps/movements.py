"""Inventory movements that are missing or do not follow from each other; what is on hand is a fact."""

import polars as pl

from desired_state import dates
from desired_state.gaps.frames import AUGMENT, GAP_FILL, acting_user, nothing
from desired_state.rules.report import EXACT, alive, amount, differ
from desired_state.tables.inventory import INVENTORY_MOVEMENTS
from reconcile.dataset import KEY, Dataset, conform, with_hash
from reconcile.fields import Draw
from reconcile.spec import Profile
from reconcile.state import GapRule

_SHIPPED = ("SHIPPED", "DELIVERED")
_SECOND = pl.duration(seconds=1)
_TABLE = "inventoryMovements"


def lost_batches(dataset: Dataset, profile: Profile) -> pl.DataFrame:
    """
    Let a movement whose batch is gone name the batch of its order or lot, else one on sale.

    All movements of one lost batch go to one batch, one without movements of its own where there is any.
    """
    lost = dataset[_TABLE].filter(~pl.col("batchId").is_in(dataset["batches"][KEY].implode()))
    if lost.is_empty():
        return nothing(dataset, _TABLE).select(KEY, "batchId")
    batches = alive(dataset, "batches").sort(KEY)
    of_lot = batches.group_by("lotId", maintain_order=True).agg(of_lot=pl.col(KEY).first())
    of_order = (
        dataset["order_line_items"]
        .filter(pl.col("batch_id").is_in(batches[KEY].implode()))
        .sort("batch_id")
        .group_by("order_id", maintain_order=True)
        .agg(of_order=pl.col("batch_id").first())
    )
    free = batches.join(dataset[_TABLE].select("batchId"), left_on=KEY, right_on="batchId", how="anti")
    shelf = next((rows for rows in (_on_sale(free), free, _on_sale(batches), batches) if rows.height), batches)
    place = Draw(profile.seed, _TABLE).integer("batchId", 0, max(shelf.height - 1, 0))
    numbered = shelf.select(any_batch=KEY, rank=pl.int_range(pl.len(), dtype=pl.Int64))
    is_of = pl.col("referenceType")
    return (
        with_hash(lost.select(KEY, "batchId", "referenceType", "referenceId"), "batchId")
        .with_columns(rank=place)
        .join(numbered, on="rank", how="left", maintain_order="left")
        .join(of_lot, left_on="referenceId", right_on="lotId", how="left", maintain_order="left")
        .join(of_order, left_on="referenceId", right_on="order_id", how="left", maintain_order="left")
        .with_columns(
            found=pl.coalesce(
                pl.when(is_of == "ORDER").then("of_order"), pl.when(is_of == "LOT").then("of_lot"), "any_batch"
            )
        )
        .select(KEY, batchId="found")
        .drop_nulls()
    )


def _on_sale(batches: pl.DataFrame) -> pl.DataFrame:
    return batches.filter(pl.col("batchStatus") == "LIVE")


def _ends(dataset: Dataset) -> pl.DataFrame:
    """Give per batch how many movements it has, what they sum to, and how the first begins and the last ends."""
    ordered = alive(dataset, _TABLE).sort(
        "batchId", "createdAt", "quantityBefore", descending=[False, False, True], maintain_order=True
    )
    return ordered.group_by("batchId", maintain_order=True).agg(
        count=pl.len(),
        moved=amount("quantityChange").sum(),
        first_before=amount("quantityBefore").first(),
        first_at=pl.col("createdAt").first(),
        last_after=amount("quantityAfter").last(),
        last_at=pl.col("createdAt").last(),
    )


def sales(dataset: Dataset, profile: Profile) -> pl.DataFrame:
    """
    Give the movement that took a shipped line out of its batch, where there is none.

    It follows the batch's last movement; a batch without any had this much more before it was sold.
    """
    shipped = alive(dataset, "orders").filter(
        (pl.col("orderType") == "SALE") & pl.col("fulfillmentStatus").is_in(_SHIPPED)
    )
    sold = dataset[_TABLE].filter((pl.col("inventoryMovementType") == "SALE") & (pl.col("referenceType") == "ORDER"))
    lines = (
        dataset["order_line_items"]
        .join(shipped.select("shipped_at", "created_by", order_id=KEY, ordered="created_at"), on="order_id")
        .join(sold, left_on=["order_id", "batch_id"], right_on=["referenceId", "batchId"], how="anti")
    )
    if lines.is_empty():
        return nothing(dataset, _TABLE)
    at = pl.coalesce("shipped_at", "ordered", dates.midnight(profile.as_of))
    batches = alive(dataset, "batches").select(batch_id=KEY, on_hand=amount("onHandQty"))
    quantity = amount("quantity")
    frame = (
        lines.group_by("order_id", "batch_id")
        .agg(pl.col("quantity").sum(), pl.col("shipped_at", "ordered", "created_by").first())
        .join(batches, on="batch_id")
        .join(_ends(dataset), left_on="batch_id", right_on="batchId", how="left")
        .with_columns(at=pl.max_horizontal(at, pl.col("last_at") + _SECOND))
        .sort("batch_id", "at", "order_id")
    )
    number = pl.int_range(pl.len()).over("batch_id")
    start = pl.coalesce("last_after", pl.col("on_hand") + quantity.sum().over("batch_id"))
    before = start - quantity.cum_sum().over("batch_id") + quantity
    rows = frame.select(
        batchId="batch_id",
        inventoryMovementType=pl.lit("SALE"),
        quantityChange=-quantity,
        quantityBefore=before,
        quantityAfter=before - quantity,
        referenceType=pl.lit("ORDER"),
        referenceId="order_id",
        performedBy="created_by",
        createdAt=pl.col("at") + pl.duration(seconds=number),
    )
    return conform(INVENTORY_MOVEMENTS, rows, step=GAP_FILL)


def opening(dataset: Dataset, _profile: Profile) -> pl.DataFrame:
    """Give the intake that a batch's movements begin with, or that all it has on hand came with."""
    batches = alive(dataset, "batches").join(_ends(dataset), left_on=KEY, right_on="batchId", how="left")
    begins = pl.coalesce("first_before", amount("onHandQty"))
    frame = batches.filter(begins != 0).sort(KEY)
    user = acting_user(dataset)
    if frame.is_empty() or user is None:
        return nothing(dataset, _TABLE)
    lots = pl.col("lotId").is_in(dataset["lots"][KEY].implode())
    rows = frame.select(
        batchId=KEY,
        inventoryMovementType=pl.lit("INTAKE"),
        quantityChange=begins,
        quantityBefore=pl.lit(0),
        quantityAfter=begins,
        referenceType=pl.when(lots).then(pl.lit("LOT")),
        referenceId=pl.when(lots).then("lotId"),
        notes=pl.lit("Opening stock"),
        performedBy=pl.lit(user),
        createdAt=pl.min_horizontal("createdAt", pl.col("first_at") - _SECOND),
    )
    return _unused(dataset, conform(INVENTORY_MOVEMENTS, rows, step=GAP_FILL))


def running_sums(dataset: Dataset, _profile: Profile) -> pl.DataFrame:
    """Let each movement of a batch start where the one before it ended; what moved stays as it is."""
    ordered = alive(dataset, _TABLE).sort(
        "batchId", "createdAt", "quantityBefore", descending=[False, False, True], maintain_order=True
    )
    before, after, change = amount("quantityBefore"), amount("quantityAfter"), amount("quantityChange")
    ends = pl.col("quantityAfter").shift(1).over("batchId").fill_null(0).cast(EXACT)
    is_off = differ(after, before + change) | differ(before, ends)
    wrong = ordered.filter(is_off)["batchId"].unique()
    if wrong.is_empty():
        return nothing(dataset, _TABLE).select(KEY, "quantityBefore", "quantityAfter")
    sums = change.cum_sum().over("batchId")
    return ordered.filter(pl.col("batchId").is_in(wrong.implode())).select(
        KEY, quantityBefore=sums - change, quantityAfter=sums
    )


def counts(dataset: Dataset, _profile: Profile) -> pl.DataFrame:
    """Give the correction that brings a batch's movements to what it has on hand."""
    batches = alive(dataset, "batches").join(_ends(dataset), left_on=KEY, right_on="batchId", how="left")
    missing = amount("onHandQty") - pl.col("moved").fill_null(0)
    frame = batches.filter(differ(amount("onHandQty"), pl.col("moved").fill_null(0))).sort(KEY)
    user = acting_user(dataset)
    if frame.is_empty() or user is None:
        return nothing(dataset, _TABLE)
    rows = frame.select(
        batchId=KEY,
        inventoryMovementType=pl.lit("ADJUSTMENT"),
        quantityChange=missing,
        quantityBefore=pl.col("last_after").fill_null(0),
        quantityAfter=pl.col("last_after").fill_null(0) + missing,
        referenceType=pl.format("COUNT-{}", pl.col("count").fill_null(0)),
        adjustmentReason=pl.lit("COUNT_DISCREPANCY"),
        notes=pl.lit("Brings the movements to what is on hand"),
        performedBy=pl.lit(user),
        createdAt=pl.coalesce(pl.col("last_at") + _SECOND, "createdAt"),
    )
    return conform(INVENTORY_MOVEMENTS, rows, step=GAP_FILL)


def _unused(dataset: Dataset, rows: pl.DataFrame) -> pl.DataFrame:
    """Give rows whose key is taken another one, without the reference that they share."""
    is_taken = pl.col(KEY).is_in(dataset[_TABLE][KEY].implode())
    none = pl.lit(None, dtype=pl.String)
    free = rows.with_columns(
        referenceType=pl.when(is_taken).then(pl.lit("OPENING")).otherwise("referenceType"),
        referenceId=pl.when(is_taken).then(none).otherwise("referenceId"),
    )
    return conform(INVENTORY_MOVEMENTS, free.drop(KEY), step=GAP_FILL)


RULES = (
    GapRule(
        "movement-batch",
        "Movements whose batch is gone name one that exists",
        AUGMENT,
        _TABLE,
        ("batchId",),
        (_TABLE, "batches", "order_line_items"),
        lost_batches,
        mends=("movements-without-batch",),
    ),
    GapRule(
        "sale-movements",
        "Shipped lines have left the stock",
        GAP_FILL,
        _TABLE,
        (),
        (_TABLE, "orders", "order_line_items", "batches"),
        sales,
        mends=("sale-movements",),
    ),
    GapRule(
        "opening-stock",
        "Movements of a batch begin with an intake",
        GAP_FILL,
        _TABLE,
        (),
        (_TABLE, "batches", "lots", "users"),
        opening,
    ),
    GapRule(
        "movement-sums",
        "Movements of a batch follow from each other",
        AUGMENT,
        _TABLE,
        ("quantityBefore", "quantityAfter"),
        (_TABLE,),
        running_sums,
        mends=("movement-sums",),
    ),
    GapRule(
        "stock-count",
        "Movements of a batch sum to what is on hand",
        GAP_FILL,
        _TABLE,
        (),
        (_TABLE, "batches", "users"),
        counts,
        mends=("batch-on-hand",),
    ),
)
