"""The trade in spans that take their time, so that somebody can come between them."""

import time
from dataclasses import replace

from reconcile.dataset import Dataset
from reconcile.spec import Profile
from tests.servers.spanned_state import STATE as SPANNED
from tests.servers.spanned_state import span

PAUSE_S = 0.4


def _slow(profile: Profile, number: int) -> Dataset:
    time.sleep(PAUSE_S)
    return span(profile, number)


assert SPANNED.spans is not None
STATE = replace(SPANNED, spans=replace(SPANNED.spans, rows=_slow))
