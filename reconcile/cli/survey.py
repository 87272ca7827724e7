"""What the spans of a run come to: compared one by one, the rows that differ put by, all else counted."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from datetime import datetime

from reconcile.checks.verify import verify
from reconcile.cli.declared import Declared
from reconcile.cli.read_ahead import Line, Span
from reconcile.cli.session import Session
from reconcile.cli.spanned import Spanned
from reconcile.conflicts import taken_values, unmet_references
from reconcile.dataset import ID, Dataset, digested, with_whole
from reconcile.decide import Goal, decide
from reconcile.diff import Action, empty_live
from reconcile.errors import Finding, ReconcileError
from reconcile.guard import dependents_in_plan
from reconcile.live.resolve import LiveState
from reconcile.live.spans import digest
from reconcile.live.state import resolved
from reconcile.plan import Plan, Radius, Touched, make
from reconcile.radius import measure, newest
from reconcile.spool import Spool
from reconcile.state import Rule, Verdict
from reconcile.table_plan import RowsTold, TablePlan, creates_all, no_plan


class Indivisible(Exception):
    """Why a run cannot be planned in spans; planned whole it needs more memory, and does the same."""


@dataclass(slots=True)
class _Tally:
    """What the spans that were compared so far come to, for one table."""

    rows: Spool
    seen: Spool
    told: RowsTold
    live: int = 0
    ids: list[range] = field(default_factory=list)
    """Of each span with rows, the surrogate keys from the lowest to the highest."""
    newest: datetime | None = None
    counts: dict[Action, int] = field(default_factory=lambda: dict.fromkeys(Action, 0))
    kept: dict[str, int] = field(default_factory=dict)

    def add(self, part: TablePlan, live: Dataset) -> None:
        """Add what a span comes to, and the *live* rows that it has."""
        ids = live[part.spec.name][ID]
        self.live += len(ids)
        first, last = ids.min(), ids.max()
        if isinstance(first, int) and isinstance(last, int):
            self.ids.append(range(first, last + 1))
        self.newest = max(filter(None, (self.newest, newest(part, live))), default=None)
        for action, rows in part.counts.items():
            self.counts[action] += rows
        for step, rows in part.kept_by_step.items():
            self.kept[step] = self.kept.get(step, 0) + rows


@dataclass(slots=True)
class Survey:
    """
    What is known of a run while its spans are compared: `parts` is what is planned outside of them, `stops` is what
    the server would refuse. What differs is put by `meanwhile`, in another thread.
    """

    session: Session
    goal: Goal
    spanned: Spanned
    shared: LiveState
    parts: Mapping[str, TablePlan]
    rules: Sequence[Rule] | None
    declared: Declared
    meanwhile: Executor
    findings: list[Finding] = field(default_factory=list)
    stops: list[Finding] = field(default_factory=list)
    digests: dict[int, bytes] = field(default_factory=dict)
    verdicts: dict[int, Sequence[Verdict]] = field(default_factory=dict)
    new: set[int] = field(default_factory=set)
    """The spans of which every declared row is to be created."""
    tallies: dict[str, _Tally] = field(default_factory=dict)
    _put: Future[None] | None = None

    def __post_init__(self) -> None:
        specs = self.spanned.links.specs.items()
        self.tallies |= {
            name: _Tally(Spool(no_plan(spec).rows), Spool(empty_live(spec)), RowsTold(spec)) for name, spec in specs
        }

    def add(self, span: Span, line: Line) -> None:
        """
        Compare a span, and remember what differs.

        Raises:
            Indivisible: rows that stay depend on rows to be deleted.

        """
        declared = {name: span.goal.desired[name] for name in self.spanned.spans.tables}
        schema, shared = self.spanned.schema, self.shared.dataset
        live = resolved(line.weigh, schema, span.raw, declared, shared, lines=span.lines)
        planned = decide(span.goal, live.dataset)
        plan = self._make({**self.parts, **planned})
        alone = replace(plan, tables=tuple(part for part in plan.tables if part.spec.name in planned))
        if dependents_in_plan(plan, live.dataset) or line.dependents(alone, self.goal.desired.specs):
            raise Indivisible("other rows depend on rows to be deleted")
        self._wait()
        self._put = self.meanwhile.submit(self._put_by, span, plan, planned, live.dataset)
        if all(_is_new(part, span) for part in planned.values()):
            self.new.add(span.number)
        elif self.rules is not None and alone.written and not live.findings:
            for name in planned:
                self.tallies[name].seen.put(span.number, live.dataset[name])
        for name, part in planned.items():
            self.tallies[name].add(part, live.dataset)
        self.findings += live.findings
        if self.rules is not None:
            self.digests[span.number] = digest(span.raw)
        if self.rules and alone.is_empty:
            self.verdicts[span.number] = verify(self.rules, live.dataset)

    def _put_by(self, span: Span, plan: Plan, planned: Mapping[str, TablePlan], live: Dataset) -> None:
        """Put by what differs, digested, and what of it the server would refuse."""
        for name, part in planned.items():
            tally = self.tallies[name]
            tally.rows.put(span.number, part.rows)
            tally.told.add(part.rows, span.lines[name] if _is_new(part, span) else None)
        self.stops += [*unmet_references(plan, live, is_everything=True), *taken_values(plan, live)]

    def _wait(self) -> None:
        if self._put is not None:
            self._put.result()

    def end(self) -> None:
        """
        Wait for what is put by.

        Raises:
            ReconcileError: the server would refuse something of what was compared.

        """
        self._wait()
        if self.stops:
            raise ReconcileError(self.stops)

    def plan(self, now: datetime) -> Plan:
        """Give the whole plan, with the fingerprints of the spans' tables; their rows are in spools."""
        specs, tallies = self.goal.desired.specs, self.tallies
        around = measure(self.around(), self.shared.dataset, now)
        touched = [
            Touched(name, tally.counts[Action.UPDATE], tally.counts[Action.DELETE], tally.live, tally.newest)
            for name, tally in tallies.items()
            if tally.counts[Action.UPDATE] or tally.counts[Action.DELETE]
        ]
        prints = {name: found.hexdigest() for name, found in self.declared.prints.items()}
        others, _ = digested(self.goal.desired, self.goal.tables)
        parts = {name: TablePlan(specs[name], t.rows, t.counts, t.kept, t.told) for name, t in tallies.items()}
        return replace(
            self._make({**self.parts, **parts}),
            fingerprints=with_whole({**others, **prints}),
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


def _is_new(part: TablePlan, span: Span) -> bool:
    return creates_all(part, span.goal.desired[part.spec.name].height)
