"""What may be done about each difference: the mode, the tables' policies and the chosen steps decide.

Takes a goal and the live rows, gives each table's changes and skips with a reason a person can read. Must decide
the same again after the write, when nothing may be left to do.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import polars as pl

from reconcile import gaps
from reconcile.dataset import ID, KEY, STEP, Dataset
from reconcile.diff import (
    ACTION,
    AFTER,
    BEFORE,
    CHANGED,
    REASON,
    WHY,
    Action,
    Reason,
    TableDiff,
    counts,
    diff,
    empty_live,
    none_decided,
)
from reconcile.finish import finish
from reconcile.spec import Policy, Profile, TableSpec
from reconcile.state import GapRule
from reconcile.table_plan import TablePlan
from reconcile.values import Reference
from reconcile.withhold import withhold

_LONGEST_CHAIN = 20
"""How often a top-up looks at its own result; each pass lets in what hung on the one before."""


class Mode(StrEnum):
    """
    What a run may do to rows that exist.

    A reset makes the managed tables exactly as declared; a top-up adds what is missing and fills gaps; add-only adds
    what is missing and nothing else; exact makes the declared rows and their parts exactly as declared and leaves the
    rows of others alone. A clear deletes what a reset with nothing declared would. A rollback is about no declared
    row: it takes back what an earlier run did.
    """

    RESET = "reset"
    TOP_UP = "top-up"
    ADD_ONLY = "add-only"
    EXACT = "exact"
    CLEAR = "clear"
    ROLLBACK = "rollback"


EMPTYING = frozenset({Mode.RESET, Mode.CLEAR})
"""The modes that delete what is not declared from the tables that prune."""

_ADDING = {Mode.TOP_UP: "a top-up", Mode.ADD_ONLY: "add-only"}
"""The modes that only add, and what they are called in a sentence."""


@dataclass(frozen=True, slots=True)
class Goal:
    """
    What a run wants, besides the live rows all that decides its plan: the declared rows, the tables and steps it is
    about, the mode, and the gap rules with the profile they need. `unfinished` are, by table, the keys of rows that a
    run created which stopped between two batches.
    """

    desired: Dataset
    tables: tuple[str, ...]
    steps: frozenset[str]
    mode: Mode
    profile: Profile
    gap_rules: tuple[GapRule, ...] = ()
    unfinished: Mapping[str, frozenset[str]] = field(default_factory=dict)


def decide(goal: Goal, live: Dataset) -> dict[str, TablePlan]:
    """
    Turn the differences between the declared and the *live* rows into changes and skips, by table.

    Rows of steps that the goal leaves out are not in the result; a live row that nobody declares belongs to the step
    of its table.
    """
    rows = _top_up(goal, live) if goal.mode is Mode.TOP_UP else _differences(goal, live, goal.tables)
    chosen = {name: _of_steps(rows[name], goal.steps) for name in goal.tables}
    return {name: _table_plan(goal, name, part, live) for name, part in chosen.items()}


def _differences(goal: Goal, live: Dataset, tables: Iterable[str]) -> dict[str, pl.DataFrame]:
    """Say of each difference in *tables* what becomes of it, whatever its step."""
    return {name: _verdicts(table, goal) for name, table in diff(goal.desired, live, tables).items()}


def _top_up(goal: Goal, live: Dataset) -> dict[str, pl.DataFrame]:
    """
    Decide what a top-up adds and mends.

    What a gap rule mends may let in a part that was withheld, and what comes in may have gaps: both are repeated on
    their own result until nothing is left to do. What a run would find after the write is therefore nothing.
    """
    specs = goal.desired.specs
    tables = [name for name in goal.desired.frames if name in goal.tables or name in live]
    rows = withhold(specs, _differences(goal, live, tables))
    result, current = rows, live
    touched: dict[str, list[pl.DataFrame]] = {}
    for _ in range(_LONGEST_CHAIN):
        creates = _creates(goal, rows)
        merged = _with_creates(specs, goal.tables, current, creates)
        filled = gaps.fill(merged, _gap_rules(goal), goal.profile)
        for name, keys in filled.touched.items():
            touched.setdefault(name, []).append(keys)
        if not (creates or filled.touched):
            break
        current = Dataset(specs, {name: _numbered(frame) for name, frame in filled.dataset.frames.items()})
        rows = withhold(specs, _differences(goal, current, tables))
        result = {name: _let_in(result[name], rows[name]) for name in tables}
    for name, parts in touched.items():
        result[name] = _overlay(specs[name], result[name], current[name], live, _told(pl.concat(parts)))
    return result


def _gap_rules(goal: Goal) -> list[GapRule]:
    return [rule for rule in goal.gap_rules if rule.step in goal.steps and rule.table in goal.tables]


def _creates(goal: Goal, rows: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Give the rows that the run would create, of the chosen tables and steps."""
    found = {name: _of_steps(rows[name], goal.steps).filter(pl.col(ACTION) == Action.CREATE) for name in goal.tables}
    return {name: creates for name, creates in found.items() if creates.height}


