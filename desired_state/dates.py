"""Days and moments as whole numbers, all counted back from the as-of day. Must never read a clock.

A day is its number since 1970-01-01, a moment a day and a second of it. "Now" is as-of at 00:00 UTC, so a
moment lies in the past exactly when its day is before the as-of day.
"""

from datetime import date

import polars as pl

EPOCH = date(1970, 1, 1)
SECONDS_PER_DAY = 86_400
_FRIDAY = 4
_MICROSECONDS = 1_000_000

GO_LIVE = date(2020, 1, 6)
"""The day the static tables were set up; it does not follow as-of, so a new week rewrites none of them."""


def number(day: date) -> int:
    """Give the number of *day*."""
    return (day - EPOCH).days


def go_live(as_of: date) -> pl.Expr:
    """The moment the static tables were set up: 09:00 on `GO_LIVE`, or *as_of* itself where that is earlier."""
    return as_moment(pl.lit(number(GO_LIVE), dtype=pl.Int64), 9 * 3_600) if as_of > GO_LIVE else midnight(as_of)


def midnight(as_of: date) -> pl.Expr:
    """The moment *as_of* begins."""
    return as_moment(pl.lit(number(as_of), dtype=pl.Int64))


def as_date(day: pl.Expr) -> pl.Expr:
    """Turn a day number into a Date."""
    return day.cast(pl.Int32).cast(pl.Date)


def as_moment(day: pl.Expr, second: pl.Expr | int = 0) -> pl.Expr:
    """Turn a day number and a second of that day into a timestamp."""
    return ((day * SECONDS_PER_DAY + second) * _MICROSECONDS).cast(pl.Datetime("us"))


def weekday(day: pl.Expr) -> pl.Expr:
    """The day of the week, Monday 0 to Sunday 6."""
    return (day + 3) % 7


def to_workday_before(day: pl.Expr) -> pl.Expr:
    """The day itself, or the Friday before when it falls on a weekend."""
    return day - (weekday(day) - _FRIDAY).clip(lower_bound=0)


def to_workday_after(day: pl.Expr) -> pl.Expr:
    """The day itself, or the Monday after when it falls on a weekend."""
    return day + pl.when(weekday(day) > _FRIDAY).then(7 - weekday(day)).otherwise(0)


def to_workday_of_week(day: pl.Expr, workday: pl.Expr) -> pl.Expr:
    """The day itself, or *workday* (Monday 0 to Friday 4) of the same week when it falls on a weekend."""
    return pl.when(weekday(day) > _FRIDAY).then(day - weekday(day) + workday).otherwise(day)
