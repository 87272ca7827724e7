"""How much of each table a plan touches, and how much it may touch unasked."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from reconcile.dataset import ID, KEY, Dataset
from reconcile.decide import EMPTYING
from reconcile.diff import ACTION, BEFORE, CHANGED, REASON, Action, Reason
from reconcile.errors import Finding
from reconcile.limits import DEFAULT, Limit, Limits, percent
from reconcile.plan import Cascade, Plan, Radius, Touched
from reconcile.spec import Column, TableSpec
from reconcile.table_plan import TablePlan
from reconcile.values import Reference


def measure(plan: Plan, live: Dataset, now: datetime) -> Radius:
    """Give what *plan* does to the rows of *live*, which it was made from; tables that lose nothing are left out."""
    tables = [
        Touched(part.spec.name, part.counts[Action.UPDATE], part.counts[Action.DELETE], rows, newest(part, live))
        for part, rows in _changed(plan, live)
    ]
    return Radius(now, tuple(tables), tuple(cascades(plan)))


def _changed(plan: Plan, live: Dataset) -> Iterator[tuple[TablePlan, int]]:
    """Give the parts that update or delete, each with the number of rows that its table has."""
    for part in plan.tables:
        if part.counts[Action.UPDATE] or part.counts[Action.DELETE]:
            yield part, live[part.spec.name].height if part.spec.name in live else 0


def newest(part: TablePlan, live: Dataset) -> datetime | None:
    """Give the latest time in the columns that say when a row was made or changed."""
    if part.spec.name not in live:
        return None
    frame = live[part.spec.name]
    clocks = [column.name for column in part.spec.columns if column.is_clock_default or column.is_clock_on_update]
    latest = [frame[name].max() for name in clocks if name in frame.columns]
    return max((moment for moment in latest if isinstance(moment, datetime)), default=None)


def cascades(plan: Plan) -> Iterator[Cascade]:
    """Give which deletes of *plan* bring which of its other changes with them; each of those counts once."""
    left = {part.spec.name: part.rows.filter(pl.col(REASON) == Reason.DEPENDENT) for part in plan.tables}
    for parent in (part for part in plan.tables if part.counts[Action.DELETE]):
        deleted = parent.of(Action.DELETE)[KEY]
        for spec, column in _referring(plan, parent.spec.name):
            rows = left[spec.name]
            refers = pl.col(BEFORE).struct.field(column.name).is_in(deleted.implode())
            loses = (pl.col(ACTION) == Action.UPDATE) & pl.col(CHANGED).list.contains(column.name)
            hit = rows.filter(refers & (loses | (pl.col(ACTION) == Action.DELETE)))
            left[spec.name] = rows.join(hit, on=ID, how="anti")
            for action, count in hit.group_by(ACTION, maintain_order=True).len().iter_rows():
                goes = action == Action.DELETE
                own = count if goes and spec is parent.spec else 0
                yield Cascade(parent.spec.name, len(deleted) - own, spec.name, column.name, count, goes)


def _referring(plan: Plan, parent: str) -> Iterator[tuple[TableSpec, Column]]:
    """Give the columns of the plan's tables that refer to *parent*."""
    for part in plan.tables:
        for column in part.spec.columns:
            match column.kind:
                case Reference(table) if table == parent:
                    yield part.spec, column
                case _:
                    pass


def refuse_radius(plan: Plan, limits: Limits) -> list[Finding]:
    """
    Refuse to update or delete more of a table's rows than *limits* allow; every such table is named.

    Where a limit is not given it is 30 % of a table above 10 rows, and none for a reset or a clear. A row that is
    created never counts, and neither does one that an earlier run created and had still to finish.
    """
    if plan.radius is None:
        raise ValueError("nobody has measured what the plan does")
    unasked = None if plan.mode in EMPTYING else DEFAULT
    rows = {touched.table: touched.rows for touched in plan.radius.tables}
    changed = [part for part in plan.tables if part.spec.name in rows]
    findings: list[Finding] = []
    for action, given in ((Action.UPDATE, limits.update), (Action.DELETE, limits.delete)):
        touched = [_Count(part.spec.name, _overwritten(part, action), rows[part.spec.name]) for part in changed]
        findings += _refusals(action, given or unasked, touched, is_given=given is not None)
    return findings


def _overwritten(part: TablePlan, action: Action) -> int:
    counted = (pl.col(ACTION) == action) & (pl.col(REASON) != Reason.UNFINISHED)
    return sum(piece.select(counted.sum()).item() for piece in part.pieces()) if part.counts[action] else 0


@dataclass(frozen=True, slots=True)
class _Count:
    table: str
    touched: int
    rows: int


def _refusals(action: Action, limit: Limit | None, counts: Sequence[_Count], *, is_given: bool) -> list[Finding]:
    """Say which of *counts* the limit does not allow, and what value of its flag would allow them all."""
    over = [count for count in counts if limit is not None and not limit.allows(count.touched, count.rows)]
    if limit is None or not over:
        return []
    flag = f"--max-{action.value}"
    enough = max(math.ceil(percent(c.touched, c.rows)) if limit.is_percent else c.touched for c in over)
    allowing = f"{flag} {Limit(enough, limit.is_percent)}"
    return [
        Finding(
            what=f"{count.touched:,} of {count.rows:,} rows of {count.table} would be {action.value}d "
            f"({percent(count.touched, count.rows):.1f}%)",
            where=f"table {count.table}",
            why=f"that is more than {flag} {limit}" + ("" if is_given else ", which holds unless another is given"),
            fix=f"review the plan; {allowing} allows it" + (" for every table listed" if len(over) > 1 else ""),
        )
        for count in over
    ]
