"""All ten steps on the live schema: what each writes, that every rule holds then, and what is left if some stay out."""

import re

import polars as pl
import pytest

from reconcile.dataset import STEP
from reconcile.spec import Size
from tests.servers.laws import assert_nothing_to_do, assert_strictly_sound
from tests.servers.operating import (
    FULL,
    LIGHT,
    apply,
    assert_converged,
    changes,
    command,
    declared_rows,
    desired,
    dump,
    edit,
    plan,
    set_cell,
)
from tests.servers.target import Target

WRITING = ("core", "defaults", "rbac", "qa-accounts", "test-accounts", "qa-data", "gap-fill", "augment")
CHECKING = ("quality", "integrity")

SHAPES = [pytest.param(LIGHT, Size.LIGHT, id="light"), pytest.param(FULL, Size.FULL, id="full")]


def steps_of(shown: str) -> dict[str, str]:
    """Read from a plan what it says of each step, in order."""
    return dict(re.findall(r"^ *\d+ ([a-z-]+) +(?:\S+ )+ +(\S.*)$", shown, re.MULTILINE))


def rows_by_step(size: Size) -> dict[str, int]:
    """Count the declared rows of each step that writes."""
    steps = pl.concat(frame[STEP] for frame in desired(size).frames.values())
    return dict.fromkeys(WRITING, 0) | dict(steps.value_counts().iter_rows())


@pytest.mark.parametrize(("shape", "size"), SHAPES)
def test_all_ten_steps_are_done_and_every_rule_holds(target: Target, shape: tuple[str, ...], size: Size) -> None:
    """Each step is in the plan with its rows; afterwards no rule fails, and a second run does nothing at all."""
    rows = rows_by_step(size)
    checked = dict.fromkeys(CHECKING, "checked when applied, and by `reconcile verify`")

    planned = command(target, "plan", "--summary", *shape)
    applied = command(target, "apply", "--force", *shape)
    again = command(target, "plan", "--summary", *shape)

    assert applied.code == 0, applied.err
    assert steps_of(planned.out) == {s: f"{n:,} to change, 0 as declared" for s, n in rows.items()} | checked
    assert steps_of(again.out) == {s: f"0 to change, {n:,} as declared" for s, n in rows.items()} | checked
    assert list(steps_of(planned.out)) == [*WRITING, *CHECKING]
    assert ", 0 warnings, 0 critical.\n" in applied.out
    assert_strictly_sound(target)
    assert_nothing_to_do(target, shape)


def test_full_and_light_follow_each_other(filled: Target, template: Target) -> None:
    """Each ends as declared, whatever the other left; light after full is what a first light run makes."""
    grown = command(filled, "apply", "--force", *FULL)
    assert (grown.code, " 0 deleted" in grown.out.splitlines()[-1]) == (0, True), grown.err
    assert_strictly_sound(filled)
    assert_nothing_to_do(filled, FULL)

    shrunk = apply(filled)

    assert shrunk.code == 0, shrunk.err
    assert_strictly_sound(filled)
    assert_nothing_to_do(filled, LIGHT)
    assert declared_rows(filled) == declared_rows(template)
    assert {table: len(rows) for table, rows in dump(filled).items()} == {
        table: len(rows) for table, rows in dump(template).items()
    }


@pytest.fixture
def harmed(filled: Target) -> Target:
    """A filled database of which every step that declares rows misses one and, but for realism, has an edited one."""
    edit(
        filled,
        "DELETE FROM tags WHERE name = 'Indoor'",
        "DELETE FROM shift_templates WHERE id = 2",
        "DELETE FROM role_permissions WHERE id = 3",
        "DELETE FROM user_roles WHERE user_id = 'qa-auditor'",
        "DELETE FROM user_roles WHERE user_id = 'test-owner'",
        "DELETE FROM locations WHERE site = 'QA_LOCATION_COLD'",
        "DELETE FROM client_activity WHERE id = 5",
    )
    for row, column in (
        (("clients", "REG0001"), "name"),
        (("sites", desired()["sites"]["code"][0]), "name"),
        (("roles", "Accountant"), "description"),
        (("users", "qa-auditor"), "name"),
        (("users", "test-owner"), "name"),
        (("products", "QA_PRODUCT_VAPE"), "category"),
    ):
        set_cell(filled, row, column, "by hand")
    return filled


