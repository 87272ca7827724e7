"""A club with accounts, fixtures, an optional step and a gap rule, its steps called as the short flags know them."""

import polars as pl

from reconcile import values
from reconcile.dataset import KEY, Dataset
from reconcile.errors import Severity
from reconcile.spec import Column, Owner, Profile, Step, TableSpec
from reconcile.state import DesiredState, GapRule, Password
from tests.unit.tiny import SURROGATE, declared, rule

SECRET, VARIABLE = "club-password", "CLUB_PASSWORD"

MEMBERS = TableSpec(
    name="members",
    columns=(
        SURROGATE,
        Column("name", values.Text(20)),
        Column("title", values.Text(40), nullable=True),
        Column("password", values.Secret(60), nullable=True, owner=Owner.ONCE),
    ),
    key=("name",),
    step="core",
    prunes=False,
)

ROOMS = TableSpec(
    name="rooms",
    columns=(SURROGATE, Column("code", values.Text(20)), Column("floor", values.Integer(), nullable=True)),
    key=("code",),
    step="core",
)

LOCKERS = TableSpec(
    name="lockers",
    columns=(
        SURROGATE,
        Column("code", values.Text(20)),
        Column("room", values.Reference("rooms", "RESTRICT")),
        Column("size", values.Integer(), default="1"),
    ),
    key=("code",),
    step="test-accounts",
)

SPECS = {spec.name: spec for spec in (MEMBERS, ROOMS, LOCKERS)}

STEPS = (
    Step("core", "The club"),
    Step("qa-accounts", "Accounts of testers"),
    Step("test-accounts", "Accounts of tests", is_optional=True),
    Step("qa-data", "Fixtures"),
    Step("augment", "Realism", is_optional=True),
    Step("quality", "Checks", checks=("quality",)),
    Step("integrity", "More checks", checks=("integrity",)),
)

ROWS = declared(
    {
        "members": [
            {"name": "owner"},
            {"name": "qa-one", "password": SECRET, "_step": "qa-accounts"},
            {"name": "qa-two", "password": SECRET, "_step": "qa-accounts"},
            {"name": "e2e", "password": SECRET, "_step": "test-accounts"},
        ],
        "rooms": [
            {"code": "hall", "floor": "1"},
            {"code": "qa-cellar", "floor": "0", "_step": "qa-data"},
            {"code": "qa-attic", "floor": "2", "_step": "qa-data"},
        ],
        "lockers": [{"code": "L1", "room": "hall"}],
    },
    SPECS,
)


def _without_floor(rows: Dataset) -> pl.DataFrame:
    return rows["rooms"].filter(pl.col("floor").is_null())


def _floor(rows: Dataset, _: Profile) -> pl.DataFrame:
    return _without_floor(rows).select(KEY, pl.lit(3, pl.Int64).alias("floor"))


FLOORED = rule(
    "floored",
    Severity.CRITICAL,
    ("rooms",),
    lambda rows: _without_floor(rows).select(pl.col(KEY).alias("key"), pl.lit("is on no floor").alias("why")),
)

GAP_RULE = GapRule(
    "give-floors", "Rooms get a floor", "augment", "rooms", ("floor",), ("rooms",), _floor, mends=("floored",)
)

STATE = DesiredState(
    "club",
    STEPS,
    SPECS,
    lambda _: ROWS,
    (FLOORED,),
    gap_rules=(GAP_RULE,),
    passwords=(Password(SECRET, VARIABLE, ("qa-accounts", "test-accounts")),),
    registry_step="qa-data",
)
"""What `--state tests.unit.cli.club` loads."""

CLUB = ("--state", "tests.unit.cli.club")
