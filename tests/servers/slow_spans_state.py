"""The trade in spans that take their time, so that somebody can come between them."""

import time
from dataclasses import replace

from reconcile.dataset import Dataset
from reconcile.spec import Profile
from tests.servers.spanned_state import SPANS
from tests.servers.spanned_state import STATE as SPANNED

PAUSE_S = 0.4


def _slow(profile: Profile, number: int) -> Dataset:
    time.sleep(PAUSE_S)
    return SPANS.rows(profile, number)


STATE = replace(SPANNED, spans=replace(SPANS, rows=_slow))
