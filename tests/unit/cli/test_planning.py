"""Making a plan: which dataset, which steps and tables, what the schema must have, and what a top-up mends."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from reconcile.cli.option_groups import RunOptions
from reconcile.cli.planning import make_plan
from reconcile.cli.session import Session, create_tables
from reconcile.cli.wanted import profile_of, selection_of
from reconcile.dataset import KEY, Dataset
from reconcile.decide import Mode
from reconcile.diff import Action
from reconcile.errors import ExitCode, ReconcileError
from reconcile.live.connect import open_engine
from reconcile.live.target import parse
from reconcile.selection import Selection
from reconcile.spec import Profile, Size, Step
from reconcile.state import DesiredState, GapRule
from tests.facts import CHECKOUT
from tests.unit.cli.club import CLUB, ROOMS, STATE
from tests.unit.cli.shell import Shell
from tests.unit.tiny import SURROGATE, declared, state_of

RUN = ("apply", *CLUB, "--force", "--quiet")
MONDAY = date(2026, 1, 5)
SKIPPABLE = [
    Step(step, step) for step in ("core", "qa-accounts", "test-accounts", "qa-data", "augment", "quality", "integrity")
]


@pytest.mark.parametrize("days", range(7))
def test_without_a_date_the_dataset_hangs_on_the_monday_of_the_week(days: int) -> None:
    assert profile_of(RunOptions(), MONDAY + timedelta(days=days)) == Profile(MONDAY)


def test_the_options_give_the_profile() -> None:
    options = RunOptions(as_of=date(2025, 2, 1), light=True, scale=3, seed=7)

    assert profile_of(options, MONDAY) == Profile(date(2025, 2, 1), Size.LIGHT, 3, 7)


@pytest.mark.parametrize(
    ("options", "skipped"),
    [
        (RunOptions(), ()),
        (RunOptions(skip_accounts=True), ("qa-accounts", "test-accounts")),
        (RunOptions(skip_qa_data=True), ("qa-data",)),
        (RunOptions(skip_augment=True), ("augment",)),
        (RunOptions(skip_validation=True), ("quality", "integrity")),
        (RunOptions(skip=["core"], skip_qa_data=True, skip_augment=True), ("core", "qa-data", "augment")),
    ],
)
def test_short_flags_skip_steps(options: RunOptions, skipped: tuple[str, ...]) -> None:
    assert selection_of(options, SKIPPABLE) == Selection(skipped_steps=skipped)


def test_long_flags_name_steps_and_tables() -> None:
    options = RunOptions(step=["core"], table=["a*", "b"], exclude_table=["c"])

    assert selection_of(options, SKIPPABLE) == Selection(("core",), (), ("a*", "b"), ("c",))


def edit(*statements: str) -> None:
    with closing(sqlite3.connect("terp.db")) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def rows(table: str, *columns: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect("terp.db")) as connection:
        return connection.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY 1").fetchall()


@pytest.mark.parametrize(
    ("flags", "members", "rooms"),
    [
        ((), {"owner", "qa-one", "qa-two", "e2e"}, {"hall", "qa-cellar", "qa-attic"}),
        (("--skip-accounts",), {"owner"}, {"hall", "qa-cellar", "qa-attic"}),
        (("--skip-qa-data",), {"owner", "qa-one", "qa-two", "e2e"}, {"hall"}),
        (("--skip-accounts", "--skip-qa-data", "--skip-augment"), {"owner"}, {"hall"}),
        (("--step", "qa-data"), set(), {"qa-cellar", "qa-attic"}),
        (("-t", "rooms", "--skip-qa-data"), set(), {"hall"}),
        (("--step", "qa-accounts", "-x", "rooms"), {"qa-one", "qa-two"}, set()),
    ],
)
def test_a_run_writes_the_rows_of_its_steps(
    shell: Shell, flags: tuple[str, ...], members: set[str], rooms: set[str]
) -> None:
    """And a second one with the same flags has nothing to do."""
    assert shell(*RUN, *flags).code == ExitCode.OK

    assert {name for (name,) in rows("members", "name")} == members
    assert {code for (code,) in rows("rooms", "code")} == rooms
    assert shell("plan", *CLUB, *flags, "--detailed-exitcode").code == ExitCode.OK


def test_a_short_flag_leaves_out_the_steps_that_a_state_has(shell: Shell) -> None:
    """Another application's state need not have them all."""
    told = shell("plan", "--state", "tests.unit.tiny", "--skip-validation", "--skip-accounts")

    assert told.code == ExitCode.OK


