"""Subjects: what events and tasks are about, by theme, and how each of them gets one of its own.

Every theme holds more subjects per block than a block has events or tasks of that theme.
"""

from collections.abc import Mapping

import polars as pl

from desired_state import dates, matters
from desired_state.trade import Trade
from reconcile.fields import Draw
from reconcile.spec import Profile


def subjects(profile: Profile, trade: Trade, core: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """
    List the subjects of every theme and block: first those that still wait, last those settled most recently.

    Returns:
        Per subject `theme`, `rank` within theme and block, `size`, how many these have, `subject_type` and `subject`
        (the key of its row), `party`, the name of who or what is concerned, `client` and `vendor` where one is,
        `since_day`, from which on there is something to do, `due_day`, and `end_day`, the day before as-of on which
        it was done; `is_done` is null where nothing in the trade says so, and `is_urgent` where nothing presses.

    """
    today = dates.number(profile.as_of)
    names = core["clients"].select("name", client="teri_code")
    terms = core["orders"].select("fulfillmentStatus", "valid_until", order="order_number")
    sales = trade.orders.join(terms, on="order", how="left", maintain_order="left").join(
        names, on="client", how="left", maintain_order="left"
    )
    return pl.concat(
        [
            matters.receivables(trade, names, today),
            matters.payables(trade, today),
            matters.clients(trade, names),
            matters.deliveries(sales, today),
            matters.intakes(trade, today),
            matters.photographs(trade, today),
            matters.samples(trade),
            matters.vendors(trade, today),
            matters.inspections(trade),
            matters.quotes(sales),
        ]
    )


def take(wanted: pl.DataFrame, pool: pl.DataFrame) -> pl.DataFrame:
    """
    Give each row of *wanted* (`block`, `theme`, `is_closed`) a subject of its own, closed ones from the end.

    Where nothing in the trade says whether a subject is done, `is_done` becomes what was wanted.
    """
    sizes = pool.group_by("block", "theme").agg(pl.col("size").first())
    place = pl.int_range(pl.len()).over("block", "theme", "is_closed")
    return (
        wanted.join(sizes, on=["block", "theme"], how="left", maintain_order="left")
        .with_columns(rank=pl.when(pl.col("is_closed")).then(pl.col("size") - 1 - place).otherwise(place))
        .drop("size")
        .join(pool, on=["block", "theme", "rank"], how="left", maintain_order="left")
        .with_columns(is_done=pl.coalesce("is_done", "is_closed"), is_urgent=pl.col("is_urgent").fill_null(value=False))
    )


def done_day(profile: Profile, draw: Draw) -> pl.Expr:
    """The day on which what is done was done: after `since_day` and before as-of; null for everything else."""
    recent = dates.to_workday_before(dates.number(profile.as_of) - draw.integer("done_day", 1, 20))
    return pl.when("is_done").then(pl.coalesce("end_day", pl.max_horizontal(pl.col("since_day") + 1, recent)))


def fill(text: str) -> pl.Expr:
    """Put subject and party into the gaps `{subject}` and `{party}` of the column *text*."""
    return (
        pl.col(text)
        .str.replace("{subject}", pl.col("subject"), literal=True)
        .str.replace("{party}", pl.col("party"), literal=True)
    )
