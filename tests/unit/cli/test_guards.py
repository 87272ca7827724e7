"""Every guard against every flag: each is lifted by its own flag and by no other; all that refuse say so at once."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import chain, combinations
from pathlib import Path

import pytest

from reconcile.errors import ExitCode
from tests.unit.cli.club import CLUB
from tests.unit.cli.shell import Shell, Told

OFFICE = ("--state", "tests.unit.office")
LIFTS = {
    "limit": ("--max-delete", "100%"),
    "protection": ("--confirm", "terp.db"),
    "terminal": ("--force",),
    "cascade": ("--allow-cascade",),
}
"""The guards, each with the flag that lifts it."""

SAYS = {
    "limit": "would be deleted",
    "protection": "the target is protected",
    "terminal": "there is no terminal to confirm on",
    "cascade": "rows to be deleted",
}
MARKER = "CREATE TABLE reconcile_protected (reason VARCHAR(200))"
MARKED = (MARKER, "INSERT INTO reconcile_protected VALUES ('customers')")
THEIRS = (
    "INSERT INTO rooms (code, floor) VALUES ('theirs-1', 1), ('theirs-2', 1)",
    "INSERT INTO lockers (code, room) SELECT 'L9', id FROM rooms WHERE code = 'theirs-1'",
)
"""Two rooms that nobody declared; on one of them hangs a row that is no part of the runs below."""

EXTRA_GRANTS = (
    "INSERT INTO grants (role, right_id) SELECT roles.id, rights.id FROM roles, rights "
    "WHERE roles.name = 'clerk' AND rights.name IN ('sell', 'appoint')"
)


def edit(*statements: str) -> None:
    with closing(sqlite3.connect("terp.db")) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def file() -> bytes:
    return Path("terp.db").read_bytes()


def subsets(names: tuple[str, ...]) -> list[tuple[str, ...]]:
    return list(chain.from_iterable(combinations(names, size) for size in range(len(names) + 1)))


def flags(lifted: tuple[str, ...]) -> list[str]:
    return [word for guard in lifted for word in LIFTS[guard]]


@pytest.fixture
def club(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """A shell without a terminal, whose database is as declared."""
    assert shell("apply", *CLUB, "--force", "--quiet").code == ExitCode.OK
    with open(os.devnull, encoding="utf-8") as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        yield shell


@pytest.fixture
def office(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """The same, with roles."""
    assert shell("apply", *OFFICE, "--force", "--quiet").code == ExitCode.OK
    with open(os.devnull, encoding="utf-8") as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        yield shell


def assert_guarded(told: Told, before: bytes, lifted: tuple[str, ...], guards: tuple[str, ...] = tuple(LIFTS)) -> None:
    """All guards that are not lifted refuse and say so; a cascade is refused before there is a plan to look at."""
    refusing = set(guards) - set(lifted)
    if "cascade" in refusing:
        refusing = {"cascade"}
    assert {guard for guard, text in SAYS.items() if text in told.err} == refusing, told.err
    if refusing:
        assert (told.code, file() == before) == (ExitCode.REFUSED, True)
    else:
        assert (told.code, file() == before) == (ExitCode.OK, False), told.err


@pytest.mark.parametrize("lifted", subsets(tuple(LIFTS)))
@pytest.mark.parametrize("command", ["apply", "clear"])
def test_each_guard_is_lifted_by_its_own_flag_alone(club: Shell, command: str, lifted: tuple[str, ...]) -> None:
    edit(*MARKED, *THEIRS)
    before = file()

    told = club(command, *CLUB, "-t", "rooms", "--max-delete", "1", *flags(lifted))

    assert_guarded(told, before, lifted)


@pytest.mark.parametrize("lifted", subsets(("limit", "protection", "terminal")))
def test_roles_pass_the_same_guards(office: Shell, lifted: tuple[str, ...]) -> None:
    edit(*MARKED, EXTRA_GRANTS)
    before = file()

    told = office("rbac", *OFFICE, "--apply", "--mode", "exact", "--max-delete", "1", *flags(lifted))

    assert_guarded(told, before, lifted, ("limit", "protection", "terminal"))


@pytest.mark.parametrize(
    ("given", "is_refused"),
    [
        ((), False),
        (("--max-delete", "2"), False),
        (("--max-delete", "1"), True),
        (("--max-delete", "0%"), False),
        (("--max-update", "0"), False),
        (("--max-delete", "1", "--force"), True),
        (("--max-delete", "1", "--confirm", "terp.db"), True),
        (("--max-delete", "1", "--allow-cascade"), True),
        (("--max-delete", "1", "--max-update", "100%"), True),
    ],
)
def test_a_limit_is_a_number_of_rows_or_a_percentage(club: Shell, given: tuple[str, ...], *, is_refused: bool) -> None:
    """Two rows of five go: a reset may, unless a number forbids it; five rows are too few for percentages."""
    edit(THEIRS[0])

    told = club("apply", *CLUB, "--force", *given)

    assert (told.code == ExitCode.REFUSED) == is_refused
    assert ("2 of 5 rows of rooms would be deleted (40.0%)" in told.err) == is_refused


def floorless(number: int) -> str:
    """Rooms that a gap rule of a top-up would change."""
    return f"INSERT INTO rooms (code) VALUES {', '.join(f'({index})' for index in range(number))}"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ((), ExitCode.REFUSED),
        (("--max-update", "30%"), ExitCode.REFUSED),
        (("--max-update", "63.6%"), ExitCode.REFUSED),
        (("--max-update", "63.7%"), ExitCode.OK),
        (("--max-update", "6"), ExitCode.REFUSED),
        (("--max-update", "7"), ExitCode.OK),
        (("--max-update", "100%"), ExitCode.OK),
        (("--max-delete", "100%"), ExitCode.REFUSED),
        (("--allow-cascade",), ExitCode.REFUSED),
        (("--confirm", "terp.db"), ExitCode.REFUSED),
        (("--confirm", "terp.db", "--max-update", "70%"), ExitCode.OK),
    ],
)
def test_a_top_up_may_change_thirty_percent_unasked(club: Shell, given: tuple[str, ...], code: ExitCode) -> None:
    """Seven of eleven rooms are 63.64 percent of them."""
    edit("DELETE FROM rooms WHERE code LIKE 'qa%'", "INSERT INTO rooms (code, floor) VALUES ('x', 1), ('y', 1)")
    edit(floorless(7), "INSERT INTO rooms (code, floor) VALUES ('z', 1)")
    before = file()

    told = club("apply", *CLUB, "--no-clear", "--step", "augment", "--step", "quality", "--force", *given)

    if code == ExitCode.REFUSED:
        assert "7 of 11 rows of rooms would be updated (63.6%)" in told.err
    assert (told.code, file() == before) == (code, code == ExitCode.REFUSED)


def test_the_plan_warns_of_what_apply_would_refuse(club: Shell) -> None:
    """And shows it: a plan is no refusal."""
    edit(floorless(8))

    told = club("plan", *CLUB, "--no-clear")
    document = club("plan", *CLUB, "--no-clear", "--format", "json").valid("plan")
    allowed = club("plan", *CLUB, "--no-clear", "--max-update", "80%")

    assert told.code == ExitCode.OK
    assert "warning: 8 of 11 rows of rooms would be updated (72.7%)" in told.err
    assert [(finding["severity"], finding["where"]) for finding in document["findings"]] == [("warning", "table rooms")]
    assert document["blast_radius"]["tables"][0]["percent"] == 72.73
    assert "would be updated" not in allowed.err
    assert allowed.out.split("\n\n")[1].startswith("Blast radius")


def test_a_plan_that_only_adds_shows_no_radius(shell: Shell) -> None:
    assert "Blast radius" not in shell("plan", *CLUB).out
    assert "blast_radius" not in shell("plan", *CLUB, "--format", "json").valid("plan")


@pytest.mark.parametrize("force", [(), ("--force",)])
@pytest.mark.parametrize("name", ["terp", "TERP.DB", "terp.db ", "", "other.db"])
@pytest.mark.parametrize("marks", [MARKED, ()])
def test_a_name_that_is_not_the_targets_is_refused(
    club: Shell, marks: tuple[str, ...], name: str, force: tuple[str, ...]
) -> None:
    """On a target that is not protected, too: whoever gives a name means a certain database."""
    edit(*marks, THEIRS[0])
    before = file()

    told = club("apply", *CLUB, *force, "--confirm", name)

    assert (told.code, file() == before) == (ExitCode.REFUSED, True)
    assert f"why:   --confirm names {name}, and the target is terp.db" in told.err
    assert "if sqlite file terp.db is the database that you mean, give --confirm terp.db" in told.err


def test_another_name_is_refused_where_there_is_nothing_to_do(club: Shell) -> None:
    """Whether the name was wrong must not hang on what the database holds."""
    assert club("apply", *CLUB, "--force", "--confirm", "other.db").code == ExitCode.REFUSED
    assert club("apply", *CLUB, "--force", "--confirm", "terp.db").code == ExitCode.OK


def test_a_protected_target_needs_no_name_where_there_is_nothing_to_do(club: Shell) -> None:
    edit(*MARKED)

    assert club("apply", *CLUB, "--skip-accounts").code == ExitCode.OK


@pytest.mark.parametrize(
    ("marks", "reason"),
    [
        (MARKED, "table reconcile_protected: customers"),
        ((MARKER, "INSERT INTO reconcile_protected VALUES (NULL)"), "table reconcile_protected: no reason given"),
        ((MARKER,), None),
        ((), None),
    ],
)
def test_a_marker_needs_a_row(club: Shell, marks: tuple[str, ...], reason: str | None) -> None:
    edit(*marks, THEIRS[0])

    told = club("apply", *CLUB, "--force")

    assert told.code == (ExitCode.OK if reason is None else ExitCode.REFUSED)
    assert reason is None or f"the target is protected ({reason}), and --force does not lift that" in told.err


@pytest.mark.parametrize("variable", ["NODE_ENV", "RECONCILE_ENV"])
def test_the_environment_protects_like_a_marker(club: Shell, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "production")
    edit(THEIRS[0])

    refused = club("apply", *CLUB, "--force")
    confirmed = club("apply", *CLUB, "--force", "--confirm", "terp.db")

    assert (refused.code, confirmed.code) == (ExitCode.REFUSED, ExitCode.OK)
    assert f"the target is protected ({variable}=production)" in refused.err


def test_a_file_that_is_not_there_yet_is_protected_by_the_environment_alone(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NODE_ENV", "production")

    assert shell("apply", *CLUB, "--force").code == ExitCode.REFUSED
    assert list(tmp_path.glob("*.db")) == []
    assert shell("apply", *CLUB, "--force", "--confirm", "terp.db").code == ExitCode.OK


def test_a_marker_protects_accounts_too(club: Shell) -> None:
    """Guarantee 9: nobody's made-up password on a protected target, whatever protects it."""
    edit("DELETE FROM members WHERE password IS NOT NULL", *MARKED, "DELETE FROM rooms WHERE code = 'qa-attic'")

    told = club("apply", *CLUB, "--force", "--confirm", "terp.db")

    assert told.code == ExitCode.OK, told.err
    assert "warning: left out: qa-accounts, test-accounts" in told.err
    assert "shown this once" not in told.err
    with closing(sqlite3.connect("terp.db")) as connection:
        assert connection.execute("SELECT count(*) FROM members WHERE password IS NOT NULL").fetchone() == (0,)