def test_a_reset_of_one_step_leaves_the_rows_of_others(shell: Shell) -> None:
    """Those of other steps and those that nobody declares, changed or not."""
    shell(*RUN)
    edit("UPDATE rooms SET floor = 9", "INSERT INTO rooms (code) VALUES ('theirs')")

    shell(*RUN, "--step", "qa-data")

    assert rows("rooms", "code", "floor") == [("hall", 9), ("qa-attic", 2), ("qa-cellar", 0), ("theirs", None)]


def test_validation_that_is_skipped_stops_nothing(shell: Shell) -> None:
    told = shell("apply", *CLUB, "--force", "--skip-validation")

    assert told.code == ExitCode.OK
    assert "not part of this run" in next(line for line in told.out.splitlines() if " quality " in line)
    assert "checks passed" not in told.out


def lacking(column: str, table: str) -> None:
    """Make the club's tables, one without a column."""
    create_tables(Session(TARGET, open_engine(TARGET), STATE))
    edit(f"ALTER TABLE {table} DROP COLUMN {column}")


TARGET = parse("sqlite:///terp.db", "the test")


def test_an_optional_step_that_the_schema_does_not_fit_is_left_out_where_asked_to_go_on(shell: Shell) -> None:
    """Its rows of other tables too; the rest runs, and the warning says what is missing."""
    lacking("size", "lockers")

    told = shell("apply", *CLUB, "--force", "--continue-on-error")

    assert told.code == ExitCode.OK
    assert [name for (name,) in rows("members", "name")] == ["owner", "qa-one", "qa-two"]
    assert (len(rows("rooms", "code")), rows("lockers", "code")) == (3, [])
    assert (
        "warning: column lockers.size is missing\n  where: table lockers in the live schema\n"
        "  why:   the live schema has no similar name\n  fix:   left out with --continue-on-error: test-accounts\n"
    ) in told.err
    assert "not part of this run" in next(line for line in told.out.splitlines() if " test-accounts " in line)
    assert shell("plan", *CLUB, "--continue-on-error", "--detailed-exitcode").code == ExitCode.OK


def test_a_table_that_is_missing_altogether_can_be_left_out_too(shell: Shell) -> None:
    create_tables(Session(TARGET, open_engine(TARGET), STATE))
    edit("DROP TABLE lockers")

    told = shell(*RUN, "--continue-on-error")

    assert (told.code, len(rows("rooms", "code"))) == (ExitCode.OK, 3)


def test_without_the_flag_a_schema_that_does_not_fit_stops_the_run(shell: Shell) -> None:
    lacking("size", "lockers")

    told = shell(*RUN)

    assert (told.code, rows("members", "name")) == (ExitCode.ERROR, [])
    assert "error: column lockers.size is missing" in told.err


@pytest.mark.parametrize(("column", "table"), [("floor", "rooms"), ("title", "members")])
def test_a_step_that_is_not_optional_stops_the_run_all_the_same(shell: Shell, column: str, table: str) -> None:
    """A table that an optional step shares with another is needed as well."""
    lacking(column, table)
    edit("ALTER TABLE lockers DROP COLUMN size")

    told = shell(*RUN, "--continue-on-error")

    assert (told.code, rows("members", "name")) == (ExitCode.ERROR, [])
    assert f"error: column {table}.{column} is missing" in told.err
    assert "lockers.size" not in told.err


