"""Calendars, tasks, comments and inboxes."""

from collections.abc import Mapping

import polars as pl

from desired_state.trade import Trade
from reconcile.spec import Profile


def tables(profile: Profile, trade: Trade, core: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Give the tables of this area; *core* are the finished tables of the trade."""
    return {}
