"""`reconcile locks`: who holds the run lock, who keeps whom waiting, what is stuck; and ending one of them."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import pymysql
import pytest
from jsonschema import validate

from reconcile.apply.run_lock import run_lock
from reconcile.live.target import parse
from tests.facts import CHECKOUT
from tests.servers.operating import Result, command, run
from tests.servers.running import Running
from tests.servers.server import ADMIN, Server
from tests.servers.target import Target

PATIENCE_S = 20.0
SECRET = "canary-4711"


@pytest.fixture
def target(server: Server) -> Iterator[Target]:
    """A database with one small table, on servers only: SQLite keeps no list of sessions."""
    name = "locks_here"
    server.drop_database(name)
    server.create_database(name)
    found = Target(server.engine, name, server.url(name), server)
    found.execute("CREATE TABLE things (id INT PRIMARY KEY, name VARCHAR(40)) ENGINE = InnoDB")
    found.execute("INSERT INTO things VALUES (1, 'a'), (2, 'b')")
    yield found
    server.drop_database(name)


@contextmanager
def session(server: Server, database: str | None) -> Iterator[tuple[Any, int]]:
    """A session of somebody, with its connection id."""
    with closing(
        pymysql.connect(
            host="127.0.0.1", port=server.port, user=ADMIN, password=server.admin_password, database=database
        )
    ) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT CONNECTION_ID()")
        ((identifier,),) = cursor.fetchall()
        yield cursor, int(identifier)


@contextmanager
def blocked(server: Server, statement: str, database: str) -> Iterator[int]:
    """A session that runs *statement* and waits for somebody."""
    with session(server, database) as (cursor, identifier):

        def wait() -> None:
            with suppress(pymysql.err.Error):
                cursor.execute(statement)

        thread = threading.Thread(target=wait)
        thread.start()
        try:
            yield identifier
        finally:
            with suppress(pymysql.err.Error):
                server.execute("KILL %s", identifier)
            thread.join(PATIENCE_S)


def locks(target: Target, *words: str) -> Result:
    return command(target, "locks", *words)


def found(target: Target, *words: str) -> Any:  # noqa: ANN401 - a decoded JSON document
    """Give what `locks` says as JSON that its schema describes."""
    told = locks(target, "--format", "json", *words)
    assert told.code == 0, told.err
    schema = (CHECKOUT / "reconcile" / "render" / "locks.schema.json").read_text(encoding="utf-8")
    document = json.loads(told.out)
    validate(document, json.loads(schema))
    return document


def eventually(look: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever is looked for
    """Look until there is something to see."""
    deadline = time.monotonic() + PATIENCE_S
    while not (seen := look()):
        assert time.monotonic() < deadline, "never seen"
        time.sleep(0.1)
    return seen


def sessions(target: Target, *words: str) -> dict[int, Any]:
    return {entry["connection_id"]: entry for entry in found(target, *words)["sessions"]}


def test_nothing_is_said_of_a_quiet_database(server: Server, target: Target) -> None:
    """Connections that do nothing are counted and not shown."""
    with session(server, target.name):
        told = locks(Target(server.engine, target.name, server.admin_url(target.name), server))

    assert told.code == 0
    assert told.out.splitlines()[1] == "  free"
    assert told.out.splitlines()[-1].startswith("Locks: run lock free; 0 sessions at work")
    assert told.out.splitlines()[-1].endswith("; 1 idle.")


def test_the_holder_of_the_run_lock_is_named(server: Server, target: Target) -> None:
    with run_lock(parse(target.url, "the test"), "apply", 0, lambda _: None) as lock:
        holder = found(target)["run_lock"]["holder"]

    assert holder["connection_id"] == lock.connection_id
    assert holder["account"].startswith("erp@")
    if server.engine == "mysql":  # MariaDB keeps what a program calls itself only where its performance schema is on
        assert holder["command"] == "apply"
    assert found(target)["run_lock"]["holder"] is None


def test_who_keeps_whom_waiting_is_shown_and_no_literal_of_a_statement(server: Server, target: Target) -> None:
    """As an account that sees all sessions; the row lock's waits are kept in different places by the two servers."""
    admin = Target(server.engine, target.name, server.admin_url(target.name), server)
    with session(server, target.name) as (cursor, blocker):
        cursor.execute("BEGIN")
        cursor.execute(f"UPDATE things SET name = '{SECRET}' WHERE id = 1")
        with blocked(server, f"UPDATE things SET name = '{SECRET}' WHERE id = 1", target.name) as waiter:
            shown = eventually(lambda: (s := sessions(admin)) and waiter in s and s[waiter]["waits_for"] and s)
            told = locks(admin)

    assert [wait["connection_id"] for wait in shown[waiter]["waits_for"]] == [blocker]
    assert shown[waiter]["waits_for"][0]["what"] == "row lock"
    assert (shown[blocker]["blocks"], shown[blocker]["stuck"]) == ([waiter], True)
    assert shown[blocker]["transaction"]["rows_changed"] == 1
    assert shown[waiter]["statement"] == "UPDATE things SET name = ? WHERE id = ?"
    assert SECRET not in told.out + told.err
    assert f"      waits for connection {blocker}: row lock" in told.out.splitlines()


