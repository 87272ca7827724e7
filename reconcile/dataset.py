"""Dataset: one polars frame per table in canonical form, with duplicate and dangling checks and dependency order.

The desired and the live state are both this type. A frame holds the declared columns of its table and `_key`, the
natural key as text; the live side adds `_id`, the surrogate key. Must never read a database.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

import polars as pl

from reconcile.errors import Finding, ReconcileError
from reconcile.fields import hash_column
from reconcile.lines import MANY_ROWS, Lines, RowDigest, holds
from reconcile.spec import Column, TableSpec
from reconcile.values import PolymorphicReference, Reference, TextReference, dtype, is_free_text, parse, text

KEY = "_key"
ID = "_id"
HASH = "_hash"
STEP = "_step"
"""The id of the step that a declared row belongs to; only the desired side has it."""

KEY_SEPARATOR = "|"
NULL_PART = "\\N"
UNRESOLVED = "\\#"
"""Starts a reference to a row that has no natural key: `\\#17` is the row whose surrogate key is 17."""

DUPLICATE = "\\="
"""Ends the key of a live row that repeats an older row's key: `\\=17` is the row whose surrogate key is 17."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """The rows of several tables; `frames` may hold fewer tables than a schema has."""

    specs: Mapping[str, TableSpec]
    frames: Mapping[str, pl.DataFrame]

    def __getitem__(self, table: str) -> pl.DataFrame:
        """
        Give one table's frame.

        Raises:
            MissingTable: the dataset has no such table; a check that asks for it has failed, not passed.

        """
        try:
            return self.frames[table]
        except KeyError:
            raise MissingTable(table) from None

    def __contains__(self, table: str) -> bool:
        return table in self.frames


class MissingTable(LookupError):
    """A table that a rule needs is not in the dataset."""


def key_text(parts: Sequence[pl.Expr]) -> pl.Expr:
    """
    Join the text forms of a natural key's columns into one text, one to one.

    Backslash and separator inside a part are escaped and null is `\\N`, so two keys are equal as text exactly when
    they are equal column by column.
    """
    return _joined([_escaped(part) for part in parts])


def _escaped(part: pl.Expr) -> pl.Expr:
    return part.str.replace_all("\\", "\\\\", literal=True).str.replace_all(
        KEY_SEPARATOR, "\\" + KEY_SEPARATOR, literal=True
    )


def _joined(parts: Sequence[pl.Expr]) -> pl.Expr:
    filled = [part.fill_null(NULL_PART) for part in parts]
    return filled[0] if len(filled) == 1 else pl.concat_str(filled, separator=KEY_SEPARATOR)


def repeats_key() -> pl.Expr:
    """Say per live row whether it repeats an older row's natural key; an escaped backslash in a key is no mark."""
    return pl.col(KEY).str.contains(r"^(?:[^\\]|\\[^=])*\\=\d+$")


def natural_key(spec: TableSpec, frame: pl.DataFrame | None = None) -> pl.Expr:
    """
    Give the key text of *spec*'s rows from a frame in canonical form.

    Of a *frame* at hand that is large it is seen first whether any text must be escaped.
    """
    columns = [spec.column(name) for name in spec.key]
    texts = [column.name for column in columns if is_free_text(column.kind)]
    is_plain = frame is not None and frame.height >= MANY_ROWS and not holds(frame, texts, "\\" + KEY_SEPARATOR)
    parts = [(column.name, text(column.kind, pl.col(column.name))) for column in columns]
    return _joined([_escaped(part) if name in texts and not is_plain else part for name, part in parts])


def _default(column: Column) -> pl.Expr:
    if column.default is None:
        return pl.lit(None, dtype=dtype(column.kind))
    return parse(column.kind, pl.lit(column.default, dtype=pl.String)).cast(dtype(column.kind))


def _cast(column: Column, schema: Mapping[str, pl.DataType]) -> pl.Expr:
    cells = pl.col(column.name) if column.name in schema else _default(column)
    return cells.cast(dtype(column.kind)).alias(column.name)


