"""Whether a plan made earlier still holds: each row that it would change, held against a plan made now."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from reconcile.dataset import ID, KEY, Dataset
from reconcile.diff import ACTION, AFTER, BEFORE, CHANGED, WHY, Action
from reconcile.errors import Finding
from reconcile.plan import Plan
from reconcile.render.cells import cell, visible
from reconcile.spec import Column, TableSpec
from reconcile.table_plan import TablePlan

_LONGEST_CELL = 60
_NEW = "_new"
_NUMBER = "_number"
_LIVE = "_live"

Cells = Mapping[str, object]
Row = Mapping[str, Any]


def moved_rows(plan: Plan, fresh: Plan, live: Dataset) -> list[Finding]:
    """
    List every row that *plan* would change and *fresh*, made now of the *live* rows, would change otherwise or not.

    Rows that only *fresh* would change are none of *plan*'s business.
    """
    now = {part.spec.name: part for part in fresh.tables}
    findings: list[Finding] = []
    first = 1
    for part in plan.tables:
        rows = part.rows.filter(pl.col(ACTION) != Action.SKIP).with_row_index(_NUMBER, first)
        first += rows.height
        moved = _moved(part.spec, rows, now.get(part.spec.name))
        for row in _with_live(part.spec, moved, live).iter_rows(named=True):
            what, why = _told(part.spec, row)
            where = f"change {row[_NUMBER]:,} of {plan.written:,}, {plan.target}"
            findings.append(Finding(f"the plan is stale: {what}", where, why, _FIX))
    return findings


_FIX = "run `reconcile plan --out FILE` again and review the new plan"


def _moved(spec: TableSpec, rows: pl.DataFrame, now: TablePlan | None) -> pl.DataFrame:
    """Give the planned rows of which a plan made now says something else, as the columns that end in `_new` have it."""
    said = [ID, ACTION, CHANGED, BEFORE, AFTER, WHY]
    fresh = (rows.drop(_NUMBER).clear() if now is None else now.rows).select(KEY, *said)
    joined = rows.join(fresh, on=KEY, how="left", suffix=_NEW)
    differs = [pl.col(name).ne_missing(pl.col(f"{name}{_NEW}")) for name in (ID, ACTION)]
    differs.append(pl.col(CHANGED).list.join(",").ne_missing(pl.col(f"{CHANGED}{_NEW}").list.join(",")))
    is_create = pl.col(ACTION) == Action.CREATE
    for column in spec.declared:
        # What the server or the application owns may move once the row exists.
        is_compared = pl.lit(value=True) if column in spec.managed else is_create
        differs += [
            is_compared & _cell(side, column).ne_missing(_cell(f"{side}{_NEW}", column)) for side in (BEFORE, AFTER)
        ]
    return joined.filter(pl.any_horizontal(differs))


def _cell(side: str, column: Column) -> pl.Expr:
    return pl.col(side).struct.field(column.name)


def _with_live(spec: TableSpec, rows: pl.DataFrame, live: Dataset) -> pl.DataFrame:
    """
    Add each row as it is now: the one with its surrogate key or, for a create, the one with its natural key.

    A table that a plan made now had no reason to read is taken to be as it was.
    """
    if spec.name not in live:
        return rows.with_columns(pl.col(BEFORE).alias(_LIVE))
    frame = live[spec.name]
    cells = pl.struct(column.name for column in spec.declared if column.name in frame.columns).alias(_LIVE)
    new, old = rows.filter(pl.col(ID).is_null()), rows.filter(pl.col(ID).is_not_null())
    found = [
        new.join(frame.select(KEY, cells), on=KEY, how="left"),
        old.join(frame.select(ID, cells), on=ID, how="left"),
    ]
    return pl.concat(found).sort(_NUMBER)


def _told(spec: TableSpec, row: Row) -> tuple[str, str]:
    """Say of a row that moved what happened to it and how."""
    name = f"{spec.name} [{visible(str(row[KEY]))}]"
    before, found = row[BEFORE], row[_LIVE]
    if not isinstance(before, dict):
        if found is not None:
            return f"{name} was created after the plan was made", "planned to be created, now it is there"
        return f"{name} would be created otherwise", "; ".join(_otherwise(spec, row))
    if found is None:
        return f"{name} was deleted after the plan was made", f"planned to {row[ACTION]} it, now it is not there"
    changed = [c for c in spec.managed if c.name in found and before[c.name] != found[c.name]]
    if changed:
        named = f"{name}.{changed[0].name}" if len(changed) == 1 else name
        told = [f"planned from {_shown(column, before)}, now {_shown(column, found)}" for column in changed]
        if len(changed) > 1:
            told = [f"{column.name} {said}" for column, said in zip(changed, told, strict=True)]
        return f"{named} changed after the plan was made", "; ".join(told)
    return f"{name} would be treated otherwise", "; ".join(_otherwise(spec, row))


def _otherwise(spec: TableSpec, row: Row) -> Iterator[str]:
    """Say what a plan made now does with a row that itself has not moved."""
    action, after, now = row[f"{ACTION}{_NEW}"], row[AFTER], row[f"{AFTER}{_NEW}"]
    if action is None:
        yield f"planned to {row[ACTION]} it, a plan made now leaves it as it is"
    elif action != row[ACTION]:
        yield f"planned to {row[ACTION]} it, a plan made now says {action}: {row[f'{WHY}{_NEW}']}"
    elif isinstance(after, dict) and isinstance(now, dict):
        for column in spec.declared:
            if after[column.name] != now[column.name]:
                yield f"{column.name}: planned to become {_shown(column, after)}, now {_shown(column, now)}"


def _shown(column: Column, cells: Cells) -> str:
    shown = visible(json.dumps(cell(column.kind, cells[column.name]), ensure_ascii=False))
    return shown if len(shown) <= _LONGEST_CELL else shown[: _LONGEST_CELL - 1] + "…"
