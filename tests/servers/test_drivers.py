"""mysqlclient reads what pymysql reads, as safely; skipped where it is not installed and `scripts/servers.sh driver`
may not install it.

The server has a certificate for the address that the tests reach it by: verified so, either C library serves.
"""

import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import polars as pl
import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from reconcile import values
from reconcile.errors import ReconcileError
from reconcile.live.connect import open_engine, snapshot
from reconcile.live.drivers import Driver, installed_library, reading
from reconcile.live.introspect import introspect
from reconcile.live.raw import RawTable
from reconcile.live.read import read_raw
from reconcile.live.target import parse
from reconcile.spec import Column, Owner, TableSpec
from tests.servers.certified import certified
from tests.servers.impostor import Impostor
from tests.servers.installation import Engine
from tests.servers.ledgers import DAYS, STATE, apply_day, ledger, open_ledger
from tests.servers.operating import edit, insert, run
from tests.servers.server import Server
from tests.servers.target import Target

pytestmark = [
    pytest.mark.on_servers,
    pytest.mark.skipif(
        installed_library() is None, reason="mysqlclient is not installed (pip install 'terp-reconcile[fast]')"
    ),
]

T = TypeVar("T")
NOTES = TableSpec(
    name="notes",
    columns=(
        Column("id", values.Integer(), owner=Owner.SERVER),
        Column("body", values.Text(60_000), nullable=True),
        Column("amount", values.Decimal(12, 2), nullable=True),
        Column("document", values.Json(), nullable=True),
        Column("moment", values.Timestamp(), nullable=True),
    ),
    key=("id",),
    step="notes",
)
TABLE = (
    "CREATE TABLE notes (id INT PRIMARY KEY, body TEXT, amount DECIMAL(12,2), document JSON, moment TIMESTAMP NULL) "
    "CHARACTER SET utf8mb4"
)
ROWS = st.lists(
    st.tuples(
        st.none()
        | st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
        | st.text(st.sampled_from("\0\x1a\x1f\\'\"`%sN\n\r\t🌿é"), max_size=12),
        st.none() | st.decimals(-1_000, 1_000, places=2).map(str),
        st.none() | st.sampled_from(["[]", '{"é": [1, 2.50, "%s", null]}', '"\\\\"']),
        st.none() | st.sampled_from(["1970-01-02 00:00:00", "2024-02-29 12:34:56"]),
    ),
    max_size=8,
)


