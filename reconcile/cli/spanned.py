"""A run over tables in spans: what was found of each span when it was planned, and how to get at it again."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import polars as pl
from sqlalchemy import Connection

from reconcile.apply.piece import Piece, Resolve, whole_look
from reconcile.apply.run import Mark, remaining
from reconcile.cli.filling import Filling
from reconcile.dataset import KEY, STEP, Dataset
from reconcile.decide import Goal
from reconcile.diff import ACTION, AFTER, Action, counts, empty_declared, empty_live
from reconcile.live.collation import Weigh, server_weights
from reconcile.live.introspect import LiveSchema
from reconcile.live.raw import RawTable
from reconcile.live.resolve import LiveState
from reconcile.live.sent import is_held
from reconcile.live.spans import KeyRange, Links, digest, read_span, rows_beside
from reconcile.live.spread import Spread
from reconcile.live.state import resolved
from reconcile.plan import Plan
from reconcile.spool import Spool
from reconcile.state import Spans, Verdict
from reconcile.table_plan import TablePlan


@dataclass(frozen=True, slots=True)
class Spanned:
    """
    The spans of a run by number: where each begins and ends, the digest of its live rows as they were planned with,
    and what the rules say of those in which nothing is to be written. `rows` has what is planned, by table and number;
    of spans that are `new` that is every declared row, to be created. `seen` has the live rows of the others in which
    something is to be written, so that they need not be resolved again. They are those of a shard, or are whole; then
    there may be others, below zero and from their count on, in which nobody declares a row.
    """

    spans: Spans
    links: Links
    schema: LiveSchema
    ranges: Mapping[int, KeyRange]
    rows: Mapping[str, Spool] = field(default_factory=dict)
    seen: Mapping[str, Spool] = field(default_factory=dict)
    digests: Mapping[int, bytes] = field(default_factory=dict)
    verdicts: Mapping[int, Sequence[Verdict]] = field(default_factory=dict)
    new: frozenset[int] = frozenset()
    is_whole: bool = True

    def goal(self, shared: Goal, number: int) -> Goal:
        """Compute what a span's rows shall be; *shared* is the goal of the tables that all spans refer to."""
        if 0 <= number < self.spans.count(shared.profile):
            return self._wanted(shared, self.spans.rows(shared.profile, number).frames)
        return self._wanted(shared, {name: empty_declared(spec) for name, spec in self.links.specs.items()})

    def _wanted(self, shared: Goal, frames: Mapping[str, pl.DataFrame]) -> Goal:
        desired = Dataset(shared.desired.specs, {**shared.desired.frames, **frames})
        return replace(shared, desired=desired, tables=self.spans.tables)

    def _goal_of(self, shared: Goal, part: Plan, number: int) -> Goal:
        """Give what a span's rows shall be; where *part* has all of them nobody need compute them again."""
        if number not in self.new:
            return self.goal(shared, number)
        declared = pl.col(AFTER).struct.unnest(), KEY, STEP
        return self._wanted(shared, {table.spec.name: table.rows.select(declared) for table in part.tables})

    def look(self, goal: Goal, number: int, connection: Connection, shared: Dataset | None) -> Resolve:
        """Read a span's live rows."""
        raw = read_span(connection, self.links, self.schema, self.ranges[number])
        return partial(self.resolve, raw, goal, shared)

    def _look_again(  # what is bound, and what a look is given
        self,
        planned_with: Dataset,
        goal: Goal,
        number: int,
        connection: Connection,
        shared: Dataset | None,
        previous: LiveState | None,
    ) -> Resolve:
        """Read a span's live rows; while *shared* is what it was *planned_with*, what has not moved stays resolved."""
        if shared is not planned_with:
            return self.look(goal, number, connection, shared)
        raw = read_span(connection, self.links, self.schema, self.ranges[number])
        if previous is None and self._has_seen(number) and digest(raw) == self.digests[number]:
            frames = {name: rows.piece(number) for name, rows in self.seen.items()}
            dataset = Dataset({**shared.specs, **self.links.specs}, {**shared.frames, **frames})
            previous = LiveState(dataset, (), raw, self._declared(goal))
        return partial(self.resolve, raw, goal, shared, previous=previous)

    def _has_seen(self, number: int) -> bool:
        return any(number in rows for rows in self.seen.values())

    def resolve(
        self,
        raw: Mapping[str, RawTable],
        goal: Goal,
        shared: Dataset | None,
        weigh: Weigh,
        previous: LiveState | None = None,
    ) -> LiveState:
        """Resolve what was read of a span."""
        if shared is not None and not any(table.has_rows for table in raw.values()):
            # That no two declared rows are one to the server was seen when the span was planned.
            return self.nothing(raw, goal, shared)
        return resolved(weigh, self.schema, raw, self._declared(goal), shared, previous)

    def nothing(self, raw: Mapping[str, RawTable], goal: Goal, shared: Dataset) -> LiveState:
        """Give a span without rows."""
        specs = {**shared.specs, **self.links.specs}
        empty = {name: empty_live(spec) for name, spec in self.links.specs.items()}
        return LiveState(Dataset(specs, {**shared.frames, **empty}), (), raw, self._declared(goal))

    def _declared(self, goal: Goal) -> dict[str, pl.DataFrame]:
        return {name: goal.desired[name] for name in self.spans.tables}

    def pieces(self, plan: Plan, goal: Goal, live: LiveState) -> Iterator[Piece]:
        """
        Give what is carried out in turn: the other tables but for their deletes, the spans, and these deletes.

        Where a row of another table changes, the rules are asked again of every span.
        """
        others = [part for part in plan.tables if part.spec.name not in self.spans.tables]
        coming = replace(plan, tables=tuple(_without_deletes(part) for part in others))
        going = replace(plan, tables=tuple(_of(part, part.of(Action.DELETE)) for part in others))
        look = whole_look(self.schema, live)
        is_last = going.is_empty
        first = goal if is_last and self.is_whole else None
        yield Piece(coming, look, lambda now: now is live, first, asks_rules=False)
        for number in sorted(self.ranges):
            part = self._plan(plan, number)
            if part.written or coming.written or not is_last:
                wanted = self._goal_of(goal, part, number)
                yield Piece(
                    part,
                    partial(self._look_again, live.dataset, wanted, number),
                    partial(self._is_as_planned, number),
                    wanted,
                    Filling(self, wanted, part, number),
                    number,
                )
        if not is_last:
            yield Piece(going, look, lambda _: False, goal, asks_rules=False)

    def moved(
        self, asking: Spread[Connection], goal: Goal, shared: Dataset, marks: Mapping[int, Mark]
    ) -> dict[str, int]:
        """Count by table the rows that are not as desired, in spans that have moved since their *marks*."""
        found = Counter[str]()
        last: Mapping[int, Mark] = {**self.digests, **marks}
        if _are_held(asking, self.links, last.values()):
            return {}
        connection = asking.connection
        read = {number: mark for number, mark in last.items() if isinstance(mark, bytes)}
        if asking.first_failing(read.items(), self._is_unmoved) is None:
            last = {number: mark for number, mark in last.items() if number not in read}
        for number, mark in last.items():
            raw = read_span(connection, self.links, self.schema, self.ranges[number])
            if digest(raw) != mark:
                wanted = self.goal(goal, number)
                live = self.resolve(raw, wanted, shared, server_weights(connection))
                found.update({part.spec.name: part.written for part in remaining(wanted, live.dataset)})
        return dict(found)

    def _is_unmoved(self, connection: Connection, marked: tuple[int, bytes]) -> bool:
        """Say whether a span's rows are the text that they were."""
        number, mark = marked
        return digest(read_span(connection, self.links, self.schema, self.ranges[number])) == mark

    def _is_as_planned(self, number: int, now: LiveState) -> bool:
        return digest(now.raw) == self.digests[number]

    def _plan(self, plan: Plan, number: int) -> Plan:
        """Give what *plan* does in one span."""
        parts = (part for part in plan.tables if part.spec.name in self.rows)
        return replace(plan, tables=tuple(_of(part, self.rows[part.spec.name].piece(number)) for part in parts))


def _are_held(asking: Spread[Connection], links: Links, marks: Collection[Mark]) -> bool:
    """Say whether the tables hold what was sent to them, and no other row."""
    holds = [held for mark in marks if isinstance(mark, tuple) for held in mark]
    if any(isinstance(mark, bytes) for mark in marks):
        return False
    for name, spec in links.specs.items():
        ranges = [range(held.above + 1, held.upto + 1) for held in holds if held.table == name]
        if rows_beside(asking.connection, spec, ranges):
            return False
    return asking.first_failing(holds, is_held) is None


def _without_deletes(part: TablePlan) -> TablePlan:
    return _of(part, part.rows.filter(pl.col(ACTION) != Action.DELETE))


def _of(part: TablePlan, rows: pl.DataFrame) -> TablePlan:
    return TablePlan(part.spec, rows, counts(rows), {})