EVERYTHING = {
    "core": {("tags", "create"), ("clients", "update")},
    "defaults": {("shift_templates", "create"), ("sites", "update")},
    "rbac": {("role_permissions", "create"), ("roles", "update")},
    "qa-accounts": {("user_roles", "create"), ("users", "update")},
    "test-accounts": {("user_roles", "create"), ("users", "update")},
    "qa-data": {("locations", "create"), ("products", "update")},
    "augment": {("client_activity", "create")},
}
ACCOUNTS = {"qa-accounts", "test-accounts"}
SELECTIONS = [
    *(pytest.param(("--step", step), {step}, id=f"step {step}") for step in EVERYTHING),
    pytest.param(("--step", "gap-fill"), set(), id="step gap-fill"),
    pytest.param(("--step", "quality"), set(), id="step quality"),
    pytest.param(("--skip", "core", "--skip", "rbac"), EVERYTHING.keys() - {"core", "rbac"}, id="skip two"),
    pytest.param(("--skip-accounts",), EVERYTHING.keys() - ACCOUNTS, id="skip-accounts"),
    pytest.param(("--skip-qa-data",), EVERYTHING.keys() - {"qa-data"}, id="skip-qa-data"),
    pytest.param(("--skip-augment",), EVERYTHING.keys() - {"augment"}, id="skip-augment"),
]


def found(target: Target, *words: str) -> dict[str, set[tuple[str, str]]]:
    """Give what a plan would do, by step."""
    steps: dict[str, set[tuple[str, str]]] = {}
    for change in changes(target, *words):
        steps.setdefault(change.step, set()).add((change.table, change.action))
    return steps


@pytest.mark.embedded
@pytest.mark.parametrize(("words", "chosen"), SELECTIONS)
def test_only_the_chosen_steps_are_planned_and_written(
    harmed: Target, words: tuple[str, ...], chosen: set[str]
) -> None:
    """The rows of the others stay as they are, and missing where they are missing."""
    planned = found(harmed, *words)
    applied = apply(harmed, *words)

    assert planned == {step: EVERYTHING[step] for step in chosen}
    assert applied.code == 0, applied.err
    assert found(harmed) == {step: EVERYTHING[step] for step in EVERYTHING if step not in chosen}


def test_a_top_up_takes_steps_too(harmed: Target) -> None:
    """It adds what the chosen step misses, and says of its edited row that it stays."""
    assert found(harmed, "--no-clear", "--step", "core") == {"core": {("tags", "create"), ("clients", "skip")}}
    assert apply(harmed, "--no-clear", "--step", "core").code == 0

    assert found(harmed, "--no-clear", "--step", "core") == {"core": {("clients", "skip")}}
    assert found(harmed) == EVERYTHING | {"core": {("clients", "update")}}


def test_without_validation_no_rule_is_asked(harmed: Target) -> None:
    """The rows are mended all the same."""
    shown = plan(harmed, "--skip-validation").out
    applied = apply(harmed, "--skip-validation")

    assert {steps_of(shown)[step] for step in CHECKING} == {"not part of this run"}
    assert_converged(harmed)
    assert (applied.code, "Verify:" in applied.out) == (0, False)


@pytest.mark.parametrize(
    ("words", "tables"),
    [
        pytest.param(("--step", "rbac"), {"roles": 10, "permissions": 272, "role_permissions": 873}, id="rbac"),
        pytest.param(("--step", "defaults", "-t", "sites", "-t", "storage_zones"), {"sites": 5, "storage_zones": 10},
                     id="two tables of defaults"),
    ],
)  # fmt: skip
def test_a_step_can_be_first(target: Target, words: tuple[str, ...], tables: dict[str, int]) -> None:
    """On an empty database it writes its own rows and no others."""
    applied = apply(target, *words)

    assert applied.code == 0, applied.err
    assert {table: len(rows) for table, rows in dump(target).items()} == tables


def test_a_step_that_would_break_a_rule_writes_nothing(target: Target) -> None:
    """The fixtures' categories have their default margins from the first step."""
    applied = apply(target, "--step", "qa-data")

    assert applied.code == 3
    assert "no default margin for category" in applied.err
    assert target.engine == "sqlite" or dump(target) == {}


def test_a_step_that_needs_another_says_so_and_writes_nothing(target: Target) -> None:
    """Accounts hold roles: without them there is nothing to assign."""
    applied = apply(target, "--step", "qa-accounts")

    assert applied.code == 1
    assert "roles" in applied.err
    assert "fix:" in applied.err
    assert target.engine == "sqlite" or dump(target) == {}
