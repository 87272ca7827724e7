"""The plan file: a plan and what it was made for, as lines of JSON that give the same plan back, bit for bit.

Line one is the header, then one line per planned row, cells in their exact text form; the last line is the SHA-256 of
all before it. Secrets are in it by name only, as in the plan. Knows lines, not files.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import chain, count, groupby, islice
from typing import TYPE_CHECKING, Any, BinaryIO, get_args

import polars as pl

from reconcile.dataset import ID, KEY, STEP
from reconcile.decide import Mode
from reconcile.diff import ACTION, AFTER, BEFORE, CHANGED, REASON, WHY, Action
from reconcile.errors import Finding, ReconcileError
from reconcile.origin import Origin
from reconcile.plan import Plan, Radius
from reconcile.spec import Profile, Step, TableSpec
from reconcile.spool import Spool
from reconcile.table_plan import TablePlan
from reconcile.values import Kind, parse, text

if TYPE_CHECKING:
    from pydantic import TypeAdapter

FORMAT = "reconcile plan"
FORMAT_VERSION = "1.0"
_FIRST_BYTES = f'{{"format":"{FORMAT}","format_version":"'.encode()
_ROWS_AT_ONCE = 10_000
_LONGEST_VERSION = 20
_KINDS = {kind.__name__: kind for kind in get_args(Kind)}
_ROW = {
    KEY: pl.String(), ID: pl.Int64(), STEP: pl.String(), ACTION: pl.String(), REASON: pl.String(),
    CHANGED: pl.List(pl.String()),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A plan and where it comes from."""

    plan: Plan
    origin: Origin


@dataclass(frozen=True, slots=True)
class _Part:
    """One table of the header; its rows are lines of their own."""

    spec: TableSpec
    counts: Mapping[Action, int]
    kept_by_step: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Header:
    """All of a plan but its rows; sets are sorted, so that equal plans give equal files."""

    plan_id: str
    checksum: str
    target: str
    engine: str
    state: str
    mode: Mode
    profile: Profile
    steps: tuple[Step, ...]
    chosen: tuple[str, ...]
    left_out: Mapping[str, str]
    fingerprints: Mapping[str, str]
    findings: tuple[Finding, ...]
    deferred: tuple[tuple[str, str], ...]
    radius: Radius | None
    tables: tuple[_Part, ...]
    origin: Origin


@cache
def _adapter() -> "TypeAdapter[_Header]":
    from pydantic import TypeAdapter

    return TypeAdapter(_Header)


def dump(saved: SavedPlan) -> Iterator[bytes]:
    """Give the file line by line; a plan's rows never stand in memory a second time."""
    digest, lines = hashlib.sha256(), 0
    for line in chain([_header_line(saved)], _row_lines(saved.plan)):
        digest.update(line)
        lines += 1
        yield line
    yield _last_line(lines - 1, digest.hexdigest())


def _row_lines(plan: Plan) -> Iterator[bytes]:
    for table in plan.tables:
        for part in (part for piece in table.pieces() for part in piece.iter_slices(_ROWS_AT_ONCE)):
            for row in _as_text(table.spec, part).iter_rows(named=True):
                yield _line({"table": table.spec.name} | {name.lstrip("_"): cell for name, cell in row.items()})


