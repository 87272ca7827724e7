"""A first run fills a database, a second one does nothing at all: the promise that everything else stands on."""

import pytest

from tests.servers.conftest import NewTarget
from tests.servers.laws import assert_nothing_to_do, assert_strictly_sound
from tests.servers.operating import (
    ADDITIVE,
    FILLED,
    FULL,
    LIGHT,
    Result,
    command,
    dump,
    next_ids,
    plan,
    specs,
    sqlite_file,
    statements_sent,
)
from tests.servers.target import Target


def fill(target: Target, shape: tuple[str, ...]) -> Result:
    return command(target, "apply", "--force", *shape)


@pytest.mark.parametrize("shape", [pytest.param(LIGHT, id="light"), pytest.param(FULL, id="full")])
def test_a_second_run_plans_nothing_and_writes_nothing(target: Target, shape: tuple[str, ...]) -> None:
    """No change, no write statement, no row byte, no clock, no hash of a password and no id used up."""
    first = fill(target, shape)
    assert (first.code, first.out.splitlines()[-1].split(" in ")[0][-8:]) == (0, "0 errors")

    assert_nothing_to_do(target, shape)


def test_a_first_run_fills_every_table_of_the_core(filled: Target) -> None:
    assert sorted(dump(filled)) == sorted(FILLED)
    assert {name for name, spec in specs().items() if not spec.prunes} == set(ADDITIVE)


def test_a_plan_writes_nothing(target: Target) -> None:
    """Even a plan that has everything to do."""
    if target.server is None:
        assert plan(target).code == 2
        with pytest.raises(FileNotFoundError):
            sqlite_file(target)
        return
    sent, ids = statements_sent(target.server), next_ids(target)

    assert plan(target).code == 2

    assert statements_sent(target.server) == sent
    assert next_ids(target) == ids
    assert dump(target) == {}


def test_light_is_topped_up_to_full(filled: Target) -> None:
    """Light is a part of full, so going from one to the other only adds rows and moves those that grew."""
    grown = fill(filled, FULL)

    assert (grown.code, grown.err.count("error")) == (0, 0)
    assert " 0 deleted" in grown.out.splitlines()[-1]
    assert command(filled, "plan", "--detailed-exitcode", *FULL).code == 0


def test_verify_passes_on_what_apply_made(filled: Target) -> None:
    result = command(filled, "verify")

    assert (result.code, ", 0 critical." in result.out) == (0, True)


def test_strict_verify_passes(filled: Target) -> None:
    """Where it once failed on the tables of steps that were not built."""
    assert_strictly_sound(filled)


def test_a_table_that_is_gone_fails_verify(filled: Target) -> None:
    """A check that cannot be asked has failed, whatever it is about."""
    drop = "DROP TABLE `ledgerEntries`"
    filled.execute(drop)

    result = command(filled, "verify", "--format", "json")

    missing = {check["missing"] for check in result.document["checks"] if check["missing"]}
    assert (result.code, missing) == (3, {"table ledgerEntries is missing"})


def test_two_databases_filled_separately_hold_identical_rows(new_target: NewTarget, template: Target) -> None:
    """Ids and clocks included: nothing comes from chance, from the clock or from the server's order, but for salts."""
    target = new_target("live")
    assert fill(target, LIGHT).code == 0

    assert dump(target, secrets=False) == dump(template, secrets=False)
