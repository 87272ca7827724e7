"""Plans by checksums, on servers only: no change is missed, and without a change nothing else is shown."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pymysql
import pytest

from reconcile.cli import comparisons
from reconcile.live import sums
from reconcile.live.pymysql import plain_snapshot
from reconcile.live.target import Target as Chosen
from reconcile.live.target import parse
from tests.facts import CHECKOUT
from tests.servers.conftest import NewTarget
from tests.servers.ledgers import wait_for_silence
from tests.servers.operating import Result, run
from tests.servers.server import APPLICATION, Server
from tests.servers.stock_state import LEFTOVERS
from tests.servers.target import Target

pytestmark = pytest.mark.usefixtures("server")

STATE = ("--state", "tests.servers.stock_state")
AS_OF = ("--as-of", "2026-01-05")
SAID = "compared by checksums"


def plan(target: Target, *words: str) -> Result:
    return run("plan", *STATE, *(() if "--as-of" in words else AS_OF), *words, "--database-url", target.url)


def is_by_checksums(target: Target, *words: str) -> bool:
    result = plan(target, *words)
    assert result.code == 0, result.err
    return SAID in result.out


def apply(target: Target, *words: str) -> None:
    result = run("apply", "--force", "--no-journal", *STATE, *AS_OF, *words, "--database-url", target.url)
    assert result.code == 0, result.err


@pytest.fixture
def stock(new_target: NewTarget) -> Target:
    """A database that is as declared."""
    target = new_target("empty")
    assert run("schema", "create", *STATE, "--database-url", target.url).code == 0
    target.execute(LEFTOVERS)
    apply(target)
    return target


@pytest.fixture
def known(stock: Target) -> Target:
    """The same, where plans are by checksums."""
    assert [is_by_checksums(stock) for _ in range(3)] == [False, False, True]
    return stock


def remembered() -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in comparisons.folder().iterdir()}


def remember(files: dict[Path, bytes]) -> None:
    for file, content in files.items():
        file.write_bytes(content)


def turn_into_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


EDITS = {
    "a cell": ("UPDATE things SET size = 7 WHERE id = 2", None),
    "null becomes empty": ("UPDATE things SET `first` = '' WHERE `first` IS NULL AND id < 5", None),
    "empty of what was a text": ("UPDATE things SET `second` = '' WHERE id = 2", None),
    "case alone": ("UPDATE things SET number = 't000001' WHERE number = 'T000001'", None),
    "trailing space": ("UPDATE things SET `second` = CONCAT(`second`, ' ') WHERE id = 2", None),
    "a text that reads as null": ("UPDATE things SET `first` = '-' WHERE `first` IS NULL AND id < 5", None),
    "a decimal": ("UPDATE things SET price = price + 0.01 WHERE id = 3", None),
    "a date": ("UPDATE things SET made_on = made_on + INTERVAL 1 DAY WHERE id = 2", None),
    "a time": ("UPDATE things SET seen_at = seen_at + INTERVAL 1 SECOND WHERE id = 2", None),
    "a switch": ("UPDATE things SET is_new = 1 - is_new WHERE id = 3", None),
    "a word of a list": ("UPDATE things SET colour = 'green' WHERE id = 2", None),
    "a document": ("UPDATE things SET extra = '[0]' WHERE id = 2", None),
    "a secret is there": ("UPDATE things SET word = 'x' WHERE id = 2", None),
    "what only the server owns": ("UPDATE things SET touched = touched + INTERVAL 1 SECOND WHERE id = 2", None),
    "an undeclared row": ("INSERT INTO things (number) VALUES ('X')", "DELETE FROM things WHERE number = 'X'"),
    "a row in a cleared table": ("INSERT INTO leftovers (note) VALUES ('x')", "DELETE FROM leftovers"),
    "a column more": ("ALTER TABLE shelves ADD COLUMN more INT", "ALTER TABLE shelves DROP COLUMN more"),
    "a longer column": ("ALTER TABLE shelves MODIFY title VARCHAR(60)", "ALTER TABLE shelves MODIFY title VARCHAR(40)"),
    "a table more": ("CREATE TABLE others (id INT)", "DROP TABLE others"),
    "a marker": ("CREATE TABLE reconcile_protected (why VARCHAR(40))", "DROP TABLE reconcile_protected"),
    "a deleted row": ("DELETE FROM parts WHERE id = 20", None),
    "another id": ("UPDATE parts SET id = 1000 WHERE id = 20", "UPDATE parts SET id = 20 WHERE id = 1000"),
    "values that change places": (
        "UPDATE things a, things b SET a.size = b.size, b.size = a.size WHERE a.id = 2 AND b.id = 3", None,
    ),
    "columns that change places": ("UPDATE things SET `first` = `second`, `second` = NULL WHERE id = 2", None),
}  # fmt: skip
"""Edits by hand and what takes each back; None: the table is filled anew from a copy."""


def test_no_edit_is_missed_and_what_is_taken_back_is_as_it_was(known: Target) -> None:
    for table in ("things", "parts", "shelves"):
        known.execute(f"CREATE TABLE copy_of_{table} AS SELECT * FROM `{table}`")
    # The copies are tables too.
    assert [is_by_checksums(known) for _ in range(3)] == [False, False, True]
    held = remembered()
    for name, (edit, back) in EDITS.items():
        assert known.execute(edit) or "TABLE" in edit, name

        result = plan(known, "--compare", "checksums")

        assert SAID not in result.out, name
        assert "Compared row by row: " in result.err, name
        assert result.out == plan(known, "--compare", "rows").out, name
        if back is None:
            table = next(word for word in edit.replace(",", "").split() if word in {"things", "parts", "shelves"})
            with known.connect() as connection:
                connection.exec_driver_sql("SET foreign_key_checks = 0")
                connection.exec_driver_sql(f"DELETE FROM `{table}`")
                connection.exec_driver_sql(f"INSERT INTO `{table}` SELECT * FROM copy_of_{table}")
        else:
            known.execute(back)
        remember(held)
        assert is_by_checksums(known), name


def test_without_a_change_only_the_path_is_told(known: Target) -> None:
    for words in ((), ("--summary",), ("--format", "json"), ("--format", "jsonl"), ("--format", "md"), ("--no-clear",)):
        rows = plan(known, *words, "--compare", "rows")
        assert rows.code == 0
        sums_ = [plan(known, *words) for _ in range(3)][-1]

        assert sums_.err == rows.err
        if "json" in words:
            found, expected = sums_.document, rows.document
            assert found.pop("compared")["by"] == "checksums"
            assert expected.pop("compared") == {"by": "rows"}
            assert json.dumps(found) == json.dumps(expected)
        elif "jsonl" not in words:
            lines = sums_.out.splitlines()
            told = [line for line in lines if SAID in line]
            assert len(told) == 1
            assert [line for line in lines if line not in told] == rows.out.splitlines()


@pytest.mark.parametrize(
    "words",
    [
        ("--light",), ("--scale", "2"), ("--seed", "1", "--as-of", "2026-01-04"), ("--no-clear",), ("--step", "parts"),
        ("--skip", "parts"), ("-t", "things"), ("-x", "parts"), ("--journal", "other"), ("--format", "json"),
        ("--limit", "3"), ("--summary",), ("--allow-cascade",), ("--state", "tests.servers.ledger_state"),
    ],
)  # fmt: skip
def test_another_question_is_asked_of_the_rows(known: Target, words: Sequence[str]) -> None:
    assert SAID not in plan(known, *words).out


def test_an_answer_by_checksums_imports_no_heavy_library(stock: Target) -> None:
    """Nor the desired state; a password on the command line is warned of all the same."""
    script = "import sys; from reconcile.cli.main import main; main(); print(*sys.modules, file=sys.stderr)"
    words = ["plan", *STATE, *AS_OF, "--database-url", stock.url]

    def done() -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-c", script, *words], check=True, capture_output=True, text=True, cwd=CHECKOUT
        )

    told = [done() for _ in range(3)][-1]

    assert SAID in told.stdout
    assert "a password was on the command line" in told.stderr
    assert {"polars", "sqlalchemy", "pydantic", "tests.servers.stock_state"} & set(told.stderr.split()) == set()


@contextmanager
def few_connections(server: Server) -> Iterator[None]:
    """Let the application's account have one connection at a time."""
    limit = f"ALTER USER '{APPLICATION}'@'%' WITH MAX_USER_CONNECTIONS"
    server.execute(f"{limit} 1")
    try:
        yield
    finally:
        server.execute(f"{limit} 0")


