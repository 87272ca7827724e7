"""Reading: what the server formats comes apart as it was."""

from collections.abc import Iterator
from dataclasses import replace

import polars as pl
import pytest
from sqlalchemy import Connection, create_engine, event, insert

from reconcile import values
from reconcile.lines import CELL_END, ROW_END
from reconcile.live.introspect import introspect
from reconcile.live.raw import RawTable
from reconcile.live.read import read_raw
from reconcile.live.tables import metadata
from reconcile.spec import Column, Owner
from tests.unit.live.formatted import paged
from tests.unit.tiny import GOODS, TAGS

NAMES = ("id", "code", "title")


@pytest.mark.parametrize(
    "title",
    [
        "",
        "plain",
        None,
        "\\N",
        "\\",
        "\\s",
        "\\b",
        f"a{CELL_END}b",
        f"a{CELL_END}{ROW_END}",
        ROW_END,
        "\\\\s\\N",
        "é\n'\"",
    ],
)
def test_a_page_comes_apart_as_it_was(title: str | None) -> None:
    rows = [("1", "a", title), ("2", "b", "x"), ("3", title, title)]

    assert paged(TAGS, NAMES, rows).frame().rows() == rows


def test_columns_come_in_the_order_of_their_names() -> None:
    """Those that are looked up travel apart."""
    names = ("maker", "id", "sku", "base", "stock")
    rows = [("7", "1", "a", None, "3"), ("8", "2", "b", "1", None)]

    found = paged(GOODS, names, rows).frame()

    assert found.columns == list(names)
    assert found.rows() == rows


def test_a_table_may_have_no_plain_column() -> None:
    rows = [("1", "7"), ("2", "8")]

    assert paged(GOODS, ("id", "maker"), rows).frame().rows() == rows


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