def test_a_schema_that_does_not_fit_a_table_left_out_is_fine(shell: Shell) -> None:
    lacking("size", "lockers")

    assert shell(*RUN, "-t", "rooms").code == ExitCode.OK


def test_findings_come_in_the_order_of_the_tables(shell: Shell) -> None:
    """On every machine: the order of a set would change from one process to the next."""
    create_tables(Session(TARGET, open_engine(TARGET), STATE))
    edit("ALTER TABLE members DROP COLUMN title", "ALTER TABLE rooms DROP COLUMN floor", "DROP TABLE lockers")
    script = "import sys; from reconcile.cli.main import main; sys.exit(main(sys.argv[1:]))"

    def told(seed: int) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", script, "plan", *CLUB],
            env={**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": str(CHECKOUT)},
            capture_output=True,
            text=True,
            check=False,
        )
        return [line for line in done.stderr.splitlines() if line.startswith("error: ")]

    assert [told(seed) for seed in (1, 2, 3)] == [
        [
            "error: column members.title is missing",
            "error: column rooms.floor is missing",
            "error: table lockers is missing",
        ]
    ] * 3


def test_a_rule_mends_what_is_live_in_a_top_up(shell: Shell) -> None:
    """Shown with its name, before and after; then there is nothing left to do."""
    shell(*RUN)
    edit("UPDATE rooms SET floor = NULL WHERE code = 'hall'", "INSERT INTO rooms (code) VALUES ('theirs')")

    document = shell("plan", *CLUB, "--no-clear", "--format", "json").valid("plan")
    assert [change for change in document["changes"] if change["action"] != "skip"] == [
        {
            "step": "augment",
            "table": "rooms",
            "key": code,
            "action": "update",
            "before": {"floor": None},
            "after": {"floor": 3},
            "reason": "gap",
            "why": "give-floors: Rooms get a floor",
        }
        for code in ("hall", "theirs")
    ]
    assert shell(*RUN, "--no-clear").code == ExitCode.OK
    assert rows("rooms", "code", "floor") == [("hall", 3), ("qa-attic", 2), ("qa-cellar", 0), ("theirs", 3)]
    assert shell("plan", *CLUB, "--no-clear", "--detailed-exitcode").code == ExitCode.OK


def test_a_rule_that_is_left_out_is_named_with_what_it_would_mend(shell: Shell) -> None:
    """The check stays red, and says why, as long as the run does anything."""
    shell(*RUN)
    edit("UPDATE rooms SET floor = NULL WHERE code = 'hall'", "DELETE FROM members WHERE name = 'owner'")

    told = shell("apply", *CLUB, "--force", "--no-clear", "--skip-augment")

    assert (told.code, rows("rooms", "code", "floor")[0]) == (ExitCode.OK, ("hall", None))
    assert "floored holds does not hold" in told.err
    assert "run with step augment: give-floors would mend it" in told.err


def test_a_reset_runs_no_gap_rule(shell: Shell) -> None:
    shell(*RUN)
    edit("UPDATE rooms SET floor = NULL WHERE code = 'hall'")

    shell(*RUN)

    assert rows("rooms", "code", "floor")[0] == ("hall", 1)


def session_of(state: DesiredState) -> Session:
    """Give a session on a new file with the tables of *state*."""
    session = Session(TARGET, open_engine(TARGET), state)
    create_tables(session)
    return session


def halls(rows: Dataset, _: Profile) -> pl.DataFrame:
    """Propose a room for each member."""
    new = {"code": pl.format("of {}", KEY), "floor": pl.lit(1, pl.Int64)}
    return rows["members"].select(**new).with_columns(pl.col("code").alias(KEY))


HALLS = GapRule("halls", "Members have rooms", "augment", "rooms", (), ("members", "rooms"), halls)
UNDECLARED = replace(
    STATE,
    rows=lambda profile: Dataset(STATE.specs, {"members": STATE.rows(profile)["members"].head(1)}),
    gap_rules=(HALLS,),
    rules=(),
)
"""A state whose gap rule is all that writes rooms."""


