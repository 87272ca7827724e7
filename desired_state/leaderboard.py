"""
Leaderboard: each client's five metrics. Holds the one definition of what a metric's value is.

A metric row records when it was calculated, and its value counts what had been entered by then, so it can be computed
again later from the same rows:

- `ytd_revenue`: total of the client's invoices, void ones left out, dated in the calendar year of the calculation.
- `avg_order_value`: mean total of its orders, drafts left out.
- `order_frequency`: how many orders, drafts left out, it placed in the 90 days before the calculation; never null.
- `payment_speed`: mean number of days from the invoice's date to a payment received on it.
- `margin_performance`: margin of its orders as a percentage of their subtotals, drafts left out.

Deleted rows count nowhere. A metric of nothing is null. `ytd_revenue` and `order_frequency` are what the application
computes under these names.
"""

from collections.abc import Iterator, Mapping

import polars as pl

from desired_state import dates, money
from desired_state.clientele import clientele
from desired_state.tables import SPECS
from desired_state.trade import Trade
from reconcile.dataset import KEY, Dataset, conform
from reconcile.spec import Profile

METRICS = ("ytd_revenue", "avg_order_value", "order_frequency", "payment_speed", "margin_performance")
VALUES = ("metric_value", "sample_size", "is_significant")
"""The columns that `metrics` gives."""

_TABLE = "leaderboard_metric_cache"
_SIGNIFICANT_ALONE = ("ytd_revenue", "order_frequency")
_SIGNIFICANT_FROM = 3
_RECENT = pl.duration(days=90)
_DAYS_VALID = 7
_SCALE = 4
_ONE = 10**_SCALE
_PER_CENT_UNIT = _ONE // 100
_PERCENT = 100


def metric_cache(profile: Profile, trade: Trade, core: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Give the leaderboard_metric_cache table: all metrics of the first clients of each block, calculated at as-of."""
    counts = trade.blocks.select("block", "ranked_count")
    ranked = clientele(trade).join(counts, on="block", maintain_order="left")
    expires = dates.as_moment(pl.lit(dates.number(profile.as_of) + _DAYS_VALID, dtype=pl.Int64))
    rows = (
        ranked.filter(pl.col("place") < pl.col("ranked_count"))
        .select(client_id="client")
        .join(pl.DataFrame({"metric_type": METRICS}), how="cross", maintain_order="left_right")
        .with_columns(calculated_at=dates.midnight(profile.as_of), expires_at=expires)
    )
    cache = conform(SPECS[_TABLE], rows)
    known = Dataset(SPECS, {**core, _TABLE: cache})
    return cache.drop(VALUES).join(metrics(known), on=KEY, maintain_order="left").select(cache.columns)


def metrics(dataset: Dataset) -> pl.DataFrame:
    """
    Compute the five metrics of every row that caches one, as of the moment it was calculated.

    Returns:
        `_key` and the columns `VALUES`; rows that cache any other metric are left out.

    """
    rows = dataset[_TABLE].filter(pl.col("metric_type").is_in(METRICS))
    rows = rows.select(KEY, "client_id", "metric_type", at="calculated_at")
    sums = rows.join(pl.concat(_sums(rows, dataset)), on=KEY, how="left", maintain_order="left")
    is_alone = pl.col("metric_type").is_in(_SIGNIFICANT_ALONE)
    nothing = pl.when(pl.col("metric_type") == "order_frequency").then(0)
    value = pl.when(pl.col("denominator") > 0).then(_quotient()).otherwise(nothing)
    return sums.with_columns(pl.col("sample_size").fill_null(0)).select(
        KEY,
        "sample_size",
        metric_value=money.decimal(value, _SCALE).cast(pl.Decimal(15, _SCALE)),
        is_significant=pl.col("sample_size") >= pl.when(is_alone).then(1).otherwise(_SIGNIFICANT_FROM),
    )


def _sums(rows: pl.DataFrame, dataset: Dataset) -> Iterator[pl.DataFrame]:
    """Give per metric and row that anything counts for: `_key`, sample_size, and what is divided by what."""
    orders, invoices, payments = _orders(dataset), _invoices(dataset), _payments(dataset)
    margins = orders.drop_nulls(["margin", "subtotal"])
    always, one, count = pl.lit(value=True), pl.lit(1, dtype=pl.Int64), pl.len().cast(pl.Int64)
    is_this_year = pl.col("dated").dt.year() == pl.col("at").dt.year()
    is_recent = pl.col("entered_at") >= pl.col("at") - _RECENT
    total, days, margin = pl.col("total").sum(), pl.col("days").sum(), pl.col("margin").sum()
    for metric, events, counts, numerator, denominator in (
        ("ytd_revenue", invoices, is_this_year, total * _PER_CENT_UNIT, one),
        ("avg_order_value", orders, always, total * _PER_CENT_UNIT, count),
        ("order_frequency", orders, is_recent, count * _ONE, one),
        ("payment_speed", payments, always, days * _ONE, count),
        ("margin_performance", margins, always, margin * _PERCENT * _ONE, pl.col("subtotal").sum()),
    ):
        yield (
            rows.filter(pl.col("metric_type") == metric)
            .join(events, on="client_id")
            .filter((pl.col("entered_at") <= pl.col("at")) & counts)
            .group_by(KEY)
            .agg(sample_size=count, numerator=numerator, denominator=denominator)
        )


def _orders(dataset: Dataset) -> pl.DataFrame:
    placed = dataset["orders"].filter(pl.col("deleted_at").is_null() & ~pl.col("is_draft"))
    return placed.select(
        "client_id",
        entered_at="created_at",
        total=_cents("total"),
        subtotal=_cents("subtotal"),
        margin=_cents("total_margin"),
    )


def _invoices(dataset: Dataset) -> pl.DataFrame:
    return _valid_invoices(dataset).select(
        client_id="customerId", entered_at="createdAt", dated="invoiceDate", total=_cents("totalAmount")
    )


def _payments(dataset: Dataset) -> pl.DataFrame:
    invoices = _valid_invoices(dataset).select("invoiceDate", client_id="customerId", invoiceId=KEY)
    received = dataset["payments"].filter(pl.col("deleted_at").is_null() & (pl.col("paymentType") == "RECEIVED"))
    return received.join(invoices, on="invoiceId").select(
        "client_id", entered_at="createdAt", days=(pl.col("paymentDate") - pl.col("invoiceDate")).dt.total_days()
    )


def _valid_invoices(dataset: Dataset) -> pl.DataFrame:
    return dataset["invoices"].filter(pl.col("deleted_at").is_null() & (pl.col("status") != "VOID"))


def _cents(column: str) -> pl.Expr:
    return (pl.col(column) * 100).cast(pl.Int64)


def _quotient() -> pl.Expr:
    """Divide numerator by denominator; a half rounds away from zero, below it too."""
    numerator = pl.col("numerator")
    return numerator.sign() * money.divide(numerator.abs(), pl.col("denominator"))
