"""Turn raw live rows into a Dataset: text to canonical values, surrogate keys to natural keys.

A live row whose key is a declared one under the live collation takes the declared spelling as its `_key`, so the
diff and every reference join on equal text. The columns themselves keep what the server holds.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from reconcile.dataset import DUPLICATE, ID, KEY, UNRESOLVED, Dataset, dependency_order, key_text, repeats_key
from reconcile.errors import Finding, ReconcileError, Severity
from reconcile.live.collation import BINARY, Collation, Weigh, fold
from reconcile.live.read import RawTable
from reconcile.spec import Column, Owner, TableSpec
from reconcile.values import Json, PolymorphicReference, Reference, Text, dump_json, parse, text

_FOLDED = "_folded"
_TARGET_KEY = "_target_key"

CollationOf = Callable[[str, str], Collation]
"""Which collation a live (table, column) compares by."""


@dataclass(frozen=True, slots=True)
class LiveState:
    """The live rows, and what was odd about them (duplicate keys, values that cannot be read)."""

    dataset: Dataset
    findings: tuple[Finding, ...]


def resolve(
    raw: Mapping[str, RawTable], desired: Mapping[str, pl.DataFrame], collation_of: CollationOf, weigh: Weigh
) -> LiveState:
    """
    Resolve raw tables; *desired* gives the declared frames whose keys are matched, where there are any.

    Of several live rows with one natural key the one with the lowest surrogate key stands for it; the others get
    keys of their own and are reported. A reference to a row that is not there becomes `\\#` and its number.

    Raises:
        ReconcileError: two declared keys are one row under the live collation.

    """
    specs = {name: table.spec for name, table in raw.items()}
    order, _ = dependency_order(specs)
    frames: dict[str, pl.DataFrame] = {}
    keys: dict[str, pl.DataFrame] = {}
    findings: list[Finding] = []
    for name in order:
        spec, rows = specs[name], raw[name].rows
        frame, unreadable = _typed(spec, rows)
        findings += unreadable
        for column in spec.columns:
            if column.name in spec.key and column.name in frame.columns:
                frame = _resolve_column(frame, column, keys)
        frame = _with_key(spec, frame, desired.get(name), collation_of, weigh)
        findings += _duplicates(spec, frame)
        keys[name] = frame.select(pl.col(ID).cast(pl.String), KEY)
        frames[name] = frame
    for name in order:
        for column in specs[name].columns:
            if column.name not in specs[name].key and column.name in frames[name].columns:
                frames[name] = _resolve_column(frames[name], column, keys)
    return LiveState(Dataset(specs, frames), tuple(findings))


def _typed(spec: TableSpec, rows: pl.DataFrame) -> tuple[pl.DataFrame, list[Finding]]:
    columns = [column for column in spec.columns if column.name in rows.columns]
    frame = rows.select(
        pl.col(spec.surrogate_key).cast(pl.Int64).alias(ID),
        *(
            parse(column.kind, pl.col(column.name)).alias(column.name)
            for column in columns
            if column.owner is not Owner.SERVER
        ),
    )
    findings = []
    for column in columns:
        if column.owner is Owner.SERVER or frame[column.name].null_count() == rows[column.name].null_count():
            continue
        lost = rows.filter(frame[column.name].is_null() & rows[column.name].is_not_null())
        findings.append(
            Finding(
                what="a live value cannot be read as its column's type and is taken as null",
                where=f"{spec.name}.{column.name}, {spec.surrogate_key} {lost[spec.surrogate_key][0]}",
                why=f"{lost[column.name][0]!r} in {lost.height} rows",
                fix="correct the rows, or let a reset overwrite them",
                severity=Severity.WARNING,
            )
        )
    return frame, findings


def _resolve_column(frame: pl.DataFrame, column: Column, keys: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    match column.kind:
        case Reference(table):
            return _replace_ids(frame, column.name, keys.get(table))
        case PolymorphicReference(discriminator, tables):
            if discriminator not in frame.columns:
                return _replace_ids(frame, column.name, None)
            parts = [(value, table) for value, table in tables if table in keys]
            known = pl.col(discriminator).is_in([value for value, _ in parts])
            numbered = frame.with_row_index("_row")
            pieces = [
                _replace_ids(numbered.filter(pl.col(discriminator) == value), column.name, keys[table])
                for value, table in parts
            ]
            rest = _replace_ids(numbered.filter(~known.fill_null(False)), column.name, None)
            return pl.concat([*pieces, rest]).sort("_row").drop("_row")
        case Json(references) if references and frame.height:
            return _replace_json_ids(frame, column.name, references, keys)
        case _:
            return frame


def _replace_ids(frame: pl.DataFrame, name: str, target: pl.DataFrame | None) -> pl.DataFrame:
    unresolved = pl.lit(UNRESOLVED) + pl.col(name)
    if target is None:
        return frame.with_columns(unresolved.alias(name))
    found = target.rename({ID: name, KEY: _TARGET_KEY})
    return (
        frame.join(found, on=name, how="left", maintain_order="left")
        .with_columns(pl.coalesce(_TARGET_KEY, unresolved).alias(name))
        .drop(_TARGET_KEY)
    )


def _replace_json_ids(
    frame: pl.DataFrame, name: str, references: tuple[tuple[str, str], ...], keys: Mapping[str, pl.DataFrame]
) -> pl.DataFrame:
    names = {
        member: dict(keys[table].select(ID, KEY).iter_rows()) if table in keys else {} for member, table in references
    }

    def translate(value: object) -> object:
        match value:
            case list():
                return [translate(item) for item in value]
            case dict():
                return {
                    member: names[member].get(str(item), f"{UNRESOLVED}{item}")
                    if member in names and isinstance(item, int)
                    else translate(item)
                    for member, item in value.items()
                }
            case _:
                return value

    def document(source: str) -> str:
        try:
            return dump_json(translate(json.loads(source)))
        except ValueError:
            return source

    return frame.with_columns(pl.col(name).map_elements(document, return_dtype=pl.String))


def _with_key(
    spec: TableSpec, frame: pl.DataFrame, desired: pl.DataFrame | None, collation_of: CollationOf, weigh: Weigh
) -> pl.DataFrame:
    by_id = (pl.lit(UNRESOLVED) + pl.col(ID).cast(pl.String)).alias(KEY)
    if not spec.key or any(name not in frame.columns for name in spec.key):
        return frame.with_columns(by_id)
    live_parts = frame.select(text(spec.column(name).kind, pl.col(name)).alias(name) for name in spec.key)
    own_key = key_text([pl.col(name) for name in spec.key])
    parts = live_parts
    if desired is not None:
        declared = desired.select(text(spec.column(name).kind, pl.col(name)).alias(name) for name in spec.key)
        parts = pl.concat([live_parts, declared])
    folded = parts.with_columns(
        fold(collation_of(spec.name, name), parts[name], weigh).alias(name)
        for name in spec.key
        if isinstance(spec.column(name).kind, Text) and collation_of(spec.name, name) is not BINARY
    ).select(own_key.alias(_FOLDED))[_FOLDED]
    frame = frame.with_columns(live_parts.select(own_key.alias(KEY))[KEY], folded.head(frame.height))
    if desired is not None:
        frame = _take_declared_spelling(spec, frame, desired[KEY], folded.tail(desired.height))
    own_number = pl.lit(DUPLICATE) + pl.col(ID).cast(pl.String)
    is_repeated = pl.col(ID) != pl.col(ID).min().over(_FOLDED)
    return frame.with_columns(
        pl.when(is_repeated).then(pl.col(KEY) + own_number).otherwise(pl.col(KEY)).alias(KEY)
    ).drop(_FOLDED)


def _take_declared_spelling(
    spec: TableSpec, frame: pl.DataFrame, declared: pl.Series, folded: pl.Series
) -> pl.DataFrame:
    names = pl.DataFrame({_FOLDED: folded, _TARGET_KEY: declared})
    clash = names.filter(pl.col(_FOLDED).is_duplicated())
    if clash.height:
        raise ReconcileError(
            [
                Finding(
                    what="two declared rows are one row under the live collation",
                    where=f"table {spec.name}",
                    why=", ".join(clash[_TARGET_KEY].head(4).to_list()),
                    fix="spell the declared keys so that they differ in more than case, accents or trailing space",
                )
            ]
        )
    return (
        frame.join(names, on=_FOLDED, how="left", maintain_order="left")
        .with_columns(pl.coalesce(_TARGET_KEY, KEY).alias(KEY))
        .drop(_TARGET_KEY)
    )


def _duplicates(spec: TableSpec, frame: pl.DataFrame) -> list[Finding]:
    if not spec.key:
        return []
    repeated = frame.filter(repeats_key())
    if repeated.is_empty():
        return []
    return [
        Finding(
            what="live rows share a natural key",
            where=f"table {spec.name}, {', '.join(repeated[KEY].head(3).to_list())}",
            why=f"{repeated.height} rows repeat a key ({', '.join(spec.key)}) that an older row has",
            fix="merge the rows; until then the oldest one stands for the key",
            severity=Severity.WARNING,
        )
    ]
