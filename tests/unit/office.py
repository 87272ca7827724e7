"""An office of people, roles and rights: the smallest state that `reconcile rbac` can be asked about."""

import polars as pl

from reconcile import values
from reconcile.dataset import KEY, Dataset
from reconcile.errors import Severity
from reconcile.spec import Column, Step, TableSpec
from reconcile.state import Access, DesiredState, GapRule
from tests.unit.tiny import SURROGATE, Rows, broken, declared, rule

ROLES = TableSpec(
    name="roles",
    columns=(SURROGATE, Column("name", values.Text(40)), Column("title", values.Text(80), nullable=True)),
    key=("name",),
    step="access",
    prunes=False,
)
RIGHTS = TableSpec(
    name="rights",
    columns=(SURROGATE, Column("name", values.Text(40)), Column("title", values.Text(80), nullable=True)),
    key=("name",),
    step="access",
    prunes=False,
)
GRANTS = TableSpec(
    name="grants",
    columns=(
        SURROGATE,
        Column("role", values.Reference("roles", "CASCADE"), is_part=True),
        Column("right_id", values.Reference("rights", "CASCADE")),
    ),
    key=("role", "right_id"),
    step="access",
    prunes=False,
)
PEOPLE = TableSpec(
    name="people",
    columns=(SURROGATE, Column("name", values.Text(40)), Column("phone", values.Text(20), nullable=True)),
    key=("name",),
    step="staff",
    prunes=False,
)
POSTS = TableSpec(
    name="posts",
    columns=(
        SURROGATE,
        Column("person", values.Reference("people", "CASCADE")),
        Column("role", values.Reference("roles", "CASCADE")),
    ),
    key=("person", "role"),
    step="staff",
    prunes=False,
)

DESKS = TableSpec("desks", columns=(SURROGATE, Column("code", values.Text(10))), key=("code",), step="staff")

SPECS = {spec.name: spec for spec in (ROLES, RIGHTS, GRANTS, PEOPLE, POSTS, DESKS)}
STEPS = (Step("staff", "The people"), Step("access", "Roles and rights"), Step("quality", "Checks", ("quality",)))


def _grants(rows: Dataset) -> pl.DataFrame:
    return rows["grants"].select("role", "right_id").unique()


def effects(before: Dataset, after: Dataset) -> pl.DataFrame:
    """Say which roles gain and lose rights, and how many people hold each."""
    had, has = _grants(before), _grants(after)
    sides = (("gains", has.join(had, on=had.columns, how="anti")), ("loses", had.join(has, on=had.columns, how="anti")))
    changes = [rows.select("role", pl.lit(side).alias("side"), "right_id") for side, rows in sides]
    held = after["posts"].group_by("role").len("users")
    return (
        pl.concat(changes)
        .group_by("role")
        .agg(pl.col("right_id").filter(pl.col("side") == side).sort().alias(side) for side, _ in sides)
        .join(held, on="role", how="left")
        .with_columns(pl.col("users").fill_null(0).cast(pl.Int64))
        .sort("role")
    )


def administrators(rows: Dataset) -> pl.Series:
    """List who may appoint others."""
    appointing = _grants(rows).filter(pl.col("right_id") == "appoint")
    return rows["posts"].join(appointing, on="role", how="semi")["person"].unique().sort()


def _titles(rows: Dataset, _: object) -> pl.DataFrame:
    return rows["roles"].select(KEY, pl.lit("filled").alias("title"))


ACCESS = Access("access", ("people", "roles", "rights", "grants", "posts"), effects, administrators)
OFFICE: Rows = {
    "roles": [{"name": "chief", "title": "Decides"}, {"name": "clerk", "title": "Writes"}],
    "rights": [{"name": name} for name in ("appoint", "read", "sell", "write")],
    "grants": [
        *({"role": "chief", "right_id": right} for right in ("appoint", "read", "sell", "write")),
        *({"role": "clerk", "right_id": right} for right in ("read", "write")),
    ],
    "people": [{"name": "Ada"}, {"name": "Bea"}],
    "posts": [{"person": "Ada", "role": "chief"}, {"person": "Bea", "role": "clerk"}],
    "desks": [{"code": "window"}],
}
"""A sound office that Ada administers."""


STATE = DesiredState(
    name="office",
    steps=STEPS,
    specs=SPECS,
    rows=lambda _: declared(OFFICE, SPECS),
    rules=(rule("staffed", tables=("posts",)), rule("tidy", Severity.WARNING, ("desks",), lambda _: broken("window"))),
    gap_rules=(GapRule("titles", "Roles have titles", "access", "roles", ("title",), ("roles",), _titles),),
    access=ACCESS,
)
"""What `--state tests.unit.office` loads; its gap rule would change every title."""
