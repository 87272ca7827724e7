"""The plan: a diff under a mode and the tables' policies, in the order it is carried out. A plan is data.

It says everything apply will do and why; nothing that made it (flags, clocks) reaches apply any other way.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase

import polars as pl

from reconcile.dataset import KEY, Dataset, dependency_order, line_text
from reconcile.diff import ACTION, AFTER, BEFORE, CHANGED, REASON, Action, Reason, TableDiff, counts
from reconcile.errors import ExitCode, Finding, ReconcileError
from reconcile.spec import Policy, Profile, Step, TableSpec
from reconcile.values import Json, Kind, PolymorphicReference, Reference, Text

WHY = "why"


class Mode(StrEnum):
    """
    What a run may do to rows that exist: a reset makes the managed tables exactly as declared, a top-up only adds.
    """

    RESET = "reset"
    TOP_UP = "top-up"


@dataclass(frozen=True, slots=True)
class TablePlan:
    """
    One table's part: `rows` as in `TableDiff` plus `why`, a sentence; how many each action has, and `kept`, how many
    live rows are as declared.
    """

    spec: TableSpec
    rows: pl.DataFrame
    counts: Mapping[Action, int]
    kept: int

    def of(self, action: Action) -> pl.DataFrame:
        """The rows of one action."""
        return self.rows.filter(pl.col(ACTION) == action)


@dataclass(frozen=True, slots=True)
class Plan:
    """
    Everything one run will do: `tables` parents first, `deferred` the reference columns set after the creates.

    `fingerprints` are those of the desired tables, "" the whole; `findings` are warnings about the live rows that
    the plan was made from.
    """

    state: str
    target: str
    engine: str
    mode: Mode
    profile: Profile
    steps: tuple[Step, ...]
    tables: tuple[TablePlan, ...]
    deferred: frozenset[tuple[str, str]]
    fingerprints: Mapping[str, str]
    findings: tuple[Finding, ...] = ()

    @property
    def written(self) -> int:
        """How many rows would be created, updated or deleted."""
        return sum(rows for action, rows in self.totals.items() if action is not Action.SKIP)

    @property
    def is_empty(self) -> bool:
        """True when nothing would be written."""
        return not self.written

    @property
    def totals(self) -> Mapping[Action, int]:
        """How many rows each action has in all tables."""
        return {action: sum(table.counts[action] for table in self.tables) for action in Action}

    @property
    def kept(self) -> int:
        """How many live rows are as declared."""
        return sum(table.kept for table in self.tables)

    @property
    def checksum(self) -> str:
        """SHA-256 of what will be done, hexadecimal: equal plans have equal checksums on every machine."""
        digest = hashlib.sha256(f"{self.state}\n{self.mode}\n".encode())
        for table in sorted(self.tables, key=lambda table: table.spec.name):
            digest.update(f"{table.spec.name}\n".encode())
            digest.update("\n".join(_lines(table)).encode())
        return digest.hexdigest()


def _lines(table: TablePlan) -> Iterator[str]:
    names = (pl.col(KEY), pl.col(ACTION), pl.col(CHANGED).list.join(","))
    head: list[tuple[Kind, pl.Expr]] = [(Text(), name) for name in names]
    sides = {Action.CREATE: [AFTER], Action.UPDATE: [BEFORE, AFTER], Action.DELETE: [BEFORE]}
    for action, told in sides.items():
        cells = [
            (column.kind, pl.col(side).struct.field(column.name)) for side in told for column in table.spec.declared
        ]
        rows = table.of(action)
        if rows.height:
            yield from rows.select(line_text(head + cells)).to_series()


@dataclass(frozen=True, slots=True)
class Selection:
    """Which tables a run is about: step ids and table name patterns, in and out; empty means all."""

    steps: tuple[str, ...] = ()
    skipped_steps: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    excluded_tables: tuple[str, ...] = ()

    @property
    def is_everything(self) -> bool:
        """True when nothing is left out."""
        return not (self.steps or self.skipped_steps or self.tables or self.excluded_tables)


def select(selection: Selection, steps: Sequence[Step], specs: Iterable[TableSpec]) -> tuple[str, ...]:
    """
    Give the names of the tables that *selection* leaves, in the order of *specs*.

    Raises:
        ReconcileError: a step or a pattern that names nothing; exit code 64, all of them at once.

    """
    known = {step.id for step in steps}
    names = {spec.name: spec.step for spec in specs}
    findings = [
        Finding(
            what=f"there is no step {step!r}",
            where="--step or --skip",
            why=f"the steps are {', '.join(step.id for step in steps)}",
            fix="use one of them",
        )
        for step in (*selection.steps, *selection.skipped_steps)
        if step not in known
    ]
    findings += [
        Finding(
            what=f"no table matches {pattern!r}",
            where="--table or --exclude-table",
            why="patterns are compared with the names of the managed tables, * stands for anything",
            fix="see the names with `reconcile query tables`",
        )
        for pattern in (*selection.tables, *selection.excluded_tables)
        if not any(fnmatchcase(name, pattern) for name in names)
    ]
    if findings:
        raise ReconcileError(findings, ExitCode.USAGE)
    return tuple(
        name
        for name, step in names.items()
        if (not selection.steps or step in selection.steps)
        and step not in selection.skipped_steps
        and (not selection.tables or any(fnmatchcase(name, p) for p in selection.tables))
        and not any(fnmatchcase(name, p) for p in selection.excluded_tables)
    )


def make(  # one argument per fact the plan states
    *,
    state: str,
    target: str,
    engine: str,
    mode: Mode,
    profile: Profile,
    steps: tuple[Step, ...],
    diffs: Mapping[str, TableDiff],
    fingerprints: Mapping[str, str],
    findings: tuple[Finding, ...] = (),
) -> Plan:
    """Make a plan of *diffs*: what the mode and the policies do not allow becomes a skip that says why."""
    order, deferred = dependency_order({name: table.spec for name, table in diffs.items()})
    return Plan(
        state=state,
        target=target,
        engine=engine,
        mode=mode,
        profile=profile,
        steps=steps,
        tables=tuple(decide(diffs[name], mode) for name in order),
        deferred=deferred,
        fingerprints=fingerprints,
        findings=findings,
    )


def decide(table: TableDiff, mode: Mode) -> TablePlan:
    """Turn one table's differences into changes and skips."""
    spec = table.spec
    verdicts = {
        Reason.MISSING: (Action.CREATE, "declared and not in the database"),
        Reason.DIFFERS: (Action.UPDATE, "the live row differs from the declared one"),
        Reason.NOT_DECLARED: (Action.DELETE, "in the database and not declared"),
        Reason.DUPLICATE: (Action.DELETE, "repeats the key of an older row"),
    }
    if mode is Mode.TOP_UP:
        verdicts[Reason.DIFFERS] = (Action.SKIP, "a top-up changes no existing row")
        verdicts[Reason.NOT_DECLARED] = (Action.SKIP, "a top-up deletes no row")
        verdicts[Reason.DUPLICATE] = (Action.SKIP, "a top-up deletes no row")
    elif not spec.prunes:
        verdicts[Reason.NOT_DECLARED] = (Action.SKIP, f"{spec.name} keeps the rows of others")
        verdicts[Reason.DUPLICATE] = (Action.SKIP, f"{spec.name} keeps the rows of others")
    if spec.policy is Policy.CREATE_ONLY:
        verdicts[Reason.DIFFERS] = (Action.SKIP, f"{spec.name} rows are created and never changed")
    if spec.policy is Policy.READ_ONLY:
        verdicts = dict.fromkeys(Reason, (Action.SKIP, f"{spec.name} is only read"))
    reasons = list(verdicts)
    rows = table.rows.with_columns(
        pl.col(REASON)
        .replace_strict(reasons, [action for action, _ in verdicts.values()], return_dtype=pl.String)
        .alias(ACTION),
        pl.col(REASON)
        .replace_strict(reasons, [why for _, why in verdicts.values()], return_dtype=pl.String)
        .alias(WHY),
    )
    return TablePlan(spec, rows, counts(rows), table.kept)