def test_the_marker_stays(club: Shell) -> None:
    """It is no managed table: nothing deletes it, checks it or takes it for one."""
    edit(*MARKED)
    words = ("--force", "--confirm", "terp.db", "--skip-accounts")
    kept = "SELECT reason FROM reconcile_protected"

    assert club("apply", *CLUB, *words).code == ExitCode.OK
    assert club("clear", *CLUB, "--force", "--confirm", "terp.db").code == ExitCode.OK
    assert club("schema", "check", *CLUB).code == ExitCode.OK
    assert "reconcile_protected" not in club("schema", "sql", *CLUB).out
    assert club("init", "taken").code == ExitCode.OK
    assert not [path for path in Path("taken").rglob("*.py") if "reconcile_protected" in path.read_text("utf-8")]
    with closing(sqlite3.connect("terp.db")) as connection:
        assert connection.execute(kept).fetchall() == [("customers",)]


def test_a_refused_cascade_says_how_far_it_would_reach(club: Shell) -> None:
    edit(*THEIRS)

    told = club("apply", *CLUB, "-t", "rooms", "--force")

    assert told.code == ExitCode.REFUSED
    assert (
        "why:   they keep the server from deleting; they are not in the plan; deleting 2 rooms removes 1 lockers\n"
    ) in told.err
