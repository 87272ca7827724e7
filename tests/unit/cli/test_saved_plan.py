"""`plan --out`, `show FILE`, `apply FILE` and `apply --checksum` on a file: exactly the reviewed plan, or nothing."""

import json
import re
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path
from typing import NoReturn

import polars as pl
import pytest

from reconcile import planfile
from reconcile.cli import saved_plan
from reconcile.cli.option_groups import GuardOptions, LargeOptions, TargetOptions
from reconcile.cli.options import ApplyOptions
from reconcile.cli.planned_file import read, save
from reconcile.errors import ExitCode
from reconcile.origin import RunShape
from reconcile.spec import Owner
from reconcile.table_plan import TablePlan
from tests.unit.cli.club import CLUB, VARIABLE
from tests.unit.cli.shell import Shell, Told
from tests.unit.tiny import MAKERS

TINY = ("--state", "tests.unit.tiny")
OFFICE = ("--state", "tests.unit.office")
SHOP_PLAN = "shop.plan"


def edit(*statements: str, file: str = "terp.db") -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def rows(query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect("terp.db")) as connection:
        return connection.execute(query).fetchall()


def content() -> list[str]:
    """Give every row of every table, as statements."""
    with closing(sqlite3.connect("terp.db")) as connection:
        return list(connection.iterdump())


def files() -> set[str]:
    return {path.name for path in Path().iterdir()}


@pytest.fixture
def shop(shell: Shell) -> Shell:
    """A shell whose database is as declared but for a maker's name, a tag that is missing and a note too many."""
    assert shell("apply", *TINY, "--force", "--quiet").code == ExitCode.OK
    edit(
        "UPDATE makers SET name = 'Old' WHERE code = 'ACME'",
        "DELETE FROM goods_tags",
        "DELETE FROM tags",
        "INSERT INTO notes (ref) VALUES ('theirs')",
    )
    assert shell("plan", *TINY, "--out", SHOP_PLAN, "--quiet").code == ExitCode.OK
    return shell


def refused(told: Told, *whats: str) -> None:
    """Hold that a command was refused by a guard for these reasons and no others."""
    assert told.code == ExitCode.REFUSED, told.err
    assert re.findall("^error: (.*)$", told.err, re.MULTILINE) == list(whats)


def test_a_plan_is_saved_for_its_owner_alone(shop: Shell) -> None:
    assert Path(SHOP_PLAN).stat().st_mode & 0o777 == 0o600
    assert not [name for name in files() if name.endswith(".part")]


def test_saving_a_plan_says_how_to_carry_it_out(shop: Shell) -> None:
    told = shop("plan", *TINY, "--out", "a b.plan")

    assert "reconcile apply 'a b.plan'" in told.err


def test_a_saved_plan_replaces_the_one_before(shop: Shell) -> None:
    first = Path(SHOP_PLAN).read_bytes()
    edit("DELETE FROM notes")

    assert shop("plan", *TINY, "--out", SHOP_PLAN).code == ExitCode.OK
    assert Path(SHOP_PLAN).read_bytes() != first


@pytest.mark.parametrize(
    "interruption", [pytest.param(KeyboardInterrupt, id="interrupted"), pytest.param(OSError, id="disk full")]
)
def test_nothing_is_left_of_a_plan_that_could_not_be_saved_whole(
    shop: Shell, monkeypatch: pytest.MonkeyPatch, interruption: type[BaseException]
) -> None:
    """Neither a part of it, nor the loss of the one that was there."""
    before, names = Path(SHOP_PLAN).read_bytes(), files()

    def stop(*_: object) -> NoReturn:
        raise interruption(28, "No space left on device")

    monkeypatch.setattr(planfile, "_last_line", stop)
    told = shop("plan", *TINY, "--out", SHOP_PLAN)

    assert told.code == (ExitCode.ERROR if interruption is OSError else ExitCode.INTERRUPTED)
    assert (Path(SHOP_PLAN).read_bytes(), files()) == (before, names)


