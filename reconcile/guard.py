"""What a plan may not do unasked. Takes facts, gives findings; a plan with findings is refused."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from reconcile.dataset import KEY
from reconcile.diff import BEFORE, Action
from reconcile.errors import Finding
from reconcile.plan import Plan
from reconcile.values import Reference

NO_FOREIGN_KEY = "NO FOREIGN KEY"


@dataclass(frozen=True, slots=True)
class Dependents:
    """Rows outside a plan that point to rows it deletes, and what the schema would do to them."""

    table: str
    column: str
    parent: str
    rows: int
    on_delete: str


def refuse_dependents(dependents: Sequence[Dependents]) -> list[Finding]:
    """Refuse deletes that would cascade to, blank or leave dangling rows that the plan does not name."""
    effects = {
        "CASCADE": "would be deleted with them",
        "SET NULL": "would lose the reference",
        NO_FOREIGN_KEY: "would refer to nothing",
    }
    return [
        Finding(
            what=f"{found.rows} rows of {found.table} depend on {found.parent} rows to be deleted",
            where=f"{found.table}.{found.column}",
            why=f"they {effects.get(found.on_delete, 'keep the server from deleting')}; they are not in the plan",
            fix=f"remove or move those rows, keep the {found.parent} rows with --no-clear, or leave {found.parent} out",
        )
        for found in dependents
    ]


def dependents_in_plan(plan: Plan) -> list[Dependents]:
    """Count rows of the plan's own tables that stay as they are although a row they point to is deleted."""
    deleted = {table.spec.name: table.of(Action.DELETE)[KEY] for table in plan.tables}
    found: list[Dependents] = []
    for table in plan.tables:
        staying = table.of(Action.SKIP).filter(pl.col(BEFORE).is_not_null())
        for column in table.spec.columns:
            match column.kind:
                case Reference(target, on_delete) if target in deleted and len(deleted[target]):
                    cell = pl.col(BEFORE).struct.field(column.name)
                    rows = staying.filter(cell.is_in(deleted[target].implode())).height
                    if rows:
                        found.append(
                            Dependents(table.spec.name, column.name, target, rows, on_delete or NO_FOREIGN_KEY)
                        )
    return found