@pytest.mark.parametrize("connections", [1, 3])
def test_tables_in_spans_are_summed_too(
    connections: int, new_target: NewTarget, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over several connections as over one, and however many are asked for: that is no other question."""
    opened: list[object] = []

    def counted(chosen: Chosen) -> AbstractContextManager["pymysql.cursors.Cursor"]:
        opened.append(chosen)
        return plain_snapshot(chosen)

    monkeypatch.setattr("reconcile.live.pymysql.plain_snapshot", counted)
    monkeypatch.setattr(sums, "ROWS_PER_RANGE", 2_000)
    target = new_target("empty")
    words = ("--state", "benchmarks.trade", *AS_OF, "--database-url", target.url)
    scaled = (*words, "--scale", "6")
    assert run("schema", "create", "--state", "benchmarks.trade", "--database-url", target.url).code == 0
    assert run("apply", "--force", "--no-journal", *scaled).code == 0
    assert [SAID in run("plan", *scaled).out for _ in range(2)] == [False, False]

    spread = (*scaled, "--connections", str(connections))
    assert SAID in run("plan", *spread).out
    assert len(opened) == connections

    with few_connections(server):
        chosen = parse(target.url, "the test")
        wait_for_silence(target)
        with plain_snapshot(chosen), pytest.raises(pymysql.err.Error, match="max_user_connections"):
            plain_snapshot(chosen).__enter__()
        wait_for_silence(target)
        assert SAID in run("plan", *spread).out  # over the one that the server takes

    target.execute("UPDATE order_line_items SET quantity = quantity + 1 WHERE position = 2 ORDER BY id LIMIT 1")

    changed = run("plan", *spread, "--detailed-exitcode")
    assert (changed.code, SAID in changed.out) == (2, False)
    assert SAID not in run("plan", *scaled, "--shard", "1/2").out


def test_rows_are_compared_where_that_is_asked_for(known: Target) -> None:
    held = remembered()

    assert not is_by_checksums(known, "--compare", "rows")

    assert remembered() == held


def test_without_as_of_the_journal_counts(stock: Target) -> None:
    """Dates hang on the last apply's day, and that is where a new run of the journal would put another."""

    def plans() -> list[bool]:
        return [SAID in run("plan", *STATE, "--database-url", stock.url).out for _ in range(3)]

    stock.execute("DELETE FROM parts")
    assert run("apply", "--force", *STATE, *AS_OF, "--database-url", stock.url).code == 0
    assert plans() == [False, False, True]

    stock.execute("UPDATE reconcile_runs SET as_of = '2026-01-12'")

    assert plans()[0] is False


@pytest.mark.parametrize(
    "harm",
    [
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(b"{}"),
        lambda file: file.write_bytes(file.read_bytes()[:-9]),
        lambda file: file.write_bytes(file.read_bytes().replace(b'"rows":300', b'"rows":301')),
        lambda file: file.write_bytes(b"\xff" + file.read_bytes()),
        lambda file: file.chmod(0o666),
        lambda file: (file.unlink(), file.mkdir()),
        lambda file: (file.rename(file.with_suffix(".moved")), file.symlink_to(file.with_suffix(".moved"))),
        turn_into_pipe,
    ],
)
def test_a_file_that_is_broken_or_foreign_is_as_none(known: Target, harm: Callable[[Path], object]) -> None:
    (file,) = remembered()
    harm(file)

    result = plan(known)

    assert (result.code, SAID in result.out) == (0, False)
    assert "Traceback" not in result.err


def test_a_file_of_another_question_does_not_answer(known: Target) -> None:
    (content,) = remembered().values()
    (file,) = remembered()
    plan(known, "--summary")
    (other,) = set(remembered()) - {file}
    other.write_bytes(content)

    assert SAID not in plan(known, "--summary").out


def test_a_cache_that_cannot_be_written_is_no_error(
    stock: Target, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))

    assert [is_by_checksums(stock) for _ in range(3)] == [False] * 3