def _line(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _last_line(rows: int, digest: str) -> bytes:
    return _line({"rows": rows, "sha256": digest})


def _header_line(saved: SavedPlan) -> bytes:
    plan = saved.plan
    checksum = plan.checksum
    header = _Header(
        plan_id=checksum[:12],
        checksum=checksum,
        target=plan.target,
        engine=plan.engine,
        state=plan.state,
        mode=plan.mode,
        profile=plan.profile,
        steps=plan.steps,
        chosen=tuple(sorted(plan.chosen)),
        left_out=plan.left_out,
        fingerprints=plan.fingerprints,
        findings=plan.findings,
        deferred=tuple(sorted(plan.deferred)),
        radius=plan.radius,
        tables=tuple(_Part(part.spec, part.counts, part.kept_by_step) for part in plan.tables),
        origin=saved.origin,
    )
    document = _adapter().dump_python(header, mode="json")
    for part, told in zip(plan.tables, document["tables"], strict=True):
        for column, told_column in zip(part.spec.columns, told["spec"]["columns"], strict=True):
            # Kinds differ by their class alone, which JSON does not have.
            told_column["kind"] = {"is": type(column.kind).__name__} | told_column["kind"]
    return _line({"format": FORMAT, "format_version": FORMAT_VERSION} | document)


def _as_text(spec: TableSpec, rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(*_ROW, WHY, *(_side(spec, side, text) for side in (BEFORE, AFTER)))


def _as_typed(spec: TableSpec, rows: Sequence[Mapping[str, object]]) -> pl.DataFrame:
    cells = pl.Struct({column.name: pl.String() for column in spec.declared})
    schema = _ROW | {BEFORE: cells, AFTER: cells, WHY: pl.String()}
    names = [name.lstrip("_") for name in schema]
    frame = pl.DataFrame([[row[name] for name in names] for row in rows], schema=schema, orient="row")
    return frame.select(*_ROW, *(_side(spec, side, parse) for side in (BEFORE, AFTER)), WHY)


def _side(spec: TableSpec, side: str, turn: Callable[[Kind, pl.Expr], pl.Expr]) -> pl.Expr:
    """Turn the cells of one side of each row; a row without that side has none afterwards either."""
    cells = pl.struct(
        turn(column.kind, pl.col(side).struct.field(column.name)).alias(column.name) for column in spec.declared
    )
    return pl.when(pl.col(side).is_not_null()).then(cells).alias(side)


def load_origin(file: BinaryIO, name: str) -> Origin:
    """Read what a plan file was made by and for; it is refused as `load` would refuse it, but for what its rows are."""
    _check(file, name)
    file.seek(0)
    with _readable(name):
        return _header(json.loads(next(file))).origin


def load(file: BinaryIO, name: str) -> SavedPlan:
    """
    Read a whole plan file, called *name* in what people are told. It is read twice: the first time for its digest.

    Raises:
        ReconcileError: no plan file, one of another format, or not every byte as it was written; exit code 1.

    """
    rows = _check(file, name)
    file.seek(0)
    with _readable(name):
        return _parse(_header(json.loads(next(file))), islice(file, rows))


@contextmanager
def _readable(name: str) -> Iterator[None]:
    """Say of a file whose digest is right, and whose content is none of ours, that it is no plan."""
    try:
        yield
    except (ValueError, TypeError, KeyError, AttributeError, StopIteration, pl.exceptions.PolarsError) as error:
        raise _unusable(name, "it cannot be read as a plan", _CHANGED) from error


_CHANGED = "its content is not what `reconcile plan --out` wrote"


def _check(file: BinaryIO, name: str) -> int:
    """Hold the bytes against the digest in the last line, and give the number of rows."""
    start = file.read(len(_FIRST_BYTES))
    if start != _FIRST_BYTES:
        raise _unusable(name, "it is no plan file" if start else "it is empty", "it does not begin as a plan file does")
    version, _, _ = file.read(_LONGEST_VERSION).partition(b'"')
    if version != FORMAT_VERSION.encode():
        told = version.decode(errors="replace")
        raise _unusable(name, "its format is another", f"it says {told!r}, this version reads {FORMAT_VERSION!r}")
    file.seek(0)
    digest, lines, last = hashlib.sha256(), 0, b""
    for line in file:
        digest.update(last)
        last, lines = line, lines + 1
    rows = lines - 2
    if rows < 0 or last != _last_line(rows, digest.hexdigest()):
        is_whole = last.startswith(b'{"rows":') and last.endswith(b"}\n")
        raise _unusable(name, "it was edited or damaged" if is_whole else "it is cut off or damaged", _CHANGED)
    return rows


def _header(document: dict[str, Any]) -> _Header:
    for table in document["tables"]:
        for column in table["spec"]["columns"]:
            kind = _KINDS[column["kind"].pop("is")]
            column["kind"] = kind(**{name: _as_tuple(value) for name, value in column["kind"].items()})
    return _adapter().validate_python(document)


def _parse(header: _Header, lines: Iterable[bytes]) -> SavedPlan:
    specs = {part.spec.name: part.spec for part in header.tables}
    rows = {name: Spool(_as_typed(spec, [])) for name, spec in specs.items()}
    number = count()
    for name, of_table in groupby(map(json.loads, lines), key=lambda row: str(row["table"])):
        while some := list(islice(of_table, _ROWS_AT_ONCE)):
            rows[name].put(next(number), _as_typed(specs[name], some))
    plan = Plan(
        state=header.state,
        target=header.target,
        engine=header.engine,
        mode=header.mode,
        profile=header.profile,
        steps=header.steps,
        chosen=frozenset(header.chosen),
        tables=tuple(
            TablePlan(part.spec, rows[part.spec.name], part.counts, part.kept_by_step) for part in header.tables
        ),
        deferred=frozenset(header.deferred),
        fingerprints=header.fingerprints,
        findings=header.findings,
        left_out=header.left_out,
        radius=header.radius,
    )
    if plan.checksum != header.checksum or any(part.counted() != part.counts for part in plan.tables):
        raise ValueError("the rows are not those that the header counts")
    return SavedPlan(plan, header.origin)


def _as_tuple(value: object) -> object:
    """Give a value of JSON as the field of a kind holds it: lists are tuples, however deep."""
    return tuple(map(_as_tuple, value)) if isinstance(value, list) else value


def _unusable(name: str, what: str, why: str) -> ReconcileError:
    return ReconcileError(
        [
            Finding(
                what=f"the plan file cannot be used: {what}",
                where=name,
                why=why,
                fix="make a new one with `reconcile plan --out FILE`; nothing was read or written",
            )
        ]
    )
