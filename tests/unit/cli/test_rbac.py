"""`reconcile rbac` on a file: what each mode does, says and leaves alone."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from reconcile.apply.run import Outcome, apply
from reconcile.cli.options import ApplyOptions
from reconcile.cli.planned import Planned
from reconcile.cli.planning import make_plan
from reconcile.cli.progress import NoProgress
from reconcile.cli.session import Session, open_session
from reconcile.decide import Mode
from reconcile.errors import ExitCode, ReconcileError
from tests.unit.cli.shell import Shell, Told

OFFICE = ("--state", "tests.unit.office")

Rows = list[tuple[object, ...]]


@pytest.fixture
def office(shell: Shell) -> Shell:
    """A shell whose database is as declared."""
    assert shell("apply", *OFFICE, "--force", "--quiet").code == ExitCode.OK
    return shell


def edit(*statements: str) -> None:
    with closing(sqlite3.connect("terp.db")) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def rows(query: str) -> Rows:
    with closing(sqlite3.connect("terp.db")) as connection:
        return connection.execute(query).fetchall()


def grants(role: str) -> list[object]:
    query = (
        "SELECT rights.name FROM grants JOIN roles ON roles.id = role JOIN rights ON rights.id = right_id "
        f"WHERE roles.name = '{role}' ORDER BY 1"
    )
    return [name for (name,) in rows(query)]


def grant(role: str, right: str) -> str:
    return (
        "INSERT INTO grants (role, right_id) SELECT roles.id, rights.id FROM roles, rights "
        f"WHERE roles.name = '{role}' AND rights.name = '{right}'"
    )


def revoke(role: str, right: str) -> str:
    return (
        f"DELETE FROM grants WHERE role = (SELECT id FROM roles WHERE name = '{role}') "
        f"AND right_id = (SELECT id FROM rights WHERE name = '{right}')"
    )


def file() -> bytes:
    return Path("terp.db").read_bytes()


HAND_EDITS = (
    grant("clerk", "sell"),
    revoke("clerk", "write"),
    "UPDATE roles SET title = 'Theirs' WHERE name = 'chief'",
    "INSERT INTO roles (name, title) VALUES ('guest', 'A role of theirs')",
    grant("guest", "read"),
    "UPDATE people SET phone = '202-555-0100' WHERE name = 'Ada'",
    "DELETE FROM posts WHERE person = (SELECT id FROM people WHERE name = 'Ada')",
    "DELETE FROM desks",
)
"""An extra grant, a grant that is gone, a renamed text, a role of theirs, and edits that are none of our business."""

OTHERS = (
    "SELECT p.name, p.phone, r.name FROM people p LEFT JOIN posts ON person = p.id LEFT JOIN roles r ON r.id = role"
)


def carry_out(session: Session, planned: Planned) -> Outcome:
    """Apply what was planned some time ago."""
    return apply(
        target=session.target,
        engine=session.engine,
        plan=planned.plan,
        pieces=planned.pieces,
        specs=session.state.specs,
        rules=planned.rules,
        progress=NoProgress(),
        secrets={},
        still_locked=lambda _: None,
        access=session.state.access,
    )


def test_nothing_is_written_unless_asked_for(office: Shell) -> None:
    edit(*HAND_EDITS)
    before = file()

    codes = [office("rbac", *OFFICE, "--mode", mode).code for mode in ("add-only", "exact", "report")]

    assert codes == [ExitCode.OK] * 3
    assert file() == before


def test_add_only_adds_and_keeps_what_is_extra_and_says_why(office: Shell) -> None:
    edit(*HAND_EDITS)

    told = office("rbac", *OFFICE, "--apply", "--force")

    assert told.code == ExitCode.OK
    assert told.out.split("\n\n")[:2] == [
        'Effect\n  Role "clerk": gains 1 permission (write); 1 user',
        "Kept: add-only takes nothing away, --mode exact would\n"
        '  Role "clerk": keeps 1 permission not declared (sell); 1 user',
    ]
    assert grants("clerk") == ["read", "sell", "write"]
    assert rows("SELECT title FROM roles WHERE name = 'chief'") == [("Theirs",)]


def test_add_only_names_every_row_that_it_keeps(office: Shell) -> None:
    edit(*HAND_EDITS)

    told = office("rbac", *OFFICE, "--format", "json").valid("plan")

    assert {(row["table"], row["key"], row["why"]) for row in told["changes"] if row["action"] == "skip"} == {
        ("grants", "clerk|sell", "add-only deletes no row"),
        ("grants", "guest|read", "add-only deletes no row"),
        ("roles", "guest", "add-only deletes no row"),
        ("roles", "chief", "add-only changes no existing row"),
    }


def test_exact_brings_declared_roles_back_and_leaves_those_of_others(office: Shell) -> None:
    edit(*HAND_EDITS)

    told = office("rbac", *OFFICE, "--mode", "exact", "--apply", "--force")

    assert told.code == ExitCode.OK
    assert told.out.startswith(
        'Effect\n  Role "clerk": gains 1 permission (write), loses 1 (sell); 1 user\n\nPlan for sqlite file terp.db\n'
    )
    assert grants("clerk") == ["read", "write"]
    assert rows("SELECT title FROM roles WHERE name = 'chief'") == [("Decides",)]
    assert rows("SELECT title FROM roles WHERE name = 'guest'") == [("A role of theirs",)]
    assert grants("guest") == ["read"]


def test_exact_says_which_roles_it_leaves_alone(office: Shell) -> None:
    edit(*HAND_EDITS)

    told = office("rbac", *OFFICE, "--mode", "exact")

    assert "= [guest] not declared: roles keeps the rows of others" in told.out
    assert "= [guest|read] not declared: grants keeps the rows of others" in told.out


@pytest.mark.parametrize("mode", ["add-only", "exact"])
def test_people_and_what_they_hold_are_never_written(office: Shell, mode: str) -> None:
    """Nor is any other table."""
    edit(*HAND_EDITS)
    before = rows(OTHERS)

    told = office("rbac", *OFFICE, "--mode", mode, "--apply", "--force", "--format", "json").valid("outcome")

    assert rows(OTHERS) == before
    assert rows("SELECT * FROM desks") == []
    assert (told["mode"], told["failed_checks"]) == (mode, [])


@pytest.mark.parametrize("mode", ["add-only", "exact"])
def test_a_second_run_does_nothing(office: Shell, mode: str) -> None:
    edit(*HAND_EDITS)
    assert office("rbac", *OFFICE, "--mode", mode, "--apply", "--force").code == ExitCode.OK
    before = file()

    again = office("rbac", *OFFICE, "--mode", mode, "--apply")
    shown = office("rbac", *OFFICE, "--mode", mode, "--detailed-exitcode")

    assert (again.code, shown.code) == (ExitCode.OK, ExitCode.OK)
    assert shown.out.startswith("No role gains or loses a permission.\n\n")
    assert file() == before


def test_the_step_s_own_rules_are_asked_and_no_other(office: Shell) -> None:
    edit(grant("clerk", "sell"))

    told = office("rbac", *OFFICE, "--mode", "exact", "--apply", "--force")

    assert "Verify: 1 of 1 checks passed" in told.out


def test_changes_can_be_told_by_the_exit_code(office: Shell) -> None:
    edit(grant("clerk", "sell"))

    found = [office("rbac", *OFFICE, "--mode", mode, "--detailed-exitcode").code for mode in ("add-only", "report")]

    assert found == [ExitCode.OK, ExitCode.CHANGES]


def test_a_format_that_only_plans_have_stops_it_before_anything_is_written(office: Shell) -> None:
    edit(revoke("clerk", "read"))
    left = grants("clerk")

    told = office("rbac", *OFFICE, "--apply", "--force", "--quiet", "--format", "html")

    assert (told.code, grants("clerk")) == (ExitCode.USAGE, left)
    assert office("rbac", *OFFICE, "--quiet", "--format", "html").out.startswith("<!DOCTYPE html>")


def test_a_report_never_writes(office: Shell) -> None:
    edit(grant("clerk", "sell"))
    before = file()

    told = office("rbac", *OFFICE, "--mode", "report", "--apply", "--force")

    assert (told.code, told.out) == (ExitCode.USAGE, "")
    assert "why:   a report shows what exact would do, and never writes" in told.err
    assert file() == before


def test_without_terminal_and_force_nothing_is_written(office: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(grant("clerk", "sell"))
    before = file()
    with open(os.devnull, encoding="utf-8") as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        told = office("rbac", *OFFICE, "--mode", "exact", "--apply")

    assert (told.code, file() == before) == (ExitCode.REFUSED, True)
    assert "grants: 1 rows deleted, 0 overwritten" in told.err
    assert "there is no terminal to confirm on" in told.err


def effects(told: Told) -> list[object]:
    return list(told.valid("plan")["effects"])


def test_json_tells_the_effect(office: Shell) -> None:
    edit(*HAND_EDITS)

    clerk = {"role": "clerk", "gains": ["write"], "loses": ["sell"], "users": 1}

    assert effects(office("rbac", *OFFICE, "--mode", "report", "--format", "json")) == [clerk]
    assert effects(office("plan", *OFFICE, "--format", "json")) == [clerk | {"loses": []}]
    assert effects(office("apply", *OFFICE, "--dry-run", "--format", "json")) == [clerk | {"loses": []}]


def test_plan_and_apply_tell_the_effect_first(office: Shell) -> None:
    edit(revoke("clerk", "write"))
    said = 'Effect\n  Role "clerk": gains 1 permission (write); 1 user\n\nPlan for sqlite file terp.db\n'

    assert office("plan", *OFFICE).out.startswith(said)
    assert office("apply", *OFFICE, "--force").out.startswith(said)


def test_plans_without_an_effect_do_not_speak_of_it(office: Shell) -> None:
    assert office("plan", *OFFICE).out.startswith("Plan for sqlite file terp.db\n")
    assert "effects" not in office("plan", *OFFICE, "-t", "desks", "--format", "json").valid("plan")


def test_a_database_that_is_not_there_is_planned_for_and_then_made(shell: Shell) -> None:
    planned = shell("rbac", *OFFICE, "--detailed-exitcode")
    assert (planned.code, Path("terp.db").exists()) == (ExitCode.CHANGES, False)
    assert "terp.db does not exist yet" in planned.err

    assert shell("rbac", *OFFICE, "--apply", "--force").code == ExitCode.OK
    assert (grants("clerk"), rows("SELECT * FROM people")) == (["read", "write"], [])


MISPLACED = (
    "DELETE FROM posts",
    "INSERT INTO posts (person, role) SELECT p.id, r.id FROM people p, roles r WHERE p.name='Bea' AND r.name='clerk'",
    grant("clerk", "appoint"),
)
"""Bea is the only administrator left, by a grant that nobody declares."""


def test_the_last_administrator_stays(office: Shell) -> None:
    edit(*MISPLACED)
    before = file()

    told = office("rbac", *OFFICE, "--mode", "exact", "--apply", "--force")
    shown = office("rbac", *OFFICE, "--mode", "report", "--format", "json")

    assert (told.code, shown.code, file() == before) == (ExitCode.REFUSED, ExitCode.REFUSED, True)
    (error,) = shown.valid("errors")["errors"]
    assert [error[part] for part in ("what", "where", "why")] == [
        "nobody would be left who can administer the system",
        "Bea can now",
        "clerk loses appoint",
    ]


def test_an_administrator_who_leaves_between_plan_and_write_is_missed(office: Shell) -> None:
    """The plan was good when it was made: Ada could appoint as well."""
    session = open_session(ApplyOptions(state=OFFICE[1]))
    wanted = ApplyOptions(step=["access"])
    edit(grant("clerk", "appoint"))
    planned = make_plan(session, wanted, Mode.EXACT)
    edit("DELETE FROM posts WHERE role = (SELECT id FROM roles WHERE name = 'chief')")
    before = file()

    with pytest.raises(ReconcileError) as refused:
        carry_out(session, planned)

    assert (refused.value.exit_code, file() == before) == (ExitCode.REFUSED, True)
    assert refused.value.findings[0].where == "Bea can now"


def test_an_administrator_may_go_while_another_stays(office: Shell) -> None:
    edit(grant("clerk", "appoint"))

    assert office("rbac", *OFFICE, "--mode", "exact", "--apply", "--force").code == ExitCode.OK
    assert grants("clerk") == ["read", "write"]


def test_where_nobody_administers_nothing_is_refused(office: Shell) -> None:
    edit("DELETE FROM posts", grant("clerk", "appoint"))

    assert office("rbac", *OFFICE, "--mode", "exact", "--apply", "--force").code == ExitCode.OK


def test_a_state_without_roles_has_no_rbac(shell: Shell) -> None:
    told = shell("rbac", "--state", "tests.unit.tiny")

    assert told.code == ExitCode.USAGE
    assert "desired state tiny does not say what its roles are" in told.err


@pytest.mark.parametrize("mode", ["add-only", "exact"])
def test_a_table_that_says_who_holds_what_must_be_there(office: Shell, mode: str) -> None:
    """Without it nobody could say whom a change touches."""
    edit("DROP TABLE posts")

    told = office("rbac", *OFFICE, "--mode", mode, "--apply", "--force")

    assert told.code == ExitCode.ERROR
    assert "posts" in told.err