@pytest.mark.usefixtures("shell")
def test_a_rule_may_fill_a_table_in_which_nothing_is_declared() -> None:
    plan = make_plan(session_of(UNDECLARED), RunOptions(no_clear=True)).plan

    assert {part.spec.name: part.of(Action.CREATE)[KEY].to_list() for part in plan.tables} == {
        "members": ["owner"],
        "rooms": ["of owner"],
    }


@pytest.mark.usefixtures("shell")
def test_a_reset_does_not_empty_a_table_that_only_a_gap_rule_fills() -> None:
    """It is not among the cleared ones."""
    session = session_of(UNDECLARED)
    edit("INSERT INTO rooms (code) VALUES ('theirs')")

    assert make_plan(session, RunOptions()).plan.totals[Action.DELETE] == 0


@pytest.mark.usefixtures("shell")
def test_rows_that_their_columns_cannot_hold_stop_every_run() -> None:
    """Together with what else is unsound, before the database is asked for anything."""
    spec = replace(ROOMS, columns=(SURROGATE, *ROOMS.columns[1:]))
    unsound = declared({"rooms": [{"code": "x" * 21}, {"code": "y"}, {"code": "y"}]}, {"rooms": spec})
    session = Session(TARGET, open_engine(TARGET), state_of(unsound))

    with pytest.raises(ReconcileError) as error:
        make_plan(session, RunOptions())

    assert error.value.exit_code == ExitCode.ERROR
    assert [finding.what for finding in error.value.findings] == [
        "the desired state is unsound: rows share a natural key",
        "desired column rooms.code cannot hold its values",
    ]
    assert not Path("terp.db").exists()


@pytest.mark.parametrize(
    ("options", "mode", "expected"),
    [
        (RunOptions(), None, Mode.RESET),
        (RunOptions(no_clear=True), None, Mode.TOP_UP),
        (RunOptions(no_clear=True), Mode.EXACT, Mode.EXACT),
        (RunOptions(), Mode.TOP_UP, Mode.TOP_UP),
    ],
)
@pytest.mark.usefixtures("shell")
def test_the_mode_is_the_flags_unless_the_command_names_one(
    options: RunOptions, mode: Mode | None, expected: Mode
) -> None:
    planned = make_plan(session_of(STATE), options, mode)

    assert planned.plan.mode is expected
    assert len(planned.goal.gap_rules) == (1 if expected is Mode.TOP_UP else 0)


@pytest.mark.parametrize(("flags", "rules"), [(RunOptions(), 1), (RunOptions(skip_validation=True), 0)])
@pytest.mark.usefixtures("shell")
def test_only_the_rules_of_the_chosen_steps_are_asked(flags: RunOptions, rules: int) -> None:
    assert len(make_plan(session_of(STATE), flags, reads_rules=True).rules) == rules


@pytest.mark.parametrize("read", [True, False])
@pytest.mark.usefixtures("shell")
def test_rules_are_read_for_where_they_will_be_asked(read: bool) -> None:
    planned = make_plan(session_of(STATE), RunOptions(table=["members"]), reads_rules=read)

    assert ("rooms" in planned.live.dataset) is read


@pytest.mark.usefixtures("shell")
def test_going_on_without_an_optional_step_works_while_tables_are_cleared() -> None:
    session = session_of(replace(STATE, cleared=("leftovers",)))
    edit("ALTER TABLE lockers DROP COLUMN size", "CREATE TABLE leftovers (id INTEGER PRIMARY KEY, name TEXT)")
    edit("INSERT INTO leftovers (name) VALUES ('old')")

    plan = make_plan(session, RunOptions(continue_on_error=True)).plan

    assert {part.spec.name: part.counts[Action.DELETE] for part in plan.tables}["leftovers"] == 1
