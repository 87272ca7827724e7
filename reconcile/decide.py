"""What may be done about each difference: the mode, the tables' policies and the chosen steps decide.

Takes a goal and the live rows, gives each table's changes and skips with a reason a person can read. Must decide
the same again after the write, when nothing may be left to do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import polars as pl

from reconcile import gaps
from reconcile.dataset import ID, KEY, STEP, Dataset
from reconcile.diff import ACTION, AFTER, BEFORE, REASON, Action, Reason, TableDiff, counts, diff, empty_live
from reconcile.spec import Policy, Profile, TableSpec
from reconcile.state import GapRule
from reconcile.values import PolymorphicReference, Reference, TextReference

WHY = "why"
_PARENT = "_parent"


class Mode(StrEnum):
    """
    What a run may do to rows that exist.

    A reset makes the managed tables exactly as declared; a top-up adds what is missing and fills gaps; exact makes
    the declared rows and their parts exactly as declared and leaves the rows of others alone.
    """

    RESET = "reset"
    TOP_UP = "top-up"
    EXACT = "exact"


@dataclass(frozen=True, slots=True)
class Goal:
    """
    What a run wants, besides the live rows all that decides its plan: the declared rows, the tables and steps it is
    about, the mode, and the gap rules with the profile they need.
    """

    desired: Dataset
    tables: tuple[str, ...]
    steps: frozenset[str]
    mode: Mode
    profile: Profile
    gap_rules: tuple[GapRule, ...] = ()


@dataclass(frozen=True, slots=True)
class TablePlan:
    """
    One table's part: `rows` as in `TableDiff`, each with its `_step`, plus `why`, a sentence; how many each action
    has; and how many live rows are as declared, by step.
    """

    spec: TableSpec
    rows: pl.DataFrame
    counts: Mapping[Action, int]
    kept_by_step: Mapping[str, int]

    @property
    def kept(self) -> int:
        """How many live rows are as declared."""
        return sum(self.kept_by_step.values())

    @property
    def written(self) -> int:
        """How many rows are created, updated or deleted."""
        return sum(rows for action, rows in self.counts.items() if action is not Action.SKIP)

    def of(self, action: Action) -> pl.DataFrame:
        """The rows of one action."""
        return self.rows.filter(pl.col(ACTION) == action)


def decide(goal: Goal, live: Dataset) -> dict[str, TablePlan]:
    """
    Turn the differences between the declared and the *live* rows into changes and skips, by table.

    Rows of steps that the goal leaves out are not in the result; a live row that nobody declares belongs to the step
    of its table.
    """
    diffs = diff(goal.desired, live, goal.tables)
    rows = {name: _of_steps(table.spec, _verdicts(table, goal), goal.steps) for name, table in diffs.items()}
    if goal.mode is Mode.TOP_UP:
        rows = _withhold(goal.desired.specs, rows)
        rows = _fill_gaps(goal, live, rows)
    return {name: _table_plan(goal, name, rows[name], live) for name in diffs}


def _table_plan(goal: Goal, name: str, rows: pl.DataFrame, live: Dataset) -> TablePlan:
    spec = goal.desired.specs[name]
    rows = rows.sort(KEY)
    if name not in live:
        return TablePlan(spec, rows, counts(rows), {})
    kept = (
        live[name]
        .select(KEY, ID)
        .join(rows.select(ID), on=ID, how="anti")
        .join(goal.desired[name].select(KEY, STEP), on=KEY, how="left")
        .group_by(pl.col(STEP).fill_null(spec.step))
        .len()
    )
    return TablePlan(spec, rows, counts(rows), {step: n for step, n in kept.iter_rows() if step in goal.steps})


def _of_steps(spec: TableSpec, rows: pl.DataFrame, steps: frozenset[str]) -> pl.DataFrame:
    return rows.with_columns(pl.col(STEP).fill_null(spec.step)).filter(pl.col(STEP).is_in(list(steps)))


def _verdicts(table: TableDiff, goal: Goal) -> pl.DataFrame:
    """Say of each differing row what becomes of it, and why."""
    spec = table.spec
    verdicts = _policy(spec, goal.mode)
    reasons = list(verdicts)
    actions, whys = ([verdicts[reason][place] for reason in reasons] for place in (0, 1))
    rows = table.rows.with_columns(
        pl.col(REASON).replace_strict(reasons, actions, return_dtype=pl.String).alias(ACTION),
        pl.col(REASON).replace_strict(reasons, whys, return_dtype=pl.String).alias(WHY),
    )
    if goal.mode is Mode.EXACT and spec.policy is Policy.MANAGED:
        rows = _drop_parts(spec, rows, goal.desired)
    if goal.mode is Mode.RESET and spec.ours is not None and spec.policy is not Policy.READ_ONLY:
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
    if mode is Mode.TOP_UP:
        verdicts[Reason.DIFFERS] = (Action.SKIP, "a top-up changes no existing row")
        verdicts[Reason.NOT_DECLARED] = verdicts[Reason.DUPLICATE] = (Action.SKIP, "a top-up deletes no row")
    elif mode is Mode.EXACT or not spec.prunes:
        verdicts[Reason.NOT_DECLARED] = verdicts[Reason.DUPLICATE] = keeps
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
    deleted = pl.col(BEFORE).struct.field(spec.soft_delete).is_not_null()
    is_difference = pl.col(REASON) == Reason.DIFFERS
    told = (
        pl.when(~(is_difference & deleted.fill_null(value=False)))
        .then(pl.col(WHY))
        .when(pl.col(ACTION) == Action.UPDATE)
        .then(pl.lit("deleted softly; a reset restores it"))
        .otherwise(pl.lit("deleted softly; a top-up leaves it so"))
    )
    return rows.with_columns(told.alias(WHY))


def _withhold(specs: Mapping[str, TableSpec], rows: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """
    Leave out missing parts of rows that are not as declared, and whatever refers to a row that is left out.

    The lines of an order that somebody has changed would contradict it. Additive tables hold rows that stand for
    themselves, such as grants.
    """
    result = dict(rows)
    if not any(table.filter(pl.col(REASON) == Reason.DIFFERS).height for table in rows.values()):
        return result
    moved = True
    while moved:
        moved = False
        for name, table in result.items():
            is_left, why = _left_out(specs[name], result)
            kept = table.with_columns(
                pl.when(is_left).then(pl.lit(Action.SKIP)).otherwise(pl.col(ACTION)).alias(ACTION),
                pl.when(is_left).then(why).otherwise(pl.col(WHY)).alias(WHY),
            )
            if not kept[ACTION].equals(table[ACTION]):
                result[name], moved = kept, True
    return result


def _left_out(spec: TableSpec, rows: Mapping[str, pl.DataFrame]) -> tuple[pl.Expr, pl.Expr]:
    """Say which creates of a table cannot stand, and why."""
    is_left, why = pl.lit(value=False), pl.lit("")
    is_create = pl.col(ACTION) == Action.CREATE
    for column in spec.columns:
        for condition, parent in _targets(column.kind):
            if parent not in rows:
                continue
            table = rows[parent]
            absent = table.filter((pl.col(REASON) == Reason.MISSING) & (pl.col(ACTION) == Action.SKIP))[KEY]
            changed = table.filter(pl.col(REASON) == Reason.DIFFERS)[KEY]
            cell = pl.col(AFTER).struct.field(column.name)
            refuses = [(absent, f"its {parent} row is left out")]
            if column.is_part and spec.prunes:
                refuses.append((changed, f"part of a {parent} row that is not as declared"))
            for keys, reason in refuses:
                if len(keys):
                    hit = is_create & condition & cell.is_in(keys.implode())
                    why = pl.when(hit).then(pl.lit(reason)).otherwise(why)
                    is_left = is_left | hit.fill_null(value=False)
    return is_left, why


def _targets(kind: object) -> Sequence[tuple[pl.Expr, str]]:
    match kind:
        case Reference(table) | TextReference(table):
            return [(pl.lit(value=True), table)]
        case PolymorphicReference(discriminator, tables):
            return [(pl.col(AFTER).struct.field(discriminator) == value, table) for value, table in tables]
        case _:
            return []


def _fill_gaps(goal: Goal, live: Dataset, rows: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Run the gap rules of the chosen steps and tables on the live rows together with those to be created."""
    rules = [rule for rule in goal.gap_rules if rule.step in goal.steps and rule.table in rows]
    if not rules:
        return dict(rows)
    result = dict(rows)
    filled = gaps.fill(_with_creates(goal.desired.specs, live, rows), rules, goal.profile)
    for name, touched in filled.touched.items():
        told = touched.group_by(KEY, maintain_order=True).agg(
            pl.col(STEP).last(),
            pl.format("{}: {}", gaps.RULE, gaps.TITLE).unique(maintain_order=True).str.join("; ").alias(WHY),
        )
        result[name] = _overlay(goal.desired.specs[name], result[name], filled.dataset[name], live, told)
    return result


