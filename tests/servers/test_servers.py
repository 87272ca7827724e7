"""The servers that the other tests stand on: they start, keep, reset and vanish as promised."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest

from tests.facts import CHECKOUT
from tests.servers.conftest import NewTarget, Servers
from tests.servers.installation import Engine, find
from tests.servers.live_schema import LiveDatabases, Snapshot, snapshot
from tests.servers.server import Server, ServerError, launch
from tests.servers.target import Target

DIE_AFTER_LAUNCH = """
import os, signal, sys
from pathlib import Path
from tests.servers.installation import find
from tests.servers.server import launch

server = launch(find(sys.argv[1], Path(sys.argv[2])))
print(server.folder, server.process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def own_server(server: Server) -> Iterator[Server]:
    """A server that a test may break, because no other test uses it."""
    own = launch(server.installation)
    yield own
    own.close()


def is_alive(process: int) -> bool:
    """Say whether a process runs; one that ended and was not yet collected does not."""
    state = Path(f"/proc/{process}/stat")
    return state.exists() and state.read_text().rpartition(") ")[2][0] != "Z"


def described(server: Server, name: str) -> Snapshot:
    with server.admin(name) as cursor:
        return snapshot(cursor, name)


def test_the_live_schema_has_its_214_tables(database: Target) -> None:
    tables = database.rows("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()")

    assert len(tables) == 214


def test_the_two_engines_are_who_they_say(server: Server) -> None:
    ((version,),) = server.execute("SELECT VERSION()")

    assert ("MariaDB" in str(version)) == (server.engine == "mariadb")


def test_the_server_keeps_its_own_sql_mode(server: Server) -> None:
    ((mode,),) = server.execute("SELECT @@GLOBAL.sql_mode")

    assert "STRICT_TRANS_TABLES" in str(mode)
    assert ("ONLY_FULL_GROUP_BY" in str(mode)) == (server.engine == "mysql")


def test_the_application_reaches_its_own_databases_only(server: Server, database: Target) -> None:
    with pytest.raises(Exception, match="denied"), Target("", "", server.url("mysql")).connect():
        pass
    with pytest.raises(Exception, match="denied"):
        database.execute("CREATE DATABASE somebody_elses")


def test_an_account_has_the_rights_it_was_given(server: Server, database: Target) -> None:
    password = server.create_account("reader", f"SELECT ON `{database.name}`.*")
    reader = Target(server.engine, database.name, server.url(database.name, "reader", password))

    assert reader.rows("SELECT * FROM brands") == []
    with pytest.raises(Exception, match="denied"):
        reader.execute("DELETE FROM brands")


def test_a_url_takes_options(server: Server) -> None:
    assert server.url("erp", **{"ssl-mode": "REQUIRED"}).endswith("/erp?ssl-mode=REQUIRED")


def test_hand_edits_read_alike_on_every_engine(new_target: NewTarget) -> None:
    target = new_target("empty")
    target.execute("CREATE TABLE `bankAccounts` (id INTEGER PRIMARY KEY, name VARCHAR(20))")

    touched = target.execute("INSERT INTO `bankAccounts` VALUES (1, :name), (2, NULL)", {"name": "Café"})

    assert touched == 2
    assert target.rows("SELECT * FROM `bankAccounts` ORDER BY id") == [(1, "Café"), (2, None)]


def test_hand_edits_respect_foreign_keys_on_every_engine(new_target: NewTarget) -> None:
    target = new_target("empty")
    target.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
    target.execute("CREATE TABLE child (parent INTEGER, FOREIGN KEY (parent) REFERENCES parent (id))")

    with pytest.raises(Exception, match=r"(?i)foreign key constraint"):
        target.execute("INSERT INTO child VALUES (1)")


def test_two_targets_of_one_test_are_two_databases(new_target: NewTarget) -> None:
    assert new_target("live").name != new_target("live").name


def test_sqlite_starts_without_a_file(target: Target) -> None:
    """The program makes the embedded database itself, so the fixture must not."""
    if target.server is None:
        assert not Path(target.name).exists()


class TestUsedDatabases:
    """A used database comes back as if freshly loaded, whatever was done to it."""

    @pytest.fixture
    def databases(self, servers: Servers, server: Server) -> LiveDatabases:
        return servers.live_databases(server)

    @pytest.mark.parametrize(
        "edits",
        [
            pytest.param(["INSERT INTO brands (name) VALUES ('Green Leaf')"], id="a row"),
            pytest.param(["INSERT INTO brands (name) VALUES ('Green Leaf')", "DELETE FROM brands"], id="an id used up"),
            pytest.param(["ALTER TABLE brands AUTO_INCREMENT = 500"], id="the next id moved"),
            pytest.param(["ALTER TABLE brands MODIFY name VARCHAR(3)"], id="a column shortened"),
            pytest.param(["ALTER TABLE users RENAME COLUMN id TO uid"], id="a referenced column renamed"),
            pytest.param(["RENAME TABLE clients TO customers"], id="a referenced table renamed"),
            pytest.param(["SET foreign_key_checks = 0", "DROP TABLE clients"], id="a referenced table dropped"),
            pytest.param(["CREATE TABLE ours (id INT)", "INSERT INTO ours VALUES (1)"], id="a new table"),
            pytest.param(["CREATE VIEW seen AS SELECT * FROM brands"], id="a view"),
            pytest.param(
                ["CREATE TRIGGER moved BEFORE INSERT ON brands FOR EACH ROW SET NEW.name = 'x'"], id="a trigger"
            ),
            pytest.param(["ALTER DATABASE COLLATE utf8mb4_bin"], id="another collation"),
            pytest.param(["DROP DATABASE {name}"], id="dropped"),
        ],
    )
    def test_is_as_freshly_loaded(self, databases: LiveDatabases, server: Server, edits: list[str]) -> None:
        name = databases.take()
        fresh = described(server, name)
        with server.admin(name) as cursor:
            for edit in edits:
                cursor.execute(edit.format(name=name))
        databases.give_back(name)

        again = databases.take()
        databases.give_back(again)

        assert again == name
        assert described(server, again) == fresh
        with server.admin(again) as cursor:
            for table in fresh.tables:
                assert cursor.execute(f"SELECT 1 FROM `{table}` LIMIT 1") == 0

    def test_does_not_wait_for_a_forgotten_transaction(self, databases: LiveDatabases, server: Server) -> None:
        name = databases.take()
        with server.admin(name) as cursor:
            cursor.execute("BEGIN")
            cursor.execute("INSERT INTO brands (name) VALUES ('Green Leaf')")
            cursor.execute("SELECT GET_LOCK('run', 0)")
            databases.give_back(name)

            again = databases.take()
            databases.give_back(again)

        assert server.execute("SELECT COUNT(*) FROM brands", database=again) == ((0,),)
        assert server.execute("SELECT IS_FREE_LOCK('run')") == ((1,),)


class TestLife:
    """A server can be stopped, killed and started again, and leaves nothing behind."""

    def test_rows_outlive_a_restart(self, own_server: Server) -> None:
        own_server.create_database("kept")
        own_server.execute("CREATE TABLE t (id INT)", database="kept")
        own_server.execute("INSERT INTO t VALUES (1)", database="kept")

        own_server.restart()

        assert own_server.execute("SELECT id FROM t", database="kept") == ((1,),)

    def test_committed_rows_outlive_a_crash(self, own_server: Server) -> None:
        own_server.create_database("kept")
        own_server.execute("CREATE TABLE t (id INT)", database="kept")
        own_server.execute("INSERT INTO t VALUES (1)", database="kept")

        own_server.kill()
        with pytest.raises(pymysql.err.OperationalError):
            own_server.execute("SELECT 1")
        own_server.start()

        assert own_server.execute("SELECT id FROM t", database="kept") == ((1,),)

    def test_closing_leaves_no_process_and_no_folder(self, own_server: Server) -> None:
        assert own_server.process is not None
        process = own_server.process.pid

        own_server.close()

        assert not is_alive(process)
        assert not own_server.folder.exists()

    def test_a_killed_test_run_leaves_no_process_and_no_folder(self, engine: Engine, server: Server) -> None:
        assert find(engine, CHECKOUT) == server.installation
        run = subprocess.run(
            [sys.executable, "-c", DIE_AFTER_LAUNCH, engine, str(CHECKOUT)],
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
            timeout=120,
        )
        folder, process = run.stdout.split()

        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and (is_alive(int(process)) or Path(folder).exists()):
            time.sleep(0.05)

        assert run.returncode == -signal.SIGKILL
        assert not is_alive(int(process))
        assert not Path(folder).exists()

    def test_a_failed_start_shows_the_servers_log(self, own_server: Server) -> None:
        own_server.stop()
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            own_server.port = taken.getsockname()[1]

            with pytest.raises(ServerError, match=r"ended while starting[\s\S]*(?i:port)"):
                own_server.start()

    def test_servers_run_side_by_side(self, own_server: Server, server: Server) -> None:
        assert own_server.port != server.port
        assert own_server.process is not None
        assert os.getpgid(own_server.process.pid) == own_server.process.pid
