"""Drift: the differences a plan found, each labelled by who moved, and whether it counts.

Three sides are compared: live, desired, and the rows as the journal says that runs last left them. Knows no file, no
clock and no database.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import polars as pl

from reconcile.acceptance import Acceptance
from reconcile.dataset import KEY
from reconcile.decide import Mode
from reconcile.diff import ACTION, AFTER, BEFORE, CHANGED, REASON, Action, Reason
from reconcile.errors import Finding
from reconcile.plan import Plan
from reconcile.spec import Column, TableSpec
from reconcile.table_plan import TablePlan
from reconcile.values import SET, Secret

LABEL, MOVER, STANDING, ACCEPTED_BY, FIRST_SEEN = "label", "moved_by", "standing", "accepted_by", "first_seen"
_BASE, _HAS_BASE = "_base", "_has_base"


class Label(StrEnum):
    """What kind of drift a row is."""

    CHANGED_LIVE = "changed live"
    CHANGED_DESIRED = "changed in the desired state"
    BOTH = "both"
    CHANGED = "changed"
    """Changed, and not known by whom: the journal does not know the row."""
    MISSING = "missing"
    EXTRA = "extra"
    SCHEMA_MOVED = "schema moved"


class Mover(StrEnum):
    """Who moved since the last run that touched the row."""

    LIVE = "live"
    DESIRED = "desired state"
    BOTH = "both"
    UNKNOWN = "not known"


class Standing(StrEnum):
    """Whether a difference counts: open ones do, accepted ones and those that a top-up leaves do not."""

    OPEN = "open"
    ACCEPTED = "accepted"
    LEFT = "left"


_CHANGED_BY = {
    Mover.LIVE: Label.CHANGED_LIVE,
    Mover.DESIRED: Label.CHANGED_DESIRED,
    Mover.BOTH: Label.BOTH,
    Mover.UNKNOWN: Label.CHANGED,
}


@dataclass(frozen=True, slots=True)
class Base:
    """
    The third side: rows as runs last left them.

    `frames` have per table the declared columns and `_key`; `deleted` the keys whose newest record is a delete;
    `fingerprints` are those of the desired rows of the last run. All empty where there is no journal.
    """

    frames: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    deleted: Mapping[str, pl.Series] = field(default_factory=dict)
    fingerprints: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SchemaMove:
    """One way in which the live schema of *table* is not what the desired rows need."""

    table: str
    finding: Finding
    standing: Standing = Standing.OPEN
    accepted_by: Acceptance | None = None
    first_seen: datetime | None = None


@dataclass(frozen=True, slots=True)
class Drift:
    """
    All differences of one comparison: `plan` has the drifting rows alone.

    Its rows have besides those of a plan `label`, `moved_by`, `standing`, `accepted_by` (a place in `acceptances`, or
    null) and `first_seen` (null without a history). `not_compared` names the tables that the live schema does not let
    compare; `expired` and `unused` are acceptances that are over, or that nothing needs.
    """

    plan: Plan
    schema: tuple[SchemaMove, ...] = ()
    not_compared: tuple[str, ...] = ()
    acceptances: tuple[Acceptance, ...] = ()
    expired: tuple[Acceptance, ...] = ()
    unused: tuple[Acceptance, ...] = ()

    def rows(self, standing: Standing) -> int:
        """Count the rows of one standing."""
        return sum(table.rows.filter(pl.col(STANDING) == standing).height for table in self.plan.tables)

    def moves(self, standing: Standing) -> int:
        """Count the schema's findings of one standing."""
        return sum(move.standing is standing for move in self.schema)

    @property
    def is_open(self) -> bool:
        """True when something counts."""
        return bool(self.rows(Standing.OPEN) or self.moves(Standing.OPEN))

    def counts(self, standing: Standing = Standing.OPEN) -> dict[tuple[str, Label], int]:
        """Count the rows of one standing by table and label."""
        return {
            (table.spec.name, Label(label)): rows
            for table in self.plan.tables
            for label, rows in table.rows.filter(pl.col(STANDING) == standing)
            .group_by(LABEL, maintain_order=True)
            .len()
            .iter_rows()
        }

    @property
    def oldest(self) -> datetime | None:
        """When the oldest difference that counts was first seen; None without a history or without any."""
        seen = [
            first
            for table in self.plan.tables
            for first in table.rows.filter(pl.col(STANDING) == Standing.OPEN)[FIRST_SEEN].drop_nulls()
        ]
        seen += [move.first_seen for move in self.schema if move.first_seen and move.standing is Standing.OPEN]
        return min(seen, default=None)


def labelled(plan: Plan, base: Base) -> tuple[TablePlan, ...]:
    """
    Give the drift of each table of *plan*: what it would write, and in a top-up what it leaves although it differs.

    A live row that others added and a top-up keeps is no drift, nor is what a reset does not manage.
    """
    return tuple(_label(table, plan, base) for table in plan.tables)


