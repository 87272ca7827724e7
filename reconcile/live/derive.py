"""Derive table specs from a live schema: what the catalogue says about a table becomes a declaration of it.

A catalogue knows types, keys and foreign keys. It does not know logical references, ids inside JSON documents, who
owns a column, or a natural key that no unique index states: those are for people to add.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter

from reconcile import values
from reconcile.dataset import HASH, ID, KEY, STEP
from reconcile.errors import Finding, Severity
from reconcile.live.introspect import ForeignKey, LiveColumn, LiveTable
from reconcile.live.kinds import default_of, kind_of
from reconcile.spec import Column, Owner, Policy, TableSpec
from reconcile.values import Kind

SOFT_DELETE = "deleted_at"
_RESERVED = {KEY, ID, HASH, STEP}


@dataclass(frozen=True, slots=True)
class Derived:
    """The specs by table name, and by table what could not be declared: a warning for each cause."""

    specs: Mapping[str, TableSpec]
    findings: Mapping[str, tuple[Finding, ...]]


def derive(tables: Mapping[str, LiveTable], step: str, known: Mapping[str, TableSpec] | None = None) -> Derived:
    """
    Derive a spec for each of *tables* that has a surrogate key; *known* are specs of other tables it may refer to.

    A derived table starts safe: it does not prune, and it is only read where a row could not be written or known.
    The natural key is the shortest unique key that is never null and refers only to tables with natural keys;
    without one the table is known by its surrogate key.
    """
    known = known or {}
    surrogates = {name: spec.surrogate_key for name, spec in known.items()}
    surrogates |= {name: key for name, table in tables.items() if (key := surrogate_key(table))}
    found = {name: table_spec(table, step, surrogates) for name, table in tables.items() if name in surrogates}
    specs = _opened({name: spec for name, (spec, _) in found.items()})
    specs = _keyed(specs, tables, {name for name, spec in known.items() if spec.key})
    findings = {name: [_unmanaged(table)] for name, table in tables.items() if name not in found}
    for name, (before, remarks) in found.items():
        keyless = [] if specs[name].key else [_keyless(specs[name])]
        findings[name] = [*remarks, *_lost_references(before, specs[name]), *keyless]
    return Derived(specs, {name: tuple(of_table) for name, of_table in findings.items() if of_table})


def surrogate_key(table: LiveTable) -> str | None:
    """Give the column that numbers the rows by itself and is the whole primary key; None where there is none."""
    numbers = [column.name for column in table.columns.values() if column.is_auto_increment]
    primary = [key.columns for key in table.keys if key.is_primary] or [tuple(numbers)]  # SQLite keeps no index for it
    is_usable = len(numbers) == 1 and primary == [tuple(numbers)] and not _RESERVED & set(table.columns)
    return numbers[0] if is_usable else None


def table_spec(table: LiveTable, step: str, surrogates: Mapping[str, str]) -> tuple[TableSpec, list[Finding]]:
    """
    Derive one table, without a natural key; *surrogates* has the surrogate key of each table that may be referred to.

    Columns of types that cannot be compared and written are left out; the table is only read where such a column
    must have a value.
    """
    links = {link.column: link for link in table.foreign_keys if _is_reference(link, surrogates)}
    unique = sorted({key.columns for key in table.keys if key.is_unique and not key.is_primary})
    columns: list[Column] = []
    left_out: list[LiveColumn] = []
    for live in table.columns.values():
        if live.is_generated:
            continue
        kind = _kind(live, links.get(live.name), is_unique=any(live.name in key for key in unique))
        if kind is None:
            left_out.append(live)
        else:
            columns.append(_column(live, kind))
    names = {column.name for column in columns}
    needed = [live for live in left_out if not live.nullable and not live.has_default]
    spec = TableSpec(
        table.name,
        tuple(columns),
        key=(),
        step=step,
        policy=Policy.READ_ONLY if needed else Policy.MANAGED,
        prunes=False,
        unique=tuple(key for key in unique if names.issuperset(key)),
        indexes=_indexes(table, unique, names),
        surrogate_key=surrogates[table.name],
        soft_delete=next((c.name for c in columns if c.name == SOFT_DELETE and c.nullable), None),
    )
    return spec, [*_remarks(table, left_out, needed), *_unordered(table, links)]


def _is_reference(link: ForeignKey, surrogates: Mapping[str, str]) -> bool:
    surrogate = surrogates.get(link.parent)
    return surrogate is not None and not link.is_composite and link.parent_column in {None, surrogate}


def _kind(live: LiveColumn, link: ForeignKey | None, *, is_unique: bool) -> Kind | None:
    if link is not None:
        return values.Reference(link.parent, link.on_delete)
    kind = kind_of(live)
    # Rows that share a secret would share a unique value.
    return None if is_unique and isinstance(kind, values.Secret) else kind


def _column(live: LiveColumn, kind: Kind) -> Column:
    is_moment = isinstance(kind, values.Timestamp)
    match kind:
        case _ if live.is_auto_increment:
            owner = Owner.SERVER
        case values.Secret():
            owner = Owner.ONCE
        case _:
            owner = Owner.CREATION if live.is_clock_on_update else Owner.DESIRED
    return Column(
        live.name,
        kind,
        nullable=live.nullable,
        default=default_of(kind, live.default),
        owner=owner,
        is_clock_default=is_moment and live.is_clock_default,
        is_clock_on_update=is_moment and live.is_clock_on_update,
    )


def _indexes(
    table: LiveTable, unique: Collection[tuple[str, ...]], names: Collection[str]
) -> tuple[tuple[str, ...], ...]:
    plain = {key.columns for key in table.keys if not key.is_unique} - set(unique)
    return tuple(sorted(columns for columns in plain if all(name in names for name in columns)))


def _keyed(specs: Mapping[str, TableSpec], tables: Mapping[str, LiveTable], keyed: set[str]) -> dict[str, TableSpec]:
    """Choose natural keys, parents' before children's: a key made of references is only as good as theirs."""
    found = dict(specs)
    waiting = list(specs)
    while waiting:
        ready = {name: key for name in waiting if (key := _natural_key(specs[name], tables[name], keyed))}
        if not ready:
            break
        for name, key in ready.items():
            found[name] = replace(specs[name], key=key)
        keyed |= ready.keys()
        waiting = [name for name in waiting if name not in ready]
    return {name: spec if spec.key else replace(spec, policy=Policy.READ_ONLY) for name, spec in found.items()}


def _natural_key(spec: TableSpec, table: LiveTable, keyed: Collection[str]) -> tuple[str, ...]:
    """Give the key with the fewest columns; of equal ones that with the fewest references, then the first."""
    position = {name: number for number, name in enumerate(table.columns)}
    candidates = [
        key
        for key in spec.unique
        if spec.surrogate_key not in key and all(_can_name(spec.column(part), keyed) for part in key)
    ]

    def rank(key: tuple[str, ...]) -> tuple[int, int, list[int]]:
        references = sum(isinstance(spec.column(part).kind, values.Reference) for part in key)
        return len(key), references, [position[part] for part in key]

    return min(candidates, key=rank, default=())


def _can_name(column: Column, keyed: Collection[str]) -> bool:
    match column.kind:
        case values.Reference(parent):
            return not column.nullable and parent in keyed
        case values.Secret() | values.Json():
            return False
        case _:
            return not column.nullable and column.owner is Owner.DESIRED


def _opened(specs: Mapping[str, TableSpec]) -> dict[str, TableSpec]:
    """Open circles in which every reference is NOT NULL: no row of theirs could be the first to be written."""
    found = dict(specs)
    while True:
        graph = {
            name: sorted({t for column, t in spec.references() if t in found and not column.nullable})
            for name, spec in sorted(found.items())
        }
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            parent, child = error.args[1][:2]
            found[child] = _without_reference(found[child], parent)
        else:
            return found


def _without_reference(spec: TableSpec, parent: str) -> TableSpec:
    columns = tuple(
        replace(column, kind=values.Integer(64))
        if not column.nullable and isinstance(column.kind, values.Reference) and column.kind.table == parent
        else column
        for column in spec.columns
    )
    return replace(spec, columns=columns, policy=Policy.READ_ONLY)


def _unmanaged(table: LiveTable) -> Finding:
    reserved = sorted(_RESERVED & set(table.columns))
    why = (
        f"{', '.join(reserved)} is a name that reconcile uses itself"
        if reserved
        else "it has no primary key of one AUTO_INCREMENT column, by which rows are found again"
    )
    return _warning("a table is left out", f"table {table.name}", why, "manage its rows by other means")


def _remarks(table: LiveTable, left_out: list[LiveColumn], needed: list[LiveColumn]) -> Iterator[Finding]:
    if not left_out:
        return
    listed = ", ".join(f"{live.name} ({live.column_type})" for live in left_out)
    if needed:
        yield _warning(
            f"table {table.name} is only read",
            listed,
            f"{', '.join(live.name for live in needed)} must have a value that reconcile cannot compare and write",
            "make the column nullable, give it a default or another type",
        )
    else:
        yield _warning(
            f"columns of {table.name} are left out",
            listed,
            "reconcile cannot compare and write them; a row that it creates takes their defaults",
            "leave them to the application, or give them another type",
        )


def _unordered(table: LiveTable, links: Mapping[str, ForeignKey]) -> Iterator[Finding]:
    for link in table.foreign_keys:
        if link.column not in links:
            yield _warning(
                "a foreign key is taken as a plain value",
                f"{table.name}.{link.column}",
                f"it does not point to one surrogate key of {link.parent}, so rows are not put in its order",
                f"apply rows of {link.parent} before those of {table.name}",
            )


def _lost_references(before: TableSpec, after: TableSpec) -> Iterator[Finding]:
    lost = [b.name for b, a in zip(before.columns, after.columns, strict=True) if b.kind != a.kind]
    if lost:
        yield _warning(
            f"table {after.name} is only read",
            f"{after.name}.{', '.join(lost)}",
            "it is part of a circle of references that are all NOT NULL, so no row can be written first",
            "make one of the columns in the circle nullable",
        )


def _keyless(spec: TableSpec) -> Finding:
    return _warning(
        "rows that only their surrogate key tells apart are only read",
        f"table {spec.name}",
        "no unique key without nulls names a row",
        "add a unique key, or set `key` to columns that tell the rows apart and drop the policy",
    )


def _warning(what: str, where: str, why: str, fix: str) -> Finding:
    return Finding(what=what, where=where, why=why, fix=fix, severity=Severity.WARNING)
