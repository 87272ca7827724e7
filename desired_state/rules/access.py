"""What must hold of roles and grants, and that somebody is left who can give them.

Grants and assignments are additive, so a run never mends those of others: these rules warn.
"""

import polars as pl

from desired_state.rbac import ADMINISTRATION, administrators
from desired_state.rules.report import Violations, lacks, report, say
from reconcile.dataset import Dataset
from reconcile.errors import Severity
from reconcile.state import Rule


def names(table: str, column: str, target: str) -> Violations:
    """Make the check that each row of *table* names a row of *target* in *column*."""

    def violations(dataset: Dataset) -> pl.DataFrame:
        return report(
            dataset[table], lacks(dataset, column, target), say(f"{column} {{}} is no row of {target}", column)
        )

    return violations


def administrator(dataset: Dataset) -> pl.DataFrame:
    """Some user that is not deleted holds the permissions of an administrator; known by the table's name."""
    found = pl.DataFrame({"key": ["user_roles"], "why": [f"nobody holds {', '.join(ADMINISTRATION)}"]})
    return found.clear() if len(administrators(dataset)) else found


_REFERENCES = (
    ("user_roles", "user_id", "users"),
    ("user_roles", "role_id", "roles"),
    ("role_permissions", "role_id", "roles"),
    ("role_permissions", "permission_id", "permissions"),
)
_CHECKS = (
    *(
        (
            f"{table}-{column}".replace("_", "-"),
            f"{table}.{column} names a row of {target}",
            names(table, column, target),
            (table, target),
        )
        for table, column, target in _REFERENCES
    ),
    (
        "administrator",
        "Somebody can administer users and roles",
        administrator,
        ("users", "user_roles", "role_permissions"),
    ),
)
RULES = tuple(
    Rule(identifier, title, "invariants", Severity.WARNING, tables, check)
    for identifier, title, check, tables in _CHECKS
)
