"""Can this run at all: the desired columns against the live schema, every finding at once, each with a near name."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches

import polars as pl

from reconcile import values
from reconcile.dataset import KEY, Dataset
from reconcile.errors import Finding
from reconcile.live.introspect import LiveColumn, LiveSchema
from reconcile.spec import Column, Owner, TableSpec
from reconcile.values import Kind

TEXT_TYPES = {"varchar", "char", "text", "tinytext", "mediumtext", "longtext"}
TEXT_LENGTHS = {"tinytext": 255, "text": 65_535, "mediumtext": 16_777_215, "longtext": 4_294_967_295}
INTEGER_TYPES = {"int", "integer", "bigint", "mediumint", "smallint", "tinyint"}
_FIRST_MOMENT, _LAST_MOMENT = datetime(1970, 1, 1, 0, 0, 1), datetime(2038, 1, 19, 3, 14, 7)
INTEGER_BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32}
"""Bits of the whole-number types, sign included; one more holds what is unsigned. The others have 64."""


def check_schema(specs: Iterable[TableSpec], schema: LiveSchema, desired: Dataset) -> list[Finding]:
    """
    Compare what *specs* need with what the live schema has.

    Returns:
        One finding per table or column that is missing, of another type, too short, without an enumeration value
        or NOT NULL without a value; empty when every desired row can be stored as it is.

    """
    findings: list[Finding] = []
    for spec in specs:
        live = schema.tables.get(spec.name)
        if live is None:
            findings.append(
                Finding(
                    what=f"table {spec.name} is missing",
                    where="the live schema",
                    why=_nearest(spec.name, schema.tables),
                    fix="bring the schema up to date, or create the tables with `reconcile schema create`",
                )
            )
            continue
        for column in spec.columns:
            findings += _check_column(spec, column, live)
        findings += _values_missing(spec, live, desired)
    return findings


def check_rows(desired: Dataset) -> list[Finding]:
    """
    Find desired values that their columns cannot hold: another type, a value no enumeration lists, too long, too
    large, or outside what TIMESTAMP holds.

    Nulls, references and unique values are `dataset.check`'s. Source: MySQL manual, "The DATE, DATETIME, and
    TIMESTAMP Types".
    """
    findings: list[Finding] = []
    for name, frame in desired.frames.items():
        spec = desired.specs[name]
        schema = frame.schema
        typed = [column for column in spec.declared if schema[column.name] == values.dtype(column.kind)]
        if len(typed) < len(spec.declared):
            for column in (column for column in spec.declared if column not in typed):
                why = f"{schema[column.name]} instead of {values.dtype(column.kind)}"
                findings.append(_wrong_value(spec, column, "has values of another type", why))
        for column in _not_fitting(frame, typed):
            wrong = frame.filter(_does_not_fit(column.kind, frame[column.name]))
            why = f"{wrong.height} rows, first [{wrong[KEY][0]}] {wrong[column.name][0]!r}"
            findings.append(_wrong_value(spec, column, "cannot hold its values", why))
    return findings


def _not_fitting(frame: pl.DataFrame, columns: Sequence[Column]) -> list[Column]:
    """Give the columns that hold a value which does not fit, told by their extremes: the longest, the smallest."""
    lengths = {
        column.name: measure for column in columns if (measure := _length(column.kind, pl.col(column.name))) is not None
    }
    longest = frame.select(measure.max() for measure in lengths.values()).row(0, named=True) if lengths else {}
    return [column for column in columns if not _fits(column.kind, frame[column.name], longest.get(column.name))]


def _fits(kind: Kind, cells: pl.Series, longest: int | None) -> bool:
    match kind:
        case values.Enumeration(allowed):
            return set(cells.unique()) <= {None, *allowed}
        case values.Text(max_length):
            return longest is None or longest <= (max_length or TEXT_LENGTHS["text"])
        case values.Integer() | values.Timestamp():
            return not _does_not_fit(kind, pl.Series([cells.min(), cells.max()], dtype=cells.dtype)).any()
        case _:
            return True


def _length(kind: Kind, cell: pl.Expr) -> pl.Expr | None:
    """Give what counts of a text: its characters where the column counts those, else its bytes."""
    match kind:
        case values.Text(None):
            return cell.str.len_bytes()
        case values.Text():
            return cell.str.len_chars()
        case _:
            return None


def _does_not_fit(kind: Kind, cells: pl.Series) -> pl.Series:
    """Say of each cell whether its column cannot hold it."""
    match kind:
        case values.Enumeration(allowed):
            return cells.is_in(list(allowed)).not_()
        case values.Text(int(length)):
            return cells.str.len_chars() > length
        case values.Text(None):
            return cells.str.len_bytes() > TEXT_LENGTHS["text"]
        case values.Integer(bits):
            limit = 1 << (bits - 1)
            return (cells > limit - 1) | (cells < -limit)
        case values.Timestamp():
            return (cells < _FIRST_MOMENT) | (cells > _LAST_MOMENT)
        case _:
            return pl.Series([False]).new_from_index(0, len(cells))


def _wrong_value(spec: TableSpec, column: Column, what: str, why: str) -> Finding:
    return Finding(
        what=f"desired column {spec.name}.{column.name} {what}",
        where=f"the desired rows of step {spec.step}",
        why=why,
        fix="correct the desired state; this is a fault of the package, not of the database",
    )


def _check_column(spec: TableSpec, column: Column, live: Mapping[str, LiveColumn]) -> Iterator[Finding]:
    where = f"{spec.name}.{column.name}"
    found = live.get(column.name)
    if found is None:
        undeclared = set(live) - {declared.name for declared in spec.columns}
        yield Finding(
            what=f"column {where} is missing",
            where=f"table {spec.name} in the live schema",
            why=_nearest(column.name, sorted(undeclared) or live),
            fix="bring the schema up to date, or use the version of reconcile that fits it",
        )
        return
    for what, why in _mismatches(column.kind, found):
        yield Finding(
            what=f"column {where} {what}",
            where=f"table {spec.name} in the live schema",
            why=why,
            fix="bring the schema up to date, or use the version of reconcile that fits it",
        )


def _nearest(name: str, live: Iterable[str]) -> str:
    lowered = {candidate.lower(): candidate for candidate in live}
    near = get_close_matches(name.lower(), lowered, n=1, cutoff=0.5)
    return f"the nearest live name is {lowered[near[0]]}" if near else "the live schema has no similar name"


def _mismatches(kind: Kind, live: LiveColumn) -> Iterator[tuple[str, str]]:
    """Say in (what, why) pairs how a live column falls short of a kind."""
    described = live.data_type if live.length is None else f"{live.data_type}({live.length})"
    if live.data_type not in _accepted(kind):
        yield "has the wrong type", f"live it is {described}, needed is one of {', '.join(sorted(_accepted(kind)))}"
        return
    match kind:
        case values.Text(max_length) | values.Secret(max_length) | values.TextReference(max_length=max_length):
            length = max_length or TEXT_LENGTHS["text"]
            live_length = TEXT_LENGTHS.get(live.data_type, live.length)
            if live_length is not None and live_length < length:
                yield "is too short", f"live it holds {live_length} characters, needed are {length}"
        case values.Decimal(precision, scale):
            if live.precision is not None and live.scale is not None:
                digits = live.precision - live.scale
                if digits < precision - scale or live.scale < scale:
                    live_type = f"decimal({live.precision},{live.scale})"
                    yield "is too short", f"live it is {live_type}, needed is decimal({precision},{scale})"
                elif live.scale > scale:
                    yield "has the wrong type", f"live it has {live.scale} decimal places, needed are {scale}"
        case values.Enumeration(allowed):
            missing = sorted(set(allowed) - set(live.allowed or allowed))
            if missing:
                yield f"does not allow {', '.join(missing)}", f"live it allows {', '.join(live.allowed or ())}"
            longest = max(map(len, allowed))
            if live.data_type == "varchar" and live.length is not None and live.length < longest:
                yield "is too short", f"live it holds {live.length} characters, needed are {longest}"
        case values.Integer(bits) if bits > INTEGER_BITS.get(live.data_type, 64) + ("unsigned" in live.column_type):
            yield "is too short", f"live it is {live.data_type}, needed are {bits} bits"
        case _:
            pass


def is_readable(kind: Kind, live: LiveColumn) -> bool:
    """Say whether what a live column holds can be read as *kind*, long enough or not."""
    return live.data_type in _accepted(kind)


def _accepted(kind: Kind) -> set[str]:
    match kind:
        case values.Integer() | values.Reference() | values.PolymorphicReference():
            return INTEGER_TYPES
        case values.Boolean():
            return INTEGER_TYPES | {"boolean"}
        case values.Decimal():
            return {"decimal"}
        case values.Text(None):
            return {"text", "mediumtext", "longtext"}
        case values.Text() | values.Secret() | values.TextReference():
            return TEXT_TYPES
        case values.Date():
            return {"date"}
        case values.Timestamp():
            return {"timestamp", "datetime"}
        case values.Enumeration():
            return {"enum", "varchar"}
        case values.Json():
            return {"json", "longtext"}


def _values_missing(spec: TableSpec, live: Mapping[str, LiveColumn], desired: Dataset) -> Iterator[Finding]:
    """Find NOT NULL columns that the desired rows would leave without a value."""
    frame = desired.frames.get(spec.name)
    if frame is None or frame.is_empty():
        return
    declared = {column.name: column for column in spec.columns if column.owner is not Owner.SERVER}
    nulls = frame.null_count().row(0, named=True)
    for name, column in live.items():
        if column.nullable or name == spec.surrogate_key:
            continue
        if name in declared:
            missing = nulls[name]
            why = f"{missing} desired rows have no value for it"
        elif column.has_default:
            continue
        else:
            missing, why = frame.height, "it has no default and reconcile does not know it"
        if missing:
            yield Finding(
                what=f"column {spec.name}.{name} is NOT NULL and gets no value",
                where=f"table {spec.name} in the live schema",
                why=why,
                fix="give the column a default or make it nullable, or use the version of reconcile that fits",
            )
