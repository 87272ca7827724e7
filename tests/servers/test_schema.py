"""`reconcile schema`: makes the managed tables where there are none, and knows the live ones."""

from reconcile.live.connect import open_engine, snapshot
from reconcile.live.introspect import introspect, read_foreign_keys
from reconcile.live.target import parse
from tests.servers.cached_state import STATE
from tests.servers.conftest import NewTarget
from tests.servers.operating import apply, assert_converged, command, dump
from tests.servers.target import Target


def test_tables_are_made_once_and_can_be_filled(new_target: NewTarget, template: Target) -> None:
    """What create makes, check accepts and apply fills with the same rows as the live schema's tables."""
    target = new_target("empty")

    created = command(target, "schema", "create")
    assert (created.code, f"Created {len(STATE.specs)} tables" in created.out) == (0, True), created.err
    assert command(target, "schema", "check").code == 0
    again = command(target, "schema", "create")
    assert (again.code, "the database is not empty" in again.err) == (4, True)

    assert apply(target).code == 0
    assert_converged(target)
    assert {t: len(rows) for t, rows in dump(target).items()} == {t: len(rows) for t, rows in dump(template).items()}


def test_the_live_schema_fits(database: Target) -> None:
    """On servers only: SQLite has no live schema but what create makes."""
    result = command(database, "schema", "check")

    assert (result.code, f"{len(STATE.specs)} tables checked" in result.out) == (0, True), result.err


def test_made_tables_are_the_live_ones(database: Target, new_target: NewTarget) -> None:
    """Column by column and foreign key by foreign key. On servers only: SQLite has types of its own."""
    made = new_target("empty")
    assert command(made, "schema", "create").code == 0

    ours, theirs = _described(made), _described(database)

    assert ours[0] == {name: theirs[0][name] for name in ours[0]}
    assert ours[1] == {key for key in theirs[1] if {key[0], key[2]} <= set(ours[0])}


Description = tuple[dict[str, dict[str, tuple[object, ...]]], set[tuple[str, str, str, str]]]


def _described(target: Target) -> Description:
    chosen = parse(target.url, "test")
    with snapshot(chosen, open_engine(chosen)) as connection:
        tables = introspect(connection, STATE.specs).tables
        keys = {(k.table, k.column, k.parent, k.on_delete) for k in read_foreign_keys(connection)}
    return {
        table: {
            c.name: (c.data_type, c.nullable, c.has_default, c.length, c.precision, c.scale, c.allowed)
            for c in columns.values()
        }
        for table, columns in tables.items()
    }, keys
