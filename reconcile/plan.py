"""The plan: what was decided for each table, in the order it is carried out. A plan is data.

It says everything apply will do and why; nothing that made it (flags, clocks) reaches apply any other way.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

import polars as pl

from reconcile.dataset import dependency_order
from reconcile.decide import Goal, Mode
from reconcile.diff import ACTION, Action
from reconcile.errors import Finding
from reconcile.spec import Profile, Step
from reconcile.table_plan import TablePlan


@dataclass(frozen=True, slots=True)
class Touched:
    """How many of a table's `rows` a plan updates and deletes; `newest` is when its youngest row came or changed."""

    table: str
    updates: int
    deletes: int
    rows: int
    newest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cascade:
    """What `deletes` rows of `parent` that go bring with them: `rows` of `table` go too, or lose `column`."""

    parent: str
    deletes: int
    table: str
    column: str
    rows: int
    goes: bool

    def __str__(self) -> str:
        """Say it in a sentence."""
        cause = f"deleting {self.deletes:,} {self.parent}"
        if self.goes:
            return f"{cause} removes {self.rows:,} {self.table}"
        return f"{cause} takes {self.column} from {self.rows:,} {self.table}"


@dataclass(frozen=True, slots=True)
class Radius:
    """What a plan does to rows that exist, as it stood when the plan was made, `at`."""

    at: datetime
    tables: tuple[Touched, ...]
    cascades: tuple[Cascade, ...] = ()


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Why `rows` were not compared one by one: by their checksums they are as they were when that was done, `since`."""

    rows: int
    since: datetime


@dataclass(frozen=True)
class Plan:
    """
    Everything one run will do: `tables` parents first, `deferred` the reference columns set after the creates.

    `steps` are all that the desired state has, `chosen` the ids of those that the run is about. `fingerprints` are
    those of the desired tables, "" the whole; `findings` are warnings about the live rows that the plan was made from,
    `left_out` says why steps that were asked for are no part of it. `radius` is None where nobody has measured it.
    """

    state: str
    target: str
    engine: str
    mode: Mode
    profile: Profile
    steps: tuple[Step, ...]
    chosen: frozenset[str]
    tables: tuple[TablePlan, ...]
    deferred: frozenset[tuple[str, str]]
    fingerprints: Mapping[str, str]
    findings: tuple[Finding, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    radius: Radius | None = None
    unchanged: Unchanged | None = None
    """None where the rows were compared one by one."""

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

    @cached_property
    def checksum(self) -> str:
        """SHA-256 of what will be done, hexadecimal: equal plans have equal checksums on every machine."""
        digest = hashlib.sha256(f"{self.state}\n{self.mode}\n".encode())
        for table in sorted(self.tables, key=lambda table: table.spec.name):
            digest.update(f"{table.spec.name} {table.hexdigest()}\n".encode())
        return digest.hexdigest()


def make(  # one argument per fact the plan states
    *,
    state: str,
    target: str,
    engine: str,
    goal: Goal,
    steps: tuple[Step, ...],
    parts: Mapping[str, TablePlan],
    fingerprints: Mapping[str, str],
    findings: tuple[Finding, ...] = (),
    left_out: Mapping[str, str] | None = None,
) -> Plan:
    """Put the decided *parts* into the order in which they can be carried out."""
    order, deferred = dependency_order({name: part.spec for name, part in parts.items()})
    return Plan(
        state=state,
        target=target,
        engine=engine,
        mode=goal.mode,
        profile=goal.profile,
        steps=steps,
        chosen=goal.steps,
        tables=tuple(parts[name] for name in order),
        deferred=deferred,
        fingerprints=fingerprints,
        findings=findings,
        left_out=left_out or {},
    )


def only(plan: Plan, actions: Iterable[Action]) -> Plan:
    """Give the plan with the rows of *actions* alone, for display; it still counts them all."""
    wanted = list(actions)
    tables = (replace(table, held=_Chosen(table, wanted), told=table.tell()) for table in plan.tables)
    return replace(plan, tables=tuple(tables))


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The rows of a table that have one of *actions*."""

    table: TablePlan
    actions: list[Action]

    @property
    def height(self) -> int:
        return sum(self.table.counts[action] for action in self.actions)

    @property
    def empty(self) -> pl.DataFrame:
        return self.table.empty

    def __iter__(self) -> Iterator[pl.DataFrame]:
        for piece in self.table.pieces():
            yield piece.filter(pl.col(ACTION).is_in(self.actions))
