"""Turn raw live rows into a Dataset: text to canonical values, surrogate keys to natural keys.

A live row whose key is a declared one under the live collation takes the declared spelling as its `_key`, so the
diff and every reference join on equal text. The columns themselves keep what the server holds.
"""

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field

import polars as pl

from reconcile.dataset import ID, KEY, UNRESOLVED, Dataset, dependency_order
from reconcile.diff import empty_live
from reconcile.errors import Finding
from reconcile.lines import Lines
from reconcile.live.collation import BINARY, Weigh, fold
from reconcile.live.naming import CollationOf, duplicates, require_distinct, with_key
from reconcile.live.raw import RawTable
from reconcile.live.sent import Held
from reconcile.live.typed import typed
from reconcile.spec import Column, TableSpec
from reconcile.values import Json, PolymorphicReference, Reference, TextReference, dump_json, translate_document

_FOLDED = "_folded"
_TARGET_KEY = "_target_key"


@dataclass(frozen=True, slots=True)
class LiveState:
    """
    The live rows, and what was odd about them (duplicate keys, values that cannot be read).

    `raw` is the text they were read as and `declared` the frames whose keys they were matched with; `lines` are those
    of declared rows, where somebody has them. Of rows that the server `holds` as they were sent, `raw` may be missing:
    then their ids are not known, and negative.
    """

    dataset: Dataset
    findings: tuple[Finding, ...]
    raw: Mapping[str, RawTable]
    declared: Mapping[str, pl.DataFrame]
    holds: tuple[Held, ...] = ()
    lines: Mapping[str, Lines] = field(default_factory=dict)


def resolve(
    raw: Mapping[str, RawTable],
    desired: Mapping[str, pl.DataFrame],
    collation_of: CollationOf,
    weigh: Weigh,
    resolved: Dataset | None = None,
    previous: LiveState | None = None,
    lines: Mapping[str, Lines] | None = None,
) -> LiveState:
    """
    Resolve raw tables; *desired* gives the declared frames whose keys are matched, where there are any.

    With the *lines* of declared rows, live ones that are the same text need not be parsed; the result is the same.

    *resolved* are live tables that the raw ones refer to and that are resolved already; they are part of the result.

    Of several live rows with one natural key the one with the lowest surrogate key stands for it; the others get
    keys of their own and are reported. A reference to a row that is not there becomes `\\#` and its number.

    *previous* is what the same tables, with the same declared frames, were resolved to before: the result is the same,
    but a table that is as it was, and so are the keys of all that it refers to, is not resolved again.

    Raises:
        ReconcileError: two declared keys are one row under the live collation.

    """
    lines = lines or {}
    specs = {name: table.spec for name, table in raw.items()}
    order, _ = dependency_order(specs)
    known = Dataset({}, {}) if resolved is None else resolved
    frames = dict(known.frames)
    keys = {name: _keys(frame) for name, frame in frames.items()}
    findings: list[Finding] = []
    before = _reusable(raw, previous)
    moved = raw.keys() - before.keys()
    for name in order:
        spec = specs[name]
        if name in before and not _refers(spec, spec.key, moved):
            frames[name] = before[name]
        else:
            before.pop(name, None)
            if raw[name].has_rows:
                frame, unreadable = typed(raw[name], lines.get(name))
                findings += unreadable
                frame = _resolve_columns(frame, [spec.column(part) for part in spec.key], keys)
                frame = _resolve_texts(frame, [spec.column(part) for part in spec.key], frames, collation_of, weigh)
                frames[name] = with_key(spec, frame, desired.get(name), collation_of, weigh)
                findings += duplicates(spec, frames[name], desired.get(name))
            else:
                if name in desired:
                    require_distinct(spec, raw[name].names, desired[name], collation_of, weigh)
                present = [column.name for column in spec.declared if column.name in raw[name].names]
                frames[name] = empty_live(spec).select(ID, *present, KEY)
            has_moved = previous is None or not _names_the_same(specs, name, frames[name], previous.dataset)
            moved = moved | {name} if has_moved else moved - {name}
        keys[name] = _keys(frames[name])
    for name, spec in specs.items():
        others = [column for column in spec.columns if column.name not in spec.key]
        frame = frames[name]
        if name in before:
            if not _refers(spec, [column.name for column in others], moved):
                continue
            read, _ = typed(raw[name], lines.get(name))
            frame = frame.with_columns(read[column.name] for column in others if column.name in read.columns)
        frame = _resolve_columns(frame, others, keys)
        frames[name] = _resolve_texts(frame, others, frames, collation_of, weigh)
    return LiveState(Dataset({**known.specs, **specs}, frames), tuple(findings), raw, desired, lines=lines)


def _reusable(raw: Mapping[str, RawTable], previous: LiveState | None) -> dict[str, pl.DataFrame]:
    """
    Give the frames of *previous* whose text has not changed.

    What was odd is told of tables when they are resolved: where there was something, nothing is taken over.
    """
    if previous is None or previous.findings:
        return {}
    return {name: previous.dataset[name] for name, table in raw.items() if table == previous.raw.get(name)}


def _refers(spec: TableSpec, names: Collection[str], tables: Set[str]) -> bool:
    """Say whether one of the columns *names* refers to one of *tables*."""
    return any(column.name in names and table in tables for column, table in spec.references())


