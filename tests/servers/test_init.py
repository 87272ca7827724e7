"""`reconcile init` on real databases: what is derived is what people wrote, and what is written plans to nothing."""

import importlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from desired_state import STATE
from reconcile import values
from reconcile.checks.preflight import check_schema
from reconcile.dataset import ID, Dataset
from reconcile.live.connect import open_engine, snapshot
from reconcile.live.derive import Derived, derive
from reconcile.live.introspect import LiveSchema, LiveTable, describe
from reconcile.live.state import read_state
from reconcile.live.target import parse
from reconcile.spec import Column, Policy
from reconcile.values import Kind
from tests.servers.conftest import NewTarget
from tests.servers.operating import Result, command
from tests.servers.server import Server
from tests.servers.target import Target

pytestmark = pytest.mark.off_mysql

SHOP = (
    "CREATE TABLE makers (maker_id {number}, name VARCHAR(40) NOT NULL UNIQUE, boss INT, api_key VARCHAR(99) NOT NULL,"
    " FOREIGN KEY (boss) REFERENCES makers (maker_id) ON DELETE SET NULL)",
    "CREATE TABLE goods (id {number}, maker INT NOT NULL, nr INT NOT NULL, price DECIMAL(10,2) NOT NULL DEFAULT 0,"
    " note TEXT, data JSON, made DATE, at DATETIME DEFAULT CURRENT_TIMESTAMP, active BOOLEAN NOT NULL DEFAULT 1,"
    " UNIQUE (maker, nr), FOREIGN KEY (maker) REFERENCES makers (maker_id) ON DELETE CASCADE)",
)
MAKERS = ('Ä | "b" \\', "c'd")
NOTES = "line\nbreak %s :x {}", None
DOCUMENTS = '{"b": 1.0, "a": ["é", null]}', None

