"""Wire form: declared columns of planned rows as the texts and integers that statements carry.

References turn from natural keys into surrogate keys here, through the ids that are live at this moment.
"""

import json
from collections.abc import Iterable, Mapping

import polars as pl

from reconcile.dataset import ID, KEY, UNRESOLVED, Dataset
from reconcile.diff import AFTER, Action
from reconcile.plan import Plan
from reconcile.spec import Column, TableSpec
from reconcile.values import (
    Boolean,
    Integer,
    Json,
    PolymorphicReference,
    Reference,
    TextReference,
    is_looked_up,
    text,
    translate_document,
    translate_members,
)

Ids = Mapping[str, pl.DataFrame]
"""Per table the frame (`_key`, `_id`) of all rows that can be referred to."""

Texts = Mapping[tuple[str, str], pl.DataFrame]
"""Per (table, column) the frame (`_key`, `_id`) whose `_id` is that column's text."""

NO_SECRETS: Mapping[str, str] = {}
NO_TEXTS: Texts = {}

_FOUND = "_found"


class MissingParent(LookupError):
    """A row to be written refers to a row that is not there (any more)."""


def texts_of(plan: Plan, live: Dataset) -> dict[tuple[str, str], pl.DataFrame]:
    """Give what text references are written as: the column of the live rows, and of those to be created."""
    targets = {
        (column.kind.table, column.kind.column)
        for part in plan.tables
        for column in part.spec.declared
        if isinstance(column.kind, TextReference)
    }
    created = {part.spec.name: part.of(Action.CREATE) for part in plan.tables}
    found: dict[tuple[str, str], pl.DataFrame] = {}
    for name, column in targets:
        sides = [live[name].select(KEY, pl.col(column).alias(ID))] if name in live else []
        if name in created:
            sides.append(created[name].select(KEY, pl.col(AFTER).struct.field(column).alias(ID)))
        found[(name, column)] = pl.concat(sides)
    return found


def wire(
    spec: TableSpec,
    rows: pl.DataFrame,
    side: str,
    columns: Iterable[Column],
    ids: Ids,
    secrets: Mapping[str, str] = NO_SECRETS,
    texts: Texts = NO_TEXTS,
) -> pl.DataFrame:
    """
    Give the *columns* of the struct *side* of planned *rows* in wire form, rows in their order.

    *secrets* gives the value behind each secret's name, *texts* what a text reference is written as.

    Raises:
        MissingParent: a reference cannot be resolved.
        KeyError: a secret has no value.

    """
    columns = list(columns)
    frame = rows.select(pl.col(side).struct.unnest())
    plain = frame.select(_text(column) for column in columns)
    looked_up = [_cells(spec, frame, column, ids, secrets, texts) for column in columns if is_looked_up(column.kind)]
    return plain.with_columns(looked_up)


def _text(column: Column) -> pl.Expr:
    """Give a cell that stands for itself as the text or number that a statement carries."""
    cell = pl.col(column.name)
    match column.kind:
        case Integer():
            return cell
        case Boolean():
            return cell.cast(pl.Int64)
        case kind:
            return text(kind, cell)


def _cells(
    spec: TableSpec, frame: pl.DataFrame, column: Column, ids: Ids, secrets: Mapping[str, str], texts: Texts
) -> pl.Series:
    """Give the cells of a column that hold something else in the dataset than on the wire."""
    cells = frame[column.name]
    match column.kind:
        case Reference(table):
            return _ids_of(spec, column, cells, ids.get(table))
        case TextReference(table, named):
            return _ids_of(spec, column, cells, texts[(table, named)])
        case PolymorphicReference(discriminator, tables):
            merged = pl.Series(column.name, [None] * frame.height, dtype=pl.Int64)
            known = [value for value, _ in tables]
            parts = [(pl.col(discriminator) == value, ids.get(table)) for value, table in tables]
            parts.append((~pl.col(discriminator).is_in(known).fill_null(False), None))
            for is_selected, target in parts:
                chosen = frame.select(pl.when(is_selected).then(pl.col(column.name))).to_series()
                found = _ids_of(spec, column, chosen, target)
                merged = pl.select(pl.coalesce(merged, found).alias(column.name)).to_series()
            return merged
        case Json(references):
            return _json_ids(cells, references, ids)
        case _:
            return pl.Series(column.name, [None if name is None else secrets[name] for name in cells], dtype=pl.String)


def _ids_of(spec: TableSpec, column: Column, keys: pl.Series, target: pl.DataFrame | None) -> pl.Series:
    frame = keys.alias(KEY).to_frame()
    wanted = pl.String() if isinstance(column.kind, TextReference) else pl.Int64()
    if keys.null_count() == len(keys):
        return keys.cast(wanted)
    if target is not None:
        ids = frame.join(target, on=KEY, how="left", maintain_order="left")[ID].alias(column.name)
        if ids.null_count() == keys.null_count():
            return ids
    # What no table that reconcile reads has is its own name.
    itself = pl.when(pl.col(KEY).str.starts_with(UNRESOLVED)).then(pl.col(KEY).str.strip_prefix(UNRESOLVED))
    unresolved = itself.cast(wanted, strict=False)
    if target is None:
        found = frame.select(unresolved.alias(_FOUND))
    else:
        found = frame.join(target.rename({ID: _FOUND}), on=KEY, how="left", maintain_order="left").select(
            pl.coalesce(_FOUND, unresolved).alias(_FOUND)
        )
    lost = frame.filter(found[_FOUND].is_null() & pl.col(KEY).is_not_null())
    if lost.height:
        raise MissingParent(f"{spec.name}.{column.name} refers to {lost[KEY][0]}, which does not exist")
    return found[_FOUND].alias(column.name)


def _json_ids(cells: pl.Series, references: tuple[tuple[str, str], ...], ids: Ids) -> pl.Series:
    numbers = {
        member: dict(ids[table].select(KEY, ID).iter_rows()) if table in ids else {} for member, table in references
    }

    def number(member: str, item: object) -> object:
        if isinstance(item, str):
            return _number(numbers[member], item)
        return translate_members(item, numbers, number)

    def document(source: str) -> str:
        return translate_document(source, numbers, number)

    return cells.map_elements(document, return_dtype=pl.String, skip_nulls=True)


def _number(numbers: Mapping[str, int], key: str) -> object:
    if key in numbers:
        return numbers[key]
    if key.startswith(UNRESOLVED):
        return json.loads(key.removeprefix(UNRESOLVED))
    raise MissingParent(f"a JSON document refers to {key}, which does not exist")
