"""Roles, grants and accounts are those the application ships, and a change of grants says whom it touches."""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from desired_state import STATE, accounts, actors
from desired_state.permission_texts import describe
from desired_state.rbac import ADMINISTRATION, administrators, effects
from desired_state.rules import access
from reconcile.dataset import KEY, STEP, Dataset
from reconcile.errors import Severity
from reconcile.spec import Owner
from reconcile.state import Rule
from reconcile.values import Secret, TextReference
from tests.unit.desired_state.test_rules import GONE, Mutation, drop, edit, everything, setting


def small(grants: Sequence[tuple[str, str]], held: Sequence[tuple[str, str]], deleted: Sequence[str] = ()) -> Dataset:
    """Give a dataset of (role, permission) and (user, role) with the users that these name."""
    users = sorted({user for user, _ in held} | set(deleted))
    gone = [datetime(2026, 1, 1) if user in deleted else None for user in users]
    frames = {
        "users": pl.DataFrame(
            {KEY: users, "deleted_at": gone}, schema={KEY: pl.String, "deleted_at": pl.Datetime("us")}
        ),
        "user_roles": pl.DataFrame(held, schema=dict.fromkeys(("user_id", "role_id"), pl.String), orient="row"),
        "role_permissions": pl.DataFrame(
            grants, schema=dict.fromkeys(("role_id", "permission_id"), pl.String), orient="row"
        ),
    }
    return Dataset(STATE.specs, frames)


ALL_OF_IT = [("Boss", permission) for permission in ADMINISTRATION]


def test_roles_permissions_and_grants_are_the_applications(facts: Path, light: Dataset) -> None:
    """10 roles, 272 permissions with their module and 873 grants, as rbac.json lists them."""
    listed = json.loads((facts / "rbac.json").read_text(encoding="utf-8"))

    assert light["roles"].select("name", "is_system_role").to_dicts() == listed["roles"]
    assert light["permissions"].select("name", "module").to_dicts() == listed["permissions"]
    assert light["role_permissions"].height == 873
    assert set(light["role_permissions"].select("role_id", "permission_id").iter_rows()) == {
        (role, permission) for role, permissions in listed["role_permissions"].items() for permission in permissions
    }
    assert {"rbac"} == {step for name in ("roles", "permissions", "role_permissions") for step in light[name][STEP]}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("clients:export", "Export clients"),
        ("clients:needs:read", "Read needs in clients"),
        ("dashboard:view_kpis", "View KPIs in dashboard"),
        ("accounting:gl:create_entry", "Create general ledger entry in accounting"),
        ("purchase_orders:approve", "Approve purchase orders"),
        ("quotes:convert_to_order", "Convert quotes to orders"),
    ],
)
def test_a_permission_is_described_by_its_name(name: str, text: str) -> None:
    assert describe(name) == text


def test_every_permission_and_role_has_a_text_of_its_own(light: Dataset) -> None:
    """No text is missing, repeated or still code."""
    texts = pl.concat([light["permissions"]["description"], light["roles"]["description"]])

    assert texts.is_unique().all()
    assert texts.str.contains(r"^[A-Z][\w ,:-]+$").all()
    assert not light["permissions"]["description"].str.contains("[:_]").any()


def test_accounts_are_those_of_the_test_suites(facts: Path, light: Dataset) -> None:
    """7 and 17 accounts, each with its name, its kind of user and its role, in the step that makes it."""
    listed = json.loads((facts / "accounts.json").read_text(encoding="utf-8"))
    expected = {
        (each["step"], row["email"], row["name"], row["user_role"], row["rbac_role"], each["assigned_by"])
        for each in (listed["qa_accounts"], listed["test_accounts"])
        for row in each["rows"]
    }
    made = light["users"].filter(pl.col(STEP) != "core")
    held = light["user_roles"].select("role_id", "assigned_by", pl.col(STEP).alias("by"), openId="user_id")
    found = made.join(held, on="openId")

    assert made.group_by(STEP).len().sort(STEP).rows() == [("qa-accounts", 7), ("test-accounts", 17)]
    assert (found[STEP] == found["by"]).all()
    assert set(found.select(STEP, "email", "name", "role", "role_id", "assigned_by").iter_rows()) == expected