@pytest.mark.parametrize("place", ["nowhere/a.plan", ".", "a_folder"])
def test_a_place_that_cannot_be_written_is_refused_before_planning(shell: Shell, place: str) -> None:
    Path("a_folder").mkdir()

    told = shell("plan", *TINY, "--out", place)

    assert (told.code, told.out) == (ExitCode.ERROR, "")
    assert "error: the plan was not saved" in told.err


@pytest.mark.parametrize("wanted", ["text", "json", "jsonl", "md", "html"])
def test_show_gives_what_plan_gave(shop: Shell, wanted: str) -> None:
    """Without the database, without the desired state, and wherever it is said that they are."""
    views: tuple[tuple[str, ...], ...] = ((), ("--summary",), ("--only", "delete"), ("--limit", "1"))
    words = ("--format", wanted, "--quiet")
    planned = [shop("plan", *TINY, *words, *view).out for view in views]
    Path("terp.db").unlink()

    elsewhere = ("--database-url", "mysql://u:p@nowhere:1/x", "--state", "no")
    shown = [shop("show", SHOP_PLAN, *words, *view, *elsewhere) for view in views]

    def timeless(text: str) -> str:
        return re.sub(r'("at": ?"|-?\d+ (?:s|min|h|d) old).*', "", text)

    assert [(told.code, told.err) for told in shown] == [(ExitCode.OK, "")] * len(views)
    assert [timeless(told.out) for told in shown] == [timeless(text) for text in planned]


def test_show_tells_who_gains_and_loses_what(shell: Shell) -> None:
    """What a plan means is saved with it."""
    shell("plan", *OFFICE, "--out", "office.plan")

    shown = shell("show", "office.plan")

    assert 'Role "chief": gains 4 permissions (appoint, read, sell, write); 1 user' in shown.out
    assert "effects" in shell("show", "office.plan", "--format", "json").valid("plan")


def test_a_number_is_a_run_and_no_file(shell: Shell) -> None:
    """A file of that name is shown by its path."""
    shell("apply", *TINY, "--force")
    shell("plan", *TINY, "--out", "1")

    assert "Nothing to do" in shell("show", "./1").out
    assert "Nothing to do" not in shell("show", "1", *TINY).out
    assert "Plan: 9 to create" in shell("show", "1", *TINY).out


@pytest.mark.parametrize("words", [("show",), ("apply", "--force")])
@pytest.mark.parametrize("damage", ["missing", "folder", "empty", "cut", "edited"])
def test_a_file_that_is_no_whole_plan_is_refused(shop: Shell, words: tuple[str, ...], damage: str) -> None:
    plan, before = Path(SHOP_PLAN), content()
    whole = plan.read_bytes()
    plan.unlink()
    match damage:
        case "folder":
            plan.mkdir()
        case "empty":
            plan.touch()
        case "cut":
            plan.write_bytes(whole[:-100])
        case "edited":
            plan.write_bytes(whole.replace(b"Acme", b"Ecma"))
        case _:
            pass

    told = shop(*words, SHOP_PLAN, "--format", "json")

    assert told.code == ExitCode.ERROR
    (error,) = told.valid("errors")["errors"]
    assert error["where"] == SHOP_PLAN
    assert content() == before


def test_apply_carries_out_exactly_the_plan(shop: Shell) -> None:
    told = shop("apply", SHOP_PLAN, "--force")

    assert told.code == ExitCode.OK, told.err
    assert "Apply complete: 2 created, 1 updated, 1 deleted" in told.out
    assert shop("plan", *TINY, "--detailed-exitcode").code == ExitCode.OK


def test_a_plan_for_a_file_that_is_not_there_makes_it(shell: Shell) -> None:
    shell("plan", *TINY, "--out", SHOP_PLAN)

    assert shell("apply", SHOP_PLAN, "--force").code == ExitCode.OK
    assert shell("plan", *TINY, "--detailed-exitcode").code == ExitCode.OK