def unmet_references(plan: Plan, live: Dataset) -> list[Finding]:
    """
    Find references of rows to be written that neither the live tables nor the plan's own creates can meet.

    That happens when a run leaves a table out that its rows need; one finding per reference column.
    """
    planned = {table.spec.name: table for table in plan.tables}
    findings: list[Finding] = []
    for table in plan.tables:
        rows = table.rows.filter(pl.col(ACTION).is_in([Action.CREATE, Action.UPDATE])).select(KEY, AFTER)
        for column, target in table.spec.references():
            if rows.is_empty() or isinstance(column.kind, Json):
                continue
            wanted = pl.col(AFTER).struct.field(column.name)
            needed = rows.filter(wanted.is_not_null())
            match column.kind:
                case PolymorphicReference(discriminator, tables):
                    selected = [value for value, name in tables if name == target]
                    needed = needed.filter(pl.col(AFTER).struct.field(discriminator).is_in(selected))
                case Reference():
                    pass
            there = [live.frames[target][KEY]] if target in live else []
            if target in planned:
                there.append(planned[target].of(Action.CREATE)[KEY])
            present = pl.concat(there) if there else pl.Series(KEY, [], dtype=pl.String)
            unmet = needed.filter(~wanted.is_in(present.implode()))
            if unmet.height:
                first = unmet.select(wanted).to_series()[0]
                findings.append(
                    Finding(
                        what=f"{unmet.height} rows refer to rows of {target} that do not exist",
                        where=f"{table.spec.name}.{column.name}, first {unmet[KEY][0]} → {first}",
                        why=f"{target} is not part of this run and the database does not have them",
                        fix=f"include {target} (drop --table, --exclude-table, --step or --skip), or apply it first",
                    )
                )
    return findings


def taken_values(plan: Plan, live: Dataset) -> list[Finding]:
    """
    Find unique values that a row to be written would share with a row that stays: the server would refuse it.

    Only keys besides the natural one are looked at; a null shares its value with nobody.
    """
    findings: list[Finding] = []
    for table in plan.tables:
        for unique in table.spec.unique:
            changes = table.rows.filter(pl.col(ACTION) != Action.SKIP)
            if unique == table.spec.key or changes.is_empty() or table.spec.name not in live:
                continue
            stays = live[table.spec.name].join(changes, on=KEY, how="anti").select(KEY, *unique)
            written = (
                changes.filter(pl.col(ACTION) != Action.DELETE)
                .select(KEY, *(pl.col(AFTER).struct.field(name) for name in unique))
                .drop_nulls(unique)
            )
            clash = written.join(stays, on=list(unique), how="inner", suffix="_holder")
            findings += [
                Finding(
                    what="a unique value is taken by another row",
                    where=f"{table.spec.name} ({', '.join(unique)})",
                    why=f"{row[KEY]} needs the value that {row[f'{KEY}_holder']} has",
                    fix="change or remove the other row, or run a reset",
                )
                for row in clash.iter_rows(named=True)
            ]
    return findings


def only(plan: Plan, actions: Iterable[Action]) -> Plan:
    """Give the plan with the rows of *actions* alone, for display; it still counts them all."""
    wanted = list(actions)
    return replace(
        plan,
        tables=tuple(replace(table, rows=table.rows.filter(pl.col(ACTION).is_in(wanted))) for table in plan.tables),
    )
