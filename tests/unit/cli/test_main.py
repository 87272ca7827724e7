"""Whole commands on a file: exit codes, streams, JSON, and which setting names the target."""

import json
import os
import sqlite3
from pathlib import Path

import pytest

from reconcile.errors import ExitCode
from tests.unit.cli.shell import Shell, Told

TINY = ["--state", "tests.unit.tiny"]


def test_a_first_apply_fills_the_database_and_a_second_does_nothing(shell: Shell, tmp_path: Path) -> None:
    assert shell("plan", *TINY, "--detailed-exitcode").code == ExitCode.CHANGES
    assert list(tmp_path.iterdir()) == []

    first = shell("apply", *TINY, "--force")
    assert (first.code, first.out.strip().splitlines()[-1].rpartition(" in ")[0] + " in") == (
        ExitCode.OK,
        "Apply complete: 9 created, 0 updated, 0 deleted, 0 kept; 0 errors in",
    )

    before = (tmp_path / "terp.db").read_bytes()
    assert shell("plan", *TINY, "--detailed-exitcode").code == ExitCode.OK
    second = shell("apply", *TINY)
    assert second.code == ExitCode.OK
    assert "Apply complete: 0 created, 0 updated, 0 deleted, 9 kept" in second.out
    assert before == (tmp_path / "terp.db").read_bytes()


def test_a_dry_run_writes_nothing(shell: Shell, tmp_path: Path) -> None:
    told = shell("apply", *TINY, "--dry-run", "--force")

    assert (told.code, list(tmp_path.iterdir())) == (ExitCode.OK, [])
    assert "Plan: 9 to create" in told.out