def test_only_the_owner_may_read_what_is_remembered_and_no_row_is_in_it(known: Target) -> None:
    ((file, content),) = remembered().items()

    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    for word in (b"T000001", b"Shelf", (parse(known.url, "").url.password or "?").encode()):
        assert word not in content


def test_another_database_of_the_same_name_is_another_question(known: Target, new_target: NewTarget) -> None:
    """What is asked of a server hangs on host, port, account and database."""
    other = new_target("empty")
    assert run("schema", "create", *STATE, "--database-url", other.url).code == 0
    apply(other)

    assert not is_by_checksums(other)
    elsewhere = known.url.replace("127.0.0.1", "localhost")
    assert SAID not in plan(Target(known.engine, known.name, elsewhere, known.server)).out


def test_another_account_is_another_question_and_the_right_to_select_is_enough(known: Target, server: Server) -> None:
    pattern = known.name.replace("_", r"\_")
    password = server.create_account("summer", f"SELECT ON `{pattern}`.*")
    reader = Target(known.engine, known.name, server.url(known.name, "summer", password), server)

    assert [is_by_checksums(reader) for _ in range(3)] == [False, False, True]
    assert server.execute("SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'summer'")[0][0] == 0


def test_a_server_that_refuses_is_told_of_as_ever(known: Target, server: Server) -> None:
    """Whoever was answered by checksums and has lost the right to look gets the error, not the answer."""
    pattern = known.name.replace("_", r"\_")
    password = server.create_account("loser", f"SELECT ON `{pattern}`.*")
    reader = Target(known.engine, known.name, server.url(known.name, "loser", password), server)
    assert [is_by_checksums(reader) for _ in range(3)] == [False, False, True]
    server.execute("DROP USER 'loser'@'%'")

    result = plan(reader)

    assert (result.code, result.out) == (1, "")
    assert "denied" in result.err