def test_an_account_is_named_after_its_mailbox(light: Dataset) -> None:
    """No clock and no chance: the same openId on every machine, one of its own, and short enough."""
    made = light["users"].filter(pl.col(STEP) != "core")

    assert made["openId"].is_unique().all()
    assert made["openId"].str.contains(r"^(qa|test)-[a-z-]{2,50}$").all()
    assert {"qa-superadmin", "test-accounting-manager"} <= set(made["openId"])


def test_only_accounts_have_a_password_and_it_is_not_shipped(light: Dataset) -> None:
    """A row holds the name of the secret; the six users of the core cannot log in."""
    (password,) = STATE.passwords
    named = light["users"].filter(pl.col("loginMethod").is_not_null())

    assert set(light["users"].filter(pl.col("loginMethod").is_null())[KEY]) == {actors.ADMIN, *actors.STAFF}
    assert (named["loginMethod"] == password.name).all()
    assert (password.variable, password.cost) == ("RECONCILE_QA_PASSWORD", 10)
    assert set(named[STEP]) == set(password.steps) == set(accounts.STEPS)


def test_an_account_is_recognised_and_keeps_what_is_its_own() -> None:
    """Its e-mail tells it; openId and dates are never compared, a password only set where there is none."""
    users, held = STATE.specs["users"], STATE.specs["user_roles"]

    assert users.recognised_by == ("email",)
    assert users.column("loginMethod").kind == Secret(64)
    assert users.column("loginMethod").owner is Owner.ONCE
    assert {users.column(name).owner for name in ("openId", "createdAt", "lastSignedIn")} == {Owner.CREATION}
    assert held.column("user_id").kind == TextReference("users", "openId", 255)
    assert {held.column(name).owner for name in ("assigned_at", "assigned_by")} == {Owner.CREATION}


@pytest.mark.parametrize("table", ["users", "user_roles", "roles", "permissions", "role_permissions"])
def test_access_is_additive(table: str) -> None:
    """Nobody loses an account, a role or a grant because it is not declared."""
    assert not STATE.specs[table].prunes


def test_effects_name_what_a_role_gains_and_loses_and_how_many_it_touches() -> None:
    """Roles in order, permissions sorted, users counted once; a role that stays as it is is not there."""
    before = small([("Clerk", "a"), ("Clerk", "b"), ("Same", "a")], [("ann", "Clerk"), ("bob", "Same")])
    after = small(
        [("Clerk", "d"), ("Clerk", "c"), ("Clerk", "a"), ("Boss", "a"), ("Same", "a")],
        [("ann", "Clerk"), ("ann", "Clerk"), ("cid", "Clerk"), ("bob", "Same")],
    )

    assert effects(before, after).to_dicts() == [
        {"role": "Boss", "gains": ["a"], "loses": [], "users": 0},
        {"role": "Clerk", "gains": ["c", "d"], "loses": ["b"], "users": 2},
    ]


def test_effects_count_no_deleted_user_and_count_those_of_a_role_that_goes() -> None:
    """Who held a role before it lost its grants is touched; who is deleted is not."""
    before = small([("Clerk", "a")], [("ann", "Clerk"), ("dan", "Clerk")], deleted=["dan"])

    assert effects(before, small([], [])).to_dicts() == [{"role": "Clerk", "gains": [], "loses": ["a"], "users": 1}]


def test_no_change_has_no_effect(light: Dataset) -> None:
    """A grant that a live table repeats changes nothing; the empty frame has its columns."""
    twice = Dataset(
        light.specs,
        dict(light.frames) | {"role_permissions": pl.concat([light["role_permissions"], light["role_permissions"]])},
    )
    found = effects(light, twice)

    assert found.height == 0
    assert dict(found.schema) == {
        "role": pl.String,
        "gains": pl.List(pl.String),
        "loses": pl.List(pl.String),
        "users": pl.Int64,
    }


