"""What the application expects of batches, their quantities and their movements."""

import polars as pl

from desired_state.rules.report import EXACT, alive, amount, differ, report, say, total
from desired_state.workflow import STATUS_SLUGS
from reconcile.dataset import KEY, Dataset
from reconcile.errors import Severity
from reconcile.state import Rule

QUANTITIES = ("onHandQty", "sampleQty", "reservedQty", "quarantineQty", "holdQty", "defectiveQty")
_SHIPPED = ("SHIPPED", "DELIVERED")


def quantities(dataset: Dataset) -> pl.DataFrame:
    """None of a batch's six quantities is negative."""
    worst = pl.min_horizontal(*QUANTITIES)
    is_known = pl.all_horizontal(pl.col(name).is_not_null() for name in QUANTITIES)
    return report(
        alive(dataset, "batches"), ~is_known | (worst < 0), say("smallest quantity {}, 0 or more expected", worst)
    )


def reserved(dataset: Dataset) -> pl.DataFrame:
    """A batch reserves no more than it has on hand."""
    return report(
        alive(dataset, "batches"),
        amount("reservedQty") > amount("onHandQty"),
        say("reserved {}, on hand {}", "reservedQty", "onHandQty"),
    )


def sold_out(dataset: Dataset) -> pl.DataFrame:
    """A batch that is sold out has nothing on hand."""
    gone = alive(dataset, "batches").filter(pl.col("batchStatus") == "SOLD_OUT")
    return report(gone, amount("onHandQty") != 0, say("SOLD_OUT with {} on hand", "onHandQty"))


def batch_status(dataset: Dataset) -> pl.DataFrame:
    """A batch's workflow status is the one that stands for its batch status."""
    slugs = dataset["workflow_statuses"].select(slug="slug", statusId=KEY)
    batches = alive(dataset, "batches").join(slugs, on="statusId", how="left")
    expected = pl.col("batchStatus").replace_strict(STATUS_SLUGS, default=None, return_dtype=pl.String)
    return report(
        batches, pl.col("slug") != expected, say("batchStatus {}, workflow status {}", "batchStatus", "statusId")
    )


def status_history(dataset: Dataset) -> pl.DataFrame:
    """The last status in a batch's history is the one it has."""
    history = dataset["batch_status_history"]
    latest = pl.col("createdAt") == pl.col("createdAt").max().over("batchId")
    last = history.filter(latest).group_by("batchId").agg(ends="toStatusId")
    batches = alive(dataset, "batches").join(last, left_on=KEY, right_on="batchId", how="left")
    return report(
        batches,
        ~pl.col("ends").list.contains(pl.col("statusId")),
        say("status {}, history ends with {}", "statusId", pl.col("ends").list.join(", ")),
    )


def movement_sums(dataset: Dataset) -> pl.DataFrame:
    """A movement starts where the batch's movement before it ended, and ends with the change added."""
    movements = alive(dataset, "inventoryMovements").sort(
        "batchId", "createdAt", "quantityBefore", descending=[False, False, True]
    )
    before = pl.col("quantityAfter").shift(1).over("batchId").fill_null(0).cast(EXACT)
    movements = movements.with_columns(expected=before)
    broken = differ(amount("quantityAfter"), amount("quantityBefore") + amount("quantityChange")) | differ(
        amount("quantityBefore"), pl.col("expected")
    )
    return report(
        movements,
        broken,
        say(
            "before {} + change {} = after {}; the movement before ended at {}",
            "quantityBefore",
            "quantityChange",
            "quantityAfter",
            "expected",
        ),
    )


def on_hand(dataset: Dataset) -> pl.DataFrame:
    """What a batch has on hand is the sum of its movements."""
    sums = total(alive(dataset, "inventoryMovements"), "batchId", movements=pl.col("quantityChange")).with_columns(
        has_movements=pl.lit(value=True)
    )
    batches = (
        alive(dataset, "batches")
        .join(sums, left_on=KEY, right_on="batchId", how="left")
        .with_columns(
            movements=pl.when(pl.col("has_movements").is_null()).then(pl.lit(0).cast(EXACT)).otherwise("movements")
        )
    )
    return report(
        batches,
        differ(amount("onHandQty"), pl.col("movements")),
        say("on hand {}, movements {}", "onHandQty", "movements"),
    )


def sale_movements(dataset: Dataset) -> pl.DataFrame:
    """A line of a shipped sale took its quantity out of the batch."""
    orders = alive(dataset, "orders").filter(
        (pl.col("orderType") == "SALE") & pl.col("fulfillmentStatus").is_in(_SHIPPED)
    )
    shipped = dataset["order_line_items"].filter(pl.col("order_id").is_in(orders[KEY].implode()))
    sales = alive(dataset, "inventoryMovements").filter(
        (pl.col("inventoryMovementType") == "SALE") & (pl.col("referenceType") == "ORDER")
    )
    moved = total(sales, ["referenceId", "batchId"], moved=pl.col("quantityChange"))
    lines = shipped.join(moved, left_on=["order_id", "batch_id"], right_on=["referenceId", "batchId"], how="left")
    return report(
        lines, differ(amount("quantity"), -pl.col("moved")), say("sold {}, taken from stock {}", "quantity", "moved")
    )


_CHECKS = (
    ("batch-quantities", "Batch quantities are not negative", quantities, ("batches",)),
    ("batch-reserved", "Batches reserve no more than they have", reserved, ("batches",)),
    ("batch-sold-out", "Batches sold out have nothing left", sold_out, ("batches",)),
    ("batch-status", "Workflow status agrees with batch status", batch_status, ("batches", "workflow_statuses")),
    (
        "batch-history",
        "Status history ends with the present status",
        status_history,
        ("batches", "batch_status_history"),
    ),
    ("movement-sums", "Movements follow from each other", movement_sums, ("inventoryMovements",)),
    ("batch-on-hand", "Stock on hand = sum of movements", on_hand, ("batches", "inventoryMovements")),
    (
        "sale-movements",
        "Shipped lines have left the stock",
        sale_movements,
        ("orders", "order_line_items", "inventoryMovements"),
    ),
)
RULES = tuple(
    Rule(identifier, title, "invariants", Severity.CRITICAL, tables, check)
    for identifier, title, check, tables in _CHECKS
)