def test_a_plan_is_carried_out_once(shop: Shell) -> None:
    """The second time it is stale, and that is said once, not of each row."""
    shop("apply", SHOP_PLAN, "--force")
    before = content()

    refused(shop("apply", SHOP_PLAN, "--force"), "the plan is stale: it has been carried out already")
    assert content() == before


def test_rows_that_moved_make_a_plan_stale_and_are_all_listed(shop: Shell) -> None:
    edit(
        "UPDATE makers SET name = 'Newer' WHERE code = 'ACME'",
        "INSERT INTO tags (code) VALUES ('sharp')",
        "DELETE FROM notes WHERE ref = 'theirs'",
    )
    before = content()

    told = shop("apply", SHOP_PLAN, "--force")

    refused(
        told,
        "the plan is stale: makers [ACME].name changed after the plan was made",
        "the plan is stale: tags [sharp] was created after the plan was made",
        "the plan is stale: notes [theirs] was deleted after the plan was made",
    )
    assert 'planned from "Old", now "Newer"' in told.err
    assert content() == before


def test_rows_that_the_plan_does_not_name_are_left_and_counted(shop: Shell) -> None:
    """What moved elsewhere neither makes the plan stale nor is changed with it."""
    edit("UPDATE makers SET name = 'Moved' WHERE code = 'BOLT'", "INSERT INTO notes (ref) VALUES ('later')")

    told = shop("apply", SHOP_PLAN, "--force")

    assert told.code == ExitCode.NOT_CONVERGED
    assert rows("SELECT name FROM makers ORDER BY code") == [("Acme",), ("Moved",)]
    assert rows("SELECT ref FROM notes ORDER BY ref") == [("later",), ("n1",), ("n2",)]
    assert re.findall("^error: (.*)$", told.err, re.MULTILINE) == [
        "the plan file does not bring makers to the desired state",
        "the plan file does not bring notes to the desired state",
    ]


def test_an_empty_plan_changes_nothing_and_says_what_is_left(shell: Shell) -> None:
    shell("apply", *TINY, "--force")
    shell("plan", *TINY, "--out", SHOP_PLAN)
    assert shell("apply", SHOP_PLAN, "--force").code == ExitCode.OK
    edit("UPDATE makers SET name = 'Moved' WHERE code = 'BOLT'")
    before = content()

    assert shell("apply", SHOP_PLAN, "--force").code == ExitCode.NOT_CONVERGED
    assert content() == before


def test_a_dry_run_of_a_plan_asks_whether_it_still_holds(shop: Shell) -> None:
    before = content()

    told = shop("apply", SHOP_PLAN, "--dry-run")
    assert (told.code, content()) == (ExitCode.OK, before)
    assert "Plan: 2 to create, 1 to update, 1 to delete" in told.out

    edit("DELETE FROM notes WHERE ref = 'theirs'")
    assert shop("apply", SHOP_PLAN, "--dry-run").code == ExitCode.REFUSED


def test_a_plan_for_another_database_is_refused(shop: Shell) -> None:
    """The same rows in another file are another database."""
    Path("other.db").write_bytes(Path("terp.db").read_bytes())

    told = shop("apply", SHOP_PLAN, "--force", "--database-url", "sqlite:///other.db")

    refused(told, "the plan was made for another database")


def test_the_database_may_be_named_otherwise(shop: Shell) -> None:
    """It is known by what it is, not by how it was called."""
    Path("link.db").symlink_to("terp.db")

    assert shop("apply", SHOP_PLAN, "--force", "--database-url", "sqlite:///link.db").code == ExitCode.OK


def test_a_plan_for_another_schema_is_refused(shop: Shell) -> None:
    edit("ALTER TABLE makers ADD COLUMN motto TEXT")

    refused(shop("apply", SHOP_PLAN, "--force"), "the plan was made for another schema")


def test_tables_that_the_plan_is_not_about_may_change(shop: Shell) -> None:
    edit("CREATE TABLE elsewhere (id INTEGER PRIMARY KEY)")

    assert shop("apply", SHOP_PLAN, "--force").code == ExitCode.OK


