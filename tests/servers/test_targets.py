"""Targets as people write them, and what is said when one cannot be reached."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.operating import LIGHT, Result, apply, dump, plan, run
from tests.servers.server import APPLICATION_PASSWORD, Server, launch
from tests.servers.target import Target

SECRETS = (APPLICATION_PASSWORD, "er%2Fp", "p@ss", "w#rd")


def assert_four_parts(result: Result, what: str) -> None:
    """Hold that the error says what, where, why and how to fix it, and no secret."""
    lines = [line for line in result.err.splitlines() if not line.startswith("Target")]
    assert (result.code, lines[0]) == (1, f"error: {what}")
    assert [line.split(":")[0].strip() for line in lines[1:4]] == ["where", "why", "fix"]
    assert_no_secret(result)


def assert_no_secret(result: Result) -> None:
    assert [secret for secret in SECRETS if secret in result.out + result.err] == []


@pytest.mark.parametrize("scheme", ["mysql", "mysql+pymysql", "mariadb"])
def test_every_spelling_of_the_scheme_works(database: Target, scheme: str) -> None:
    """On servers only: SQLite has one spelling."""
    result = run("query", "counts", "--database-url", database.url.replace("mysql://", f"{scheme}://"))

    assert result.code == 0, result.err
    assert_no_secret(result)


@pytest.mark.parametrize("option", ["ssl-mode=REQUIRED", "sslmode=require", "ssl=true"])
def test_tls_is_used_or_the_server_refused(database: Target, option: str) -> None:
    """MySQL makes itself a certificate; this MariaDB has none and must not be spoken to in the clear."""
    result = run("query", "SHOW STATUS LIKE 'Ssl_cipher'", "--database-url", f"{database.url}?{option}")

    if database.engine == "mysql":
        assert (result.code, "TLS_" in result.out) == (0, True), result.err
    else:
        assert result.code == 1
        assert "SSL" in result.err or "TLS" in result.err
    assert_no_secret(result)


def test_an_authority_that_did_not_sign_is_refused(database: Target, tmp_path: Path) -> None:
    """On servers only. VERIFY_CA without a certificate that fits never falls back to less."""
    result = run("query", "counts", "--database-url", f"{database.url}?ssl-mode=VERIFY_CA")

    assert result.code == 1
    assert_no_secret(result)


def test_a_wrong_password_is_access_denied(server: Server, database: Target) -> None:
    assert_four_parts(run("plan", "--database-url", server.url(database.name, "erp", "p@ss")), "access denied")


def test_an_unknown_database_is_named(server: Server) -> None:
    """The admin's account, because a server tells others only that access is denied."""
    result = run("plan", "--database-url", server.admin_url("nowhere"))

    assert_four_parts(result, "unknown database")
    assert "schema nowhere on" in result.err
    assert server.admin_password not in result.err


def test_a_refused_connection_is_said(server: Server) -> None:
    url = server.url("erp").replace(f":{server.port}/", ":1/")

    assert_four_parts(run("apply", "--force", "--database-url", url), "connection refused or host not found")


@pytest.fixture
def own_server(server: Server) -> Iterator[Server]:
    """A server whose settings a test may change."""
    own = launch(server.installation)
    yield own
    own.close()


def test_a_read_only_server_can_be_planned_for_and_not_written_to(own_server: Server) -> None:
    own_server.create_database("erp")
    target = Target(own_server.engine, "erp", own_server.url("erp"), own_server)
    assert run("schema", "create", "--database-url", target.url).code == 0
    own_server.execute(
        "SET GLOBAL super_read_only = ON" if own_server.engine == "mysql" else "SET GLOBAL read_only = ON"
    )

    assert plan(target).code == 2
    refused = apply(target)

    assert "error: the server is read-only" in refused.err
    assert refused.code == 1
    assert target.rows("SELECT COUNT(*) FROM clients") == [(0,)]


def test_sessions_are_pinned_whatever_the_server_is_set_to(own_server: Server, template: Target) -> None:
    """Another time zone and a lax sql_mode on the server give the same rows, times included."""
    own_server.execute("SET GLOBAL time_zone = '+09:30'")
    own_server.execute("SET GLOBAL sql_mode = ''")
    own_server.create_database("erp")
    target = Target(own_server.engine, "erp", own_server.url("erp"), own_server)
    assert run("schema", "create", "--database-url", target.url).code == 0
    assert apply(target).code == 0

    session = "SELECT @@time_zone, @@sql_mode LIKE '%STRICT_TRANS_TABLES%', @@character_set_client"
    shown = run("query", session, "--format", "json", "--database-url", target.url)
    created = (
        "SELECT id, UNIX_TIMESTAMP(created_at), UNIX_TIMESTAMP(updated_at), due_date, total FROM orders ORDER BY id"
    )
    assert shown.document["rows"] == [["+00:00", 1, "utf8mb4"]]
    assert target.rows(created) == template.rows(created)
    assert plan(target).code == 0
    assert dump(target).keys() == dump(template).keys()


def test_without_a_url_the_embedded_default_is_used_and_named(tmp_path: Path) -> None:
    """Says so on its first line; a plan makes no file, the first apply does. SQLite only: servers have URLs."""
    file = tmp_path / "terp.db"

    planned = console(tmp_path, "plan", *LIGHT[:3])
    assert (planned.returncode, planned.stderr.splitlines()[0]) == (
        0,
        "Target: sqlite file terp.db (embedded default, no DATABASE_URL is set)",
    )
    assert not file.exists()

    applied = console(tmp_path, "apply", "--force", *LIGHT[:3])
    assert (applied.returncode, file.exists()) == (0, True)
    assert console(tmp_path, "plan", "--detailed-exitcode", *LIGHT[:3]).returncode == 0


def console(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run the program in a process of its own, with nothing in the environment that names a database."""
    code = "import sys; from reconcile.cli.main import main; sys.exit(main())"
    environment = {name: value for name, value in os.environ.items() if not name.endswith("DATABASE_URL")}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    return subprocess.run(
        [sys.executable, "-c", code, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