def conform(spec: TableSpec, rows: pl.DataFrame, step: str | None = None) -> pl.DataFrame:
    """
    Bring generated *rows* of *step* (the table's own where none is named) into *spec*'s canonical form.

    Columns that the rows leave out take the schema's default, else null; columns come in the order of the spec,
    `_key` and `_step` last, rows in the order given. Numbers round to their column's scale.

    Raises:
        ValueError: a column that the spec does not declare.

    """
    names = [column.name for column in spec.declared]
    unknown = set(rows.columns) - set(names) - {KEY, HASH, STEP}
    if unknown:
        raise ValueError(f"{spec.name} declares no column {sorted(unknown)}")
    schema = rows.schema
    frame = rows.select(
        column.name if schema.get(column.name) == dtype(column.kind) else _cast(column, schema)
        for column in spec.declared
    )
    return frame.with_columns(natural_key(spec, frame).alias(KEY), pl.lit(step or spec.step).alias(STEP))


def with_hash(frame: pl.DataFrame, key: str) -> pl.DataFrame:
    """Add `_hash`, the hash of the column *key*, for `fields.Draw` to draw from."""
    return frame.with_columns(hash_column(frame[key]).alias(HASH))


def check(dataset: Dataset, tables: Iterable[str] | None = None) -> list[Finding]:
    """
    Find what no desired state may have: two rows with one key or unique value, a null where none may be, a
    dangling reference. Of *tables*, where they are named; they may refer to all.

    Returns:
        One finding per table and cause, with the first keys; empty when the dataset is sound.

    """
    findings: list[Finding] = []
    for name in dataset.frames if tables is None else tables:
        spec, frame = dataset.specs[name], dataset[name]
        if spec.key and frame[KEY].n_unique() < frame.height:
            repeated = frame.filter(pl.col(KEY).is_duplicated())[KEY].unique().sort()
            if len(repeated):
                findings.append(_unsound(name, "rows share a natural key", repeated, "make the key unique"))
        for unique in spec.unique:
            values = frame.select(unique).drop_nulls()
            if unique != spec.key and values.n_unique() < values.height:
                shared = frame.drop_nulls(unique).filter(pl.struct(unique).is_duplicated())[KEY]
                where = f"{name} ({', '.join(unique)})"
                findings.append(_unsound(where, "rows share a unique value", shared, "make the value unique"))
        findings += _check_columns(dataset, spec, frame)
    return findings


def _check_columns(dataset: Dataset, spec: TableSpec, frame: pl.DataFrame) -> Iterable[Finding]:
    if frame.is_empty():
        return
    nulls = frame.null_count().row(0, named=True)
    for column in spec.declared:
        if not column.nullable and nulls[column.name]:
            keys = frame.filter(pl.col(column.name).is_null())[KEY]
            yield _unsound(f"{spec.name}.{column.name}", "null in a NOT NULL column", keys, "give it a value")
    references = [
        (column, table)
        for column, table in spec.references()
        if table in dataset and isinstance(column.kind, Reference | PolymorphicReference | TextReference)
    ]
    conditions = [dangles(dataset, column, table) for column, table in references]
    found = frame.select(condition.any().alias(str(place)) for place, condition in enumerate(conditions))
    for place, (column, table) in enumerate(references):
        if found[str(place)][0]:
            yield _unsound(
                f"{spec.name}.{column.name}",
                f"refers to rows that {table} does not have",
                frame.filter(conditions[place])[KEY],
                f"declare the rows in {table} or clear the reference",
            )


def dangles(dataset: Dataset, column: Column, table: str) -> pl.Expr:
    """Say per row whether the reference *column* names a row that *table* lacks; null refers to nothing."""
    missing = pl.col(column.name).is_not_null() & ~pl.col(column.name).is_in(dataset[table][KEY].implode())
    if isinstance(column.kind, PolymorphicReference):
        selected = [value for value, target in column.kind.tables if target == table]
        return missing & pl.col(column.kind.discriminator).is_in(selected)
    return missing


def _unsound(where: str, what: str, keys: pl.Series, fix: str) -> Finding:
    shown = ", ".join(keys.head(3).to_list())
    return Finding(
        what=f"the desired state is unsound: {what}", where=where, why=f"{len(keys)} rows, first {shown}", fix=fix
    )


