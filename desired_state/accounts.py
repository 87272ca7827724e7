"""Accounts for quality assurance and end-to-end tests, each with its role. Additive: other accounts stay.

An account that exists is recognised by its e-mail and keeps its openId and its password; nothing is shipped for a
password but the name of the secret that a run supplies.
"""

import polars as pl

from desired_state import dates
from desired_state.data import listed
from desired_state.tables.people import USER_ROLES, USERS
from reconcile.dataset import conform
from reconcile.spec import Profile

PASSWORD = "account-password"  # noqa: S105 - the name of a secret, not its value
STEPS = {"qa-accounts": "qa-seeder", "test-accounts": "test-seeder"}
"""Who is said to have assigned the roles, by step."""


def tables(profile: Profile) -> dict[str, pl.DataFrame]:
    """Give seven accounts for quality assurance and seventeen for tests, and as many assignments of a role."""
    moment = dates.go_live(profile.as_of)
    accounts = listed("accounts", USERS).with_columns(openId=_open_id(pl.col("email")))
    users, roles = [], []
    for step, assigner in STEPS.items():
        chosen = accounts.filter(pl.col("step") == step)
        rows = chosen.select(
            "openId",
            "name",
            "email",
            "role",
            loginMethod=pl.lit(PASSWORD),
            createdAt=moment,
            updatedAt=moment,
            lastSignedIn=moment,
        )
        held = chosen.select(user_id="openId", role_id="rbac_role", assigned_at=moment, assigned_by=pl.lit(assigner))
        users.append(conform(USERS, rows, step))
        roles.append(conform(USER_ROLES, held, step))
    return {USERS.name: pl.concat(users), USER_ROLES.name: pl.concat(roles)}


def _open_id(email: pl.Expr) -> pl.Expr:
    """Name an account after its mailbox, which already says what it is for: `qa-superadmin`, `test-owner`."""
    return email.str.extract(r"^(.*)@").str.to_lowercase().str.replace_all(r"[^a-z0-9]+", "-")