def test_a_plan_of_another_version_is_refused(shop: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_plan, "TOOL_VERSION", "9.9")

    told = shop("apply", SHOP_PLAN, "--force")

    refused(told, "the plan was made by another version")
    assert shop("show", SHOP_PLAN).code == ExitCode.OK


def test_a_plan_of_another_desired_state_is_refused(shell: Shell) -> None:
    Path("mine.py").write_text("from tests.unit.tiny import *\n", encoding="utf-8")
    shell("plan", "--state", "mine", "--out", SHOP_PLAN)
    sys.modules.pop("mine")
    Path("mine.py").write_text(
        "from tests.unit.tiny import *\n"
        "STATE = state_of(declared({**SHOP, 'tags': [{'code': 'sharp', 'title': 'Blunt'}]}))  # another row\n",
        encoding="utf-8",
    )
    try:
        told = shell("apply", SHOP_PLAN, "--force")
    finally:
        sys.modules.pop("mine", None)

    refused(told, "the desired state changed after the plan was made")
    assert "the declared rows of tags are not those" in told.err
    assert not Path("terp.db").exists() or not rows("SELECT name FROM sqlite_master")


def forge(change: Callable[[TablePlan], TablePlan]) -> None:
    """Change what the file says of makers, and seal it again."""
    saved = read(SHOP_PLAN)
    tables = tuple(change(part) if part.spec.name == "makers" else part for part in saved.plan.tables)
    save(SHOP_PLAN, replace(saved, plan=replace(saved.plan, tables=tables)))


def test_a_forged_row_is_stale(shop: Shell) -> None:
    """A digest can be made anew; what a plan made now says cannot."""
    acme = pl.struct(pl.col("after").struct.with_fields(name=pl.lit("Forged"))).struct.field("after")
    forge(lambda part: replace(part, held=part.rows.with_columns(acme)))

    told = shop("apply", SHOP_PLAN, "--force")

    refused(told, "the plan is stale: makers [ACME] would be treated otherwise")
    assert 'name: planned to become "Forged", now "Acme"' in told.err


def test_a_forged_table_is_refused(shop: Shell) -> None:
    """A column that nobody compares could be anything."""
    unowned = tuple(replace(c, owner=Owner.CREATION) if c in MAKERS.managed else c for c in MAKERS.columns)
    forge(lambda part: replace(part, spec=replace(MAKERS, columns=unowned)))

    refused(shop("apply", SHOP_PLAN, "--force"), "the desired state changed after the plan was made")


def test_the_file_says_which_options_made_it(shell: Shell) -> None:
    """Nothing has to be said again, and nothing may be."""
    shell("plan", *CLUB, "--no-clear", "--as-of", "2025-01-06", "--step", "core", "-x", "lockers", "--out", "club.plan")

    told = shell("apply", "club.plan", "--force", "--format", "json")

    assert told.valid("outcome")["mode"] == "top-up"
    assert rows("SELECT name FROM members") == [("owner",)]
    assert rows("SELECT code FROM lockers") == []
    header = json.loads(Path("club.plan").read_text(encoding="utf-8").splitlines()[0])
    assert header["origin"]["shape"]["as_of"] == "2025-01-06"


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (("--light",), "--light"),
        (("--scale", "2", "--seed", "3"), "--scale, --seed"),
        (("--as-of", "2026-01-05", "-t", "tags"), "--as-of, --table"),
        (("--no-clear", "--step", "core", "--skip-qa-data"), "--no-clear, --step, --skip-qa-data"),
        (("--allow-cascade", "--continue-on-error"), "--continue-on-error, --allow-cascade"),
        (("--state", "tests.unit.office"), "--state"),
    ],
)
def test_options_that_shape_a_plan_are_refused_next_to_one(shop: Shell, flags: tuple[str, ...], named: str) -> None:
    before = content()

    told = shop("apply", SHOP_PLAN, "--force", *flags)

    assert told.code == ExitCode.USAGE
    assert f"{named} cannot be given besides" in told.err
    assert content() == before


