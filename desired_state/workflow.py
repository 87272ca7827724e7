"""Workflow: the statuses a batch goes through, in order of time, ending with the one it has."""

import polars as pl

from desired_state import dates
from desired_state.inventory import AWAITING, CLOSES, HELD, QUARANTINED, SELLABLE, SELLS_OUT
from desired_state.tables.inventory import BATCH_STATUS_HISTORY
from reconcile.dataset import conform
from reconcile.fields import Draw
from reconcile.spec import Profile

STATUS_SLUGS = {
    "AWAITING_INTAKE": "awaiting-intake",
    "PHOTOGRAPHY_COMPLETE": "photography-complete",
    "LIVE": "live",
    "ON_HOLD": "on-hold",
    "QUARANTINED": "quarantined",
    "SOLD_OUT": "sold-out",
    "CLOSED": "closed",
}
"""The workflow status that stands for each batch status; found by slug, never by place in a list."""

_SECONDS_TO_SOLD_OUT = 1_800


def status_changes(profile: Profile, batches: pl.DataFrame) -> pl.DataFrame:
    """Give every status a batch passed: batch, from, to, user, day and second; the last is the present one."""
    draw = Draw(profile.seed, "batch_status_history")
    received, live = pl.col("received_day"), pl.col("live_day")
    stage = pl.col("stage")
    was_live = stage.is_in([*SELLABLE, HELD])
    sold_day, sold_second = pl.col("last_sale_day"), pl.col("last_sale_second") + _SECONDS_TO_SOLD_OUT
    closed_day = pl.min_horizontal(
        sold_day + draw.integer("closed", 1, 10), pl.lit(dates.number(profile.as_of) - 1, dtype=pl.Int64)
    )
    arrived = stage != AWAITING
    steps = (
        (pl.lit(True), None, "awaiting-intake", pl.col("day"), pl.col("created_second")),
        (arrived, "awaiting-intake", "in-photography", received, pl.col("received_second")),
        (arrived, "in-photography", "photography-complete", received + 1, pl.lit(15 * 3_600)),
        (was_live, "photography-complete", "live", live, pl.lit(8 * 3_600)),
        (stage == QUARANTINED, "photography-complete", "quarantined", received + 2, pl.lit(9 * 3_600)),
        (stage == HELD, "live", "on-hold", live + draw.integer("held", 1, 10), pl.lit(14 * 3_600)),
        (stage.is_in([SELLS_OUT, CLOSES]), "live", "sold-out", sold_day, sold_second),
        (stage == CLOSES, "sold-out", "closed", closed_day, pl.lit(17 * 3_600)),
    )
    return pl.concat(
        batches.filter(holds).select(
            "batch",
            "user",
            from_slug=pl.lit(from_slug, dtype=pl.String),
            to_slug=pl.lit(to_slug),
            day=day,
            second=second.cast(pl.Int64),
        )
        for holds, from_slug, to_slug, day, second in steps
    )


def status_history(changes: pl.DataFrame) -> pl.DataFrame:
    """Give the batch_status_history table."""
    return conform(
        BATCH_STATUS_HISTORY,
        changes.select(
            batchId="batch",
            fromStatusId="from_slug",
            toStatusId="to_slug",
            changedBy="user",
            createdAt=dates.as_moment(pl.col("day"), pl.col("second")),
        ),
    )
