"""How far a run reaches: the tables it fills, those it empties, and the rows outside that depend on its deletes."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace

from sqlalchemy import Connection

from reconcile.cascade import cascade
from reconcile.dataset import STEP, Dataset
from reconcile.decide import EMPTYING, Mode
from reconcile.diff import empty_declared
from reconcile.guard import Dependents
from reconcile.live.cleared import filled_tables, specs_to_clear
from reconcile.live.introspect import LiveSchema, introspect, read_foreign_keys
from reconcile.live.resolve import LiveState
from reconcile.live.state import read_state
from reconcile.plan import Plan
from reconcile.selection import Chosen
from reconcile.state import DesiredState


def owners_of(declared: Dataset, state: DesiredState) -> Mapping[str, Set[str]]:
    """Give per table the steps that write rows of it; the first step empties what is cleared, or the table's own."""
    owners: dict[str, set[str]] = {
        name: {declared.specs[name].step, *frame[STEP].unique()} for name, frame in declared.frames.items()
    }
    for rule in state.gap_rules:
        owners.setdefault(rule.table, set()).add(rule.step)
    emptying = {name: state.specs[name].step if name in state.specs else state.steps[0].id for name in state.cleared}
    return {name: {step} for name, step in emptying.items()} | owners


def with_undeclared(
    connection: Connection, state: DesiredState, mode: Mode, everything: Dataset, chosen: Chosen
) -> tuple[Dataset, Chosen]:
    """
    Add tables in which nothing is declared: those that a reset empties and that hold rows, and those that only gap
    rules fill.
    """
    candidates = [name for name in chosen.tables if name not in everything.frames]
    cleared = [name for name in candidates if name in state.cleared]
    names = filled_tables(connection, cleared) if mode in EMPTYING else []
    specs = specs_to_clear(connection, names, state.steps[0].id, state.specs)
    if mode is Mode.TOP_UP:
        specs |= {name: state.specs[name] for name in candidates if name in state.specs}
    frames = dict(everything.frames) | {name: empty_declared(spec) for name, spec in specs.items()}
    left = tuple(name for name in chosen.tables if name in frames)
    return Dataset({**everything.specs, **specs}, frames), replace(chosen, tables=left)


def cascaded(
    connection: Connection, plan: Plan, live: LiveState, schema: LiveSchema, found: Sequence[Dependents]
) -> tuple[Plan, LiveState, LiveSchema]:
    """Read whatever depends on rows that are deleted, near or far, and make it part of the plan."""
    names = {part.table for part in found}
    links = read_foreign_keys(connection)
    while more := {link.table for link in links if link.parent in names} - names:
        names |= more
    known = dict(live.dataset.specs)
    outside = specs_to_clear(connection, sorted(names - set(known)), plan.steps[0].id, known)
    specs = known | outside
    schema = introspect(connection, specs)
    live = read_state(connection, specs, schema, live.declared)
    return cascade(plan, live.dataset, specs), live, schema
