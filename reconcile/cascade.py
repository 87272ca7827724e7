"""What deletes bring with them: rows that depend on deleted rows become changes of the plan themselves.

The server would delete or blank them by itself, or refuse; here every one of them is a row of the plan that can be
read before and is counted by the guards.
"""

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from reconcile.dataset import ID, KEY, STEP, Dataset, dependency_order
from reconcile.diff import ACTION, AFTER, BEFORE, CHANGED, REASON, WHY, Action, Reason, counts, empty_live
from reconcile.plan import Plan
from reconcile.spec import Column, TableSpec
from reconcile.table_plan import TablePlan
from reconcile.values import Reference, dtype

SET_NULL = "SET NULL"


def cascade(plan: Plan, live: Dataset, specs: Mapping[str, TableSpec]) -> Plan:
    """
    Give *plan* with every live row that depends on a deleted one as a change of its own, near or far.

    *specs* are the tables to look in. A row whose foreign key says SET NULL loses the reference; any other goes.
    """
    parts = {part.spec.name: part for part in plan.tables}
    doomed = {name: part.of(Action.DELETE)[KEY] for name, part in parts.items() if part.counts[Action.DELETE]}
    waiting = list(doomed)
    while waiting:
        parent = waiting.pop()
        for spec in specs.values():
            for column in spec.columns:
                if not _refers(column, parent) or spec.name not in live:
                    continue
                part = parts.get(spec.name) or _nothing(spec)
                found = _dependents(part, live[spec.name], column, parent, doomed[parent])
                if found.is_empty():
                    continue
                parts[spec.name] = _with(part, found)
                if not _loses(column):
                    doomed[spec.name] = parts[spec.name].of(Action.DELETE)[KEY]
                    waiting.append(spec.name)
    order, deferred = dependency_order({name: part.spec for name, part in parts.items()})
    return replace(plan, tables=tuple(parts[name] for name in order), deferred=deferred)


def _refers(column: Column, parent: str) -> bool:
    return isinstance(column.kind, Reference) and column.kind.table == parent


def _loses(column: Column) -> bool:
    return isinstance(column.kind, Reference) and column.kind.on_delete == SET_NULL and column.nullable


def _dependents(part: TablePlan, live: pl.DataFrame, column: Column, parent: str, doomed: pl.Series) -> pl.DataFrame:
    """Give the rows of a table that stay as they are although a row they refer to is deleted, as planned rows."""
    spec = part.spec
    going = part.rows.filter(pl.col(ACTION).is_in([Action.DELETE, Action.UPDATE])).select(ID)
    complete = live.with_columns(
        pl.lit(None, dtype=kind).alias(name)
        for name, kind in empty_live(spec).schema.items()
        if name not in live.columns
    )
    rows = complete.filter(pl.col(column.name).is_in(doomed.implode())).join(going, on=ID, how="anti")
    row = pl.struct(declared.name for declared in spec.declared)
    if _loses(column):
        after = pl.struct(
            pl.lit(None, dtype=dtype(column.kind)).alias(c.name) if c.name == column.name else pl.col(c.name)
            for c in spec.declared
        )
        action, changed = Action.UPDATE, [column.name]
    else:
        after, action, changed = pl.lit(None, dtype=part.rows.schema[AFTER]), Action.DELETE, []
    return rows.select(
        KEY,
        ID,
        pl.lit(spec.step).alias(STEP),
        pl.lit(action.value).alias(ACTION),
        pl.lit(Reason.DEPENDENT.value).alias(REASON),
        pl.lit(changed, dtype=pl.List(pl.String)).alias(CHANGED),
        row.alias(BEFORE),
        after.alias(AFTER),
        pl.format(f"its {column.name} is {parent} {{}}, which goes", column.name).alias(WHY),
    )


def _nothing(spec: TableSpec) -> TablePlan:
    """Give the part of a table that the plan does not have yet."""
    row = pl.Struct({column.name: dtype(column.kind) for column in spec.declared})
    schema = {
        KEY: pl.String(), ID: pl.Int64(), STEP: pl.String(), ACTION: pl.String(), REASON: pl.String(),
        CHANGED: pl.List(pl.String()), BEFORE: row, AFTER: row, WHY: pl.String(),
    }  # fmt: skip
    rows = pl.DataFrame(schema=schema)
    return TablePlan(spec, rows, counts(rows), {})


def _with(part: TablePlan, found: pl.DataFrame) -> TablePlan:
    """Put the dependents in the place of what was said of those rows before; what was kept is kept no more."""
    others = part.rows.join(found, on=ID, how="anti", nulls_equal=False)
    rows = pl.concat([others, found.select(part.rows.columns)]).sort(KEY)
    was_kept = found.height - (part.rows.height - others.height)
    kept = dict(part.kept_by_step)
    if was_kept and part.spec.step in kept:
        kept[part.spec.step] -= was_kept
    return TablePlan(part.spec, rows, counts(rows), kept)