def test_an_administrator_holds_all_that_it_takes() -> None:
    """In one role or several, granted once or more often; a part of it is not enough, nor is a deleted account."""
    halves = [("Left", ADMINISTRATION[0]), ("Right", ADMINISTRATION[1]), ("Right", ADMINISTRATION[2])]
    dataset = small(
        [*ALL_OF_IT, ALL_OF_IT[0], *halves],
        [("ann", "Boss"), ("bob", "Left"), ("bob", "Right"), ("cid", "Right"), ("dan", "Boss"), ("eve", "Nobody")],
        deleted=["dan"],
    )

    assert administrators(dataset).to_list() == ["ann", "bob"]


def test_a_repeated_grant_does_not_stand_for_another() -> None:
    assert administrators(small([ALL_OF_IT[0]] * len(ADMINISTRATION), [("ann", "Boss")])).to_list() == []


def test_both_kinds_of_accounts_have_an_administrator(light: Dataset) -> None:
    assert administrators(light).to_list() == ["qa-superadmin", "test-superadmin"]


def without_administrators(dataset: Dataset) -> tuple[Dataset, str]:
    return drop(dataset, "user_roles", pl.col("role_id") == "Super Admin"), "user_roles"


def with_deleted_administrators(dataset: Dataset) -> tuple[Dataset, str]:
    for user in administrators(dataset):
        dataset = edit(dataset, "users", user, deleted_at=datetime(2026, 1, 1))
    return dataset, "user_roles"


def without_a_grant(dataset: Dataset) -> tuple[Dataset, str]:
    return drop(dataset, "role_permissions", pl.col("permission_id") == ADMINISTRATION[0]), "user_roles"


def without_users(dataset: Dataset) -> tuple[Dataset, str]:
    return drop(dataset, "users", pl.col(STEP) != "core"), dataset["user_roles"][KEY][0]


def without_assignments(dataset: Dataset) -> tuple[Dataset, str]:
    return drop(dataset, "user_roles", everything()), "user_roles"


MUTATIONS: list[tuple[str, Mutation]] = [
    ("user-roles-user-id", setting("user_roles", everything(), user_id=GONE)),
    ("user-roles-user-id", without_users),
    ("user-roles-role-id", setting("user_roles", everything(), role_id=GONE)),
    ("role-permissions-role-id", setting("role_permissions", everything(), role_id=None)),
    ("role-permissions-permission-id", setting("role_permissions", everything(), permission_id=GONE)),
    ("administrator", without_administrators),
    ("administrator", with_deleted_administrators),
    ("administrator", without_a_grant),
    ("administrator", without_assignments),
]


@pytest.mark.parametrize("rule", access.RULES, ids=lambda rule: rule.id)
def test_rule_holds_on_the_desired_rows_and_warns(rule: Rule, whole: Dataset) -> None:
    """Tables that keep the rows of others are never mended, so what is wrong in them stops no run."""
    assert rule.violations(whole).height == 0
    assert rule.severity is Severity.WARNING
    assert rule.id in dict(MUTATIONS)


@pytest.mark.parametrize(("identifier", "mutate"), MUTATIONS)
def test_rule_reports_what_breaks_it(identifier: str, mutate: Mutation, whole: Dataset) -> None:
    (rule,) = (rule for rule in access.RULES if rule.id == identifier)
    broken, key = mutate(whole)

    assert key in rule.violations(broken)["key"].to_list()


def test_a_soft_deleted_user_is_still_somebody(whole: Dataset) -> None:
    """An assignment of a deleted user names a row that exists."""
    (rule,) = (rule for rule in access.RULES if rule.id == "user-roles-user-id")

    assert rule.violations(edit(whole, "users", "qa-auditor", deleted_at=datetime(2026, 1, 1))).height == 0
