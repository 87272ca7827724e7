"""`reconcile rbac` on the live schema: what administrators changed by hand is kept, brought back or left alone."""

from collections.abc import Mapping, Sequence

import pytest

from tests.servers.operating import Result, assert_converged, command, dump, next_ids, plan
from tests.servers.target import Target

pytestmark = pytest.mark.on_mariadb

STATE = ("--state", "tests.servers.cached_state")

GRANT = (
    "INSERT INTO role_permissions (role_id, permission_id) SELECT r.id, p.id FROM roles r, permissions p "
    "WHERE r.name = :role AND p.name = :permission"
)
REVOKE = (
    "DELETE FROM role_permissions WHERE role_id = (SELECT id FROM roles WHERE name = :role) "
    "AND permission_id = (SELECT id FROM permissions WHERE name = :permission)"
)
HOLD = (
    "INSERT INTO user_roles (user_id, role_id) SELECT u.openId, r.id FROM users u, roles r "
    "WHERE u.openId = :user AND r.name = :role"
)

WRITTEN = ("roles", "permissions", "role_permissions")


def rbac(target: Target, *words: str) -> Result:
    """Look at the roles, or write them without a prompt."""
    return command(target, "rbac", *STATE, "--force", *words)


def permissions(target: Target, role: str) -> set[str]:
    query = (
        "SELECT p.name FROM role_permissions g JOIN roles r ON r.id = g.role_id "
        "JOIN permissions p ON p.id = g.permission_id WHERE r.name = :role"
    )
    return {str(name) for (name,) in target.rows(query, {"role": role})}


def others(target: Target) -> Mapping[str, Sequence[tuple[object, ...]]]:
    """Every row of every table that the command must not write."""
    return {table: rows for table, rows in dump(target).items() if table not in WRITTEN}


@pytest.fixture
def edited(filled: Target) -> Target:
    """
    A database that administrators have worked on.

    An extra grant, a grant taken away, a renamed text, and a role of theirs with a grant and somebody who holds it.
    """
    filled.execute(GRANT, {"role": "Warehouse Staff", "permission": "clients:delete"})
    filled.execute(REVOKE, {"role": "Accountant", "permission": "accounting:gl:view"})
    filled.execute("UPDATE roles SET description = 'Ours, thank you' WHERE name = 'Accountant'")
    filled.execute("UPDATE permissions SET description = 'Ours too' WHERE name = 'orders:read'")
    filled.execute("INSERT INTO roles (name, description, is_system_role) VALUES ('Night Shift', 'Theirs', 0)")
    filled.execute(GRANT, {"role": "Night Shift", "permission": "orders:read"})
    filled.execute(HOLD, {"user": "qa-auditor", "role": "Night Shift"})
    filled.execute(HOLD, {"user": "qa-auditor", "role": "Warehouse Staff"})
    return filled


def test_a_filled_database_is_as_declared(filled: Target) -> None:
    told = rbac(filled, "--mode", "exact", "--detailed-exitcode")

    assert (told.code, told.out.split("\n")[0]) == (0, "No role gains or loses a permission.")
    assert told.out.splitlines()[-1] == "Nothing to do: 1,155 rows are as declared, 0 skipped."


def test_add_only_keeps_every_extra_and_every_text_and_says_why(edited: Target) -> None:
    untouched, declared = others(edited), permissions(edited, "Super Admin")

    told = rbac(edited, "--apply")
    rows = {
        (row["table"], row["key"]): (row["action"], row["why"])
        for row in rbac(edited, "--format", "json").document["changes"]
    }

    assert told.code == 0, told.err
    assert told.out.split("\n\n")[:2] == [
        'Effect\n  Role "Accountant": gains 1 permission (accounting:gl:view); 3 users',
        "Kept: add-only takes nothing away, --mode exact would\n"
        '  Role "Warehouse Staff": keeps 1 permission not declared (clients:delete); 4 users',
    ]
    assert rows == {
        ("roles", "Accountant"): ("skip", "add-only changes no existing row"),
        ("permissions", "orders:read"): ("skip", "add-only changes no existing row"),
        ("roles", "Night Shift"): ("skip", "add-only deletes no row"),
        ("role_permissions", "Night Shift|orders:read"): ("skip", "add-only deletes no row"),
        ("role_permissions", "Warehouse Staff|clients:delete"): ("skip", "add-only deletes no row"),
    }
    assert "clients:delete" in permissions(edited, "Warehouse Staff")
    assert "accounting:gl:view" in permissions(edited, "Accountant")
    assert edited.rows("SELECT description FROM roles WHERE name = 'Accountant'") == [("Ours, thank you",)]
    assert permissions(edited, "Super Admin") == declared
    assert others(edited) == untouched


