"""Drift on real databases: what a SELECT-only account finds, who moved by the journal, and what the webhook is told."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.servers.operating import LIGHT, Result, apply, command, copy, dump, run, set_cell
from tests.servers.server import Server
from tests.servers.target import Target

TOKEN = "T0K3N-in-the-path"


def drift(target: Target, *words: str) -> Result:
    """Look for drift from the light dataset."""
    return command(target, "drift", *LIGHT, *words)


def labels(result: Result) -> dict[tuple[str, str], tuple[str, str]]:
    """Give label and mover of each row that drifts, by table and key."""
    return {(row["table"], row["key"]): (row["label"], row["moved_by"]) for row in result.document["drift"]}


def edited(target: Target) -> None:
    """Do what people do: change a row, delete one, add one."""
    set_cell(target, ("clients", "REG0003"), "name", "By hand")
    target.execute("DELETE FROM referral_settings")
    target.execute("INSERT INTO tags (name, `standardizedName`) VALUES ('extra', 'extra')")


@contextmanager
def general_log(server: Server) -> Iterator[Callable[[str], list[str]]]:
    """Log every statement; what is given lists those of one account."""
    server.execute("SET GLOBAL log_output = 'TABLE'")
    server.execute("TRUNCATE mysql.general_log")
    server.execute("SET GLOBAL general_log = 1")

    def statements(user: str) -> list[str]:
        rows = server.execute(
            "SELECT CONVERT(argument USING utf8mb4) FROM mysql.general_log "
            "WHERE command_type IN ('Query', 'Execute', 'Prepare') AND user_host LIKE %s",
            f"{user}[%",
        )
        return [str(argument) for (argument,) in rows]

    try:
        yield statements
    finally:
        server.execute("SET GLOBAL general_log = 0")


def test_an_account_that_may_only_select_finds_drift_and_writes_nothing(
    server: Server, filled: Target, tmp_path: Path
) -> None:
    """
    The server's own log has no statement that could write, and says that one snapshot was read.

    On servers only: SQLite has no accounts.
    """
    edited(filled)
    pattern = filled.name.replace("_", r"\_")
    password = server.create_account("watchman", f"SELECT ON `{pattern}`.*")
    rows = dump(filled)
    words = ("--history", str(tmp_path / "seen.json"), "--metrics-file", str(tmp_path / "drift.prom"))

    with general_log(server) as statements:
        found = run(
            "drift", *LIGHT, "--format", "json", *words, "--database-url", server.url(filled.name, "watchman", password)
        )
        sent = statements("watchman")

    assert found.code == 2, found.err
    assert {(table, key) for table, key in labels(found)} >= {("clients", "REG0003"), ("tags", "extra")}
    begun = {statement.split()[0].upper() for statement in sent}
    assert begun <= {"SELECT", "SET", "START", "ROLLBACK", "SHOW", "DESCRIBE", "COMMIT"}, begun
    assert any(statement.startswith("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY") for statement in sent)
    assert dump(filled) == rows


@pytest.mark.embedded
@pytest.mark.parametrize("mode", [(), ("--no-clear",)])
def test_it_finds_what_a_plan_would_do(filled: Target, mode: tuple[str, ...]) -> None:
    """On the whole dataset with edits of every kind: the same rows, actions, cells and reasons."""
    edited(filled)
    filled.execute("DELETE FROM payments")
    set_cell(filled, ("sites", "SAMPLES"), "deleted_at", "2026-01-01 10:00:00")
    names = ("step", "table", "key", "action", "before", "after", "reason", "why")

    planned = command(filled, "plan", *LIGHT, *mode, "--format", "json").document["changes"]
    found = drift(filled, *mode, "--format", "json").document["drift"]

    written = [{name: row[name] for name in names} for row in found if row["standing"] == "open"]
    assert written == [row for row in planned if row["action"] != "skip"]
    assert len(written) > 10


def test_the_journal_says_who_moved(target: Target) -> None:
    """Rows that one run wrote: changed and deleted by hand, added by hand, and declared otherwise in the next run."""
    words = ("--step", "core", "-t", "clients", "-t", "tags", "-t", "strains")
    applied = apply(target, *words, "--skip-validation")
    assert applied.code == 0, applied.err
    assert drift(target, *words, "-q").code == 0
    set_cell(target, ("clients", "REG0003"), "name", "By hand")
    target.execute("DELETE FROM tags WHERE name = (SELECT n FROM (SELECT MIN(name) AS n FROM tags) AS t)")
    target.execute("INSERT INTO tags (name, `standardizedName`) VALUES ('zz-extra', 'zz-extra')")

    same = labels(drift(target, *words, "--format", "json"))
    other = labels(drift(target, *words, "--seed", "7", "--format", "json"))

    assert same["clients", "REG0003"] == ("changed live", "live")
    assert same["tags", "zz-extra"] == ("extra", "live")
    assert sorted(same.values()) == [("changed live", "live"), ("extra", "live"), ("missing", "live")]
    # Another seed is another desired state: what nobody touched has moved there, what was edited on both sides.
    assert other["clients", "REG0003"] == ("both", "both")
    moved = {label for (table, key), (label, _) in other.items() if (table, key) != ("clients", "REG0003")}
    assert "changed in the desired state" in moved
    assert "changed live" not in moved


def test_without_a_journal_nobody_knows_who_moved(target: Target) -> None:
    words = ("--step", "core", "-t", "tags")
    assert apply(target, *words, "--no-journal").code == 0
    target.execute("DELETE FROM tags WHERE name = (SELECT n FROM (SELECT MIN(name) AS n FROM tags) AS t)")

    found = drift(target, *words, "--format", "json")

    assert list(labels(found).values()) == [("missing", "not known")]


def test_a_renamed_column_does_not_hide_the_other_tables(database: Target, template: Target) -> None:
    """
    The label is the schema's, the table is named, and the rows of the others are compared; a plan is refused.

    On servers only: SQLite's part is a unit test.
    """
    copy(template, database)
    edited(database)
    database.execute("ALTER TABLE clients RENAME COLUMN teri_code TO code")
    database.execute("ALTER TABLE strains MODIFY name VARCHAR(60) NOT NULL")

    found = drift(database, "--format", "json")

    assert found.code == 2, found.err
    assert {move["what"] for move in found.document["schema"]} >= {
        "column clients.teri_code is missing",
        "column strains.name is too short",
    }
    assert "clients" in found.document["not_compared"]
    assert ("tags", "extra") in labels(found)
    assert {table for table, _ in labels(found)} <= {"tags", "referral_settings"}


@dataclass(slots=True)
class Hook:
    """What a webhook was sent, and how it answers."""

    port: int
    status: int = 200
    delay_s: float = 0.0
    bodies: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/{TOKEN}?key={TOKEN}"


@pytest.fixture
def hook() -> Iterator[Hook]:
    """A web server on loopback that keeps what it is sent."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            kept.bodies.append(self.rfile.read(length).decode())
            kept.paths.append(self.path)
            time.sleep(kept.delay_s)
            self.send_response(kept.status)
            if kept.status == 302:
                self.send_header("Location", f"http://127.0.0.1:{kept.port}/elsewhere")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept = Hook(web.server_address[1])
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield kept
    finally:
        web.shutdown()
        thread.join()
        web.server_close()


