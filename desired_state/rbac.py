"""Roles, permissions and which role has which."""

import polars as pl

from reconcile.spec import Profile


def tables(profile: Profile) -> dict[str, pl.DataFrame]:
    """Give the tables of this area."""
    return {}
