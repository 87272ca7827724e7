"""Plan the largest tables span by span: each is computed, read and compared alone, and only what differs is kept."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import islice

import polars as pl
from sqlalchemy import Connection

from reconcile.checks.verify import tables_of
from reconcile.cli.declared import Declared
from reconcile.cli.option_groups import GuardOptions, LargeOptions, RunOptions
from reconcile.cli.options import ApplyOptions
from reconcile.cli.read_ahead import Line, read_ahead
from reconcile.cli.session import Session
from reconcile.cli.spanned import Spanned
from reconcile.cli.survey import Indivisible, Survey
from reconcile.dataset import Dataset
from reconcile.decide import Goal, Mode, decide
from reconcile.diff import ACTION, WHY, Action, counts, empty_declared
from reconcile.errors import ExitCode, Finding, ReconcileError
from reconcile.live.introspect import LiveSchema
from reconcile.live.resolve import LiveState
from reconcile.live.spans import KeyRange, Links, ascend, keys_apart, links_of, ranges_of, stray_rows
from reconcile.live.state import dependents, needed, read_state
from reconcile.plan import Plan
from reconcile.shard import Shard
from reconcile.spec import Profile
from reconcile.state import DesiredState, Rule, Spans
from reconcile.table_plan import TablePlan
from reconcile.values import text

ROWS_BEYOND = 25_000
"""Of the root, that lie before or behind all declared rows: about so many are a span of their own."""


def spans_for(state: DesiredState, options: RunOptions, mode: Mode) -> Spans | None:
    """
    Give the spans of a run that is about all of the desired state; None where it must be planned whole.

    Raises:
        ReconcileError: a shard of what cannot be cut; exit code 64.

    """
    why = _uncut(state, options, mode)
    if why is not None:
        refuse_shard(options, why)
    return None if why is not None else state.spans


def _uncut(state: DesiredState, options: RunOptions, mode: Mode) -> str | None:
    """Say why a run is planned whole; None where it need not be."""
    reasons = {
        f"{state.name} gives none of its tables in spans": state.spans is None,
        "--batch-size cuts a run in its own way": isinstance(options, ApplyOptions) and options.batch_size is not None,
        f"{state.name} has roles, a registry or tables to clear": bool(
            state.access or state.registry_step or state.cleared
        ),
        f"the top-up of {state.name} looks at all rows": mode is Mode.TOP_UP and bool(state.fit or state.gap_rules),
        f"mode {mode} is planned whole": mode not in {Mode.RESET, Mode.TOP_UP},
    }
    return next((why for why, holds in reasons.items() if holds), None)


def shard_of(options: RunOptions | GuardOptions) -> Shard | None:
    """Give the shard that a run is about; None for the whole."""
    return options.shard if isinstance(options, LargeOptions) else None


def refuse_shard(options: RunOptions, why: str) -> None:
    """
    Refuse a shard of a run that can only be planned whole.

    Raises:
        ReconcileError: the run is about a shard; exit code 64.

    """
    if (shard := shard_of(options)) is not None:
        finding = Finding("the run cannot be cut into shards", f"--shard {shard}", why, "leave --shard out")
        raise ReconcileError([finding], ExitCode.USAGE)


def without_spans(state: DesiredState, spans: Spans, shard: Shard | None, profile: Profile) -> Dataset:
    """
    Give the declared rows outside of the spans, and the tables of these without rows.

    Raises:
        Indivisible: all rows are one span, which is no shard.

    """
    if shard is None and spans.count(profile) <= 1:
        raise Indivisible("all rows are one span")
    shared = spans.shared(profile)
    empty = {name: empty_declared(state.specs[name]) for name in spans.tables}
    return Dataset(shared.specs, {**shared.frames, **empty})


def plan_in_spans(  # one argument per fact that a plan rests on
    connection: Connection,
    session: Session,
    goal: Goal,
    schema: LiveSchema,
    spans: Spans,
    shard: Shard | None,
    rules: Sequence[Rule] | None,
    now: datetime,
) -> tuple[Plan, LiveState, Spanned]:
    """
    Plan the tables of the *goal*, which are outside of the spans, then span after span; *rules* are asked of those in
    which nothing is to be written; they are None where the plan is only shown.

    Raises:
        Indivisible: rows depend on each other across spans, or belong to none.
        ReconcileError: the declared rows are unsound or do not fit.

    """
    links = links_of(spans, goal.desired.specs)
    ranges = _ranges(connection, spans, links, schema, goal.profile, shard)
    read = needed(goal.desired.specs, [*goal.tables, *spans.tables]) | tables_of(rules or (), session.state.specs)
    others = {name: spec for name, spec in read.items() if name not in spans.tables}
    shared = read_state(connection, others, schema, goal.desired.frames)
    spanned = Spanned(spans, links, schema, ranges, is_whole=shard is None)
    parts = decide(goal, shared.dataset)
    if shard is not None:
        # Rows of other shards may refer to what nobody declares any more.
        parts = {name: _with_deletes_left(part) for name, part in parts.items()}
    declared, line = Declared(spanned, goal), Line(connection)
    with ThreadPoolExecutor(1) as meanwhile, closing(read_ahead(line, declared, spanned)) as found:
        survey = Survey(session, goal, spanned, shared, parts, rules, declared, meanwhile)
        for span in found:
            survey.add(span, line)
        survey.end()
    if shard is None and any(
        stray_rows(connection, links.specs[name], t.ids, t.live) for name, t in survey.tallies.items()
    ):
        raise Indivisible("some rows belong to no span")
    if dependents(connection, survey.around(), goal.desired.specs):
        raise Indivisible("other rows depend on rows to be deleted")
    plan = survey.plan(now)
    done = replace(
        spanned,
        rows={name: tally.rows for name, tally in survey.tallies.items()},
        seen={name: tally.seen for name, tally in survey.tallies.items()},
        digests=survey.digests,
        verdicts=survey.verdicts,
        new=frozenset(survey.new),
    )
    return plan, shared, done


def _with_deletes_left(part: TablePlan) -> TablePlan:
    """Skip what would be deleted."""
    is_going = pl.col(ACTION) == Action.DELETE
    rows = part.rows.with_columns(
        pl.when(is_going).then(pl.lit(Action.SKIP.value)).otherwise(ACTION).alias(ACTION),
        pl.when(is_going).then(pl.lit("left to a run without --shard")).otherwise(WHY).alias(WHY),
    )
    return TablePlan(part.spec, rows, counts(rows), part.kept_by_step)


def _ranges(
    connection: Connection, spans: Spans, links: Links, schema: LiveSchema, profile: Profile, shard: Shard | None
) -> dict[int, KeyRange]:
    """Give the range of each span; those in which nobody declares a row come before the first and behind the last."""
    keys = [spans.first_key(profile, number) for number in range(spans.count(profile))]
    if not ascend(connection, links, schema, keys):
        raise Indivisible("the server sorts the keys of the spans in another order")
    if shard is not None:  # the same part whatever rows there are
        ranges = ranges_of(keys)
        return {number: ranges[number] for number in shard.part(len(ranges))}
    beyond = partial(keys_apart, connection, links, rows=ROWS_BEYOND)
    before: list[str] = []
    behind: list[str] = []
    if _are_several(beyond(None, keys[0])):
        first = _declared_keys(spans, links, profile, 0) or keys[:1]
        if ascend(connection, links, schema, first):
            before, keys[0] = list(beyond(None, first[0])), first[0]
    if _are_several(beyond(keys[-1], None)):
        last = _declared_keys(spans, links, profile, len(keys) - 1) or keys[-1:]
        if ascend(connection, links, schema, last):
            behind = list(beyond(last[-1], None))
    numbers = range(-len(before), len(keys) + len(behind))
    return dict(zip(numbers, ranges_of([*before, *keys, *behind]), strict=True))


def _are_several(keys: Iterator[str]) -> bool:
    return len(list(islice(keys, 2))) > 1


def _declared_keys(spans: Spans, links: Links, profile: Profile, number: int) -> list[str]:
    """Give the root's natural keys in a span, sorted."""
    name = links.root.key[0]
    rows = spans.rows(profile, number)[links.root.name]
    return rows.sort(name).select(text(links.root.column(name).kind, pl.col(name))).to_series().to_list()