ODD = (
    "CREATE TABLE odd (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, a INT UNSIGNED NOT NULL, b BIT(3) DEFAULT 1,"
    " c TIME, d YEAR, e SET('x','y'), f BLOB, h FLOAT, i DOUBLE, j JSON, k DATETIME(6), l CHAR(4), m TINYINT(1),"
    " n ENUM('it''s', 'c,d', 'e)') DEFAULT 'it''s', o INT(5) ZEROFILL, p VARCHAR(9) DEFAULT 'a''b\\\\', q LONGTEXT,"
    " r DATE DEFAULT (CURRENT_DATE), s VARCHAR(9) DEFAULT (concat('a', 'b')), UNIQUE (a), UNIQUE (q(9)), {more})"
)
MORE = {
    "mariadb": "u UUID, w INT INVISIBLE DEFAULT 4, g BIGINT AS (a + 1) PERSISTENT",
    "mysql": "w INT DEFAULT 4 INVISIBLE, g BIGINT AS (a + 1) STORED, UNIQUE ((lower(s)))",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, empty; packages that are made there are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    loaded = set(sys.modules)
    importlib.invalidate_caches()
    yield tmp_path
    for name in set(sys.modules) - loaded:
        del sys.modules[name]


def described(target: Target) -> dict[str, LiveTable]:
    chosen = parse(target.url, "test")
    with snapshot(chosen, open_engine(chosen)) as connection:
        return describe(connection)


def read(target: Target, tables: Mapping[str, LiveTable], derived: Derived) -> Dataset:
    """Read every row by the derived specs, which must fit the schema that they were derived from."""
    schema = LiveSchema({name: table.columns for name, table in tables.items()})
    assert check_schema(derived.specs.values(), schema, Dataset({}, {})) == []
    chosen = parse(target.url, "test")
    with snapshot(chosen, open_engine(chosen)) as connection:
        live = read_state(connection, derived.specs, schema, {})
    assert live.findings == ()
    return live.dataset


def by_the_catalogue(kind: Kind) -> Kind:
    """Give what a catalogue can know of a kind that people declared."""
    match kind:
        case values.Reference(_, None) | values.PolymorphicReference():
            return values.Integer()
        case values.Json():
            return values.Json()
        case values.TextReference():
            return values.Text(kind.max_length)
        case _:
            return kind


def facts(column: Column) -> tuple[object, ...]:
    return (
        column.name,
        by_the_catalogue(column.kind),
        column.nullable,
        column.default,
        column.is_clock_default,
        column.is_clock_on_update,
    )


def test_derived_specs_are_those_written_by_hand(database: Target) -> None:
    """
    Column by column and key by key; on servers only, since SQLite has no live schema.

    Logical references, secrets, natural keys, owners and policies are for people to choose.
    """
    derived = derive(described(database), "core").specs

    for name, written in STATE.specs.items():
        found = derived[name]
        secrets = {
            column.name
            for spec in (written, found)
            for column in spec.columns
            if isinstance(column.kind, values.Secret)
        }
        assert [facts(c) for c in found.columns if c.name not in secrets] == [
            facts(c) for c in written.columns if c.name not in secrets
        ]
        assert set(found.unique) == set(written.unique), name
        assert set(written.indexes) <= {*found.indexes, *found.unique}, name
        assert (found.surrogate_key, found.step, found.prunes) == ("id", "core", False)


def test_every_live_table_can_be_read(database: Target) -> None:
    """Those without natural key by number. On servers only, since SQLite has no live schema."""
    database.execute("INSERT INTO rooms (name, room_type, features) VALUES ('a', 'meeting', '{\"b\": 1, \"a\": []}')")
    tables = described(database)
    derived = derive(tables, "core")
    rows = read(database, tables, derived)

    assert set(tables) - set(derived.specs) == {"demo_media_blobs"}
    assert set(rows.frames) == set(derived.specs)
    [number] = rows["rooms"][ID]
    assert rows["rooms"]["_key"].to_list() == [f"\\#{number}"]
    assert rows["rooms"]["features"].to_list() == ['{"a":[],"b":1}']
    assert all(spec.policy is Policy.READ_ONLY for spec in derived.specs.values() if not spec.key)


def test_the_right_to_select_shows_everything(server: Server, database: Target) -> None:
    """Foreign keys with their actions too, which a catalogue may hide; on servers only, which have accounts."""
    pattern = database.name.replace("_", r"\_")
    password = server.create_account("describer", f"SELECT ON `{pattern}`.*")
    reader = Target(database.engine, database.name, server.url(database.name, "describer", password), server)

    assert described(reader) == described(database)


def test_odd_types_are_read_or_left_out(server_target: Target) -> None:
    """Unsigned numbers, generated columns, expressions; on servers only, whose types they are."""
    target = server_target
    target.execute(ODD.format(more=MORE[target.engine]))
    target.execute(
        "INSERT INTO odd (a, b, c, d, e, f, h, i, j, k, l, m, o, q, r) VALUES (4294967295, 5, '10:00', 2020, 'x,y',"
        " 'z', 1.5, 2.5, '[1.0]', '2026-01-05 08:00:00.75', 'x', 1, 42, 'q', '2026-01-05')"
    )
    tables = described(target)
    derived = derive(tables, "core")
    [row] = read(target, tables, derived)["odd"].drop("_id").rows(named=True)

    assert derived.specs["odd"].key == ("a",)
    assert {name: str(cell) for name, cell in row.items()} == {
        "a": "4294967295",
        "j": "[1]",
        "k": "2026-01-05 08:00:00",
        "l": "x",
        "m": "True",
        "n": "it's",
        "o": "42",
        "p": "a'b\\",
        "q": "q",
        "r": "2026-01-05",
        "s": "ab",
        "w": "4",
        "_key": "4294967295",
    }
    assert {c.name: c.default for c in derived.specs["odd"].columns if c.default} == {
        "n": "it's",
        "p": "a'b\\",
        "w": "4",
    }


@pytest.fixture
def server_target(database: Target, new_target: NewTarget) -> Target:
    """An empty database, on servers only."""
    return new_target("empty")


def shop(target: Target) -> Target:
    """Make two tables and fill them with what is hard to write down."""
    number = "INT AUTO_INCREMENT PRIMARY KEY" if target.server else "INTEGER PRIMARY KEY AUTOINCREMENT"
    for statement in SHOP:
        target.execute(statement.format(number=number))
    for name in MAKERS:
        target.execute("INSERT INTO makers (name, api_key) VALUES (:name, 'k3y')", {"name": name})
    target.execute("UPDATE makers SET boss = 1 WHERE maker_id = 2")
    for maker, (note, data) in enumerate(zip(NOTES, DOCUMENTS, strict=True), 1):
        target.execute(
            "INSERT INTO goods (maker, nr, price, note, data, made, active) VALUES (:maker, 1, -0.01, :note, :data,"
            " '2026-01-05', 0)",
            {"maker": maker, "note": note, "data": data},
        )
    return target


def assert_nothing_to_do(result: Result) -> None:
    assert (result.code, result.out.splitlines()[-1].split(":")[0]) == (0, "Nothing to do"), result.err


def test_declared_rows_plan_to_nothing_and_make_an_equal_database(folder: Path, new_target: NewTarget) -> None:
    first, second = shop(new_target("empty")), new_target("empty")

    written = command(first, "init", "shop", "--rows")
    assert written.code == 0, written.err
    assert "k3y" not in (folder / "shop" / "rows.py").read_text(encoding="utf-8")
    assert_nothing_to_do(command(first, "plan", "--state", "shop", "--detailed-exitcode"))

    assert command(second, "schema", "create", "--state", "shop").code == 0
    applied = command(second, "apply", "--state", "shop", "--force")
    assert applied.code == 0, applied.err
    assert_nothing_to_do(command(second, "plan", "--state", "shop", "--detailed-exitcode"))
    for query in (
        "SELECT m.name, b.name FROM makers m LEFT JOIN makers b ON m.boss = b.maker_id",
        "SELECT name, nr, price, note, made, at, active FROM goods JOIN makers ON maker = maker_id",
    ):
        assert sorted(map(repr, second.rows(query))) == sorted(map(repr, first.rows(query)))


def test_a_whole_application_plans_to_nothing(folder: Path, filled: Target) -> None:
    """Every table of at most 1,000 rows, 1,900 rows in all; and the rules that init wrote hold."""
    written = command(filled, "init", "whole", "--rows")
    assert written.code == 0, written.err

    plan = command(filled, "plan", "--state", "whole", "--detailed-exitcode")
    assert_nothing_to_do(plan)
    assert int(plan.out.splitlines()[-1].split()[3].replace(",", "")) > 1_500
    verified = command(filled, "verify", "--state", "whole", "--strict-module")
    assert verified.code == 0, verified.out[-2000:]