def test_every_option_of_a_run_either_shapes_its_plan_or_does_not() -> None:
    """A new one must be kept in the plan file, or be known not to matter there."""
    shape = {field.name for field in fields(RunShape)}
    beside = {field.name for field in fields(GuardOptions)} | {
        "password_file",
        "summary",
        "only",
        "limit",
        "connections",
    }

    run = {field.name for field in fields(LargeOptions)}
    assert shape <= run
    assert run - shape - beside == set()
    assert {field.name for field in fields(TargetOptions)} <= beside
    assert beside <= {field.name for field in fields(ApplyOptions)}


@pytest.mark.parametrize("length", [12, 20, 64])
@pytest.mark.parametrize("source", [TINY, (SHOP_PLAN,)])
def test_a_checksum_names_the_one_plan_that_is_carried_out(shop: Shell, length: int, source: tuple[str, ...]) -> None:
    checksum = shop("show", SHOP_PLAN, "--format", "json").valid("plan")["checksum"]

    assert shop("apply", *source, "--force", "--checksum", checksum[:length].upper()).code == ExitCode.OK


def test_another_plan_than_the_checksum_names_is_refused(shop: Shell) -> None:
    """Both are shown."""
    checksum = shop("show", SHOP_PLAN, "--format", "json").valid("plan")["checksum"]
    edit("DELETE FROM notes WHERE ref = 'theirs'")
    other = shop("plan", *TINY, "--format", "json").valid("plan")["checksum"]
    before = content()

    told = shop("apply", *TINY, "--force", "--checksum", checksum)

    refused(told, "the plan is another one than asked for")
    assert f"asked for checksum {checksum}, planned {other}" in told.err
    assert content() == before


@pytest.mark.parametrize("checksum", ["", "0123456789a", "0123456789ag", "0" * 65])
def test_what_is_no_checksum_is_refused(shell: Shell, checksum: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        shell("apply", *TINY, "--checksum", checksum)

    assert stopped.value.code == ExitCode.USAGE


def test_a_plan_with_accounts_needs_their_password_on_a_protected_target(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan was made with one; without it the rows cannot be written as planned."""
    monkeypatch.setenv("NODE_ENV", "production")
    monkeypatch.setenv(VARIABLE, "a password of theirs")
    shell("plan", *CLUB, "--out", "club.plan")
    monkeypatch.delenv(VARIABLE)

    told = shell("apply", "club.plan", "--force", "--confirm", "terp.db")

    refused(
        told, "step qa-accounts cannot be carried out as planned", "step test-accounts cannot be carried out as planned"
    )
    assert "no password was supplied" in told.err
    monkeypatch.setenv(VARIABLE, "a password of theirs")
    assert shell("apply", "club.plan", "--force", "--confirm", "terp.db").code == ExitCode.OK
    assert "a password of theirs" not in Path("club.plan").read_text(encoding="utf-8")


def test_an_apply_shows_no_page(shop: Shell) -> None:
    """HTML is for plans."""
    before = content()

    assert shop("apply", SHOP_PLAN, "--force", "--format", "html").code == ExitCode.USAGE
    assert content() == before


def test_reports_come_as_lines_and_as_markdown(shop: Shell) -> None:
    lines = [json.loads(line) for line in shop("verify", *TINY, "--format", "jsonl").out.splitlines()]
    ticket = shop("verify", *TINY, "--format", "md").out
    applied = shop("apply", SHOP_PLAN, "--force", "--format", "md").out
    (outcome,) = shop("apply", *TINY, "--force", "--format", "jsonl").out.splitlines()

    assert [line["type"] for line in lines] == ["verify", "check", "summary"]
    assert ticket.startswith("### Checks of sqlite file terp.db")
    assert applied.startswith("### Applied to sqlite file terp.db")
    assert json.loads(outcome)["type"] == "outcome"


def test_failures_are_lines_too(shell: Shell) -> None:
    told = shell("show", "nowhere.plan", "--format", "jsonl")

    (line,) = told.out.splitlines()
    assert json.loads(line)["type"] == "errors"
