"""The spans of a run one after the other: while one is compared, the next is computed and read, each in a thread."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from threading import Lock

from sqlalchemy import Connection

from reconcile.cli.declared import Declared
from reconcile.cli.spanned import Spanned
from reconcile.decide import Goal
from reconcile.guard import Dependents
from reconcile.live.collation import Collation, server_weights
from reconcile.live.read import RawTable
from reconcile.live.spans import read_span
from reconcile.live.state import dependents
from reconcile.plan import Plan
from reconcile.spec import TableSpec


@dataclass(frozen=True, slots=True)
class Span:
    """One span as it is declared and as it was read."""

    number: int
    goal: Goal
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
        with self.lock:
            return dependents(self.connection, plan, specs)


@contextmanager
def read_ahead(line: Line, declared: Declared, spanned: Spanned) -> Iterator[Iterator[Span]]:
    """Give the spans in turn; the next one is computed and read meanwhile, each in a thread."""
    with ThreadPoolExecutor(1) as computing, ThreadPoolExecutor(1) as reading:
        ahead: list[tuple[int, Future[Goal], Future[Mapping[str, RawTable]]]] = []
        left = iter(sorted(spanned.ranges))

        def begin() -> None:
            for number in islice(left, 1):
                wanted = computing.submit(declared.span, number)
                ahead.append((number, wanted, reading.submit(line.read, spanned, number)))

        def spans() -> Iterator[Span]:
            begin()
            while ahead:
                number, wanted, raw = ahead.pop(0)
                found = Span(number, wanted.result(), raw.result())
                begin()
                yield found

        try:
            yield spans()
        finally:
            for _, wanted, raw in ahead:
                wanted.cancel()
                raw.cancel()