def test_a_wait_for_a_tables_metadata_is_shown_or_said_to_be_invisible(server: Server, target: Target) -> None:
    """MariaDB tells who holds it only where its performance schema is on."""
    admin = Target(server.engine, target.name, server.admin_url(target.name), server)
    with session(server, target.name) as (cursor, blocker):
        cursor.execute("BEGIN")
        cursor.execute("SELECT * FROM things")
        with blocked(server, "ALTER TABLE things COMMENT 'x'", target.name) as waiter:
            shown = eventually(lambda: (s := sessions(admin)).get(waiter, {}).get("state", "").startswith("Wait") and s)
            document = found(admin)

    assert shown[waiter]["stuck"]
    if server.engine == "mysql":
        assert shown[waiter]["waits_for"][0]["connection_id"] == blocker
        assert shown[waiter]["waits_for"][0]["what"] == f"metadata lock {target.name}.things"
    else:
        assert any("metadata locks" in reason for reason in document["unseen"])


def test_an_account_without_rights_is_told_what_it_cannot_see(server: Server, target: Target) -> None:
    password = server.create_account("looker", f"SELECT ON `{target.name}`.*")
    reader = Target(server.engine, target.name, server.url(target.name, "looker", password), server)

    document = found(reader)

    assert any("open transactions" in reason and "right" in reason for reason in document["unseen"])


def test_kill_ends_a_session_and_its_transaction(server: Server, target: Target) -> None:
    admin = Target(server.engine, target.name, server.admin_url(target.name), server)
    with session(server, target.name) as (cursor, identifier):
        cursor.execute("BEGIN")
        cursor.execute("UPDATE things SET name = 'changed' WHERE id = 1")

        told = locks(admin, "--kill", str(identifier), "--force")

        assert told.code == 0, told.err
        assert f"Ended connection {identifier}: {ADMIN}@" in told.err
        assert "transaction open" in told.err
        assert told.err.rstrip().endswith("It is gone.")
        with pytest.raises(pymysql.err.Error):
            cursor.execute("SELECT 1")
    assert target.rows("SELECT name FROM things WHERE id = 1") == [("a",)]


@pytest.mark.parametrize(("answer", "code"), [("yes", 0), ("no", 4), ("", 4)])
def test_kill_asks_first(server: Server, target: Target, answer: str, code: int) -> None:
    admin = Target(server.engine, target.name, server.admin_url(target.name), server)
    with session(server, target.name) as (_, identifier):
        running = Running(admin, "locks", "--kill", str(identifier))
        try:
            running.wait_for(f"Type yes to end connection {identifier}: ")
            running.type(answer)
            assert running.end() == code
        finally:
            running.close()
        is_alive = server.execute("SELECT 1 FROM information_schema.processlist WHERE id = %s", identifier) != ()

    assert is_alive is (code != 0)


def test_without_a_terminal_nothing_is_ended_unless_forced(server: Server, target: Target) -> None:
    admin = Target(server.engine, target.name, server.admin_url(target.name), server)
    with session(server, target.name) as (cursor, identifier):
        told = locks(admin, "--kill", str(identifier))
        cursor.execute("SELECT 1")

    assert told.code == 4
    assert "there is no terminal to confirm on" in told.err


def test_a_session_that_is_not_there_is_an_error(target: Target) -> None:
    told = locks(target, "--kill", "99999999", "--force")

    assert told.code == 1
    assert "error: connection 99999999 was not ended" in told.err


def test_a_thread_of_the_server_is_refused(server: Server, target: Target) -> None:
    """As the scheduler's, which both servers list."""
    server.execute("SET GLOBAL event_scheduler = ON")
    admin = Target(server.engine, target.name, server.admin_url(target.name), server)
    ((thread,),) = server.execute("SELECT id FROM information_schema.processlist WHERE user = 'event_scheduler'")

    told = locks(admin, "--kill", str(thread), "--force")
    server.execute("SET GLOBAL event_scheduler = OFF")

    assert told.code == 4
    assert "it is a thread of the server itself" in told.err


def test_sessions_of_others_need_a_right_to_end(server: Server, target: Target) -> None:
    """Who sees a session may still not end it."""
    password = server.create_account("watcher", "PROCESS ON *.*", f"SELECT ON `{target.name}`.*")
    watcher = Target(server.engine, target.name, server.url(target.name, "watcher", password), server)
    with session(server, target.name) as (cursor, identifier):
        told = locks(watcher, "--kill", str(identifier), "--force")
        cursor.execute("SELECT 1")

    assert told.code == 1
    assert "the account may not end sessions of others" in told.err


def test_a_protected_target_asks_for_its_name(server: Server, target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    admin = Target(server.engine, target.name, server.admin_url(target.name), server)
    monkeypatch.setenv("RECONCILE_ENV", "production")
    with session(server, target.name) as (cursor, identifier):
        refused = locks(admin, "--kill", str(identifier), "--force")
        cursor.execute("SELECT 1")
        ended = locks(admin, "--kill", str(identifier), "--force", "--confirm", target.name)

    assert (refused.code, ended.code) == (4, 0)


def test_looking_needs_no_more_than_a_connection(server: Server, target: Target) -> None:
    """Exit code 0 for an account that may do nothing but read one table."""
    password = server.create_account("nobody", f"SELECT ON `{target.name}`.`things`")

    told = run("locks", "--database-url", server.url(target.name, "nobody", password))

    assert told.code == 0
    assert password not in told.out + told.err
