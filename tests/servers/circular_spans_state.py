"""The trade in spans, where every order refers to its last line besides: that is set once the lines are there."""

from dataclasses import replace

import polars as pl

from benchmarks.trade import LINES_PER_ORDER
from reconcile import values
from reconcile.dataset import Dataset, conform
from reconcile.spec import Column, Profile
from tests.servers.spanned_state import SPANS
from tests.servers.spanned_state import STATE as SPANNED

_ORDERS = SPANNED.specs["orders"]
_LAST_LINE = Column("last_line_id", values.Reference("order_line_items", "SET NULL"), nullable=True)
SPECS = {**SPANNED.specs, "orders": replace(_ORDERS, columns=(*_ORDERS.columns, _LAST_LINE))}


def _with_last_lines(rows: Dataset) -> Dataset:
    last = pl.format("{}|{}", "order_number", pl.lit(LINES_PER_ORDER)).alias("last_line_id")
    orders = conform(
        SPECS["orders"], rows["orders"].with_columns(last).select(c.name for c in SPECS["orders"].declared)
    )
    return Dataset(SPECS, {**rows.frames, "orders": orders})


def _rows(profile: Profile) -> Dataset:
    return _with_last_lines(SPANNED.rows(profile))


def _span(profile: Profile, number: int) -> Dataset:
    return _with_last_lines(SPANS.rows(profile, number))


def _shared(profile: Profile) -> Dataset:
    return Dataset(SPECS, SPANS.shared(profile).frames)


STATE = replace(SPANNED, specs=SPECS, rows=_rows, spans=replace(SPANS, shared=_shared, rows=_span))
