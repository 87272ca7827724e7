"""Roles, permissions and which role has which; who administers, and what a change of grants means to people.

Additive: roles, permissions and grants of others stay.
"""

import polars as pl

from desired_state import dates
from desired_state.data import listed
from desired_state.permission_texts import describe
from desired_state.tables.people import PERMISSIONS, ROLE_PERMISSIONS, ROLES
from reconcile.dataset import KEY, Dataset, conform
from reconcile.spec import Profile

ADMINISTRATION = ("permissions:assign", "roles:update", "users:manage")
"""What somebody needs to let others in: whoever holds all three is an administrator."""

_GRANTED = "x"
_ROLES = {
    "Super Admin": "May do everything, including users, roles and the system itself",
    "Owner/Executive": "Sees how the whole business does, and changes little of it",
    "Operations Manager": "Runs the daily business across sales, stock and purchasing",
    "Sales Manager": "Runs sales: clients, quotes, orders and prices",
    "Accountant": "Keeps the books: invoices, payments, credits and reports",
    "Inventory Manager": "Runs the stock: intake, movements, locations and samples",
    "Buyer/Procurement": "Buys goods: vendors, purchase orders and supply",
    "Customer Service": "Looks after clients: orders, returns and questions",
    "Warehouse Staff": "Handles the goods: receiving, moving and shipping",
    "Read-Only Auditor": "Reads everything that an audit asks for, and changes nothing",
}


def tables(profile: Profile) -> dict[str, pl.DataFrame]:
    """Give the tables of this area: 10 roles, 272 permissions and 873 grants."""
    moment = dates.go_live(profile.as_of)
    matrix = listed("role_permissions", ROLE_PERMISSIONS)
    roles = pl.DataFrame({"name": list(_ROLES), "description": list(_ROLES.values())}).with_columns(
        is_system_role=pl.lit(1), created_at=moment, updated_at=moment
    )
    permissions = matrix.select(
        "module",
        name="permission",
        description=pl.Series([describe(name) for name in matrix["permission"]]),
        created_at=moment,
    )
    grants = (
        matrix.unpivot(on=list(_ROLES), index="permission", variable_name="role", value_name="mark")
        .filter(pl.col("mark") == _GRANTED)
        .select(role_id="role", permission_id="permission", created_at=moment)
    )
    return {
        ROLES.name: conform(ROLES, roles),
        PERMISSIONS.name: conform(PERMISSIONS, permissions),
        ROLE_PERMISSIONS.name: conform(ROLE_PERMISSIONS, grants),
    }


def effects(before: Dataset, after: Dataset) -> pl.DataFrame:
    """
    Say what it means that the grants change from *before* to *after*.

    Returns:
        The roles that gain or lose a permission, by name: role, gains and loses (permissions, sorted), and users,
        how many users that are not deleted hold the role before or after.

    """
    had, has = _grants(before), _grants(after)
    gains = has.join(had, on=["role", "permission"], how="anti").group_by("role").agg(gains="permission")
    loses = had.join(has, on=["role", "permission"], how="anti").group_by("role").agg(loses="permission")
    users = pl.concat([_holders(before), _holders(after)]).unique().group_by("role").len("users")
    nothing = pl.lit([], dtype=pl.List(pl.String))
    return (
        gains.join(loses, on="role", how="full", coalesce=True)
        .join(users, on="role", how="left")
        .select(
            "role", pl.col("gains", "loses").fill_null(nothing).list.sort(), pl.col("users").fill_null(0).cast(pl.Int64)
        )
        .sort("role")
    )


def administrators(dataset: Dataset) -> pl.Series:
    """List, sorted, the keys of the users that are not deleted and hold everything that administration takes."""
    held = (
        _holders(dataset)
        .join(_grants(dataset).filter(pl.col("permission").is_in(ADMINISTRATION)), on="role")
        .group_by("user")
        .agg(pl.col("permission").n_unique())
    )
    return held.filter(pl.col("permission") == len(ADMINISTRATION))["user"].sort()


def _grants(dataset: Dataset) -> pl.DataFrame:
    """Give each pair of role and permission once; a live table may repeat one."""
    return dataset["role_permissions"].select(role="role_id", permission="permission_id").unique()


def _holders(dataset: Dataset) -> pl.DataFrame:
    """Give each pair of role and user that holds it once, without deleted users."""
    users = dataset["users"].filter(pl.col("deleted_at").is_null()).select(user=KEY)
    held = dataset["user_roles"].select(role="role_id", user="user_id").unique()
    return held.join(users, on="user", how="semi")
