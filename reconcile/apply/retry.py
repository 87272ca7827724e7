"""Try a whole transaction again when the server says that another session was in the way."""

from collections.abc import Callable
from itertools import count
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

from reconcile.errors import ReconcileError
from reconcile.live.server_errors import RETRIED, error_number

T = TypeVar("T")
FIRST_PAUSE_S = 0.2
PAUSES = 5
"""How often a run is tried again: after 0.2, 0.4, 0.8, 1.6 and 3.2 seconds."""


def retrying(work: Callable[[], T], wait: Callable[[float], None], tell: Callable[[str, float], None]) -> T:
    """
    Give what *work* gives; after a deadlock or a lock wait timeout, *wait* and do it anew, longer each time.

    *work* must be a transaction of its own that leaves nothing when it fails. *tell* is told why and how long.

    Raises:
        ReconcileError: any other failure at once, or the last one of them.

    """
    for attempt in count():
        try:
            return work()
        except ReconcileError as error:
            if attempt == PAUSES or not is_passing(error):
                raise
            pause_s = FIRST_PAUSE_S * 2**attempt
            tell(error.findings[0].what, pause_s)
            wait(pause_s)
    raise AssertionError


def is_passing(error: ReconcileError) -> bool:
    """Say whether the same transaction may succeed a moment later."""
    cause = error.__cause__
    return isinstance(cause, DBAPIError) and error_number(cause) in RETRIED
