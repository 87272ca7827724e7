"""Read one span of the largest tables: the root's rows by their natural keys, all others by the rows they refer to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain, pairwise

import polars as pl
from sqlalchemy import (
    ColumnClause,
    ColumnElement,
    Connection,
    Integer,
    String,
    and_,
    column,
    func,
    or_,
    select,
    table,
    true,
)

from reconcile.errors import Finding, ReconcileError
from reconcile.live.collation import collation_named, server_weights, sorts_as_bytes
from reconcile.live.introspect import LiveSchema
from reconcile.live.raw import RawTable
from reconcile.live.read import read_chosen
from reconcile.spec import TableSpec
from reconcile.state import Spans
from reconcile.values import Integer as IntegerKind
from reconcile.values import Reference

_WIDEST = 2
"""Times as many ids as rows that a range may have to be read as one."""

_MOST_RANGES = 500
"""Ranges of keys in one statement: for many more a server does without its index (range_optimizer_max_mem_size)."""


@dataclass(frozen=True, slots=True)
class KeyRange:
    """Natural keys of a root from *low* on and below *high*, as text; None is without end."""

    low: str | None
    high: str | None


@dataclass(frozen=True, slots=True)
class Links:
    """The tables of spans, the root first; `parents` gives of each other one the column and the table it refers to."""

    root: TableSpec
    specs: Mapping[str, TableSpec]
    parents: Mapping[str, tuple[str, str]]


def links_of(spans: Spans, specs: Mapping[str, TableSpec]) -> Links:
    """
    Find how the tables of *spans* hang together.

    Raises:
        ReconcileError: they do not hang together as `Spans` says, all that is wrong at once.

    """
    root = specs[spans.tables[0]]
    parents = {}
    findings = []
    if len(root.key) != 1 or root.column(root.key[0]).nullable:
        findings.append(_unfit(root, "a root's natural key is one column that is never null"))
    for place, name in enumerate(spans.tables[1:], start=1):
        leading = specs[name].column(specs[name].key[0])
        match leading.kind:
            case Reference(parent) if parent in spans.tables[:place] and not leading.nullable:
                parents[name] = (leading.name, parent)
            case _:
                findings.append(_unfit(specs[name], "its natural key does not begin with a row of a table before it"))
    if findings:
        raise ReconcileError(findings)
    return Links(root, {name: specs[name] for name in spans.tables}, parents)


def _unfit(spec: TableSpec, why: str) -> Finding:
    return Finding(
        what=f"the desired state is unsound: {spec.name} cannot be given in spans",
        where=f"{spec.name} ({', '.join(spec.key)})",
        why=why,
        fix="order `Spans.tables` from the root down, or leave the table out of them",
    )


def ranges_of(keys: Sequence[str]) -> list[KeyRange]:
    """Give the key range of each span from the keys at which they begin; the first and the last are without end."""
    lows = [None, *keys[1:]]
    return [KeyRange(low, high) for low, high in zip(lows, [*lows[1:], None], strict=True)]


def ascend(connection: Connection, links: Links, schema: LiveSchema, keys: Sequence[str]) -> bool:
    """Say whether *keys* ascend as the server sorts the root's natural key."""
    name = links.root.key[0]
    if _is_number(links.root):
        return all(int(before) < int(after) for before, after in pairwise(keys))
    collation = collation_named(schema.tables[links.root.name][name].collation)
    is_plain = connection.dialect.name == "sqlite" or sorts_as_bytes(collation, keys)
    weights = list(keys) if is_plain else server_weights(connection)(collation, list(keys))
    return all(before < after for before, after in pairwise(weights))


def keys_apart(connection: Connection, links: Links, above: str | None, below: str | None, rows: int) -> Iterator[str]:
    """
    Give natural keys of live rows of the root between two, both left out, as the server sorts them: the first one, and
    then one after every so many *rows*, each asked for when its turn comes. None where there is no row.
    """
    key = _key_of(links.root)
    low, high = (_bound(links.root, bound) for bound in (above, below))
    lower, skipped = ([] if low is None else [key > low]), 0
    while True:
        where = and_(True, *lower, *([] if high is None else [key < high]))
        query = select(key).select_from(table(links.root.name)).where(where).order_by(key).limit(1).offset(skipped)
        value = connection.execute(query).scalar_one_or_none()
        if value is None:
            return
        yield str(value)
        lower, skipped = [key > value], rows - 1


def read_span(connection: Connection, links: Links, schema: LiveSchema, wanted: KeyRange) -> dict[str, RawTable]:
    """
    Read the rows of one span as text, ordered by nothing in particular.

    Raises:
        ReconcileError: a row is too large to read.

    """
    root = links.root
    ids: dict[str, Sequence[int]] = {root.name: _ids(connection, root, _within(root, wanted))}
    found = {root.name: read_chosen(connection, root, schema.tables[root.name], root.surrogate_key, ids[root.name])}
    for name, (link, parent) in links.parents.items():
        spec = links.specs[name]
        found[name] = read_chosen(connection, spec, schema.tables[name], *_chosen(connection, spec, link, ids[parent]))
        if any(name == of for _, of in links.parents.values()):
            ids[name] = sorted(found[name].frame()[spec.surrogate_key].cast(pl.Int64).to_list())
    return found


