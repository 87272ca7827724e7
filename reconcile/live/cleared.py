"""Tables that a run only takes rows out of: found in the live schema, known by what its catalogue says."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from sqlalchemy import Connection, exists, inspect, literal, select, table, union_all

from reconcile.live.derive import derive
from reconcile.live.introspect import describe
from reconcile.spec import Policy, TableSpec


def filled_tables(connection: Connection, names: Collection[str]) -> list[str]:
    """Give those of *names* that exist and hold a row, in their order; two statements, however many names."""
    present = set(inspect(connection).get_table_names()) & set(names)
    if not present:
        return []
    probes = [
        select(literal(name).label("name")).where(exists(select(literal(1)).select_from(table(name))))
        for name in sorted(present)
    ]
    found = set(connection.execute(union_all(*probes)).scalars())
    return [name for name in names if name in found]


def specs_to_clear(
    connection: Connection, names: Collection[str], step: str, known: Mapping[str, TableSpec]
) -> dict[str, TableSpec]:
    """
    Give a spec for each of the tables *names*, whose rows may be deleted: the one in *known*, else a derived one.

    A table without surrogate key is left out: its rows cannot be named.
    """
    unknown = [name for name in names if name not in known]
    derived = derive(describe(connection, unknown), step, known).specs if unknown else {}
    specs = {name: known[name] for name in names if name in known} | dict(derived)
    return {name: replace(spec, policy=Policy.MANAGED, prunes=True) for name, spec in specs.items()}