def test_two_plans_at_once_leave_one_whole_file(stock: Target) -> None:
    """Each in a process of its own, as two schedulers may start them."""
    words = ["plan", *STATE, *AS_OF, "--database-url", stock.url]
    program = [sys.executable, "-c", "import sys; from reconcile.cli.main import main; sys.exit(main())", *words]

    def start() -> "subprocess.Popen[str]":
        return subprocess.Popen(program, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT)

    for _ in range(2):
        for process in [start() for _ in range(3)]:
            process.communicate()
            assert process.returncode == 0

    assert SAID in start().communicate()[0]
    assert len(remembered()) == 1


STATE_FILE = "from tests.servers.stock_state import *\n"


def test_a_changed_file_of_the_desired_state_is_seen(
    stock: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever: one of the package, data beside it, a module that it imports from elsewhere."""
    package = tmp_path / "mine"
    package.mkdir()
    (tmp_path / "beside.py").write_text("X = 1\n")
    (package / "__init__.py").write_text(f"import beside\n{STATE_FILE}")
    (package / "data.csv").write_text("1\n")
    monkeypatch.chdir(tmp_path)
    path = os.pathsep.join([str(CHECKOUT), str(tmp_path)])
    program = [sys.executable, "-c", "import sys; from reconcile.cli.main import main; sys.exit(main())"]

    def answers(*words: str) -> bool:
        done = subprocess.run(
            [*program, "plan", "--state", "mine", *AS_OF, *words, "--database-url", stock.url],
            env=os.environ | {"PYTHONPATH": path}, check=True, capture_output=True, text=True,
        )  # fmt: skip
        return SAID in done.stdout

    assert [answers() for _ in range(3)] == [False, False, True]
    for file in (package / "data.csv", tmp_path / "beside.py", package / "__init__.py"):
        file.write_text(file.read_text() + "\n")
        assert [answers() for _ in range(3)] == [False, False, True], file
    (package / "more.txt").touch()
    assert not answers()