def _let_in(rows: pl.DataFrame, later: pl.DataFrame) -> pl.DataFrame:
    """Create what was withheld at first and is not any more."""
    created = later.filter(pl.col(ACTION) == Action.CREATE)
    return pl.concat([rows.join(created, on=KEY, how="anti"), created.select(rows.columns)]) if created.height else rows


def _table_plan(goal: Goal, name: str, rows: pl.DataFrame, live: Dataset) -> TablePlan:
    spec = goal.desired.specs[name]
    rows = rows if rows[KEY].is_sorted() else rows.sort(KEY)
    if name not in live or live[name].is_empty():
        return TablePlan(spec, rows, counts(rows), {})
    kept = live[name][[KEY, ID]]
    if rows.height:
        kept = kept.join(rows.select(ID), on=ID, how="anti")
    declared = goal.desired[name]
    if kept[KEY].equals(declared[KEY]):
        steps = declared[STEP]
    else:
        steps = kept.join(declared.select(KEY, STEP), on=KEY, how="left")[STEP].fill_null(spec.step)
    found = steps.value_counts().iter_rows()
    return TablePlan(spec, rows, counts(rows), {step: n for step, n in found if step in goal.steps})


def _of_steps(rows: pl.DataFrame, steps: frozenset[str]) -> pl.DataFrame:
    if rows.is_empty() or steps.issuperset(rows[STEP].unique()):
        return rows
    return rows.filter(pl.col(STEP).is_in(list(steps)))


def _verdicts(table: TableDiff, goal: Goal) -> pl.DataFrame:
    """Say of each differing row what becomes of it, and why."""
    spec = table.spec
    if table.rows.is_empty():
        return none_decided(spec)
    verdicts = _policy(spec, goal.mode)
    reasons = list(verdicts)
    actions, whys = ([verdicts[reason][place] for reason in reasons] for place in (0, 1))
    reason = pl.col(REASON)
    if (table.rows[REASON] == table.rows[REASON][0]).all():
        # Most often all rows are there for one reason, which is told once.
        action, why = map(pl.lit, verdicts[Reason(table.rows[REASON][0])])
    else:
        action, why = (reason.replace_strict(reasons, told, return_dtype=pl.String) for told in (actions, whys))
    rows = table.rows.with_columns(action.alias(ACTION), why.alias(WHY), pl.col(STEP).fill_null(spec.step))
    if goal.mode in _ADDING and goal.unfinished.get(spec.name):
        rows = finish(spec, goal.desired.specs, goal.tables, rows, goal.unfinished[spec.name])
    if goal.mode is Mode.EXACT and spec.policy is Policy.MANAGED:
        rows = _drop_parts(spec, rows, goal.desired)
    if goal.mode in EMPTYING and spec.ours is not None and spec.policy is not Policy.READ_ONLY:
        name, keys = spec.ours
        is_ours = pl.col(BEFORE).struct.field(name).is_in(list(keys))
        rows = _delete_extra(rows, is_ours, "written by an earlier run and no longer declared")
    return _tell_deleted(spec, rows)


def _policy(spec: TableSpec, mode: Mode) -> dict[Reason, tuple[Action, str]]:
    if spec.policy is Policy.READ_ONLY:
        return dict.fromkeys(Reason, (Action.SKIP, f"{spec.name} is only read"))
    verdicts = {
        Reason.MISSING: (Action.CREATE, "declared and not in the database"),
        Reason.DIFFERS: (Action.UPDATE, "the live row differs from the declared one"),
        Reason.NOT_DECLARED: (Action.DELETE, "in the database and not declared"),
        Reason.DUPLICATE: (Action.DELETE, "repeats the key of an older row"),
    }
    keeps = (Action.SKIP, f"{spec.name} keeps the rows of others")
    if mode in _ADDING:
        verdicts[Reason.DIFFERS] = (Action.SKIP, f"{_ADDING[mode]} changes no existing row")
        verdicts[Reason.NOT_DECLARED] = verdicts[Reason.DUPLICATE] = (Action.SKIP, f"{_ADDING[mode]} deletes no row")
    elif mode not in EMPTYING or not spec.prunes:
        verdicts[Reason.NOT_DECLARED] = verdicts[Reason.DUPLICATE] = keeps
    elif mode is Mode.CLEAR:
        verdicts[Reason.NOT_DECLARED] = verdicts[Reason.DUPLICATE] = (Action.DELETE, f"{spec.name} ends empty")
    if spec.policy is Policy.CREATE_ONLY:
        verdicts[Reason.DIFFERS] = (Action.SKIP, f"{spec.name} rows are created and never changed")
    return verdicts


def _drop_parts(spec: TableSpec, rows: pl.DataFrame, desired: Dataset) -> pl.DataFrame:
    """In exact mode a declared row has no parts but the declared ones."""
    for column in spec.columns:
        match column.kind:
            case Reference(parent) if column.is_part and parent in desired:
                is_ours = pl.col(BEFORE).struct.field(column.name).is_in(desired[parent][KEY].implode())
                rows = _delete_extra(rows, is_ours, f"not declared, and its {parent} row is")
            case _:
                pass
    return rows


