"""Reading live rows: what the server gives is one text per row, whatever the row holds."""

from pathlib import Path

import polars as pl
import pytest

from reconcile import values
from reconcile.errors import ReconcileError
from reconcile.live.connect import open_engine, snapshot
from reconcile.live.introspect import introspect
from reconcile.live.raw import RawTable
from reconcile.live.read import read_raw
from reconcile.live.target import parse
from reconcile.spec import Column, Owner, TableSpec
from tests.servers.cached_state import STATE
from tests.servers.conftest import NewTarget
from tests.servers.operating import LIGHT, apply, command, dump, edit, insert, run, set_cell, setting
from tests.servers.server import Server
from tests.servers.target import Target
from tests.servers.test_drift import general_log


def read(target: Target) -> dict[str, RawTable]:
    """Read every managed table as a plan does."""
    chosen = parse(target.url, "the test")
    with snapshot(chosen, open_engine(chosen)) as connection:
        return read_raw(connection, STATE.specs, introspect(connection, STATE.specs))


def least(column: Column) -> str | None:
    """Give as little as the column takes: nothing, else a number or a moment, a text only where nothing else fits."""
    if column.nullable:
        return None
    match column.kind:
        case values.Date():
            return "2024-02-29"
        case values.Timestamp():
            return "2024-02-29 12:34:56"
        case values.Enumeration(allowed):
            return allowed[0]
        case values.Json():
            return "[]"
        case values.Text() | values.TextReference() | values.Secret():
            return ""
        case _:
            return "0"


def insert_least(target: Target, spec: TableSpec) -> dict[str, str | None]:
    """Insert a row that says as little as it can, and give its cells."""
    cells = {column.name: least(column) for column in spec.columns if column.owner is not Owner.SERVER}
    insert(
        target,
        spec.name,
        pl.DataFrame({name: [cell] for name, cell in cells.items()}, schema=dict.fromkeys(cells, pl.String)),
    )
    return cells


@pytest.fixture
def scant(target: Target) -> Target:
    """A database whose managed tables have no rows yet."""
    if target.server is None:
        assert command(target, "schema", "create").code == 0
    return target


def test_a_row_of_nulls_and_numbers_is_read_as_text(scant: Target) -> None:
    """
    In every managed table, those that hold nothing but numbers included.

    A server that joins numbers alone may answer in bytes; a table that was read so once stopped every plan.
    """
    inserted = {name: insert_least(scant, spec) for name, spec in STATE.specs.items()}

    raw = read(scant)

    if scant.server is not None:
        assert {type(text) for table in raw.values() for page in table.pages for text in page} == {str}
    assert {name: table.frame().height for name, table in raw.items()} == dict.fromkeys(STATE.specs, 1)
    for name, cells in inserted.items():
        spec, frame = STATE.specs[name], raw[name].frame()
        told = frame.select(values.parse(spec.column(column).kind, pl.col(column)) for column in cells)
        given = pl.DataFrame({column: [cell] for column, cell in cells.items()}, schema=dict.fromkeys(cells, pl.String))
        assert (
            told.rows()
            == given.select(values.parse(spec.column(column).kind, pl.col(column)) for column in cells).rows()
        )
        assert {column for column in cells if frame[column][0] is None} == {
            c for c, cell in cells.items() if cell is None
        }


def test_such_rows_can_be_planned_for(scant: Target) -> None:
    """They are told apart from the declared ones, and no command stumbles over them."""
    for spec in STATE.specs.values():
        insert_least(scant, spec)

    for words in (("plan", "--light"), ("plan", "--light", "--no-clear"), ("verify",), ("query", "counts")):
        result = command(scant, *words)
        assert (result.code, "Traceback" in result.err) in {(0, False), (3, False)}, result.err