def test_without_terminal_and_force_nothing_is_written(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open(os.devnull, encoding="utf-8") as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        told = shell("apply", *TINY)

    assert (told.code, list(tmp_path.iterdir())) == (ExitCode.REFUSED, [])
    assert "there is no terminal to confirm on" in told.err


def test_json_outputs_validate(shell: Shell) -> None:
    plan = shell("plan", *TINY, "--format", "json").valid("plan")
    outcome = shell("apply", *TINY, "--force", "--format", "json").valid("outcome")
    checks = shell("verify", *TINY, "--format", "json").valid("verify")

    assert (len(plan["changes"]), outcome["created"]) == (9, 9)
    assert [(check["id"], check["passed"]) for check in checks["checks"]] == [("named", True)]


@pytest.mark.parametrize(
    ("words", "code", "what"),
    [
        (["plan", "--database-url", "nonsense"], ExitCode.USAGE, "the database URL cannot be used"),
        (["plan", "--state", "no.such.package"], ExitCode.USAGE, "no.such.package declares no desired state"),
        (["plan", "--state", "json"], ExitCode.USAGE, "json declares no desired state"),
        (["plan", *TINY, "--table", "nothing"], ExitCode.USAGE, "no table matches 'nothing'"),
        (["plan", *TINY, "--step", "nothing"], ExitCode.USAGE, "there is no step 'nothing'"),
        (["plan", *TINY, "-t", "goods"], ExitCode.ERROR, "2 rows refer to rows of makers that do not exist"),
        (["verify", *TINY], ExitCode.ERROR, "the database file does not exist"),
        (["query", *TINY], ExitCode.ERROR, "the database file does not exist"),
    ],
)
def test_a_failure_is_said_in_four_parts_and_is_valid_json(
    shell: Shell, words: list[str], code: ExitCode, what: str
) -> None:
    told = shell(*words)
    document = shell(*words, "--format", "json").valid("errors")

    assert (code, "") == (told.code, told.out)
    assert f"error: {what}\n  where: " in told.err
    assert "\n  why:   " in told.err
    assert "\n  fix:   " in told.err
    assert what in [error["what"] for error in document["errors"]] or what in document["errors"][0]["what"]


def test_the_password_of_an_unusable_url_is_not_shown(shell: Shell) -> None:
    told = shell("plan", "--database-url", "mysql://user:p@s3cret@host/shop", "--format", "json")

    assert "s3cret" not in told.out + told.err


def target_of(told: Told) -> str:
    return next(line for line in told.err.splitlines() if line.startswith("Target: "))


def test_the_first_setting_that_is_there_names_the_target(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flag > RECONCILE_DATABASE_URL (environment, .env) > DATABASE_URL (environment, .env) > embedded default."""
    plan = ["plan", *TINY, "--summary"]
    expected, found = [], []

    def look(name: str, origin: str, *flags: str) -> None:
        expected.append(f"Target: sqlite file {name} ({origin})")
        found.append(target_of(shell(*plan, *flags)))

    look("terp.db", "embedded default, no DATABASE_URL is set")
    (tmp_path / ".env").write_text("DATABASE_URL=sqlite:///a.db\n", encoding="utf-8")
    look("a.db", "DATABASE_URL in .env")
    monkeypatch.setenv("DATABASE_URL", "sqlite:///b.db")
    look("b.db", "DATABASE_URL in the environment")
    (tmp_path / ".env").write_text("RECONCILE_DATABASE_URL='sqlite:///c.db'\n", encoding="utf-8")
    look("c.db", "RECONCILE_DATABASE_URL in .env")
    monkeypatch.setenv("RECONCILE_DATABASE_URL", "sqlite:///d.db")
    look("d.db", "RECONCILE_DATABASE_URL in the environment")
    look("e.db", "--database-url", "--database-url", "sqlite:///e.db")

    assert expected == found


def test_settings_of_another_client_are_said_to_be_ignored(shell: Shell) -> None:
    told = shell("schema", "sql", *TINY, "--database-url", "mysql://u:s3cret@127.0.0.1/shop?pool=5&ssl=true")

    assert told.code == ExitCode.OK
    assert "Ignored in the URL: pool" in told.err
    assert "s3cret" not in told.out + told.err
    assert "CREATE TABLE makers" in told.out


def test_quiet_leaves_only_results(shell: Shell) -> None:
    told = shell("plan", *TINY, "--quiet", "--summary")

    assert told.err == ""
    assert "Plan: 9 to create" in told.out


def test_colour_comes_only_when_it_is_wanted(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never into a pipe, unless it is asked for; never into JSON."""
    assert "\x1b[" not in shell("plan", *TINY).out
    assert "\x1b[" in shell("plan", *TINY, "--color", "always").out
    assert "\x1b[" not in shell("plan", *TINY, "--color", "always", "--format", "json").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in shell("plan", *TINY, "--color", "auto").out


def test_a_violation_fails_verify_and_names_the_row(shell: Shell) -> None:
    shell("apply", *TINY, "--force", "--quiet")
    connection = sqlite3.connect("terp.db")
    with connection:
        connection.execute("UPDATE makers SET name = '' WHERE code = 'ACME'")
    connection.close()
    told = shell("verify", *TINY)

    assert told.code == ExitCode.VIOLATIONS
    assert "[ACME] has no name" in told.out


def test_schema_is_created_once(shell: Shell) -> None:
    assert shell("schema", "create", *TINY).code == ExitCode.OK
    assert shell("schema", "check", *TINY).code == ExitCode.OK

    again = shell("schema", "create", *TINY)
    assert again.code == ExitCode.REFUSED
    assert "the database is not empty" in again.err


def test_a_query_reads_and_never_writes(shell: Shell) -> None:
    shell("apply", *TINY, "--force", "--quiet")

    counted = json.loads(shell("query", *TINY, "--format", "json").out)
    assert ["goods", 2] in counted["rows"]
    assert "ACME" in shell("query", *TINY, "SELECT code FROM makers ORDER BY code").out
    refused = shell("query", *TINY, "DELETE FROM goods_tags")
    assert refused.code == ExitCode.ERROR
    assert ["goods_tags", 1] in json.loads(shell("query", *TINY, "--format", "json").out)["rows"]
