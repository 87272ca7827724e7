"""The desk: who writes events, tasks and comments, and at which hours of the day."""

import polars as pl

from desired_state.actors import ADMIN, STAFF
from reconcile.fields import Draw, pick

EVERYBODY = (ADMIN, *STAFF)
"""The six users, known by their place in this list."""

_OFFICE_SECONDS = (9 * 3_600, 16 * 3_600)
_EVENING_SECONDS = (18 * 3_600 + 300, 19 * 3_600)


def member(draw: Draw, column: str) -> pl.Expr:
    """The place of one of the six users."""
    return draw.integer(column, 0, len(EVERYBODY) - 1)


def colleague(draw: Draw, column: str, of: pl.Expr) -> pl.Expr:
    """The place of one of the five users other than the one at place *of*."""
    return (of + draw.integer(column, 1, len(EVERYBODY) - 1)) % len(EVERYBODY)


def user(place: pl.Expr) -> pl.Expr:
    """The key of the user at *place*."""
    return pick(place, EVERYBODY)


def name(users: pl.DataFrame, key: pl.Expr) -> pl.Expr:
    """The name of the user with that key; *users* is the finished table."""
    return key.replace_strict(users["openId"], users["name"], return_dtype=pl.String)


def office_second(draw: Draw, column: str) -> pl.Expr:
    """A second of office hours."""
    return draw.integer(column, *_OFFICE_SECONDS)


def evening_second(draw: Draw, column: str) -> pl.Expr:
    """A second after office hours: later than anything that happens in the trade on that day."""
    return draw.integer(column, *_EVENING_SECONDS)