def _with_creates(specs: Mapping[str, TableSpec], live: Dataset, rows: Mapping[str, pl.DataFrame]) -> Dataset:
    frames = {name: complete(specs[name], frame) for name, frame in live.frames.items() if name in specs}
    for name, table in rows.items():
        creates = table.filter(pl.col(ACTION) == Action.CREATE)
        present = frames.get(name, empty_live(specs[name]))
        new = creates.select(KEY, ID, pl.col(AFTER).struct.unnest())
        frames[name] = pl.concat([present, new.select(present.columns)])
    return Dataset(specs, frames)


def complete(spec: TableSpec, frame: pl.DataFrame) -> pl.DataFrame:
    """Give the columns of an empty live frame; a column that the live table lacks is null."""
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
    declared_steps = rows.select(KEY, pl.col(STEP).alias("_declared_step"))
    found = (
        diff(*sides, [spec.name])[spec.name]
        .rows.drop(STEP)
        .join(told, on=KEY, how="inner")
        .join(declared_steps, on=KEY, how="left")
    )
    is_own = (pl.col(REASON) == Reason.MISSING) & pl.col("_declared_step").is_not_null()
    found = found.with_columns(
        pl.when(is_own).then(pl.col("_declared_step")).otherwise(pl.col(STEP)).alias(STEP),
        pl.lit(Reason.GAP.value).alias(REASON),
    )
    untouched = rows.join(found, on=KEY, how="anti")
    return pl.concat([untouched, found.select(untouched.columns)])
