"""Loading many rows: they arrive as an INSERT would have written them, or INSERT writes them and says what is wrong."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, MetaData, Table, event, text

from reconcile.apply import execute
from reconcile.apply.load import NotLoaded, can_load, load, only_reads
from reconcile.live.connect import open_engine, transaction
from reconcile.live.target import parse
from reconcile.table_plan import TablePlan
from tests.servers.conftest import NewTarget
from tests.servers.ledgers import DAYS, STATE, apply_day, ledger, open_ledger
from tests.servers.operating import edit, run, setting, statements_sent
from tests.servers.server import Server
from tests.servers.target import Target

pytestmark = pytest.mark.on_servers

WORDS = Table("words", MetaData())


@contextmanager
def writing(target: Target) -> Iterator[Connection]:
    chosen = parse(target.url, "the test")
    with transaction(chosen, open_engine(chosen)) as connection:
        yield connection


@pytest.fixture
def words(new_target: NewTarget) -> Target:
    """A database with a table of words, each of them once, and a number."""
    target = new_target("empty")
    columns = "word VARCHAR(40) COLLATE utf8mb4_bin UNIQUE, n TINYINT"
    edit(target, f"CREATE TABLE words (id INT AUTO_INCREMENT PRIMARY KEY, {columns})")
    return target


def stored(connection: Connection) -> list[tuple[object, ...]]:
    return [tuple(row) for row in connection.execute(text("SELECT word, n FROM words ORDER BY id"))]


def rows(*cells: tuple[str | None, int | None]) -> pl.DataFrame:
    return pl.DataFrame(cells, schema={"word": pl.String, "n": pl.Int64}, orient="row")


CELLS = st.tuples(
    st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    | st.text("\\\t\n\r\0\x1a\x1f'\"%sN,é😀", max_size=8),
    st.none() | st.integers(-128, 127),
)  # fmt: skip


def test_rows_arrive_as_they_are(words: Target) -> None:
    """Whatever their texts hold: what separates fields and rows, escapes, NULL's own spelling, any character."""
    with writing(words) as connection:
        # Texts that differ in spaces at their end are one to these collations.
        @settings(max_examples=60, deadline=None)
        @given(st.lists(CELLS, min_size=1, max_size=8, unique_by=lambda cells: (cells[0] or "").rstrip(" ")))
        def law(cells: list[tuple[str | None, int | None]]) -> None:
            connection.execute(text("DELETE FROM words"))

            assert list(load(connection, WORDS, rows(*cells))) == [len(cells)]
            assert stored(connection) == cells

        assert can_load(connection)
        law()


@pytest.mark.parametrize(
    "refused",
    [
        pytest.param([("b", 1), ("a", 2)], id="a value that is taken"),
        pytest.param([("b", 1), ("b", 2)], id="a value that comes twice"),
        pytest.param([("b", 1_000)], id="a number that does not fit"),
        pytest.param([("x" * 41, 1)], id="a text that does not fit"),
    ],
)
def test_what_the_server_would_change_or_skip_is_not_loaded(words: Target, refused: list[tuple[str, int]]) -> None:
    """LOCAL turns an error into a warning; nothing of such a load stays, and what was there before does."""
    with writing(words) as connection:
        assert list(load(connection, WORDS, rows(("a", 1)))) == [1]

        with pytest.raises(NotLoaded):
            list(load(connection, WORDS, rows(("first", 0), *refused)))

        assert stored(connection) == [("a", 1)]


def test_the_driver_sends_no_file_but_the_rows(words: Target) -> None:
    """The server names the file that it wants: a hostile one may name another, at any time."""
    ask_for = "LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE words (word)"
    with writing(words) as connection, only_reads(connection, "/nowhere/rows"):
        with pytest.raises(Exception, match="another file than the rows"):
            connection.exec_driver_sql(ask_for)
        connection.rollback()
    with writing(words) as connection:
        with pytest.raises(RuntimeError, match="local_infile option is false"):
            connection.exec_driver_sql(ask_for)
        connection.invalidate()
        connection.rollback()

    assert not words.rows("SELECT 1 FROM words")


