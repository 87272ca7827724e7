"""What of the desired tables can be compared with a live schema that is not as they need it."""

from collections.abc import Mapping
from dataclasses import replace

from reconcile.checks.preflight import is_readable
from reconcile.live.introspect import LiveColumn, LiveSchema
from reconcile.spec import Owner, TableSpec
from reconcile.values import PolymorphicReference, TextReference


def comparable(specs: Mapping[str, TableSpec], schema: LiveSchema) -> dict[str, TableSpec]:
    """
    Give *specs* without the columns that the live schema lacks or holds in another type, and what hangs on them.

    A table goes when it is not there or its key cannot be read; with it the references to it, and the tables whose key
    such a reference is part of. A column that is merely too short stays: its rows can be compared.
    """
    found = {name: _as_live(spec, schema.tables[name]) for name, spec in specs.items() if name in schema.tables}
    while True:
        whole = {name: spec for name, spec in found.items() if _has_key(spec, specs[name])}
        lost = specs.keys() - whole.keys()
        fitted = {name: _without(spec, _hanging(spec, lost, whole)) for name, spec in whole.items()}
        if fitted == found:
            return fitted
        found = fitted


def _as_live(spec: TableSpec, live: Mapping[str, LiveColumn]) -> TableSpec:
    if spec.surrogate_key not in live:
        return replace(spec, columns=())
    columns = [c for c in spec.columns if c.owner is not Owner.SERVER]
    return _without(spec, {c.name for c in columns if c.name not in live or not is_readable(c.kind, live[c.name])})


def _has_key(spec: TableSpec, whole: TableSpec) -> bool:
    return bool(spec.columns) and set(whole.key) <= {column.name for column in spec.columns}


def _hanging(spec: TableSpec, lost: set[str], specs: Mapping[str, TableSpec]) -> set[str]:
    """Name the columns that cannot be read without a table that is *lost*, or without another column."""
    present = {column.name for column in spec.columns}
    unread = {column.name for column, table in spec.references() if table in lost}
    for column in spec.columns:
        match column.kind:
            case PolymorphicReference(discriminator) if discriminator not in present:
                unread.add(column.name)
            case TextReference(table, name) if table in specs and name not in {c.name for c in specs[table].columns}:
                unread.add(column.name)
            case _:
                pass
    return unread


def _without(spec: TableSpec, names: set[str]) -> TableSpec:
    if not names:
        return spec
    return replace(
        spec,
        columns=tuple(column for column in spec.columns if column.name not in names),
        unique=tuple(unique for unique in spec.unique if not names & set(unique)),
        soft_delete=None if spec.soft_delete in names else spec.soft_delete,
        recognised_by=() if names & set(spec.recognised_by) else spec.recognised_by,
        ours=None if spec.ours is not None and spec.ours[0] in names else spec.ours,
    )
