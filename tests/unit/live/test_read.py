"""Reading: what the server formats comes apart as it was."""

from collections.abc import Iterator
from dataclasses import replace

import polars as pl
import pytest
from sqlalchemy import Connection, create_engine, event, insert

from reconcile import values
from reconcile.live.introspect import introspect
from reconcile.live.read import ESCAPED_BACKSLASH, ESCAPED_SEPARATOR, NULL, SEPARATOR, RawTable, read_raw
from reconcile.live.tables import metadata
from reconcile.spec import Column, Owner
from tests.unit.tiny import TAGS

NAMES = ("id", "code", "title")


def page(*rows: tuple[str | None, ...]) -> str:
    """Format rows as the server is asked to."""
    return "".join(
        (NULL if cell is None else cell.replace("\\", ESCAPED_BACKSLASH).replace(SEPARATOR, ESCAPED_SEPARATOR))
        + SEPARATOR
        for row in rows
        for cell in row
    )


@pytest.mark.parametrize(
    "title", ["", "plain", None, "\\N", "\\", "\\s", "\\b", f"a{SEPARATOR}b", "\\\\s\\N", "é\n'\""]
)
def test_a_page_comes_apart_as_it_was(title: str | None) -> None:
    pages = [page(("1", "a", title), ("2", "b", "x")), page(("3", title, title))]

    assert RawTable(TAGS, NAMES, pages=pages).frame().rows() == [
        ("1", "a", title),
        ("2", "b", "x"),
        ("3", title, title),
    ]


def test_tuples_are_taken_as_they_are() -> None:
    rows = RawTable(TAGS, NAMES, [("1", "a", None), ("2", "\\N", "x")]).frame()

    assert rows.rows() == [("1", "a", None), ("2", "\\N", "x")]


def test_no_rows_still_have_columns() -> None:
    assert {"id": pl.String, "code": pl.String, "title": pl.String} == dict(RawTable(TAGS, NAMES, []).frame().schema)


SECRET = Column("password", values.Secret(60), nullable=True, owner=Owner.ONCE)
LOCKED = {"tags": replace(TAGS, columns=(*TAGS.columns, SECRET))}


@pytest.fixture
def accounts() -> Iterator[Connection]:
    """A database whose rows hold a hash, nothing at all, and an empty text."""
    tables = metadata(LOCKED, "sqlite")
    rows = [{"code": code, "password": held} for code, held in (("a", "$2b$10$hash"), ("b", None), ("c", ""))]
    with create_engine("sqlite://").connect() as connection:
        tables.create_all(connection)
        connection.execute(insert(tables.tables["tags"]), rows)
        yield connection


def test_a_secret_stays_on_the_server(accounts: Connection) -> None:
    """All that is read of it is whether there is one, by the statement itself."""
    statements: list[str] = []
    schema = introspect(accounts, LOCKED)
    event.listen(accounts, "before_cursor_execute", lambda *told: statements.append(told[2]))

    raw = read_raw(accounts, LOCKED, schema)["tags"]

    assert raw.rows == [("1", "a", None, values.SET), ("2", "b", None, None), ("3", "c", None, values.SET)]
    [statement] = statements
    assert "CASE WHEN (tags.password IS NOT NULL) THEN 'set' END" in statement
    assert statement.count("password") == 1
