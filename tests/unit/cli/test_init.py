"""`reconcile init` on files: what it writes can be planned with at once, what it refuses leaves nothing behind."""

import importlib
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from reconcile.cli import init
from reconcile.cli.session import load_state
from reconcile.errors import ExitCode, Finding, ReconcileError
from tests.unit.cli.shell import Shell, Told

DDL = """
CREATE TABLE authors (
    author_id INTEGER PRIMARY KEY AUTOINCREMENT, name VARCHAR(80) NOT NULL UNIQUE, password VARCHAR(60) NOT NULL,
    api_token VARCHAR(60), notes TEXT DEFAULT 'say "hi"'
);
CREATE TABLE books (
    id INTEGER PRIMARY KEY, isbn CHAR(13) NOT NULL UNIQUE, author INTEGER NOT NULL REFERENCES authors (author_id),
    price DECIMAL(8,2) NOT NULL DEFAULT 0, data JSON, active BOOLEAN NOT NULL DEFAULT 1, weight REAL
);
CREATE TABLE visits (id INTEGER PRIMARY KEY, who TEXT);
CREATE TABLE replies (id INTEGER PRIMARY KEY, code VARCHAR(9) NOT NULL UNIQUE, visit INTEGER REFERENCES visits (id));
CREATE TABLE words (word VARCHAR(20) PRIMARY KEY);
"""
ROWS = """
INSERT INTO authors (name, password, api_token, notes) VALUES
    ('Ada O''Neil', 'hunter2', 's3cr3t', NULL), ('Bo "q" | \\ é', 'hunter3', NULL, 'line' || char(10) || 'break');
INSERT INTO books (isbn, author, price, data) VALUES ('1', 2, 12.5, '{"b": 1.0, "a": [null]}'), ('2', 1, 3, NULL);
INSERT INTO visits (who) VALUES ('x');
INSERT INTO replies (code, visit) VALUES ('r', 1);
"""


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    """A shell in a folder with a small database; packages that are made there are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setenv("DATABASE_URL", "sqlite:///shop.db")
    loaded = set(sys.modules)
    run(DDL + ROWS)
    importlib.invalidate_caches()
    yield Shell(capsys)
    for name in set(sys.modules) - loaded:
        del sys.modules[name]


def run(script: str) -> None:
    with closing(sqlite3.connect("shop.db")) as connection:
        connection.executescript(script)


def made(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"shop.db"}


def planned(told: Told) -> str:
    return told.out.strip().splitlines()[-1]


def test_declared_rows_leave_nothing_to_plan(shell: Shell) -> None:
    """Quotes, line ends, separators, documents and secrets included; and every rule holds."""
    told = shell("init", "shop", "--rows")
    assert (told.code, told.out.splitlines()[0]) == (ExitCode.OK, "Wrote shop: managed tables 3, only read 1, rows 5.")

    plan = shell("plan", "--state", "shop", "--detailed-exitcode")
    assert (plan.code, planned(plan)) == (ExitCode.OK, "Nothing to do: 5 rows are as declared, 0 skipped.")
    verified = shell("verify", "--state", "shop", "--strict-module")
    assert (verified.code, planned(verified)) == (ExitCode.OK, "Verify: 5 of 5 checks passed, 0 warnings, 0 critical.")


def test_declared_rows_make_an_equal_database(shell: Shell) -> None:
    shell("init", "shop", "--rows")
    target = ("--state", "shop", "--database-url", "sqlite:///copy.db")

    assert shell("apply", *target, "--force", "-x", "replies").code == ExitCode.OK

    plan = shell("plan", *target, "--detailed-exitcode", "-x", "replies")
    assert (plan.code, planned(plan)) == (ExitCode.OK, "Nothing to do: 4 rows are as declared, 0 skipped.")
    with closing(sqlite3.connect("copy.db")) as connection:
        books = connection.execute("SELECT isbn, name, data FROM books JOIN authors ON author = author_id").fetchall()
    assert sorted(books) == [("1", 'Bo "q" | \\ é', '{"a":[null],"b":1}'), ("2", "Ada O'Neil", None)]


def test_a_skeleton_declares_nothing_and_deletes_nothing(shell: Shell) -> None:
    told = shell("init", "shop")

    assert (told.code, told.out.splitlines()[0]) == (ExitCode.OK, "Wrote shop: managed tables 3, only read 1, rows 0.")
    state = load_state("shop")
    assert [spec.name for spec in state.specs.values() if spec.prunes] == []
    plan = shell("plan", "--state", "shop", "--detailed-exitcode")
    assert (plan.code, planned(plan)) == (ExitCode.OK, "Nothing to do: 0 rows are as declared, 0 skipped.")


def test_a_change_of_the_package_is_a_change_of_the_plan(shell: Shell, tmp_path: Path) -> None:
    shell("init", "shop", "--rows")
    rows = tmp_path / "shop" / "rows.py"
    rows.write_text(rows.read_text(encoding="utf-8").replace('"12.50"', '"12.75"'), encoding="utf-8")

    told = shell("plan", "--state", "shop")

    assert 'price: "12.50" → "12.75"' in told.out


def test_what_could_not_be_declared_is_said(shell: Shell) -> None:
    told = shell("init", "shop", "--rows").err

    assert "a table is left out\n  where: table words\n" in told
    assert "rows that only their surrogate key tells apart are only read\n  where: table visits\n" in told
    assert "columns of books are left out\n  where: weight (real)\n" in told
    assert "rows are declared to refer to rows of visits by number\n  where: replies.visit, 1 rows\n" in told


def test_no_secret_is_written(shell: Shell, tmp_path: Path) -> None:
    told = shell("init", "shop", "--rows", "-v")
    files = "".join(file.read_text(encoding="utf-8") for file in (tmp_path / "shop").glob("*.py"))

    assert [secret for secret in ("hunter2", "hunter3", "s3cr3t") if secret in files + told.out + told.err] == []
    assert 'Column("password", Secret(60), owner=Owner.ONCE)' in files


def test_a_formatter_and_a_linter_find_nothing(shell: Shell, tmp_path: Path) -> None:
    shell("init", "shop", "--rows")
    ruff, package = Path(sys.executable).parent / "ruff", tmp_path / "shop"

    for words in (["format", "--diff"], ["check", "--select", "E4,E7,E9,F,I,B,UP,ANN,W,D1"]):
        told = subprocess.run(
            [ruff, *words, "--isolated", "--no-cache", package], capture_output=True, text=True, check=False
        )
        assert told.returncode == 0, told.stdout


def test_chosen_tables_bring_what_they_refer_to(shell: Shell) -> None:
    """Parents are only read, so that references are keys."""
    told = shell("init", "shop", "--table", "book*", "--rows", "--format", "json")
    document = json.loads(told.out)

    assert (document["tables"], document["read_only"], document["rows"]) == (
        ["authors", "books"],
        ["authors"],
        {"books": 2},
    )
    assert shell("plan", "--state", "shop", "--detailed-exitcode").code == ExitCode.OK


def test_the_console_script_finds_a_package_in_the_current_folder(shell: Shell) -> None:
    """It does not look there by itself, as `python -m` does."""
    shell("init", "shop", "--rows")
    program = Path(sys.executable).parent / "reconcile"

    told = subprocess.run([program, "plan", "--state", "shop", "-q"], capture_output=True, text=True, check=False)

    assert (told.returncode, told.stdout.splitlines()[-1]) == (0, "Nothing to do: 5 rows are as declared, 0 skipped.")


def test_a_mistake_in_the_package_is_said_with_its_place(shell: Shell, tmp_path: Path) -> None:
    """What the package's own code raises is no crash of the program."""
    for name, code in {"broken": "x = 1 / 0\n", "unread": "def f(:\n"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(code, encoding="utf-8")

    divided = shell("plan", "--state", "broken")
    unread = shell("plan", "--state", "unread")

    assert (divided.code, unread.code) == (ExitCode.USAGE, ExitCode.USAGE)
    assert "ZeroDivisionError: division by zero" in divided.err
    assert f"{Path('broken', '__init__.py')}, line 1" in divided.err
    assert "SyntaxError" in unread.err


def test_a_cell_that_its_column_cannot_hold_is_said_with_its_row(shell: Shell, tmp_path: Path) -> None:
    shell("init", "shop", "--rows")
    rows = tmp_path / "shop" / "rows.py"
    rows.write_text(rows.read_text(encoding="utf-8").replace('"12.50"', '"cheap"'), encoding="utf-8")

    told = shell("plan", "--state", "shop")

    assert told.code == ExitCode.ERROR
    assert "error: 'cheap' is no value of books.price\n  where: row 1 declared for books\n" in told.err


@pytest.mark.parametrize(
    ("words", "code", "what"),
    [
        (["1st"], ExitCode.USAGE, "'1st' cannot name the package"),
        (["a-b"], ExitCode.USAGE, "'a-b' cannot name the package"),
        (["../shop"], ExitCode.USAGE, "'../shop' cannot name the package"),
        (["class"], ExitCode.USAGE, "'class' cannot name the package"),
        (["json"], ExitCode.USAGE, "'json' cannot name the package"),
        (["__main__"], ExitCode.USAGE, "'__main__' cannot name the package"),
        (["shop", "-t", "nothing"], ExitCode.USAGE, "no table matches 'nothing'"),
        (["shop", "-x", "*"], ExitCode.USAGE, "no table is left"),
        (["shop", "-t", "words"], ExitCode.ERROR, "a table is left out"),
        (["shop", "--database-url", "sqlite:///none.db"], ExitCode.ERROR, "the database file does not exist"),
    ],
)
def test_a_refusal_has_four_parts_and_leaves_nothing(
    shell: Shell, tmp_path: Path, words: list[str], code: ExitCode, what: str
) -> None:
    told = shell("init", *words)
    document = shell("init", *words, "--format", "json").valid("errors")

    assert (told.code, told.out) == (code, "")
    assert f"error: {what}\n  where: " in told.err
    assert document["errors"][0]["what"] == what
    assert made(tmp_path) == set()


def test_a_folder_that_is_there_is_not_touched(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    told = shell("init", "shop")

    assert (told.code, "error: shop exists already\n" in told.err) == (ExitCode.ERROR, True)
    assert list((tmp_path / "shop").iterdir()) == []


def test_too_many_rows_are_not_written_down(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All the tables that have too many are named, and how to leave one out."""
    monkeypatch.setattr(init, "MOST_ROWS", 1)
    told = shell("init", "shop", "--rows")

    assert told.code == ExitCode.ERROR
    assert "table authors has too many rows to write them down" in told.err
    assert "--exclude-table books" in told.err
    assert made(tmp_path) == set()
    assert shell("init", "shop", "--rows", "-t", "replies").code == ExitCode.OK


def test_rows_that_contradict_themselves_are_not_written_down(shell: Shell, tmp_path: Path) -> None:
    run("PRAGMA foreign_keys = OFF; INSERT INTO books (isbn, author) VALUES ('3', 77)")
    told = shell("init", "shop", "--rows")

    assert (told.code, made(tmp_path)) == (ExitCode.ERROR, set())
    assert "refers to rows that authors does not have" in told.err


def test_what_holds_of_many_places_is_said_once() -> None:
    findings = [Finding("w", f"table {number}", "y", "f") for number in range(7)]

    assert init.merged([*findings, Finding("v", "x", "y", "f")]) == [
        Finding("w", "table 0, table 1, table 2, table 3, table 4 and 2 more", "y", "f"),
        Finding("v", "x", "y", "f"),
    ]


def test_nothing_is_left_of_a_package_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ReconcileError) as refused:
        init.write(tmp_path / "shop", {"a.py": "", "no/such/folder.py": ""})

    assert refused.value.findings[0].what == "the package cannot be written"
    assert list(tmp_path.iterdir()) == []