def _names_the_same(specs: Mapping[str, TableSpec], name: str, frame: pl.DataFrame, before: Dataset) -> bool:
    """Say whether whatever refers to a table's rows, by id or by text, is resolved as *before*."""
    if name not in before:
        return False
    texts = {
        column.kind.column
        for spec in specs.values()
        for column in spec.columns
        if isinstance(column.kind, TextReference) and column.kind.table == name
    }
    sides = frame, before[name]
    return all(
        column in sides[0].columns and column in sides[1].columns and sides[0][column].equals(sides[1][column])
        for column in {ID, KEY, *texts}
    )


def _keys(frame: pl.DataFrame) -> pl.DataFrame:
    return frame[[ID, KEY]]


def _resolve_columns(frame: pl.DataFrame, columns: Sequence[Column], keys: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Replace the surrogate keys in *columns*, those that the frame has, by natural keys."""
    if frame.is_empty():
        return frame
    present = set(frame.columns)
    found = (_resolved(frame, column, keys) for column in columns if column.name in present)
    return frame.with_columns(cells for cells in found if cells is not None)


def _resolved(frame: pl.DataFrame, column: Column, keys: Mapping[str, pl.DataFrame]) -> pl.Series | None:
    """Give the cells of *column* with natural keys in the place of surrogate keys; None where it holds none."""
    cells = frame[column.name]
    match column.kind:
        case Reference(table):
            return _or_unresolved(_keys_of(cells, keys.get(table)), cells)
        case PolymorphicReference(discriminator, tables) if discriminator in frame.columns:
            found = [
                pl.when(frame[discriminator] == value).then(_keys_of(cells, keys.get(table))) for value, table in tables
            ]
            return _or_unresolved(pl.select(pl.coalesce(found).alias(column.name)).to_series(), cells)
        case PolymorphicReference():
            return _or_unresolved(_keys_of(cells, None), cells)
        case Json(references) if references:
            return _replace_json_ids(cells, references, keys)
        case _:
            return None


def _resolve_texts(
    frame: pl.DataFrame,
    columns: Sequence[Column],
    frames: Mapping[str, pl.DataFrame],
    collation_of: CollationOf,
    weigh: Weigh,
) -> pl.DataFrame:
    """Replace texts that name a row of another table by that row's natural key; others are marked as unresolved."""
    for column in columns if frame.height else ():
        match column.kind:
            case TextReference(table, target) if column.name in frame.columns and target in frames[table].columns:
                rows = frames[table].select(pl.col(target).alias(column.name), pl.col(KEY).alias(_TARGET_KEY))
                collation = collation_of(table, target)
                both = pl.concat([frame[column.name], rows[column.name]])
                folded = both if collation is BINARY else fold(collation, both, weigh)
                names = rows.with_columns(folded.tail(rows.height).alias(_FOLDED)).unique(_FOLDED, keep="first")
                found = frame.with_columns(folded.head(frame.height).alias(_FOLDED)).join(
                    names.select(_FOLDED, _TARGET_KEY), on=_FOLDED, how="left", maintain_order="left"
                )
                known = pl.coalesce(_TARGET_KEY, pl.lit(UNRESOLVED) + pl.col(column.name))
                frame = found.with_columns(known.alias(column.name)).drop(_FOLDED, _TARGET_KEY)
            case _:
                pass
    return frame


def _keys_of(cells: pl.Series, target: pl.DataFrame | None) -> pl.Series:
    """Give for each id, as text, the key of the *target* row that has it; null where none has."""
    if target is None or target.is_empty():
        return pl.Series(cells.name, [None], dtype=pl.String).new_from_index(0, len(cells))
    ids, known = cells.cast(pl.Int64, strict=False), target[ID]
    first, last = known[0], known[-1]
    if last - first + 1 == len(known) and known.is_sorted():
        # Ids without a gap say themselves in which row they are.
        is_known = (ids >= first) & (ids <= last)
        places = ids if is_known.all() else ids.zip_with(is_known, pl.Series([None], dtype=pl.Int64))
        return target[KEY].gather(places - first).alias(cells.name)
    found = ids.to_frame().join(target, left_on=cells.name, right_on=ID, how="left", maintain_order="left")
    return found[KEY].alias(cells.name)


def _or_unresolved(keys: pl.Series, cells: pl.Series) -> pl.Series:
    """Mark an id that leads to no key; null refers to nothing."""
    if keys.null_count() == cells.null_count():
        return keys
    return keys.zip_with(keys.is_not_null(), UNRESOLVED + cells)


def _replace_json_ids(
    cells: pl.Series, references: tuple[tuple[str, str], ...], keys: Mapping[str, pl.DataFrame]
) -> pl.Series:
    names = {
        member: dict(keys[table].select(ID, KEY).iter_rows()) if table in keys else {} for member, table in references
    }

    def key_of(member: str, item: object) -> object:
        # What is no id is marked too: a text that happens to spell a key is not a reference.
        key = names[member].get(item) if isinstance(item, int) and not isinstance(item, bool) else None
        return key if key is not None or item is None else UNRESOLVED + dump_json(item)

    def document(source: str) -> str:
        try:
            return translate_document(source, names, key_of)
        except ValueError:
            return source

    return cells.map_elements(document, return_dtype=pl.String)