@pytest.fixture(scope="module")
def target(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A database `erp` on a server of its own, whose URL verifies it by the authority's certificate."""
    authority = trustme.CA()
    certificate = tmp_path_factory.mktemp("authority") / "ours.pem"
    authority.cert_pem.write_to_path(certificate)
    with certified(engine, authority, "127.0.0.1") as server:
        server.create_database("words")
        query = {"ssl-mode": "VERIFY_IDENTITY", "ssl-ca": str(certificate)}
        yield Target(engine, "erp", server.url("erp", **query), server)


def server_of(target: Target) -> Server:
    assert target.server is not None
    return target.server


def driven(target: Target, driver: str, database: str = "erp") -> str:
    """Give the URL of a database by a driver, as SQLAlchemy spells it."""
    return target.url.replace("mysql://", f"mysql+{driver}://").replace("/erp?", f"/{database}?")


def by(target: Target, driver: str, read: Callable[[Connection], T], database: str = "words") -> T:
    """Read in a snapshot by one of the drivers."""
    chosen = parse(driven(target, driver, database), "the test")
    with snapshot(chosen, open_engine(chosen)) as connection:
        assert connection.dialect.driver == driver
        return read(connection)


def by_both(target: Target, read: Callable[[Connection], T]) -> list[T]:
    return [by(target, driver, read) for driver in ("pymysql", "mysqldb")]


def test_mysqlclient_is_used_when_it_is_there(target: Target) -> None:
    """Without being asked for; the report of `doctor` names it."""
    assert reading(parse(target.url, "the test"), installed_library()).driver is Driver.MYSQLCLIENT
    assert "mysqlclient" in run("doctor", *STATE, "--database-url", target.url).out


def test_both_drivers_read_the_same_pages(target: Target) -> None:
    """Byte for byte: what one has read in a plan is what the other must find before it writes."""
    words = Target(target.engine, "words", server_of(target).url("words"), target.server)
    edit(words, TABLE)

    def read(connection: Connection) -> dict[str, RawTable]:
        return read_raw(connection, {"notes": NOTES}, introspect(connection, ["notes"]))

    @settings(max_examples=25, deadline=None, derandomize=True, database=None)
    @given(ROWS)
    def law(rows: list[tuple[str | None, ...]]) -> None:
        edit(words, "DELETE FROM notes")
        names = ("id", "body", "amount", "document", "moment")
        lines = [(str(number), *cells) for number, cells in enumerate(rows)]
        if lines:
            insert(words, "notes", pl.DataFrame(lines, schema=dict.fromkeys(names, pl.String), orient="row"))
        first, second = by_both(target, read)

        assert first == second
        assert second["notes"].frame()["body"].to_list() == [cells[0] for cells in rows]

    law()


def test_both_drivers_give_the_same_types(target: Target) -> None:
    """What is read outside pages: numbers, decimals, moments, binary, JSON, and a percent sign that is one."""
    query = (
        "SELECT 1, -2.50, CAST('2024-02-29' AS DATE), CAST('2024-02-29 12:34:56' AS DATETIME), NULL, 'é%%s', "
        "CAST(x'00FF' AS BINARY(2)), HEX('a'), JSON_OBJECT('k', 'é'), @@sql_mode, @@time_zone, @@character_set_client, "
        "@@foreign_key_checks, @@autocommit, @@group_concat_max_len"
    )

    def read(connection: Connection) -> tuple[object, ...]:
        row = tuple(connection.exec_driver_sql(query).one())
        bound = tuple(connection.execute(text("SELECT :a, :b, '100%'"), {"a": "%s\\'", "b": 7}).one())
        return (*row, *bound, *map(type, row))

    first, second = by_both(target, read)

    assert first == second


def test_a_day_goes_the_same_way_with_either(target: Target) -> None:
    """The same plan; written by pymysql whoever has read it, and nothing is left to do for the other."""
    held = open_ledger(target)
    urls = [driven(target, driver) for driver in ("pymysql", "mysqldb")]
    asked = ("plan", *STATE, "--as-of", DAYS[1], "--format", "json", "--detailed-exitcode", "--database-url")

    first, second = (run(*asked, url).document for url in urls)
    assert first["changes"] == second["changes"]
    assert first["checksum"] == second["checksum"]

    result = apply_day(target, DAYS[1], url=urls[1])
    assert result.code == 0, result.err
    assert ledger(target) == held[DAYS[1]]
    assert [run(*asked, url).code for url in urls] == [0, 0]


def test_a_reading_transaction_takes_no_write(target: Target) -> None:
    with pytest.raises(ReconcileError, match="only reading is allowed here"):
        by(target, "mysqldb", lambda c: c.exec_driver_sql("CREATE TABLE intruder (id INT)"))


def test_no_file_is_sent_to_a_server_that_asks_for_one(target: Target) -> None:
    """The library would open it itself, where nobody watches: it is told to send none."""
    ask_for = "LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE words.files (line)"
    words = Target(target.engine, "words", server_of(target).url("words"), target.server)
    edit(words, "CREATE TABLE files (line TEXT)")
    with pytest.raises(ReconcileError) as refused:
        by(target, "mysqldb", lambda c: c.exec_driver_sql(f"SET SESSION TRANSACTION READ WRITE; {ask_for}"))
    assert "syntax" in refused.value.findings[0].why  # one statement at a time

    def load(connection: Connection) -> None:
        for statement in ("ROLLBACK", "SET SESSION TRANSACTION READ WRITE", ask_for):
            connection.exec_driver_sql(statement)

    with pytest.raises(ReconcileError):
        by(target, "mysqldb", load)
    assert words.rows("SELECT COUNT(*) FROM files") == [(0,)]


def test_a_hostile_server_gets_no_file(tmp_path: Path) -> None:
    """One that was never asked to load anything, and asks for a file in its first answer."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ours.pem")
    file = tmp_path / "private"
    file.write_text("nobody-else-reads-this", encoding="ascii")
    with Impostor(context, wants=str(file)) as impostor:
        url = impostor.url("erp", "s3cret", f"ssl-mode=VERIFY_IDENTITY&ssl-ca={tmp_path / 'ours.pem'}")
        result = run("query", "counts", *STATE, "--database-url", url.replace("mysql://", "mysql+mysqldb://"))

    assert result.code == 1
    assert b"\x03" in impostor.heard, "nothing was asked"
    assert file.read_bytes() not in impostor.heard


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("SELECT nothing", "the database refused a statement"),
        ("SELECT * FROM mysql.user", "access denied"),
        ("KILL CONNECTION_ID()", "the connection to the server was lost"),
        ("SELECT SLEEP(9)", "the connection to the server was lost"),
    ],
)
def test_what_a_server_refuses_is_told_in_the_same_words(target: Target, statement: str, what: str) -> None:
    """With either driver; the last one waits longer than the URL allows."""

    def ask(driver: str) -> str:
        slow = replace(target, url=f"{target.url}&read-timeout=1")
        with pytest.raises(ReconcileError) as error:
            by(slow, driver, lambda c: (c.exec_driver_sql(statement), c.exec_driver_sql("SELECT 1")))
        return error.value.findings[0].what

    told = {ask("pymysql"), ask("mysqldb")}

    assert told <= {what, "the server ended the session"}


@pytest.mark.parametrize("change", [("erp?", "nowhere?"), ("127.0.0.1", "127.0.0.2"), (":{port}/", ":1/")])
def test_what_cannot_be_reached_is_told_in_the_same_words(target: Target, change: tuple[str, str]) -> None:
    old, new = (part.format(port=server_of(target).port) for part in change)
    told = [
        run("query", "counts", *STATE, "--database-url", driven(target, driver).replace(old, new)).err.splitlines()[1]
        for driver in ("pymysql", "mysqldb")
    ]

    assert told[0] == told[1]


def test_a_plan_is_interrupted_when_the_server_has_answered(target: Target) -> None:
    """The library waits for the answer; pages are short. pymysql, which writes, is interrupted at once."""
    program = (
        "import sys; from reconcile.cli.main import main; "
        "sys.exit(main(['query', 'SELECT SLEEP(2)', '--database-url', sys.argv[1]]))"
    )
    took = {}
    for driver in ("pymysql", "mysqldb"):
        process = subprocess.Popen([sys.executable, "-c", program, driven(target, driver)], stdout=subprocess.DEVNULL)
        wait_until(server_of(target), is_asleep=True)
        asked = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        took[driver] = time.monotonic() - asked
        wait_until(server_of(target), is_asleep=False)

    assert took["pymysql"] < 1 < took["mysqldb"]


def wait_until(server: Server, *, is_asleep: bool) -> None:
    """Wait until the statement runs, or until the server has noticed that nobody waits for it."""
    query = "SELECT 1 FROM information_schema.processlist WHERE info = %s"
    deadline = time.monotonic() + 20
    while bool(server.execute(query, "SELECT SLEEP(2)")) != is_asleep:
        assert time.monotonic() < deadline
        time.sleep(0.02)
