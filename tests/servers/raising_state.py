"""A desired state whose rows cannot be computed: a mistake of whoever wrote it, with a traceback."""

from dataclasses import replace
from typing import NoReturn

from reconcile.spec import Profile
from tests.servers.ledger_state import STATE as LEDGER


def rows(_profile: Profile) -> NoReturn:
    """Fail."""
    raise RuntimeError("the author's mistake")


STATE = replace(LEDGER, rows=rows)
"""What `--state tests.servers.raising_state` loads."""
