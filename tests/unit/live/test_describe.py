"""What SQLite's own catalogue says about tables; servers are asked in tests/servers/test_init.py."""

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from reconcile.live.introspect import ForeignKey, LiveKey, LiveTable, describe

DDL = """
CREATE TABLE authors (author_id INTEGER PRIMARY KEY, name VARCHAR(80) NOT NULL UNIQUE, born DATE DEFAULT '1900-01-01');
CREATE TABLE books (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    isbn CHAR(13) NOT NULL,
    author INTEGER NOT NULL REFERENCES authors ON DELETE CASCADE,
    editor INTEGER REFERENCES authors (author_id),
    price DECIMAL(8,2) NOT NULL DEFAULT 0,
    made DATETIME DEFAULT CURRENT_TIMESTAMP
);
CREATE UNIQUE INDEX books_isbn ON books (isbn);
CREATE UNIQUE INDEX books_some ON books (price) WHERE price > 0;
CREATE UNIQUE INDEX books_lower ON books (lower(isbn));
CREATE INDEX books_author ON books (author, editor);
CREATE TABLE pairs (a INTEGER, b INTEGER, x INT, y INT, PRIMARY KEY (a, b), FOREIGN KEY (x, y) REFERENCES pairs (a, b));
CREATE TABLE codes (id INTEGER PRIMARY KEY, code TEXT) WITHOUT ROWID;
CREATE TABLE texts (id INT PRIMARY KEY);
CREATE VIEW shown AS SELECT * FROM books;
"""


@pytest.fixture
def tables() -> Iterator[dict[str, LiveTable]]:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with engine.connect() as connection:
        for statement in DDL.split(";\n"):
            connection.exec_driver_sql(statement)
        yield describe(connection)
    engine.dispose()


def test_tables_are_listed_and_views_are_not(tables: dict[str, LiveTable]) -> None:
    assert list(tables) == ["authors", "books", "pairs", "codes", "texts"]


def test_only_a_row_number_counts_by_itself(tables: dict[str, LiveTable]) -> None:
    """Source: SQLite manual, "ROWIDs and the INTEGER PRIMARY KEY"."""
    found = {name: [c.name for c in t.columns.values() if c.is_auto_increment] for name, t in tables.items()}

    assert found == {"authors": ["author_id"], "books": ["id"], "pairs": [], "codes": [], "texts": []}


def test_defaults_are_values_or_the_clock(tables: dict[str, LiveTable]) -> None:
    books = tables["books"].columns

    assert tables["authors"].columns["born"].default == "1900-01-01"
    assert (books["price"].default, books["price"].has_default) == ("0", True)
    assert (books["made"].default, books["made"].is_clock_default) == (None, True)
    assert not books["isbn"].is_clock_default


def test_keys_are_indexes_over_whole_columns_of_all_rows(tables: dict[str, LiveTable]) -> None:
    assert set(tables["books"].keys) == {
        LiveKey(("isbn",), is_unique=True),
        LiveKey(("author", "editor"), is_unique=False),
    }
    assert tables["authors"].keys == (LiveKey(("name",), is_unique=True),)
    assert tables["pairs"].keys == (LiveKey(("a", "b"), is_unique=True, is_primary=True),)


def test_foreign_keys_say_which_column_they_meet(tables: dict[str, LiveTable]) -> None:
    assert set(tables["books"].foreign_keys) == {
        ForeignKey("books", "author", "authors", "CASCADE", None),
        ForeignKey("books", "editor", "authors", "NO ACTION", "author_id"),
    }
    assert {(key.column, key.is_composite) for key in tables["pairs"].foreign_keys} == {("x", True), ("y", True)}