def _label(table: TablePlan, plan: Plan, base: Base) -> TablePlan:
    name = table.spec.name
    is_unmoved = name in base.fingerprints and base.fingerprints[name] == plan.fingerprints.get(name)
    rows = _with_base(table.rows.filter(_is_drift(plan.mode)), table.spec, base)
    mover = _mover(table.spec, rows.columns, is_unmoved=is_unmoved)
    rows = rows.with_columns(mover.alias(MOVER)).drop(_BASE, _HAS_BASE, "_was_deleted", strict=False)
    return TablePlan(
        table.spec,
        rows.with_columns(
            _label_of().alias(LABEL),
            pl.when(pl.col(ACTION) == Action.SKIP)
            .then(pl.lit(Standing.LEFT.value))
            .otherwise(pl.lit(Standing.OPEN.value))
            .alias(STANDING),
            pl.lit(None, dtype=pl.Int64).alias(ACCEPTED_BY),
            pl.lit(None, dtype=pl.Datetime("us")).alias(FIRST_SEEN),
        ),
        table.counts,
        table.kept_by_step,
    )


def _is_drift(mode: Mode) -> pl.Expr:
    is_written = pl.col(ACTION) != Action.SKIP
    if mode is not Mode.TOP_UP:
        return is_written
    return is_written | pl.col(REASON).is_in([Reason.MISSING, Reason.DIFFERS])


def _with_base(rows: pl.DataFrame, spec: TableSpec, base: Base) -> pl.DataFrame:
    """Add each row as a run last left it, and whether a run deleted it."""
    deleted = base.deleted.get(spec.name, pl.Series(dtype=pl.String))
    rows = rows.with_columns(pl.col(KEY).is_in(deleted.implode()).alias("_was_deleted"))
    known = base.frames.get(spec.name)
    if known is None:
        return rows.with_columns(pl.lit(value=False).alias(_HAS_BASE))
    cells = pl.struct(column.name for column in spec.declared if column.name in known.columns)
    last = known.select(KEY, cells.alias(_BASE), pl.lit(value=True).alias(_HAS_BASE))
    return rows.join(last, on=KEY, how="left", maintain_order="left").with_columns(
        pl.col(_HAS_BASE).fill_null(value=False)
    )


def _mover(spec: TableSpec, present: Iterable[str], *, is_unmoved: bool) -> pl.Expr:
    """
    Say per row who moved since a run last left it.

    Where the desired rows of the table are those of the last run (*is_unmoved*), it was not the desired state, unless
    the live row is as that run left it. What a gap rule asks of a row follows from other live rows, so it is never the
    desired state that moved.
    """
    if _BASE not in present:
        live_moved = desired_moved = pl.lit(value=False)
    else:
        live_moved, desired_moved = (_moved(spec, side) for side in (BEFORE, AFTER))
    unrecorded = pl.lit(Mover.LIVE.value if is_unmoved else Mover.UNKNOWN.value)
    desired_too = desired_moved & pl.lit(value=not is_unmoved)
    is_missing, is_extra = pl.col(BEFORE).is_null(), pl.col(AFTER).is_null()
    return (
        pl.when(pl.col("_was_deleted") & is_missing)
        .then(pl.lit(Mover.DESIRED.value))
        .when(pl.col("_was_deleted") & is_extra)
        .then(pl.lit(Mover.LIVE.value))
        .when(pl.col("_was_deleted"))
        .then(pl.lit(Mover.BOTH.value))
        .when((pl.col(REASON) == Reason.GAP) & ~is_missing & pl.col(_HAS_BASE) & live_moved)
        .then(pl.lit(Mover.LIVE.value))
        .when(~pl.col(_HAS_BASE) | ((pl.col(REASON) == Reason.GAP) & ~is_missing))
        .then(unrecorded)
        .when(is_missing)
        .then(_named(live=pl.lit(value=True), desired=desired_too))
        .when(is_extra)
        .then(_named(live=live_moved, desired=pl.lit(value=True)))
        .otherwise(_named(live=live_moved, desired=desired_too))
    )


def _named(*, live: pl.Expr, desired: pl.Expr) -> pl.Expr:
    return (
        pl.when(live & desired)
        .then(pl.lit(Mover.BOTH.value))
        .when(live)
        .then(pl.lit(Mover.LIVE.value))
        .otherwise(pl.lit(Mover.DESIRED.value))
    )


def _moved(spec: TableSpec, side: str) -> pl.Expr:
    """Say per row whether *side* is not as a run left it: for an update in the columns that differ now, else in any."""
    return pl.any_horizontal(
        pl.lit(value=False),
        *(
            ((pl.col(CHANGED).list.len() == 0) | pl.col(CHANGED).list.contains(column.name))
            & _cell(column, side).ne_missing(_cell(column, _BASE))
            for column in spec.managed
        ),
    )


def _cell(column: Column, side: str) -> pl.Expr:
    """Give a cell to compare; of a secret nothing is known but whether there is one."""
    cell = pl.col(side).struct.field(column.name)
    return pl.when(cell.is_not_null()).then(pl.lit(SET)) if isinstance(column.kind, Secret) else cell


def _label_of() -> pl.Expr:
    changed = pl.col(MOVER).replace_strict(
        [mover.value for mover in _CHANGED_BY], [label.value for label in _CHANGED_BY.values()], return_dtype=pl.String
    )
    return (
        pl.when(pl.col(BEFORE).is_null())
        .then(pl.lit(Label.MISSING.value))
        .when(pl.col(AFTER).is_null())
        .then(pl.lit(Label.EXTRA.value))
        .otherwise(changed)
    )