def _within(root: TableSpec, wanted: KeyRange) -> list[ColumnElement[bool]]:
    """Give the conditions that the root's natural key lies in a range."""
    key = _key_of(root)
    low, high = (_bound(root, bound) for bound in (wanted.low, wanted.high))
    return [*([] if low is None else [key >= low]), *([] if high is None else [key < high])]


def _key_of(root: TableSpec) -> ColumnClause[str] | ColumnClause[int]:
    name = root.key[0]
    return column(name, Integer()) if _is_number(root) else column(name, String())


def _bound(root: TableSpec, bound: str | None) -> str | int | None:
    return bound if bound is None or not _is_number(root) else int(bound)


def _is_number(root: TableSpec) -> bool:
    return isinstance(root.column(root.key[0]).kind, IntegerKind)


def _chosen(connection: Connection, spec: TableSpec, link: str, parents: Sequence[int]) -> tuple[str, Sequence[int]]:
    """
    Give the column, and the values in it, by which the rows that refer to *parents* are read.

    Rows that lie together are read faster by their own key than by way of an index.
    """
    if not parents or not isinstance(parents, range):
        return link, parents
    rows = _extent(connection, spec, [column(link, Integer()).between(parents[0], parents[-1])])
    return (link, parents) if rows is None else (spec.surrogate_key, rows)


def _ids(connection: Connection, spec: TableSpec, where: Sequence[ColumnElement[bool]]) -> Sequence[int]:
    """
    Give the surrogate keys of the rows for which all of *where* holds, in order; a range where no other row is between.
    """
    found = _extent(connection, spec, where)
    if found is not None:
        return found
    surrogate = column(spec.surrogate_key, Integer())
    query = select(surrogate).select_from(table(spec.name)).where(and_(True, *where)).order_by(surrogate)
    return [int(number) for (number,) in connection.execute(query)]


def _extent(connection: Connection, spec: TableSpec, where: Sequence[ColumnElement[bool]]) -> range | None:
    """
    Give the range of surrogate keys in which the rows for which all of *where* holds lie, and no others; else None.

    A server leaves gaps between ids, as between two statements that load rows. Source: MySQL manual, "AUTO_INCREMENT
    Handling in InnoDB", bulk inserts.
    """
    surrogate = column(spec.surrogate_key, Integer())
    counted = select(func.count(), func.min(surrogate), func.max(surrogate)).select_from(table(spec.name))
    rows, first, last = connection.execute(counted.where(and_(True, *where))).one()
    if not rows:
        return range(0)
    found = range(first, last + 1)
    if len(found) == rows:
        return found
    if len(found) > _WIDEST * rows:
        return None
    between, _, _ = connection.execute(counted.where(surrogate.between(first, last))).one()
    return found if between == rows else None


def stray_rows(connection: Connection, spec: TableSpec, found: Sequence[range], rows: int) -> int:
    """
    Count the rows of a table that are in no span; those that were *found* are so many *rows*.

    Of each span *found* has the surrogate keys from the lowest to the highest. Where these have no gap nothing need be
    counted but what lies between the spans.
    """
    if sum(map(len, found)) == rows:
        return rows_beside(connection, spec, found)
    return int(connection.execute(select(func.count()).select_from(table(spec.name))).scalar_one()) - rows


def rows_beside(connection: Connection, spec: TableSpec, ranges: Sequence[range]) -> int:
    """Count the rows whose surrogate key is in none of *ranges*, which have no key in common; an index tells."""
    surrogate = column(spec.surrogate_key, Integer())
    ordered = sorted((ids for ids in ranges if ids), key=lambda ids: ids.start)
    beside: list[ColumnElement[bool]] = []
    beside += [surrogate.between(a.stop, b.start - 1) for a, b in pairwise(ordered) if a.stop < b.start]
    beside += [surrogate < ordered[0].start, surrogate >= ordered[-1].stop] if ordered else [true()]
    counted = select(func.count()).select_from(table(spec.name))
    parts = (beside[start : start + _MOST_RANGES] for start in range(0, len(beside), _MOST_RANGES))
    return sum(int(connection.execute(counted.where(or_(*part))).scalar_one()) for part in parts)


def digest(raw: Mapping[str, RawTable]) -> bytes:
    """Give a digest of what was read: equal rows that were read alike have the same."""
    found = blake2b(digest_size=16)
    for name, source in raw.items():
        found.update(f"{name} {source.names}".encode())
        for text in chain.from_iterable(source.pages):
            found.update(text.encode())
        for row in source.rows:
            found.update(repr(row).encode())
    return found.digest()