def _delete_extra(rows: pl.DataFrame, is_ours: pl.Expr, why: str) -> pl.DataFrame:
    """Delete those rows that are not declared for which *is_ours* holds."""
    goes = pl.col(REASON).is_in([Reason.NOT_DECLARED, Reason.DUPLICATE]) & is_ours
    return rows.with_columns(
        pl.when(goes).then(pl.lit(Action.DELETE)).otherwise(pl.col(ACTION)).alias(ACTION),
        pl.when(goes).then(pl.lit(why)).otherwise(pl.col(WHY)).alias(WHY),
    )


def _tell_deleted(spec: TableSpec, rows: pl.DataFrame) -> pl.DataFrame:
    """Say of a row that was deleted softly that this is why it differs."""
    if spec.soft_delete is None:
        return rows
    deleted = pl.col(BEFORE).struct.field(spec.soft_delete).is_not_null().fill_null(value=False)
    told = (
        pl.when((pl.col(REASON) != Reason.DIFFERS) | ~deleted)
        .then(pl.col(WHY))
        .when(pl.col(ACTION) == Action.UPDATE)
        .then(pl.lit("deleted softly and declared: it is restored"))
        .otherwise(pl.format("deleted softly and left so: {}", WHY))
    )
    return rows.with_columns(told.alias(WHY))


def _told(touched: pl.DataFrame) -> pl.DataFrame:
    """Say per touched row the step of the last rule, and which rules touched it."""
    names = pl.format("{}: {}", gaps.RULE, gaps.TITLE).unique(maintain_order=True)
    return touched.group_by(KEY, maintain_order=True).agg(pl.col(STEP).last(), names.str.join("; ").alias(WHY))


def _with_creates(
    specs: Mapping[str, TableSpec], tables: Iterable[str], live: Dataset, creates: Mapping[str, pl.DataFrame]
) -> Dataset:
    """Give the live rows, complete, together with those to be created in *tables*, which have no surrogate key yet."""
    frames = {name: complete(specs[name], frame) for name, frame in live.frames.items() if name in specs}
    frames = {name: empty_live(specs[name]) for name in tables if name not in frames} | frames
    for name, rows in creates.items():
        new = rows.select(KEY, ID, pl.col(AFTER).struct.unnest())
        frames[name] = pl.concat([frames[name], new.select(frames[name].columns)])
    return Dataset(specs, frames)


def _numbered(frame: pl.DataFrame) -> pl.DataFrame:
    """Give rows that are not there yet a surrogate key that no live row has, so that they count as live."""
    below = pl.min_horizontal(pl.col(ID).min().fill_null(0), 0) - pl.int_range(1, pl.len() + 1)
    return frame.with_columns(pl.col(ID).fill_null(below))


def complete(spec: TableSpec, frame: pl.DataFrame) -> pl.DataFrame:
    """Give the columns of an empty live frame; a column that the live table lacks is null."""
    if frame.columns == [ID, *(column.name for column in spec.declared), KEY]:
        return frame
    wanted = empty_live(spec)
    missing = [name for name in wanted.columns if name not in frame.columns]
    return frame.with_columns(pl.lit(None, dtype=wanted.schema[name]).alias(name) for name in missing).select(
        wanted.columns
    )


def _overlay(
    spec: TableSpec, rows: pl.DataFrame, filled: pl.DataFrame, live: Dataset, told: pl.DataFrame
) -> pl.DataFrame:
    """Put what the gap rules made of the rows they touched in the place of what was decided before."""
    wanted = filled.join(told, on=KEY, how="semi").with_columns(pl.lit(spec.step).alias(STEP))
    present = live.frames.get(spec.name, empty_live(spec)).join(told, on=KEY, how="semi")
    sides = Dataset({spec.name: spec}, {spec.name: wanted}), Dataset({spec.name: spec}, {spec.name: present})
    before = rows.select(
        KEY,
        pl.col(STEP).alias("_declared_step"),
        pl.when(pl.col(REASON) == Reason.DIFFERS).then(pl.col(CHANGED)).alias("_differing"),
    )
    found = (
        diff(*sides, [spec.name])[spec.name]
        .rows.drop(STEP)
        .join(told, on=KEY, how="inner")
        .join(before, on=KEY, how="left")
    )
    is_own = (pl.col(REASON) == Reason.MISSING) & pl.col("_declared_step").is_not_null()
    left = pl.col("_differing").list.set_difference(pl.col(CHANGED)).list.sort()
    found = found.with_columns(
        pl.when(is_own).then(pl.col("_declared_step")).otherwise(pl.col(STEP)).alias(STEP),
        pl.lit(Reason.GAP.value).alias(REASON),
        pl.when(left.list.len() > 0)
        .then(pl.format("{}; left as they are: {}", WHY, left.list.join(", ")))
        .otherwise(pl.col(WHY))
        .alias(WHY),
    )
    untouched = rows.join(found, on=KEY, how="anti")
    return pl.concat([untouched, found.select(untouched.columns)])