def test_exact_brings_declared_roles_back_and_leaves_the_roles_of_others(edited: Target) -> None:
    untouched = others(edited)

    told = rbac(edited, "--mode", "exact", "--apply")

    assert told.code == 0, told.err
    assert told.out.split("\n\n")[0].split("\n") == [
        "Effect",
        '  Role "Accountant": gains 1 permission (accounting:gl:view); 3 users',
        '  Role "Warehouse Staff": loses 1 permission (clients:delete); 4 users',
    ]
    assert "= [Night Shift] not declared: roles keeps the rows of others" in rbac(edited, "--mode", "exact").out
    assert "clients:delete" not in permissions(edited, "Warehouse Staff")
    assert "accounting:gl:view" in permissions(edited, "Accountant")
    assert edited.rows("SELECT description FROM roles WHERE name = 'Night Shift'") == [("Theirs",)]
    assert permissions(edited, "Night Shift") == {"orders:read"}
    texts = "SELECT description FROM {} WHERE description LIKE 'Ours%'"
    assert [edited.rows(texts.format(table)) for table in ("roles", "permissions")] == [[], []]
    assert others(edited) == untouched
    assert_converged(edited)


@pytest.mark.parametrize("mode", ["add-only", "exact"])
def test_a_second_run_writes_nothing(edited: Target, mode: str) -> None:
    """No row, no id."""
    assert rbac(edited, "--mode", mode, "--apply").code == 0
    rows, ids = dump(edited), next_ids(edited)

    again = rbac(edited, "--mode", mode, "--apply")

    assert (again.code, "Apply complete: 0 created, 0 updated, 0 deleted" in again.out) == (0, True)
    assert rbac(edited, "--mode", mode, "--detailed-exitcode").code == 0
    assert dump(edited) == rows
    assert next_ids(edited) == ids


@pytest.mark.parametrize("mode", ["add-only", "exact", "report"])
def test_without_apply_nothing_is_written(edited: Target, mode: str) -> None:
    rows, ids = dump(edited), next_ids(edited)

    told = rbac(edited, "--mode", mode, "--detailed-exitcode", "--format", "json")
    report = rbac(edited, "--mode", "report", "--apply")

    assert (told.code, report.code) == (2, 64)
    assert [effect["role"] for effect in told.document["effects"]] == (
        ["Accountant"] if mode == "add-only" else ["Accountant", "Warehouse Staff"]
    )
    assert dump(edited) == rows
    assert next_ids(edited) == ids


def test_users_that_hold_a_role_are_counted_unless_they_are_deleted(edited: Target) -> None:
    edited.execute("UPDATE users SET deleted_at = '2025-01-01 00:00:00' WHERE openId = 'qa-auditor'")
    edited.execute("INSERT INTO user_roles (user_id, role_id) SELECT 'nobody-there', id FROM roles")

    effects = rbac(edited, "--mode", "report", "--format", "json").document["effects"]

    assert {effect["role"]: effect["users"] for effect in effects} == {"Accountant": 3, "Warehouse Staff": 3}


def test_a_run_of_every_step_tells_the_effect_too(edited: Target) -> None:
    """It is additive: what the clear list spares loses nothing."""
    told = plan(edited, "--format", "json")

    assert told.document["effects"] == [
        {"role": "Accountant", "gains": ["accounting:gl:view"], "loses": [], "users": 3}
    ]


def test_a_repeated_grant_is_no_loss(filled: Target) -> None:
    """The schema lets a grant stand twice: exact takes one away, and nobody loses anything."""
    filled.execute(GRANT, {"role": "Accountant", "permission": "accounting:gl:view"})

    told = rbac(filled, "--mode", "exact", "--apply")

    assert (told.code, told.out.split("\n")[0]) == (0, "No role gains or loses a permission.")
    assert "0 created, 0 updated, 1 deleted" in told.out
    assert "accounting:gl:view" in permissions(filled, "Accountant")


def test_the_last_administrator_keeps_what_makes_them_one(filled: Target) -> None:
    """Somebody who administers by extra grants alone, and nobody else does."""
    filled.execute("DELETE FROM user_roles")
    filled.execute(HOLD, {"user": "qa-fulfillment", "role": "Warehouse Staff"})
    for permission in ("permissions:assign", "roles:update", "users:manage"):
        filled.execute(GRANT, {"role": "Warehouse Staff", "permission": permission})
    rows = dump(filled)

    refused = rbac(filled, "--mode", "exact", "--apply")
    kept = rbac(filled, "--apply")

    assert refused.code == 4
    assert "error: nobody would be left who can administer the system\n  where: qa-fulfillment can now" in refused.err
    assert "why:   Warehouse Staff loses permissions:assign, roles:update, users:manage" in refused.err
    assert kept.code == 0, kept.err
    assert dump(filled) == rows


def test_with_another_administrator_the_grants_go(filled: Target) -> None:
    filled.execute(GRANT, {"role": "Warehouse Staff", "permission": "users:manage"})

    assert rbac(filled, "--mode", "exact", "--apply").code == 0
    assert "users:manage" not in permissions(filled, "Warehouse Staff")


def test_an_empty_database_gets_roles_and_no_people(target: Target) -> None:
    """Nobody administers it before, so nobody can be locked out."""
    told = rbac(target, "--mode", "exact", "--apply")

    assert told.code == 0, told.err
    assert {table: len(rows) for table, rows in dump(target).items()} == {
        "permissions": 272,
        "role_permissions": 873,
        "roles": 10,
    }
    assert rbac(target, "--mode", "exact", "--detailed-exitcode").code == 0
