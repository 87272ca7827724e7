"""What a plan may not do unasked. Takes facts, gives findings; a plan with findings is refused."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from reconcile.dataset import ID, KEY, Dataset
from reconcile.decide import Mode
from reconcile.diff import ACTION, Action
from reconcile.errors import Finding
from reconcile.plan import Cascade, Plan
from reconcile.state import Access
from reconcile.values import Reference

NO_FOREIGN_KEY = "NO FOREIGN KEY"
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Dependents:
    """Rows outside a plan that point to rows it deletes, and what the schema would do to them."""

    table: str
    column: str
    parent: str
    rows: int
    on_delete: str


def refuse_dependents(
    dependents: Sequence[Dependents], mode: Mode = Mode.RESET, cascades: Sequence[Cascade] = ()
) -> list[Finding]:
    """
    Refuse deletes that would cascade to, blank or leave dangling rows that the plan does not name.

    *cascades* are all that those deletes would bring with them; each finding tells its own part of them.
    """
    effects = {
        "CASCADE": "would be deleted with them",
        "SET NULL": "would lose the reference",
        NO_FOREIGN_KEY: "would refer to nothing",
    }
    return [
        Finding(
            what=f"{found.rows} rows of {found.table} depend on {found.parent} rows to be deleted",
            where=f"{found.table}.{found.column}",
            why=f"they {effects.get(found.on_delete, 'keep the server from deleting')}; they are not in the plan"
            + "".join(f"; {cascade}" for cascade in _brought(found, cascades)),
            fix="remove or move those rows, let them go with --allow-cascade, "
            + (f"keep the {found.parent} rows with --no-clear, " if mode is Mode.RESET else "")
            + f"or leave {found.parent} out",
        )
        for found in dependents
    ]


def _brought(found: Dependents, cascades: Sequence[Cascade]) -> Iterator[Cascade]:
    """Give what a dependent row's going brings with it, near or far, that row's own going first."""
    reached = [c for c in cascades if (c.parent, c.table, c.column) == (found.parent, found.table, found.column)]
    told: list[Cascade] = []
    while reached:
        cascade = reached.pop(0)
        if cascade not in told:
            told.append(cascade)
            reached += [c for c in cascades if cascade.goes and c.parent == cascade.table]
    yield from told


def dependents_in_plan(plan: Plan, live: Dataset) -> list[Dependents]:
    """Count live rows of the plan's own tables that stay as they are although a row they point to is deleted."""
    deleted = {table.spec.name: table.of(Action.DELETE)[KEY] for table in plan.tables if table.counts[Action.DELETE]}
    found: list[Dependents] = []
    if not deleted:
        return found
    for table in plan.tables:
        if table.spec.name not in live:
            continue
        going = table.rows.filter(pl.col(ACTION).is_in([Action.DELETE, Action.UPDATE])).select(ID)
        staying = live[table.spec.name].join(going, on=ID, how="anti")
        for column in table.spec.columns:
            match column.kind:
                case Reference(target, on_delete) if target in deleted and column.name in staying.columns:
                    rows = staying.filter(pl.col(column.name).is_in(deleted[target].implode())).height
                    if rows:
                        found.append(
                            Dependents(table.spec.name, column.name, target, rows, on_delete or NO_FOREIGN_KEY)
                        )
    return found


def refuse_lockout(access: Access, before: Dataset, after: Dataset) -> list[Finding]:
    """Refuse what leaves nobody to administer a system that somebody administers now."""
    had = access.administrators(before)
    if had.is_empty() or len(access.administrators(after)):
        return []
    losses = access.effects(before, after).filter(pl.col("loses").list.len() > 0)
    grants = [f"{role} loses {_some(names)}" for role, names in losses.select("role", "loses").iter_rows()]
    return [
        Finding(
            what="nobody would be left who can administer the system",
            where=f"{_some(had.to_list())} can now",
            why="; ".join(grants) or "their accounts, or the roles that they hold, would change",
            fix="give somebody a declared role that administers, or keep what there is with "
            "`reconcile rbac --mode add-only` or --no-clear",
        )
    ]


def _some(names: Sequence[str]) -> str:
    hidden = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {hidden:,} more" if hidden > 0 else "")
