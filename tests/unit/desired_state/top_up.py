"""A top-up in memory: the desired rows as live ones, rows that users add, and what gap rules and plans make of them."""

from collections.abc import Collection

import polars as pl

from desired_state import STATE
from desired_state.fit import fit
from reconcile.dataset import ID, KEY, Dataset, conform
from reconcile.decide import Goal, Mode, decide
from reconcile.diff import ACTION, AFTER, Action, empty_live
from reconcile.gaps import RULE, fill
from reconcile.spec import Profile, Size
from reconcile.table_plan import TablePlan
from tests.unit.desired_state.conftest import AS_OF

_FIRST_NEW_ID = 1_000_000


def as_live(dataset: Dataset) -> Dataset:
    """Give declared rows as reading them gives them, with every table of the state."""
    frames = {}
    for name, spec in STATE.specs.items():
        empty = empty_live(spec)
        rows = dataset.frames.get(name, empty).drop(ID, strict=False)
        numbered = rows.with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias(ID))
        frames[name] = numbered.select(empty.columns)
    return Dataset(STATE.specs, frames)


def add(dataset: Dataset, table: str, **cells: object) -> Dataset:
    """Give *dataset* with one more live row, as a user enters it; other columns take their defaults."""
    spec, frame = STATE.specs[table], dataset[table]
    row = conform(spec, pl.DataFrame({name: [cell] for name, cell in cells.items()}, strict=False))
    row = row.with_columns(pl.lit(_FIRST_NEW_ID + frame.height, dtype=pl.Int64).alias(ID)).select(frame.columns)
    return Dataset(dataset.specs, dict(dataset.frames) | {table: pl.concat([frame, row])})


def parts(live: Dataset, desired: Dataset, profile: Profile, skipped: Collection[str] = ()) -> dict[str, TablePlan]:
    """Give the plan of a top-up of *live* without the steps *skipped*, by table."""
    fitted, _ = fit(desired, live)
    steps = frozenset(step.id for step in STATE.steps) - frozenset(skipped)
    goal = Goal(fitted, tuple(desired.frames), steps, Mode.TOP_UP, profile, STATE.gap_rules)
    return decide(goal, live)


def topped_up(live: Dataset, desired: Dataset, profile: Profile, skipped: Collection[str] = ()) -> Dataset:
    """Give the live rows once that plan is carried out."""
    frames = {}
    planned = parts(live, desired, profile, skipped)
    for name, spec in STATE.specs.items():
        frame = live.frames.get(name, empty_live(spec))
        if name in planned:
            rows = planned[name].rows
            written = rows.filter(pl.col(ACTION).is_in([Action.CREATE, Action.UPDATE]))
            new_id = pl.int_range(pl.len(), dtype=pl.Int64) + _FIRST_NEW_ID
            after = written.select(KEY, pl.coalesce(ID, new_id).alias(ID), pl.col(AFTER).struct.unnest())
            frame = pl.concat([frame.join(written, on=KEY, how="anti"), after.select(frame.columns)])
        frames[name] = frame
    return Dataset(STATE.specs, frames)


LIGHT = Profile(AS_OF, Size.LIGHT)
RULES = {rule.id: rule for rule in STATE.rules}


def filled(dataset: Dataset) -> Dataset:
    """Give the rows once all gap rules have run."""
    return fill(dataset, STATE.gap_rules, LIGHT).dataset


def touched(dataset: Dataset) -> dict[str, list[str]]:
    """Give the ids of the gap rules that did something, by key of the row they did it to."""
    found: dict[str, list[str]] = {}
    for frame in fill(dataset, STATE.gap_rules, LIGHT).touched.values():
        for key, rule in frame.select(KEY, RULE).iter_rows():
            found.setdefault(key, []).append(rule)
    return found


def holds(dataset: Dataset, *identifiers: str) -> bool:
    """Say whether no row violates any of these rules."""
    return not any(RULES[identifier].violations(dataset).height for identifier in identifiers)
