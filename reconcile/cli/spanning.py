"""Plan the largest tables span by span: each is computed, read and compared alone, and only what differs is kept."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from threading import Lock

import polars as pl
from sqlalchemy import Connection

from reconcile.checks.preflight import check_rows, check_schema
from reconcile.checks.verify import tables_of, together, verify
from reconcile.cli.options import RunOptions
from reconcile.cli.session import Session
from reconcile.cli.spanned import Spanned
from reconcile.conflicts import taken_values, unmet_references
from reconcile.dataset import KEY, Dataset, Fingerprint, check, fingerprint, with_whole
from reconcile.decide import Goal, Mode, TablePlan, decide, no_plan
from reconcile.diff import ACTION, WHY, Action, counts, empty_declared
from reconcile.errors import ExitCode, Finding, ReconcileError
from reconcile.guard import Dependents, dependents_in_plan
from reconcile.live.collation import Collation, server_weights
from reconcile.live.introspect import LiveSchema
from reconcile.live.read import RawTable
from reconcile.live.resolve import LiveState
from reconcile.live.spans import KeyRange, Links, ascend, digest, links_of, ranges_of, read_span
from reconcile.live.state import count_rows, dependents, needed, read_state, resolved
from reconcile.plan import Plan, Radius, Touched, make
from reconcile.radius import measure, newest
from reconcile.shard import Shard
from reconcile.spec import Profile, TableSpec
from reconcile.spool import Spool
from reconcile.state import DesiredState, Rule, Spans, Verdict


class Indivisible(Exception):
    """Why a run cannot be planned in spans; planned whole it needs more memory, and does the same."""


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
        "a selection of steps or tables is planned whole": any(
            (options.step, options.skip, options.table, options.exclude_table)
        ),
        "--batch-size cuts a run in its own way": getattr(options, "batch_size", None) is not None,
        f"{state.name} has roles, a registry or tables to clear": bool(
            state.access or state.registry_step or state.cleared
        ),
        f"the top-up of {state.name} looks at all rows": mode is Mode.TOP_UP and bool(state.fit or state.gap_rules),
        f"mode {mode} is planned whole": mode not in {Mode.RESET, Mode.TOP_UP},
    }
    return next((why for why, holds in reasons.items() if holds), None)


def shard_of(options: RunOptions) -> Shard | None:
    """Give the shard that a run is about; None for the whole."""
    return getattr(options, "shard", None)


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
    rules: Sequence[Rule],
    now: datetime,
) -> tuple[Plan, LiveState, Spanned]:
    """
    Plan the tables of the *goal*, which are outside of the spans, then span after span; *rules* are asked of those in
    which nothing is to be written.

    Raises:
        Indivisible: rows depend on each other across spans, or belong to none.
        ReconcileError: the declared rows are unsound or do not fit.

    """
    links = links_of(spans, goal.desired.specs)
    ranges = _ranges(connection, spans, links, schema, goal.profile)
    if shard is not None:
        ranges = {number: ranges[number] for number in shard.part(len(ranges))}
    read = needed(goal.desired.specs, [*goal.tables, *spans.tables]) | tables_of(rules, session.state.specs)
    others = {name: spec for name, spec in read.items() if name not in spans.tables}
    shared = read_state(connection, others, schema, goal.desired.frames)
    spanned = Spanned(spans, links, schema, ranges, is_whole=shard is None)
    parts = decide(goal, shared.dataset)
    if shard is not None:
        # Rows of other shards may refer to what nobody declares any more.
        parts = {name: _without_deletes(part) for name, part in parts.items()}
    survey = _Survey(session, goal, spanned, shared, parts, rules)
    line = _Line(connection)
    with _read_ahead(line, goal, spanned) as found:
        for span in found:
            survey.add(span, line)
    if shard is None:
        counted = count_rows(connection, spans.tables)
        if any(rows != survey.tallies[name].live for name, rows in counted.items()):
            raise Indivisible("some rows belong to no span")
    if dependents(connection, survey.around(), goal.desired.specs):
        raise Indivisible("other rows depend on rows to be deleted")
    return survey.plan(now), shared, replace(spanned, digests=survey.digests, verdicts=together(survey.verdicts))


def _without_deletes(part: TablePlan) -> TablePlan:
    """Leave rows that nobody declares as they are."""
    is_going = pl.col(ACTION) == Action.DELETE
    rows = part.rows.with_columns(
        pl.when(is_going).then(pl.lit(Action.SKIP.value)).otherwise(ACTION).alias(ACTION),
        pl.when(is_going).then(pl.lit("left to a run without --shard")).otherwise(WHY).alias(WHY),
    )
    return TablePlan(part.spec, rows, counts(rows), part.kept_by_step)


def _ranges(
    connection: Connection, spans: Spans, links: Links, schema: LiveSchema, profile: Profile
) -> dict[int, KeyRange]:
    numbers = range(spans.count(profile))
    keys = [spans.first_key(profile, number) for number in numbers]
    if not ascend(connection, links, schema, keys):
        raise Indivisible("the server sorts the keys of the spans in another order")
    return dict(zip(numbers, ranges_of(keys), strict=True))


@dataclass(frozen=True, slots=True)
class _Span:
    """One span as it is declared and as it was read."""

    number: int
    goal: Goal
    raw: Mapping[str, RawTable]


@dataclass(slots=True)
class _Tally:
    """What the spans that were compared so far come to, for one table."""

    rows: Spool
    fingerprint: Fingerprint
    last_key: str | None = None
    live: int = 0
    newest: datetime | None = None
    counts: dict[Action, int] = field(default_factory=lambda: dict.fromkeys(Action, 0))
    kept: dict[str, int] = field(default_factory=dict)

    def add(self, span: _Span, part: TablePlan, live: Dataset) -> None:
        """Add what a *span* comes to, and the *live* rows that it has."""
        self.rows.put(span.number, part.rows)
        self.fingerprint.add(span.goal.desired[part.spec.name])
        self.live += live[part.spec.name].height
        self.newest = max(filter(None, (self.newest, newest(part, live))), default=None)
        for action, rows in part.counts.items():
            self.counts[action] += rows
        for step, rows in part.kept_by_step.items():
            self.kept[step] = self.kept.get(step, 0) + rows


@dataclass(slots=True)
class _Survey:
    """What is known of a run while its spans are compared; `parts` is what is planned outside of them."""

    session: Session
    goal: Goal
    spanned: Spanned
    shared: LiveState
    parts: Mapping[str, TablePlan]
    rules: Sequence[Rule]
    findings: list[Finding] = field(default_factory=list)
    digests: dict[int, bytes] = field(default_factory=dict)
    verdicts: list[Sequence[Verdict]] = field(default_factory=list)
    tallies: dict[str, _Tally] = field(default_factory=dict)

    def __post_init__(self) -> None:
        specs = self.spanned.links.specs.items()
        self.tallies |= {name: _Tally(Spool(no_plan(spec).rows), Fingerprint(spec)) for name, spec in specs}

    def add(self, span: _Span, line: "_Line") -> None:
        """Compare a span, and remember what differs."""
        self._check(span)
        declared = {name: span.goal.desired[name] for name in self.spanned.spans.tables}
        live = resolved(line.weigh, self.spanned.schema, span.raw, declared, self.shared.dataset)
        planned = decide(span.goal, live.dataset)
        plan = self._make({**self.parts, **planned})
        _stop_on([*unmet_references(plan, live.dataset), *taken_values(plan, live.dataset)])
        alone = replace(plan, tables=tuple(part for part in plan.tables if part.spec.name in planned))
        if dependents_in_plan(plan, live.dataset) or line.dependents(alone, self.goal.desired.specs):
            raise Indivisible("other rows depend on rows to be deleted")
        for name, part in planned.items():
            self.tallies[name].add(span, part, live.dataset)
        self.findings += live.findings
        self.digests[span.number] = digest(span.raw)
        if self.rules and alone.is_empty:
            self.verdicts.append(verify(self.rules, live.dataset))

    def _check(self, span: _Span) -> None:
        """Hold the declared rows of a span against what a desired state must be, and against the live columns."""
        desired = span.goal.desired
        alone = Dataset(desired.specs, {name: desired[name] for name in self.spanned.spans.tables})
        specs = self.spanned.links.specs.values()
        _stop_on([*check(desired, alone.frames), *check_rows(alone), *check_schema(specs, self.spanned.schema, alone)])
        for name, frame in alone.frames.items():
            before, tally = self.tallies[name].last_key, self.tallies[name]
            first, last = frame[KEY].min(), frame[KEY].max()
            if isinstance(first, str) and isinstance(last, str):
                if before is not None and first <= before:
                    raise ReconcileError([_out_of_order(name, span.number, first, before)])
                tally.last_key = last

    def plan(self, now: datetime) -> Plan:
        """Give the whole plan; the rows of the spans are in their spools."""
        specs, tallies = self.goal.desired.specs, self.tallies
        around = measure(self.around(), self.shared.dataset, now)
        touched = [
            Touched(name, tally.counts[Action.UPDATE], tally.counts[Action.DELETE], tally.live, tally.newest)
            for name, tally in tallies.items()
            if tally.counts[Action.UPDATE] or tally.counts[Action.DELETE]
        ]
        prints = {name: fingerprint(specs[name], self.goal.desired[name]) for name in self.goal.tables}
        prints |= {name: tally.fingerprint.hexdigest() for name, tally in tallies.items()}
        parts = {name: TablePlan(specs[name], t.rows, t.counts, t.kept) for name, t in tallies.items()}
        return replace(
            self._make({**self.parts, **parts}),
            fingerprints=with_whole(prints),
            findings=(*self.shared.findings, *self.findings),
            radius=Radius(now, (*around.tables, *touched), around.cascades),
        )

    def around(self) -> Plan:
        """Give what is planned outside of the spans; their tables are in it, without rows."""
        nothing = {name: no_plan(spec) for name, spec in self.spanned.links.specs.items()}
        return self._make({**self.parts, **nothing})

    def _make(self, parts: Mapping[str, TablePlan]) -> Plan:
        return make(
            state=self.session.state.name,
            target=str(self.session.target),
            engine=self.session.engine.dialect.name,
            goal=self.goal,
            steps=self.session.state.steps,
            parts=parts,
            fingerprints={},
        )


def _out_of_order(table: str, number: int, key: str, before: str) -> Finding:
    return Finding(
        what="the desired state is unsound: the keys of a span do not come after those of the one before",
        where=f"{table}, span {number}",
        why=f"{key} comes after {before}",
        fix="order the spans by their keys as text, byte by byte",
    )


def _stop_on(findings: Sequence[Finding]) -> None:
    if findings:
        raise ReconcileError(findings)


@dataclass(frozen=True, slots=True)
class _Line:
    """The plan's connection, for two threads: one reads a span while the other compares the one before."""

    connection: Connection
    lock: Lock = field(default_factory=Lock)

    def read(self, spanned: Spanned, number: int) -> Mapping[str, RawTable]:
        """Read a span."""
        with self.lock:
            return read_span(self.connection, spanned.links, spanned.schema, spanned.ranges[number])

    def weigh(self, collation: Collation, texts: list[str]) -> list[str]:
        """Ask for sort weights."""
        with self.lock:
            return server_weights(self.connection)(collation, texts)

    def dependents(self, plan: Plan, specs: Mapping[str, TableSpec]) -> list[Dependents]:
        """Count what depends on rows that *plan* deletes."""
        with self.lock:
            return dependents(self.connection, plan, specs)


@contextmanager
def _read_ahead(line: _Line, goal: Goal, spanned: Spanned) -> Iterator[Iterator[_Span]]:
    """Give the spans in turn; the next one is computed and read meanwhile, each in a thread."""
    with ThreadPoolExecutor(1) as computing, ThreadPoolExecutor(1) as reading:
        ahead: list[tuple[int, Future[Goal], Future[Mapping[str, RawTable]]]] = []
        left = iter(sorted(spanned.ranges))

        def begin() -> None:
            for number in islice(left, 1):
                wanted = computing.submit(spanned.goal, goal, number)
                ahead.append((number, wanted, reading.submit(line.read, spanned, number)))

        def spans() -> Iterator[_Span]:
            begin()
            while ahead:
                number, wanted, raw = ahead.pop(0)
                found = _Span(number, wanted.result(), raw.result())
                begin()
                yield found

        try:
            yield spans()
        finally:
            for _, wanted, raw in ahead:
                wanted.cancel()
                raw.cancel()
