"""Batches whose statuses disagree: stock, batch status, workflow status and history."""

import polars as pl

from desired_state import dates
from desired_state.gaps.frames import AUGMENT, GAP_FILL, acting_user, nothing
from desired_state.rules.report import alive, amount
from desired_state.tables.inventory import BATCH_STATUS_HISTORY
from desired_state.workflow import STATUS_SLUGS
from reconcile.dataset import KEY, Dataset, conform
from reconcile.spec import Profile
from reconcile.state import GapRule

_HISTORY = "batch_status_history"


def sold_out(dataset: Dataset, _profile: Profile) -> pl.DataFrame:
    """
    Let a batch that is sold out and has stock be LIVE.

    Quantities are counted, a status is set: taking the stock away could not be undone from anything that is left.
    """
    stocked = alive(dataset, "batches").filter((pl.col("batchStatus") == "SOLD_OUT") & (amount("onHandQty") != 0))
    return stocked.select(KEY, batchStatus=pl.lit("LIVE"))


def workflow_statuses(dataset: Dataset, _profile: Profile) -> pl.DataFrame:
    """Let a batch have the workflow status that stands for its batch status, found by slug."""
    slugs = dataset["workflow_statuses"].sort(KEY).select(slug="slug", wanted=KEY).unique("slug", keep="first")
    expected = pl.col("batchStatus").replace_strict(STATUS_SLUGS, default=None, return_dtype=pl.String)
    return (
        alive(dataset, "batches")
        .select(KEY, "statusId", slug=expected)
        .join(slugs, on="slug", maintain_order="left")
        .filter(pl.col("statusId").ne_missing(pl.col("wanted")))
        .select(KEY, statusId="wanted")
    )


def history(dataset: Dataset, profile: Profile) -> pl.DataFrame:
    """
    Give the entry that ends a batch's history with the status it has.

    An entry is known by batch, from and to: it comes from the last status, or where that step was taken before, from
    another one.
    """
    entries = dataset[_HISTORY]
    last = entries.filter(pl.col("createdAt") == pl.col("createdAt").max().over("batchId"))
    ends = last.group_by("batchId").agg(
        ends="toStatusId", end=pl.col("toStatusId").sort().first(), at=pl.col("createdAt").first()
    )
    batches = alive(dataset, "batches").select("statusId", "createdAt", batch=KEY).drop_nulls("statusId")
    behind = batches.join(ends, left_on="batch", right_on="batchId", how="left").filter(
        ~pl.col("ends").list.contains(pl.col("statusId")).fill_null(value=False)
    )
    user = acting_user(dataset)
    if behind.is_empty() or user is None:
        return nothing(dataset, _HISTORY)
    statuses = dataset["workflow_statuses"].sort("order", "slug")[KEY]
    came_from = pl.Series("came", [None, *statuses], dtype=pl.String)
    taken = entries.select("batchId", "fromStatusId", "toStatusId")
    free = (
        behind.join(pl.DataFrame({"came": came_from}), how="cross")
        .join(
            taken,
            left_on=["batch", "came", "statusId"],
            right_on=["batchId", "fromStatusId", "toStatusId"],
            how="anti",
            nulls_equal=True,
        )
        .filter(pl.col("came").ne_missing(pl.col("statusId")))
        .sort("batch", pl.col("came").ne_missing(pl.col("end")), maintain_order=True)
        .unique("batch", keep="first", maintain_order=True)
    )
    at = pl.coalesce(pl.col("at") + pl.duration(hours=1), "createdAt", dates.midnight(profile.as_of))
    rows = free.select(
        batchId="batch", fromStatusId="came", toStatusId="statusId", changedBy=pl.lit(user), createdAt=at
    )
    return conform(BATCH_STATUS_HISTORY, rows, step=GAP_FILL)


RULES = (
    GapRule(
        "batch-sold-out",
        "Batches that are sold out and have stock are live",
        AUGMENT,
        "batches",
        ("batchStatus",),
        ("batches",),
        sold_out,
        mends=("batch-sold-out",),
    ),
    GapRule(
        "batch-status",
        "Workflow status of a batch stands for its batch status",
        AUGMENT,
        "batches",
        ("statusId",),
        ("batches", "workflow_statuses"),
        workflow_statuses,
        mends=("batch-status",),
    ),
    GapRule(
        "batch-history",
        "Status history of a batch ends with the present status",
        GAP_FILL,
        _HISTORY,
        (),
        ("batches", "workflow_statuses", _HISTORY, "users"),
        history,
        mends=("batch-history",),
    ),
)