def test_an_account_that_may_only_select_runs_every_command_that_reads(
    server: Server, filled: Target, tmp_path: Path
) -> None:
    """
    Each ends as it does for an account with every right, and the server's log of all of them has no write.

    On servers only: SQLite has no accounts.
    """
    own = ("--step", "core", "-t", "tags", "-t", "clients")
    assert apply(filled, *own).code == 0
    set_cell(filled, ("tags", "Budget"), "description", "by hand")
    assert apply(filled, *own).code == 0
    set_cell(filled, ("tags", "Budget"), "description", "by hand again")
    pattern = filled.name.replace("_", r"\_")
    password = server.create_account("reader", f"SELECT ON `{pattern}`.*")
    saved, state = tmp_path / "saved.plan", LIGHT[-2:]
    lines = {
        ("plan", *LIGHT, "--detailed-exitcode"): 2,
        ("plan", *LIGHT, "--no-clear", "--out", str(saved)): 0,
        ("drift", *LIGHT, "--history", str(tmp_path / "seen.json")): 2,
        ("verify", *state): 0,
        ("query", "counts", *state): 0,
        ("query", "SELECT MAX(id) FROM users", *state): 0,
        ("show", str(saved), *state): 0,
        ("show", "1", *state): 0,
        ("runs", *state): 0,
        ("explain", "tags", "Budget", *LIGHT): 0,
        ("rollback", "--dry-run", *state): 0,
        ("schema", "check", *state): 0,
        ("locks", *state): 0,
        ("doctor", *state): 0,
    }
    rows = dump(filled)

    with general_log(server) as statements:
        url = server.url(filled.name, "reader", password)
        ended = {words: run(*words, "--database-url", url) for words in lines}
        sent = statements("reader")

    assert {words: result.code for words, result in ended.items()} == lines, [result.err for result in ended.values()]
    begun = {statement.lstrip("( ").split()[0].upper() for statement in sent}
    reading = {"SELECT", "SET", "START", "ROLLBACK", "SHOW", "DESCRIBE", "COMMIT", "WITH"}
    assert begun <= {*reading, "SAVEPOINT"}, begun  # which doctor tries
    assert not any(" INTO OUTFILE" in statement.upper() for statement in sent)
    assert not any(statement.upper().startswith("SET GLOBAL") for statement in sent)
    assert dump(filled) == rows


def test_the_tables_of_numbers_are_among_them(scant: Target) -> None:
    """The regression was in a table without a single text: such a table is managed still."""
    texts = (values.Text, values.Enumeration, values.Json, values.TextReference, values.Secret)

    bare = {name for name, spec in STATE.specs.items() if not any(isinstance(c.kind, texts) for c in spec.columns)}

    assert {"referral_settings", "role_permissions"} <= bare
    assert bare <= read(scant).keys()


NOTES = TableSpec(
    name="notes",
    columns=(Column("id", values.Integer(), owner=Owner.SERVER), Column("body", values.Text(60_000))),
    key=("id",),
    step="notes",
)


def read_notes(target: Target) -> RawTable:
    chosen = parse(target.url, "the test")
    with snapshot(chosen, open_engine(chosen)) as connection:
        return read_raw(connection, {"notes": NOTES}, introspect(connection, ["notes"]))["notes"]


@pytest.mark.on_servers
@pytest.mark.parametrize("packet", [65_536, 16_777_216])
def test_pages_are_no_longer_than_the_server_lets_them_be(server: Server, new_target: NewTarget, packet: int) -> None:
    """What the server cuts off is read again in smaller pages; gaps between ids cost no statement each."""
    target = new_target("empty")
    edit(target, "CREATE TABLE notes (id BIGINT PRIMARY KEY, body TEXT NOT NULL)")
    ids = [-5, 1, 2, 3, 7_000, 9_999, 10_000, 10_001, 10**9, 10**15, 10**15 + 1]
    rows = pl.DataFrame({"id": ids, "body": ["é\x1f\\" * (10 * n) for n in range(len(ids))]})
    insert(target, "notes", rows.with_columns(pl.col("id").cast(pl.String)))
    edit(target, *(f"UPDATE notes SET body = REPEAT('x', 20000) WHERE id = {n}" for n in (1, 2, 3, 10**15)))

    with setting(server, "max_allowed_packet", packet):
        found = read_notes(target)

    assert found.frame()["id"].to_list() == list(map(str, ids))
    assert found.frame()["body"].to_list() == [
        str(body) for (body,) in target.rows("SELECT body FROM notes ORDER BY id")
    ]


