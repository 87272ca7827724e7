"""The spans of a run one after the other: while one is compared, the next are computed and read, each in a thread."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from threading import Lock

from sqlalchemy import Connection

from reconcile.cli.declared import Declared
from reconcile.cli.spanned import Spanned
from reconcile.decide import Goal
from reconcile.diff import Action
from reconcile.guard import Dependents
from reconcile.lines import Lines
from reconcile.live.collation import Collation, server_weights
from reconcile.live.raw import RawTable
from reconcile.live.spans import read_span
from reconcile.live.state import dependents
from reconcile.plan import Plan
from reconcile.prefetch import prefetched
from reconcile.spec import TableSpec


@dataclass(frozen=True, slots=True)
class Span:
    """One span as it is declared, with the lines of its rows, and as it was read."""

    number: int
    goal: Goal
    lines: Mapping[str, Lines]
    raw: Mapping[str, RawTable]


@dataclass(frozen=True, slots=True)
class Line:
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
        if not any(part.counts[Action.DELETE] for part in plan.tables):
            return []
        with self.lock:
            return dependents(self.connection, plan, specs)


def read_ahead(line: Line, declared: Declared, spanned: Spanned) -> Generator[Span, None, None]:
    """Give the spans in turn; whoever may stop before the end closes it, while the line is still open."""
    numbers = sorted(spanned.ranges)
    with (
        prefetched(declared.span(number) for number in numbers) as goals,
        prefetched((goal, declared.digest(goal)) for goal in goals) as digested,
        prefetched(line.read(spanned, number) for number in numbers) as raws,
    ):
        for number, (goal, lines), raw in zip(numbers, digested, raws, strict=True):
            yield Span(number, goal, lines, raw)