TAGS = ("--step", "core", "-t", "tags")


@pytest.fixture
def tagged(target: Target) -> Target:
    """A database in which one table is as declared."""
    assert apply(target, *TAGS).code == 0
    return target


@pytest.mark.embedded
def test_a_webhook_is_told_of_drift_and_of_nothing_else(tagged: Target, hook: Hook) -> None:
    """Counts by default, rows where they are asked for; the URL is in no output."""
    assert drift(tagged, *TAGS, "--webhook", hook.url).code == 0
    assert hook.bodies == []
    tagged.execute("INSERT INTO tags (name, `standardizedName`) VALUES ('Mrs. Miller', 'x')")

    told = drift(tagged, *TAGS, "--webhook", hook.url, "--verbose")
    with_rows = drift(tagged, *TAGS, "--webhook", hook.url, "--webhook-rows")

    assert (told.code, with_rows.code) == (2, 2)
    bare, full = map(json.loads, hook.bodies)
    assert bare["text"].startswith("Drift: 1 row in 1 table (1 extra). (")
    assert bare["summary"]["open"] == {"tags": {"extra": 1}}
    assert "Miller" not in hook.bodies[0]
    assert [row["key"] for row in full["drift"]] == ["Mrs. Miller"]
    assert hook.paths == [f"/{TOKEN}?key={TOKEN}"] * 2
    assert TOKEN not in told.out + told.err + with_rows.out + with_rows.err


@pytest.mark.embedded
@pytest.mark.parametrize(
    ("status", "why"), [(500, "the server answered 500"), (404, "the server answered 404"), (302, "answered 302")]
)
def test_a_webhook_that_refuses_is_a_warning(tagged: Target, hook: Hook, status: int, why: str) -> None:
    """What was found decides the exit code; a redirect is not followed."""
    tagged.execute("DELETE FROM tags")
    hook.status = status

    told = drift(tagged, *TAGS, "--webhook", hook.url)

    assert told.code == 2
    assert "warning: the webhook was not told" in told.err
    assert why in told.err
    assert len(hook.paths) == 1
    assert TOKEN not in told.out + told.err


@pytest.mark.embedded
def test_a_webhook_that_is_not_there_or_does_not_answer_is_a_warning(
    tagged: Target, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    tagged.execute("DELETE FROM tags")
    monkeypatch.setattr("reconcile.cli.webhook.send.__defaults__", (0.2,))
    hook.delay_s = 1.0

    late = drift(tagged, *TAGS, "--webhook", hook.url)
    absent = drift(tagged, *TAGS, "--webhook", f"http://127.0.0.1:1/{TOKEN}")

    assert (late.code, absent.code) == (2, 2)
    assert "why:   no answer within 0.2 s" in late.err
    assert "why:   Connection refused" in absent.err
    assert TOKEN not in late.err + absent.err


@pytest.mark.embedded
def test_a_failure_is_told_too(target: Target, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database is not there: whoever watches must hear that nothing was compared."""
    monkeypatch.setenv("RECONCILE_DRIFT_WEBHOOK", hook.url)

    told = drift(target)

    assert told.code == 1
    (body,) = map(json.loads, hook.bodies)
    assert (body["success"], body["errors"][0]["what"]) == (False, "the database file does not exist")
    assert TOKEN not in told.out + told.err