@pytest.mark.on_servers
@pytest.mark.parametrize(
    "body", ["", "\n", "\\n", "\x1f", "\x1f\n", "\x1f\\n", "\\N", "\\", "a\x1f", "\\s", "é\n\\n'\""]
)
def test_a_text_is_read_as_it_is(new_target: NewTarget, body: str) -> None:
    """Whatever it has in common with what ends cells and rows: the next row and the next cell are read, too."""
    target = new_target("empty")
    edit(target, "CREATE TABLE notes (id BIGINT PRIMARY KEY, body TEXT NOT NULL)")
    insert(target, "notes", pl.DataFrame({"id": ["1", "2", "3"], "body": [body, "x", body]}))

    assert read_notes(target).frame().rows() == [("1", body), ("2", "x"), ("3", body)]


MEMOS = TableSpec(
    name="memos",
    columns=(
        Column("id", values.Integer(), owner=Owner.SERVER),
        Column("code", values.Text(60)),
        Column("size", values.Enumeration(("small", "large"))),
        Column("body", values.Text(60), nullable=True),
    ),
    key=("id",),
    step="memos",
)


@pytest.mark.on_servers
@pytest.mark.parametrize(
    ("body", "escaped"),
    [("plain", 0), (None, 0), ("é", 0), ("", 0), ("\\", 1), ("\\N", 1), ("\x1f", 1), ("\x1f\\n", 1), ("\\b", 1)],
)
def test_texts_of_a_large_table_are_escaped_where_one_needs_it(
    server: Server, new_target: NewTarget, body: str | None, escaped: int
) -> None:
    """From the first page on that has such a text, whatever the columns' character sets are."""
    target = new_target("empty")
    edit(
        target,
        "CREATE TABLE memos (id BIGINT PRIMARY KEY, code VARCHAR(60) CHARACTER SET latin1 NOT NULL, "
        "size ENUM('small', 'large') CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL, "
        "body VARCHAR(60) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL)",
    )
    ids, bodies = ["1", "2", "15000", "15001", "200000"], ["x", None, body, "y", "z"]
    insert(target, "memos", pl.DataFrame({"id": ids, "code": ["ä"] * 5, "size": ["large"] * 5, "body": bodies}))

    chosen = parse(target.url, "the test")
    with general_log(server) as log, snapshot(chosen, open_engine(chosen)) as connection:
        found = read_raw(connection, {"memos": MEMOS}, introspect(connection, ["memos"]))["memos"]

    assert found.frame().rows() == [(number, "ä", "large", text) for number, text in zip(ids, bodies, strict=True)]
    pages = [statement for statement in log(str(chosen.url.username)) if "GROUP_CONCAT" in statement]
    assert len([page for page in pages if "REPLACE" in page]) == 2 * escaped
    assert len(pages) == 3 + escaped


@pytest.mark.on_servers
def test_a_row_too_large_for_the_server_is_said_so(server: Server, new_target: NewTarget) -> None:
    target = new_target("empty")
    edit(target, "CREATE TABLE notes (id BIGINT PRIMARY KEY, body MEDIUMTEXT NOT NULL)")
    edit(target, "INSERT INTO notes VALUES (1, 'x'), (2, REPEAT('x', 70000)), (3, 'x')")

    with setting(server, "max_allowed_packet", 65_536), pytest.raises(ReconcileError) as error:
        read_notes(target)

    assert error.value.findings[0].what == "a row is too large to read"
