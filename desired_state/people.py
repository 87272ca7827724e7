"""People: the six users that act in the dataset. Additive: other users stay and take no part in it."""

import polars as pl

from desired_state import dates
from desired_state.actors import ADMIN, STAFF
from desired_state.tables.people import USERS
from reconcile.dataset import conform
from reconcile.fields import Draw
from reconcile.spec import Profile


def users(profile: Profile) -> pl.DataFrame:
    """Give the admin and five staff users; none can log in, since no login method is set."""
    frame = pl.DataFrame({"openId": [ADMIN, *STAFF], "number": range(len(STAFF) + 1)}).select(
        "openId",
        name=pl.when(pl.col("number") == 0)
        .then(pl.lit("Seed Administrator"))
        .otherwise(pl.concat_str(pl.lit("Seed User "), pl.col("number"))),
        email=pl.concat_str("openId", pl.lit("@terp.example.com")),
        role=pl.when(pl.col("number") == 0).then(pl.lit("admin")).otherwise(pl.lit("user")),
        createdAt=dates.go_live(profile.as_of),
        updatedAt=dates.go_live(profile.as_of),
        lastSignedIn=dates.go_live(profile.as_of),
    )
    return conform(USERS, frame)


def staff(draw: Draw, column: str) -> pl.Expr:
    """Choose one of the five staff users for a column such as created_by."""
    return draw.choice(column, STAFF)
