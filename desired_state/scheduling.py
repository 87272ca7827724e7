"""Rooms to book, the shifts people work, and when work counts as overtime."""

import polars as pl

from desired_state.data import listed
from desired_state.tables.collaboration import OVERTIME_RULES, ROOMS, SHIFT_TEMPLATES

_ROOM_TEXTS = {"meeting": "Meeting room for {} people", "loading": "Loading place, {} at a time"}
_MINUTES_PER_HOUR = 60


def rooms() -> pl.DataFrame:
    """Give the three meeting rooms and the three places where trucks load; the list has features as plain words."""
    told = pl.col("room_type").replace_strict(_ROOM_TEXTS, return_dtype=pl.String)
    words = pl.col("features").str.replace_all(" ", '","', literal=True)
    return listed("rooms", ROOMS).with_columns(
        description=told.str.replace("{}", pl.col("capacity").cast(pl.String), literal=True),
        features=pl.concat_str(pl.lit('["'), words, pl.lit('"]')),
    )


def shift_templates() -> pl.DataFrame:
    """Give the nine shifts; half days have no break."""
    hours = {name: pl.col(name).str.slice(0, 5) for name in ("start_time", "end_time", "break_start", "break_end")}
    pause = pl.format(", break {} to {}", hours["break_start"], hours["break_end"]).fill_null("")
    return listed("shift_templates", SHIFT_TEMPLATES).with_columns(
        description=pl.format("Works {} to {}{}", hours["start_time"], hours["end_time"], pause)
    )


def overtime_rules() -> pl.DataFrame:
    """Give the three rules; the first is the default."""
    daily, weekly = (
        pl.format(text, pl.col(name) // _MINUTES_PER_HOUR)
        for text, name in (
            ("{} hours a day", "daily_threshold_minutes"),
            ("{} hours a week", "weekly_threshold_minutes"),
        )
    )
    limits = pl.concat_str(daily, weekly, separator=" or ", ignore_nulls=True)
    return listed("overtime_rules", OVERTIME_RULES).with_columns(
        description=pl.when(limits == "")
        .then(pl.lit("Every hour counts the same"))
        .otherwise(pl.format("{} percent of the wage after {}", "overtime_multiplier", limits))
    )
