"""What planning asks of every plan: its effect on roles, and whether somebody is left to administer."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from reconcile.cli.access import access_tables, effects_of, kept_extras
from reconcile.dataset import Dataset
from reconcile.decide import Mode
from reconcile.errors import ExitCode, ReconcileError
from reconcile.guard import refuse_lockout
from reconcile.plan import Plan
from reconcile.spec import TableSpec
from reconcile.state import DesiredState
from tests.unit.office import ACCESS, GRANTS, OFFICE, SPECS, STATE
from tests.unit.tiny import Row, declared, goal_of, live, planned

PRUNING = SPECS | {"grants": replace(GRANTS, prunes=True)}


def office(grants: list[Row], specs: Mapping[str, TableSpec] = SPECS) -> Dataset:
    """Give the live office with other grants."""
    return live({**OFFICE, "grants": grants}, specs)


BY_CLERK = office([{"role": "clerk", "right_id": "appoint"}, {"role": "clerk", "right_id": "read"}], PRUNING)
"""Only Bea, a clerk, can appoint."""


def reset(*tables: str, found: Dataset) -> Plan:
    return planned(declared({name: OFFICE[name] for name in tables}, PRUNING), found)


def test_a_reset_that_leaves_no_administrator_is_refused() -> None:
    found = BY_CLERK
    desired = declared({"grants": [{"role": "clerk", "right_id": "read"}]}, PRUNING)

    with pytest.raises(ReconcileError) as refused:
        effects_of(STATE, planned(desired, found), found)

    assert refused.value.exit_code == ExitCode.REFUSED
    assert [finding.why for finding in refused.value.findings] == ["clerk loses appoint"]


def test_a_reset_that_moves_administration_is_not() -> None:
    """Ada gets back what Bea loses."""
    effects = effects_of(STATE, reset("grants", found=BY_CLERK), BY_CLERK)

    assert effects is not None
    assert effects.rows() == [
        ("chief", ["appoint", "read", "sell", "write"], [], 1),
        ("clerk", ["write"], ["appoint"], 1),
    ]


def test_losing_an_administrator_otherwise_than_by_a_grant_is_refused_too() -> None:
    before = live(OFFICE, SPECS)
    after = live({**OFFICE, "posts": []}, SPECS)

    (finding,) = refuse_lockout(ACCESS, before, after)

    assert finding.where == "Ada can now"
    assert finding.why == "their accounts, or the roles that they hold, would change"


def test_many_administrators_are_not_all_named() -> None:
    names = [f"P{number}" for number in range(8)]
    posts: list[Row] = [{"person": name, "role": "chief"} for name in names]
    before = live({**OFFICE, "people": [{"name": name} for name in names], "posts": posts}, SPECS)

    (finding,) = refuse_lockout(ACCESS, before, live({**OFFICE, "grants": []}, SPECS))

    assert finding.where == "P0, P1, P2, P3, P4 and 3 more can now"
    assert finding.why == "chief loses appoint, read, sell, write; clerk loses read, write"


@pytest.mark.parametrize("grants", [[], OFFICE["grants"]])
def test_nobody_before_or_somebody_after_is_no_lockout(grants: list[Row]) -> None:
    assert refuse_lockout(ACCESS, office(grants), live(OFFICE, SPECS)) == []


def test_a_plan_that_is_not_about_roles_has_no_effect() -> None:
    found = live({"desks": []}, SPECS)
    plan = planned(declared({"desks": OFFICE["desks"]}, SPECS), found)

    assert effects_of(STATE, plan, found) is None
    assert effects_of(replace(STATE, access=None), reset("grants", found=BY_CLERK), BY_CLERK) is None


@pytest.mark.parametrize(
    ("state", "tables", "expected"),
    [
        (STATE, ("desks", "people"), ACCESS.tables),
        (STATE, ("desks",), ()),
        (replace(STATE, access=None), ("grants",), ()),
    ],
)
def test_a_run_reads_all_that_its_effect_hangs_on(
    state: DesiredState, tables: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert access_tables(state, tables) == expected


def test_a_database_without_the_tables_has_roles_that_gain_everything() -> None:
    found = live({}, SPECS)
    desired = declared({name: OFFICE[name] for name in ("roles", "rights", "grants")}, SPECS)

    effects = effects_of(STATE, planned(desired, found), found)

    assert effects is not None
    assert effects.select("role", "users").rows() == [("chief", 0), ("clerk", 0)]


def test_what_a_top_up_keeps_is_what_exact_would_take() -> None:
    """From declared roles only: those of others keep theirs either way."""
    grants = [*OFFICE["grants"], {"role": "clerk", "right_id": "sell"}, {"role": "guest", "right_id": "read"}]
    found = live({**OFFICE, "roles": [*OFFICE["roles"], {"name": "guest"}], "grants": grants}, SPECS)
    desired = declared({name: OFFICE[name] for name in ("roles", "rights", "grants")}, SPECS)
    plan, goal = planned(desired, found, Mode.TOP_UP), goal_of(desired, Mode.TOP_UP)

    assert kept_extras(ACCESS, plan, goal, found).rows() == [("clerk", [], ["sell"], 1)]
