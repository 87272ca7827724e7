"""`reconcile init`: write a package that declares a desired state, taken from a live schema. Changes no database."""

import importlib.util
import json
import keyword
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
from sqlalchemy import Connection

from reconcile.checks.preflight import check_rows, check_schema
from reconcile.cli.options import InitOptions
from reconcile.cli.output import Output
from reconcile.cli.session import Session, require_database
from reconcile.cli.version import TOOL_VERSION
from reconcile.dataset import UNRESOLVED, Dataset, check, conform
from reconcile.errors import ExitCode, Finding, ReconcileError, Severity
from reconcile.live.cleared import filled_tables
from reconcile.live.connect import snapshot
from reconcile.live.derive import derive
from reconcile.live.hashes import hide_hashes
from reconcile.live.introspect import LiveSchema, LiveTable, describe
from reconcile.live.state import count_rows, read_state
from reconcile.render.json import FORMAT_VERSION
from reconcile.render.package import STEP, Package, secret_name, sources
from reconcile.selection import Selection, select
from reconcile.spec import Owner, Policy, Step, TableSpec
from reconcile.state import DesiredState
from reconcile.values import Secret

MOST_ROWS = 1_000
"""Rows per table that are written down; more of them are better computed."""

MOST_PLACES = 5
"""Places that one remark lists."""

STATE = DesiredState("none", (), {}, lambda _profile: Dataset({}, {}), ())
"""What `init` starts from: no tables."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken from the database, and what could not be."""

    package: Package
    findings: tuple[Finding, ...]


def run(options: InitOptions, session: Session, output: Output) -> ExitCode:
    """Write the package into the current folder, all of it or nothing."""
    _refuse_name(options.package)
    folder = Path.cwd() / options.package
    _refuse_existing(folder)
    require_database(session)
    with snapshot(session.target, session.engine) as connection:
        taken = take(connection, options)
    write(folder, sources(taken.package))
    output.findings(merged(taken.findings))
    output.result(_report(taken, options.format))
    return ExitCode.OK


def take(connection: Connection, options: InitOptions) -> Taken:
    """
    Derive the specs of the chosen tables and, where asked, read their rows.

    Raises:
        ReconcileError: no such table (exit code 64), too many rows to write down, or rows that contradict themselves.

    """
    tables = describe(connection)
    chosen = _chosen(tables, options)
    derived = derive(tables, STEP)
    specs = _with_parents(derived.specs, chosen)
    if not specs:
        raise ReconcileError([finding for name in chosen for finding in derived.findings[name]])
    specs = hide_hashes(connection, specs)
    schema = LiveSchema({name: table.columns for name, table in tables.items()})
    managed = [name for name, spec in specs.items() if spec.policy is not Policy.READ_ONLY]
    filled = filled_tables(connection, managed)
    frames, findings = _rows(connection, specs, schema, filled) if options.rows else ({}, ())
    declared = Dataset(specs, frames)
    _stop_on([*check_schema(specs.values(), schema, declared), *check(declared), *check_rows(declared)])
    package = Package(options.package, specs, frames, filled)
    remarks = [finding for name, found in derived.findings.items() if name in {*specs, *chosen} for finding in found]
    return Taken(package, (*remarks, *findings))


def _chosen(tables: Mapping[str, LiveTable], options: InitOptions) -> tuple[str, ...]:
    """Give the names of the tables that the patterns leave."""
    selection = Selection(tables=tuple(options.table), excluded_tables=tuple(options.exclude_table))
    chosen = select(selection, (Step(STEP, STEP),), {name: {STEP} for name in tables}).tables
    if not chosen:
        finding = Finding(
            what="no table is left",
            where="--table and --exclude-table" if tables else "the database",
            why=f"the database has {len(tables)} tables",
            fix="exclude fewer tables" if tables else "check that the target is the database that you mean",
        )
        raise ReconcileError([finding], ExitCode.USAGE if tables else ExitCode.ERROR)
    return chosen


def _with_parents(specs: Mapping[str, TableSpec], chosen: Collection[str]) -> dict[str, TableSpec]:
    """Give the specs of the chosen tables, and of all that they refer to, near or far, to be read only."""
    found: set[str] = set()
    waiting = [name for name in chosen if name in specs]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [parent for _, parent in specs[name].references() if parent in specs]
    return {
        name: spec if name in chosen else replace(spec, policy=Policy.READ_ONLY)
        for name, spec in specs.items()
        if name in found
    }


def _rows(
    connection: Connection, specs: Mapping[str, TableSpec], schema: LiveSchema, filled: Collection[str]
) -> tuple[dict[str, pl.DataFrame], tuple[Finding, ...]]:
    """Read the rows of the *filled* tables as they would be declared; of the tables they refer to, only the keys."""
    _stop_on([_too_many(name, rows) for name, rows in count_rows(connection, filled).items() if rows > MOST_ROWS])
    read = {name: spec if name in filled else _keys_only(spec) for name, spec in specs.items()}
    live = read_state(connection, read, schema, {})
    frames = {name: _declared(specs[name], live.dataset[name]) for name in filled}
    return frames, (*live.findings, *_by_number(specs, frames))


