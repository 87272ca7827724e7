"""`reconcile doctor`: everything at once, with nothing but SELECT, on good days and bad ones."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import validate

from tests.facts import CHECKOUT
from tests.servers.operating import command, run, setting, statements_sent
from tests.servers.server import APPLICATION_PASSWORD, Server, launch
from tests.servers.target import Target


def examined(url: str, *words: str) -> tuple[int, dict[str, Any]]:
    """Give the exit code and what doctor says as JSON that its schema describes; it never says a password."""
    told = run("doctor", "--format", "json", "--database-url", url, *words)
    assert [secret for secret in (APPLICATION_PASSWORD, "er%2Fp", "p@ss") if secret in told.out + told.err] == []
    document = json.loads(told.out)
    schema = (CHECKOUT / "reconcile" / "render" / "doctor.schema.json").read_text(encoding="utf-8")
    validate(document, json.loads(schema))
    return told.code, document


def marks(document: dict[str, Any]) -> dict[str, str]:
    return {check["id"]: check["mark"] for check in document["checks"]}


def told(document: dict[str, Any], identifier: str) -> str:
    return next(str(check["told"]) for check in document["checks"] if check["id"] == identifier)


def test_a_filled_database_is_well(filled: Target) -> None:
    """On every engine; an SQLite file is asked what a file can be asked."""
    code, document = examined(filled.url)

    assert code == 0
    assert document["marks"]["fail"] == 0
    assert {"desired-state", "reachable", "version", "schema", "run-lock", "protection"} <= set(marks(document))
    assert marks(document)["schema"] == "ok"


def test_a_reader_needs_no_more_than_select_and_writes_nothing(server: Server, database: Target) -> None:
    password = server.create_account("reader", f"SELECT ON `{database.name}`.*")
    before = statements_sent(server)

    code, document = examined(server.url(database.name, "reader", password))

    assert (code, statements_sent(server)) == (0, before)
    found = marks(document)
    assert (found["rights-plan"], found["rights-apply"], found["rights-journal"]) == ("ok", "warn", "warn")
    assert "CREATE TEMPORARY TABLES" in told(document, "rights-apply")
    assert password not in json.dumps(document)


def test_rights_that_come_by_a_role_count(server: Server, database: Target) -> None:
    """On both servers a role's rights are the account's while it is active."""
    server.execute("DROP ROLE IF EXISTS seeder")
    server.execute("CREATE ROLE seeder")
    server.execute(f"GRANT ALL PRIVILEGES ON `{database.name}`.* TO seeder")
    password = server.create_account("roled", "seeder")
    for_account = "TO 'roled'@'%'" if server.engine == "mysql" else "FOR 'roled'@'%'"
    server.execute(f"SET DEFAULT ROLE seeder {for_account}")

    code, document = examined(server.url(database.name, "roled", password))

    found = marks(document)
    assert (code, found["rights-plan"], found["rights-apply"], found["rights-journal"]) == (0, "ok", "ok", "ok")


def test_a_table_that_cannot_be_read_is_critical(server: Server, database: Target) -> None:
    password = server.create_account("narrow", f"SELECT ON `{database.name}`.`clients`")

    code, document = examined(server.url(database.name, "narrow", password))

    assert (code, marks(document)["rights-plan"]) == (1, "fail")


def test_others_at_work_and_a_held_lock_are_warned_of(server: Server, database: Target) -> None:
    admin = server.admin_url(database.name)
    with server.admin(database.name) as cursor:
        cursor.execute("BEGIN")
        cursor.execute("INSERT INTO brands (name) VALUES ('theirs')")
        cursor.execute(f"SELECT GET_LOCK('reconcile:{database.name}', 0)")

        code, document = examined(admin)

        cursor.execute("ROLLBACK")
    found = marks(document)
    # The session that holds the lock is named as its holder.
    assert (code, found["run-lock"], found["sessions"]) == (0, "warn", "ok")
    with server.admin(database.name) as cursor:
        cursor.execute("BEGIN")
        cursor.execute("INSERT INTO brands (name) VALUES ('theirs')")
        code, document = examined(admin)
        cursor.execute("ROLLBACK")
    assert (code, marks(document)["sessions"], marks(document)["run-lock"]) == (0, "warn", "ok")


def test_every_misfit_of_the_schema_is_listed(database: Target) -> None:
    """On servers only: SQLite alters no column."""
    database.execute("ALTER TABLE clients MODIFY name VARCHAR(3)")
    database.execute("ALTER TABLE tags RENAME COLUMN name TO label")

    code, document = examined(database.url)

    told = [check["told"] for check in document["checks"] if check["id"] == "schema"]
    assert code == 1
    assert any("clients.name is too short" in text for text in told)
    assert any("tags.name is missing" in text for text in told)


def test_an_empty_database_needs_its_tables(server: Server) -> None:
    server.drop_database("empty_here")
    server.create_database("empty_here")

    code, document = examined(server.url("empty_here"))

    assert (code, marks(document)["schema"]) == (1, "fail")
    assert "none of the" in told(document, "schema")
    server.drop_database("empty_here")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param(lambda server: server.url("erp").replace(f":{server.port}/", ":1/"), "refused", id="no server"),
        pytest.param(lambda server: server.url("erp", "erp", "p@ss"), "access denied", id="wrong password"),
        pytest.param(lambda server: server.admin_url("nowhere"), "unknown database", id="unknown database"),
    ],
)
def test_what_can_be_said_without_the_server_is_said(server: Server, change: Any, why: str) -> None:  # noqa: ANN401
    code, document = examined(change(server))

    assert code == 1
    assert (marks(document)["reachable"], marks(document)["desired-state"]) == ("fail", "ok")
    assert why in told(document, "reachable")
    assert {setting["name"] for setting in document["settings"]} >= {
        "target",
        "account",
        "ssl-mode",
        "state",
        "journal",
    }


@pytest.fixture
def own_server(server: Server) -> Iterator[Server]:
    """A server whose settings a test may change."""
    own = launch(server.installation)
    yield own
    own.close()


def test_a_bad_server_is_told_in_every_respect(own_server: Server) -> None:
    """Read-only, lax, in another time zone: each is a warning of its own, and reading works."""
    own_server.create_database("erp")
    assert run("schema", "create", "--database-url", own_server.url("erp")).code == 0
    own_server.execute("SET GLOBAL time_zone = '+09:30'")
    own_server.execute("SET GLOBAL sql_mode = ''")
    own_server.execute("SET GLOBAL innodb_lock_wait_timeout = 3600")
    own_server.execute("SET GLOBAL read_only = ON")

    code, document = examined(own_server.url("erp"))

    found = marks(document)
    assert (code, document["marks"]["fail"]) == (0, 0)
    assert (found["sql-mode"], found["lock-wait"], found["read-only"]) == ("warn", "warn", "warn")
    assert "+09:30, runs use UTC" in told(document, "clock")


CAPABILITIES = ("named-lock", "transactions", "pages", "size-limit", "writers")


def test_one_server_can_do_what_a_run_needs(server: Server, database: Target) -> None:
    """Learnt by trying, with no right but SELECT; a limit that somebody has set is told."""
    password = server.create_account("reader", f"SELECT ON `{database.name}`.*")
    url = server.url(database.name, "reader", password)

    found = marks(examined(url)[1])
    assert {found[identifier] for identifier in CAPABILITIES} == {"ok"}

    (unlimited,) = server.execute("SELECT @@GLOBAL.max_binlog_cache_size")[0]
    with setting(server, "max_binlog_cache_size", 1 << 30):
        found = marks(examined(url)[1])
    server.execute("SET GLOBAL max_binlog_cache_size = %s", unlimited)
    assert found["size-limit"] == "warn"


@pytest.mark.embedded
def test_each_setting_is_told_with_its_origin(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flag, a variable, the default; of a password only that there is one."""
    monkeypatch.setenv("RECONCILE_JOURNAL", "audit")
    monkeypatch.setenv("RECONCILE_QA_PASSWORD", "canary-password")
    monkeypatch.setenv("RECONCILE_ENV", "staging")

    result = command(target, "doctor", "--format", "json")

    origins = {entry["name"]: (entry["value"], entry["origin"]) for entry in result.document["settings"]}
    assert origins["target"] == (f"sqlite file {target.name}", "--database-url")
    assert origins["journal"] == ("audit", "RECONCILE_JOURNAL in the environment")
    assert origins["RECONCILE_ENV"] == ("staging", "RECONCILE_ENV in the environment")
    assert origins["RECONCILE_QA_PASSWORD"] == ("set", "RECONCILE_QA_PASSWORD in the environment")
    assert origins["NODE_ENV"] == ("not set", "default")
    assert origins["state"] == ("desired_state (terp)", "default")
    assert "canary-password" not in result.out + result.err


@pytest.mark.embedded
def test_a_file_that_is_not_there_is_not_made(target: Target) -> None:
    code, document = examined(target.url)

    assert (code, marks(document)["reachable"]) == (0, "ok")
    assert not Path(target.name).exists()
    assert list(Path(target.name).parent.iterdir()) == []


@pytest.mark.embedded
def test_a_file_that_is_no_database_is_critical(target: Target) -> None:
    Path(target.name).write_text("no database, however long this text may be" * 20)

    code, document = examined(target.url)

    assert (code, document["marks"]["fail"] > 0) == (1, True)