def test_a_load_that_the_server_does_not_begin_ends_at_once(server: Server, words: Target) -> None:
    """It never asks for the rows, and whoever waits to write them stops waiting."""
    with writing(words) as connection:
        server.execute("SET GLOBAL local_infile = 0")
        try:
            for _ in range(30):
                with pytest.raises(NotLoaded):
                    list(load(connection, WORDS, rows(("a", 1))))
        finally:
            server.execute("SET GLOBAL local_infile = 1")

    assert [thread for thread in threading.enumerate() if thread.name.endswith("(_write)")] == []


def test_without_savepoints_nothing_is_loaded(words: Target) -> None:
    """What could not be taken back must not be begun: the caller inserts."""

    def spoil(_c: object, _u: object, statement: str, parameters: object, *_: object) -> tuple[str, object]:
        return (statement.replace("SAVEPOINT", "NO SUCH"), parameters)

    with writing(words) as connection:
        event.listen(connection, "before_cursor_execute", spoil, retval=True)

        with pytest.raises(NotLoaded):
            list(load(connection, WORDS, rows(("a", 1))))

        connection.execute(text("INSERT INTO words (word, n) VALUES ('b', 2)"))
        assert stored(connection) == [("b", 2)]


def test_other_threads_open_their_files(words: Target) -> None:
    """One that opens a file while rows are loaded neither is stopped nor lets another file through."""
    opened: list[str] = []

    def look() -> None:
        with open(__file__, encoding="utf-8") as file:
            opened.append(file.readline())

    with writing(words) as connection, only_reads(connection, "/nowhere/rows"):
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        with pytest.raises(PermissionError):
            look()

    assert len(opened) == 1


@pytest.mark.parametrize("is_on", [1, 0])
def test_both_ways_write_the_same_rows(server: Server, new_target: NewTarget, is_on: int) -> None:
    """Many rows are loaded where the server allows it and inserted where it does not; few are inserted anyway."""
    target = new_target("empty")
    with setting(server, "local_infile", is_on):
        before = statements_sent(server)
        days = open_ledger(target)
        sent = {name: count - before[name] for name, count in statements_sent(server).items()}

    assert ledger(target) == days[DAYS[0]]
    assert (sent["Com_load"] > 0) == bool(is_on)
    assert sent["Com_insert"] > 0


def test_an_error_in_many_rows_is_told_as_in_few(server: Server, new_target: NewTarget) -> None:
    """What stops a load is not what stops the run: the rows are inserted then, and the server says what is wrong."""
    told = []
    for is_on in (1, 0):
        target = new_target("empty")
        assert run("schema", "create", *STATE, "--database-url", target.url).code == 0
        edit(target, "ALTER TABLE entries ADD CONSTRAINT picky CHECK (number <> 'E100')")
        with setting(server, "local_infile", is_on):
            result = apply_day(target, DAYS[0])
        lines = result.err.replace(target.name, "ledger").splitlines()
        told.append((result.code, [line for line in lines if line.startswith(("error", "  why"))]))
        assert not target.rows("SELECT 1 FROM entries")

    assert told[0] == told[1]
    assert (told[0][0], "picky" in str(told[0][1])) == (1, True)


def test_few_rows_of_a_large_table_are_deleted_without_reading_it(
    new_target: NewTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many rows it has, and spans that each delete some: the server finds them by their ids."""
    target = new_target("empty")
    days = open_ledger(target)
    edit(
        target,
        "INSERT INTO entries (number, book, amount, booked_on) "
        "SELECT CONCAT('X', number), book, amount, booked_on FROM entries LIMIT 3",
    )
    read: list[int] = []
    delete = execute._delete

    def counted(writing: execute._Run, part: TablePlan) -> None:
        def scanned() -> int:
            asked = "SHOW SESSION STATUS LIKE 'Handler_read_rnd_next'"
            return int(writing.connection.exec_driver_sql(asked).one()[1])

        before = scanned()
        delete(writing, part)
        read.append(scanned() - before)

    monkeypatch.setattr(execute, "_delete", counted)
    assert apply_day(target, DAYS[0], "--max-delete", "100%").code == 0

    assert ledger(target) == days[DAYS[0]]
    assert len(ledger(target)[1]) == 2_000
    assert sum(read) < 100