def _by_number(specs: Mapping[str, TableSpec], frames: Mapping[str, pl.DataFrame]) -> Iterator[Finding]:
    """Say which references are surrogate keys still, because their target has no natural key."""
    for name, frame in frames.items():
        for column, parent in specs[name].references():
            rows = frame[column.name].str.starts_with(UNRESOLVED).sum()
            if rows:
                yield Finding(
                    what=f"rows are declared to refer to rows of {parent} by number",
                    where=f"{name}.{column.name}, {rows:,} rows",
                    why=f"{parent} has no natural key; in another database the number is another row's",
                    fix=f"give {parent} a key in tables.py and write its rows' keys here",
                    severity=Severity.WARNING,
                )


def _keys_only(spec: TableSpec) -> TableSpec:
    kept = {spec.surrogate_key, *spec.key, spec.soft_delete}
    return replace(spec, columns=tuple(column for column in spec.columns if column.name in kept))


def _declared(spec: TableSpec, live: pl.DataFrame) -> pl.DataFrame:
    """Give live rows in the form of declared ones: a secret that must be there is its name, another one is not told."""
    secrets = [
        pl.lit(None if column.nullable else secret_name(spec, column), dtype=pl.String).alias(column.name)
        for column in spec.declared
        if isinstance(column.kind, Secret)
    ]
    names = [column.name for column in spec.columns if column.owner is not Owner.SERVER]
    return conform(spec, live.select(names).with_columns(secrets))


def _too_many(table: str, rows: int) -> Finding:
    return Finding(
        what=f"table {table} has too many rows to write them down",
        where="--rows",
        why=f"it has {rows:,} rows, at most {MOST_ROWS:,} are written per table",
        fix=f"leave it out with --exclude-table {table}, choose small tables with --table, or compute its rows",
    )


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """Say once what holds of several places."""
    places: dict[Finding, list[str]] = {}
    for finding in findings:
        places.setdefault(replace(finding, where=""), []).append(finding.where)
    return [replace(finding, where=_listed(where)) for finding, where in places.items()]


def _listed(places: list[str]) -> str:
    hidden = len(places) - MOST_PLACES
    return ", ".join(places[:MOST_PLACES]) + (f" and {hidden} more" if hidden > 0 else "")


def write(folder: Path, files: Mapping[str, str]) -> None:
    """
    Make *folder* with *files*, or nothing.

    Raises:
        ReconcileError: the folder cannot be made; exit code 1.

    """
    try:
        # On the same file system, so that one rename makes it appear whole.
        with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as hidden:
            whole = Path(hidden) / folder.name
            whole.mkdir()
            for name, source in files.items():
                (whole / name).write_text(source, encoding="utf-8", newline="\n")
            whole.rename(folder)
    except OSError as error:
        finding = Finding(
            what="the package cannot be written",
            where=str(folder),
            why=error.strerror or type(error).__name__,
            fix="run the command in a folder that you may write",
        )
        raise ReconcileError([finding]) from error


def _refuse_name(package: str) -> None:
    why = None
    if not package.isidentifier() or keyword.iskeyword(package) or not package.isascii():
        why = "a package is named with letters, digits and _, does not begin with a digit and is no word of Python"
    elif _is_installed(package) and not (Path.cwd() / package).exists():
        why = "an installed package has this name and would be loaded instead"
    if why:
        finding = Finding(
            what=f"{package!r} cannot name the package", where="PACKAGE", why=why, fix="choose another name"
        )
        raise ReconcileError([finding], ExitCode.USAGE)


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ValueError:  # a module that is loaded, but not from a file
        return True


def _refuse_existing(folder: Path) -> None:
    if folder.exists():
        raise ReconcileError(
            [
                Finding(
                    what=f"{folder.name} exists already",
                    where=str(folder),
                    why="init writes a whole package and changes no file",
                    fix="choose another name, or move what is there out of the way",
                )
            ]
        )


def _stop_on(findings: list[Finding]) -> None:
    if findings:
        raise ReconcileError(findings)


def _report(taken: Taken, output_format: str) -> str:
    package = taken.package
    rows = {name: frame.height for name, frame in package.rows.items()}
    read_only = [name for name, spec in package.specs.items() if spec.policy is Policy.READ_ONLY]
    if output_format == "json":
        document = {
            "format_version": FORMAT_VERSION,
            "tool_version": TOOL_VERSION,
            "package": package.name,
            "files": sorted(sources(package)),
            "tables": list(package.specs),
            "read_only": read_only,
            "rows": rows,
        }
        return json.dumps(document, ensure_ascii=False, indent=2)
    managed = len(package.specs) - len(read_only)
    return "\n".join(
        [
            f"Wrote {package.name}: managed tables {managed}, only read {len(read_only)}, rows {sum(rows.values()):,}.",
            f"  {package.name}/__init__.py  steps, tables, rows and rules as one STATE",
            f"  {package.name}/tables.py    every column; `prunes` and `policy` say what may happen to rows",
            f"  {package.name}/rows.py      the rows that should be there",
            f"  {package.name}/rules.py     what must hold of them",
            f"Next: `reconcile plan --state {package.name}` compares it with the database"
            + (" and finds nothing to do." if rows else "; declare rows in rows.py."),
        ]
    )
