"""Which server it is, and what the digest of its tables stands for."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine

from reconcile.live.identity import database_of, name_of, schema_digest, server_of
from reconcile.live.target import parse

SHOP = (
    "CREATE TABLE makers (id INTEGER PRIMARY KEY, code VARCHAR(20) NOT NULL)",
    "CREATE TABLE goods (id INTEGER PRIMARY KEY, maker INTEGER REFERENCES makers (id) ON DELETE CASCADE)",
    "CREATE TABLE tags (id INTEGER PRIMARY KEY)",
)


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({"server_uuid": "1-2", "hostname": "db1", "port": "3306"}, "server_uuid 1-2"),
        ({"server_uid": "a+b=", "hostname": "db1", "port": "3306"}, "server_uid a+b="),
        ({"server_uid": "", "hostname": "db1", "port": "3306"}, "host db1:3306"),
        ({"hostname": "db1", "port": "3306"}, "host db1:3306"),
    ],
)
def test_a_server_is_known_by_its_own_identity_before_its_address(variables: dict[str, str], name: str) -> None:
    """MySQL has a server_uuid, newer MariaDB a server_uid, older neither."""
    assert name_of(variables) == name


def test_a_file_is_known_by_its_path_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "terp.db").touch()
    (tmp_path / "link.db").symlink_to("terp.db")
    monkeypatch.chdir(tmp_path)

    with create_engine("sqlite://").connect() as connection:
        names = {database_of(connection, parse(f"sqlite:///{name}", "a test")) for name in ("terp.db", "link.db")}
        assert server_of(connection) == "sqlite"

    assert names == {str((tmp_path / "terp.db").resolve())}


def digest(*statements: str, tables: tuple[str, ...] = ("makers", "goods")) -> str:
    with create_engine("sqlite://").begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
        return schema_digest(connection, tables)


def test_equal_schemas_have_equal_digests() -> None:
    """In whatever order the tables were made and are named, and whatever else there is."""
    assert digest(*SHOP) == digest(*SHOP[:2], tables=("goods", "makers"))


@pytest.mark.parametrize(
    ("number", "old", "new"),
    [
        pytest.param(0, "VARCHAR(20)", "VARCHAR(10)", id="shorter"),
        pytest.param(0, " NOT NULL", "", id="nullable"),
        pytest.param(0, "code", "kode", id="renamed"),
        pytest.param(0, "NOT NULL", "NOT NULL, motto TEXT", id="another column"),
        pytest.param(1, "CASCADE", "SET NULL", id="another action of a foreign key"),
        pytest.param(1, " REFERENCES makers (id) ON DELETE CASCADE", "", id="no foreign key"),
    ],
)
def test_different_schemas_have_different_digests(number: int, old: str, new: str) -> None:
    other = list(SHOP)
    other[number] = other[number].replace(old, new)

    assert other != list(SHOP)
    assert digest(*SHOP) != digest(*other)


def test_a_foreign_key_from_elsewhere_counts() -> None:
    """Deleting a row then does something to a table that the plan is not about."""
    assert digest(*SHOP) != digest(
        *SHOP, "CREATE TABLE more (id INTEGER PRIMARY KEY, maker INTEGER REFERENCES makers (id))"
    )


def test_a_missing_table_counts() -> None:
    assert digest(*SHOP) != digest(*SHOP[:1])
