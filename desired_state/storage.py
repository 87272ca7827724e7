"""The sites of the business and the zones that storage is divided into."""

import polars as pl

from desired_state.data import listed
from desired_state.tables.inventory import SITES, STORAGE_ZONES


def sites() -> pl.DataFrame:
    """Give the five sites; the first is the default."""
    return listed("sites", SITES).with_columns(
        description=pl.format("{} site at {}, {}", _capitalized("site_type"), "address", "city")
    )


def storage_zones() -> pl.DataFrame:
    """Give the ten zones, each in one of the sites."""
    room = pl.format("room for {} {}", pl.col("max_capacity").cast(pl.Int64), "capacity_unit")
    warmth = pl.format(", {} to {} degrees", pl.col("min_temp").cast(pl.Int64), pl.col("max_temp").cast(pl.Int64))
    return listed("storage_zones", STORAGE_ZONES).with_columns(
        description=pl.format(
            "{}, {} access, {}{}", _capitalized("temperature_control"), "zone_access_level", room, warmth.fill_null("")
        )
    )


def _capitalized(column: str) -> pl.Expr:
    return pl.col(column).str.slice(0, 1).str.to_uppercase() + pl.col(column).str.slice(1)
