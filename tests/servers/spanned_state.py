"""The trade in spans of a few orders each, so that a small database has several."""

from dataclasses import replace

from benchmarks.trade import SPECS, customers, trade
from benchmarks.trade import STATE as TRADE
from reconcile.dataset import Dataset
from reconcile.spec import Profile
from reconcile.state import Spans

ORDERS, PER_SPAN = 40, 7
"""Of a scale of one, and of one span."""


def _rows(profile: Profile) -> Dataset:
    return Dataset(SPECS, {**customers(profile).frames, **trade(profile, range(ORDERS * profile.scale)).frames})


def span(profile: Profile, span: int) -> Dataset:
    """Give the rows of one span."""
    return trade(profile, range(ORDERS * profile.scale)[span * PER_SPAN : (span + 1) * PER_SPAN])


STATE = replace(
    TRADE,
    rows=_rows,
    spans=Spans(
        ("orders", "order_line_items"),
        count=lambda profile: -(-ORDERS * profile.scale // PER_SPAN),
        first_key=lambda _, span: f"O{span * PER_SPAN:010}",
        shared=customers,
        rows=span,
    ),
)
