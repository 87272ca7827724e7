"""Read the live state that a run compares with: introspect, read, resolve; and count what depends on deletes."""

from collections.abc import Iterable, Mapping, Sequence

import polars as pl
from sqlalchemy import Connection, column, func, select, table

from reconcile.dataset import ID, Dataset
from reconcile.diff import Action
from reconcile.guard import NO_FOREIGN_KEY, Dependents
from reconcile.lines import Lines
from reconcile.live.collation import Collation, Weigh, collation_named, server_weights
from reconcile.live.introspect import LiveSchema, introspect, read_foreign_keys
from reconcile.live.raw import RawTable
from reconcile.live.read import read_raw
from reconcile.live.resolve import LiveState, resolve
from reconcile.live.spread import Spread, shared_out
from reconcile.plan import Plan
from reconcile.spec import TableSpec
from reconcile.values import Reference

_IDS_PER_STATEMENT = 5_000


def read_state(
    connection: Connection, specs: Mapping[str, TableSpec], schema: LiveSchema, declared: Mapping[str, pl.DataFrame]
) -> LiveState:
    """Read the tables of *specs* as one live state; keys of *declared* frames are matched as the server would."""
    return resolved(server_weights(connection), schema, read_raw(connection, specs, schema), declared)


def read_again(connection: Connection, schema: LiveSchema, previous: LiveState) -> LiveState:
    """
    Read the tables of *previous* as they are now, and match the same keys.

    When every row is still the text that it was, *previous* itself is given: what was made of it still holds.
    """
    raw = read_raw(connection, previous.dataset.specs, schema)
    if raw == previous.raw:
        return previous
    return resolved(server_weights(connection), schema, raw, previous.declared, previous=previous, lines=previous.lines)


def read_spread(asking: Spread[Connection], schema: LiveSchema, previous: LiveState) -> LiveState:
    """
    Read as `read_again` does, over several connections at once: in each some of the tables, about as much text.

    The connections share no moment. Where a row is another text, all are read again over one of them, in its snapshot.
    """
    if asking.connection.dialect.name == "sqlite":  # it formats no rows: more connections would only wait
        return read_again(asking.connection, schema, previous)

    def is_still(connection: Connection, tables: Sequence[str]) -> bool:
        specs = {name: previous.dataset.specs[name] for name in tables}
        return read_raw(connection, specs, schema) == {name: previous.raw[name] for name in tables}

    parts = shared_out({name: raw.length for name, raw in previous.raw.items()}, asking.most)
    if asking.first_failing(parts, is_still) is None:
        return previous
    return read_again(asking.connection, schema, previous)


def resolved(
    weigh: Weigh,
    schema: LiveSchema,
    raw: Mapping[str, RawTable],
    declared: Mapping[str, pl.DataFrame],
    known: Dataset | None = None,
    previous: LiveState | None = None,
    lines: Mapping[str, Lines] | None = None,
) -> LiveState:
    """Resolve what was read as `resolve` does, with the collations of the live schema."""

    def collation_of(table_name: str, column_name: str) -> Collation:
        return collation_named(schema.tables[table_name][column_name].collation)

    return resolve(raw, declared, collation_of, weigh, known, previous, lines)


def needed(specs: Mapping[str, TableSpec], tables: Iterable[str]) -> dict[str, TableSpec]:
    """
    Give the specs to read for a run over *tables*: those tables and all that they refer to, near or far.

    A table without natural key that is only referred to is left out: references to it stay surrogate keys either way.
    """
    found: dict[str, TableSpec] = {}
    waiting = list(tables)
    asked = set(waiting)
    while waiting:
        name = waiting.pop()
        if name not in found and name in specs and (specs[name].key or name in asked):
            found[name] = specs[name]
            waiting += [target for _, target in specs[name].references()]
    return {name: spec for name, spec in specs.items() if name in found}


def dependents(connection: Connection, plan: Plan, specs: Mapping[str, TableSpec]) -> list[Dependents]:
    """
    Count the rows of tables outside the plan that point to rows it deletes, by foreign key or by spec.

    Empty when the plan deletes nothing; costs one statement per such link and 5,000 deletes.
    """
    deleted = {
        part.spec.name: part.of(Action.DELETE)[ID].to_list() for part in plan.tables if part.counts[Action.DELETE]
    }
    if not deleted:
        return []
    inside = {part.spec.name for part in plan.tables}
    present = introspect(connection, [name for name in specs if name not in inside]).tables
    links = {
        (key.table, key.column, key.parent): key.on_delete
        for key in read_foreign_keys(connection)
        if key.parent in deleted and key.table not in inside
    }
    for spec in specs.values():
        for reference in spec.columns:
            match reference.kind:
                case Reference(parent) if parent in deleted and spec.name not in inside:
                    if reference.name in present.get(spec.name, {}):
                        links.setdefault((spec.name, reference.name, parent), NO_FOREIGN_KEY)
    found = []
    for (child, name, parent), on_delete in sorted(links.items()):
        rows = _count_pointing(connection, child, name, deleted[parent])
        if rows:
            found.append(Dependents(child, name, parent, rows, on_delete))
    return found


def _count_pointing(connection: Connection, child: str, name: str, ids: Sequence[int]) -> int:
    source = table(child, column(name))
    total = 0
    for start in range(0, len(ids), _IDS_PER_STATEMENT):
        query = select(func.count()).select_from(source)
        total += connection.execute(
            query.where(source.c[name].in_(ids[start : start + _IDS_PER_STATEMENT]))
        ).scalar_one()
    return total


def count_rows(connection: Connection, tables: Iterable[str]) -> dict[str, int]:
    """Count the rows of each table by name."""
    return {name: connection.execute(select(func.count()).select_from(table(name))).scalar_one() for name in tables}