def dependency_order(specs: Mapping[str, TableSpec]) -> tuple[list[str], frozenset[tuple[str, str]]]:
    """
    Order tables so that a row's references exist before the row.

    Real and logical references count alike. Where tables refer to each other, or to themselves, nullable
    reference columns are deferred: written as null first and set when every row exists.

    Returns:
        The table names, parents first, equal ones by name; and the deferred columns as (table, column).

    Raises:
        ReconcileError: a cycle in which every reference is NOT NULL.

    """
    deferred: set[tuple[str, str]] = {
        (spec.name, column.name)
        for spec in specs.values()
        for column, table in spec.references()
        if table == spec.name and column.nullable
    }
    while True:
        graph = {
            name: sorted(
                {table for column, table in spec.references() if table in specs and (name, column.name) not in deferred}
            )
            for name, spec in sorted(specs.items())
        }
        try:
            return list(TopologicalSorter(graph).static_order()), frozenset(deferred)
        except CycleError as error:
            deferred.add(_deferrable(specs, error.args[1], deferred))


def _deferrable(
    specs: Mapping[str, TableSpec], cycle: Sequence[str], deferred: set[tuple[str, str]]
) -> tuple[str, str]:
    candidates = sorted(
        (name, column.name)
        for name in set(cycle)
        for column, table in specs[name].references()
        if table in cycle and column.nullable and (name, column.name) not in deferred
    )
    # A plain reference is set by one UPDATE; a polymorphic one keeps its discriminator company.
    plain = [c for c in candidates if isinstance(specs[c[0]].column(c[1]).kind, Reference)]
    if not candidates:
        raise ReconcileError(
            [
                Finding(
                    what="tables refer to each other in a circle that cannot be opened",
                    where=" → ".join(cycle),
                    why="every reference in the circle is NOT NULL",
                    fix="make one of the reference columns nullable in the specs and the schema",
                )
            ]
        )
    return (plain or candidates)[0]


class Fingerprint:
    """
    The SHA-256 of a table's declared rows, which come in parts, each with higher keys than the one before.

    Surrogate keys do not count; nulls, texts and rows cannot be confused.
    """

    def __init__(self, spec: TableSpec) -> None:
        self._digest = RowDigest(spec.declared, "|".join(column.name for column in spec.declared))

    def add(self, frame: pl.DataFrame) -> Lines:
        """Add a part's rows, whatever their order; give them in the order of their keys."""
        return self._digest.add(self._digest.lines(_in_key_order(frame)))

    def hexdigest(self) -> str:
        """Give the fingerprint of the rows added so far."""
        return self._digest.hexdigest()


def in_key_order(dataset: Dataset) -> Dataset:
    """Sort the rows of each table by their keys: so they are created, and so they are most often read again."""
    return Dataset(dataset.specs, {name: _in_key_order(frame) for name, frame in dataset.frames.items()})


def _in_key_order(frame: pl.DataFrame) -> pl.DataFrame:
    return frame if frame[KEY].is_sorted() else frame.sort(KEY)


def digested(dataset: Dataset, tables: Iterable[str]) -> tuple[dict[str, str], dict[str, Lines]]:
    """Give the fingerprints of a dataset's *tables* by name, hexadecimal, and the lines that their rows are."""
    prints = {name: Fingerprint(dataset.specs[name]) for name in tables}
    lines = {name: found.add(dataset[name]) for name, found in prints.items()}
    return {name: found.hexdigest() for name, found in prints.items()}, lines


def fingerprints(dataset: Dataset) -> dict[str, str]:
    """Give each table's fingerprint by name, and under "" the one of them all."""
    return with_whole(digested(dataset, dataset.frames)[0])


def with_whole(tables: Mapping[str, str]) -> dict[str, str]:
    """Add to the fingerprints of tables, under "", the one of them all."""
    ordered = dict(sorted(tables.items()))
    whole = hashlib.sha256("\n".join(f"{k} {v}" for k, v in ordered.items()).encode())
    return ordered | {"": whole.hexdigest()}
