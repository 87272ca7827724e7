"""`reconcile query` reads; the database itself refuses everything else."""

import pytest

from tests.servers.operating import JOURNAL, Result, command, desired, dump, next_ids, plan
from tests.servers.server import Server
from tests.servers.target import Target


def query(target: Target, *words: str) -> Result:
    return command(target, "query", *words)


def test_counts_and_tables(filled: Target) -> None:
    counts = dict(query(filled, "counts", "--format", "json").document["rows"])
    tables = dict(query(filled, "tables", "--format", "json").document["rows"])

    assert (counts["tags"], counts["orders"], counts["todo_lists"]) == (14, 150, 8)
    assert counts == {table: rows.height for table, rows in desired().frames.items()}
    assert counts.items() <= tables.items()
    assert len(tables.keys() - set(JOURNAL)) == (len(counts) if filled.server is None else 214)


def test_a_select_gives_its_rows(filled: Target) -> None:
    """A percent sign and a colon are only characters."""
    statement = "SELECT name, NULL AS missing, 1.5 AS n FROM tags WHERE name LIKE 'In%' AND ':x' = ':x' ORDER BY id"

    assert query(filled, statement, "--format", "json").document["rows"][0][:2] == ["Indoor", None]
    assert "Indoor  NULL" in query(filled, statement).out


WRITES = [
    "DELETE FROM tags",
    "UPDATE tags SET color = '#000000'",
    "INSERT INTO tags (name, standardizedName) VALUES ('x', 'x')",
    "REPLACE INTO tags (id, name, standardizedName) VALUES (1, 'x', 'x')",
    "DROP TABLE tags",
    "CREATE TABLE x (id INT)",
    "ALTER TABLE tags ADD COLUMN x INT",
    "SELECT 1; DELETE FROM tags",
    "COMMIT; DELETE FROM tags",
    "nonsense",
]


@pytest.mark.parametrize("statement", WRITES)
def test_whatever_writes_is_refused(filled: Target, statement: str) -> None:
    """By the database, not by reading the statement; and nothing is changed."""
    rows, ids = dump(filled), next_ids(filled)

    result = query(filled, statement)

    assert (result.code, "error:" in result.err, "fix:" in result.err) == (1, True, True)
    assert (dump(filled), next_ids(filled)) == (rows, ids)


@pytest.mark.parametrize(
    "statement",
    [
        "TRUNCATE TABLE tags",
        "RENAME TABLE tags TO x",
        "WITH x AS (SELECT 1) DELETE FROM tags",
        "SELECT * FROM tags FOR UPDATE; DELETE FROM tags",
        "LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE tags",
        "DROP DATABASE nowhere",
    ],
)
def test_what_only_servers_know_is_refused_too(database: Target, template: Target, statement: str) -> None:
    """On servers only: SQLite does not know these statements."""
    database.execute("INSERT INTO tags (name, `standardizedName`) VALUES ('x', 'x')")
    rows = dump(database)

    result = query(database, statement)

    assert result.code == 1, result.out
    assert dump(database) == rows


def test_reading_needs_the_right_to_select_only(server: Server, filled: Target) -> None:
    """On servers only, which have accounts: plan, verify, query and schema check work, apply is denied."""
    pattern = filled.name.replace("_", r"\_")
    password = server.create_account("reader", f"SELECT ON `{pattern}`.*")
    reader = Target(filled.engine, filled.name, server.url(filled.name, "reader", password), server)
    filled.execute("DELETE FROM tags")
    rows = dump(filled)

    assert plan(reader).code == 2
    assert command(reader, "verify").code == 0
    assert command(reader, "schema", "check").code == 0
    assert query(reader).code == 0
    assert query(reader, "DELETE FROM brands").code == 1
    denied = command(reader, "apply", "--light", "--as-of", "2025-06-02", "--force")
    assert (denied.code, "may not" in denied.err) == (1, True), denied.err
    assert password not in denied.err
    assert dump(filled) == rows
