"""The trade in spans of a few orders each, so that a small database has several."""

from dataclasses import replace

from benchmarks.trade import SPECS, customers, in_spans, trade
from benchmarks.trade import STATE as TRADE
from reconcile.dataset import Dataset
from reconcile.spec import Profile

ORDERS, PER_SPAN = 40, 7
"""Of a scale of one, and of one span."""

SPANS = in_spans(ORDERS, PER_SPAN)


def _rows(profile: Profile) -> Dataset:
    return Dataset(SPECS, {**customers(profile).frames, **trade(profile, range(ORDERS * profile.scale)).frames})


STATE = replace(TRADE, rows=_rows, spans=SPANS)
