"""How far an apply is: live bars on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TextIO

from reconcile.apply.execute import Progress
from reconcile.cli.output import Output

LINE_EVERY_S = 10.0


@dataclass(slots=True)
class PlainProgress:
    """One line when a table is done, and one every ten seconds within a long one."""

    stream: TextIO
    written: dict[str, int] = field(default_factory=dict)
    total: dict[str, int] = field(default_factory=dict)
    last_line_at: float = field(default_factory=time.monotonic)

    def started(self, table: str, rows: int) -> None:
        """Remember how many rows are to come."""
        self.written[table], self.total[table] = 0, rows

    def advanced(self, table: str, rows: int) -> None:
        """Count rows; say so when all are there or the last line is old."""
        self.written[table] += rows
        is_done = self.written[table] == self.total[table]
        if is_done or time.monotonic() - self.last_line_at >= LINE_EVERY_S:
            self.last_line_at = time.monotonic()
            mark = " ✓" if is_done else ""
            self.stream.write(f"Writing {table}... {self.written[table]:,}/{self.total[table]:,}{mark}\n")
            self.stream.flush()

    def finished(self, table: str) -> None:
        """Nothing more to say."""


class NoProgress:
    """Says nothing."""

    def started(self, table: str, rows: int) -> None:
        """Say nothing."""

    def advanced(self, table: str, rows: int) -> None:
        """Say nothing."""

    def finished(self, table: str) -> None:
        """Say nothing."""


@contextmanager
def open_progress(output: Output) -> Iterator[Progress]:
    """Give the progress display that fits stderr."""
    if output.is_quiet:
        yield NoProgress()
    elif sys.stderr.isatty():
        # Imported only where it is shown: a no-op plan should not wait for it.
        from reconcile.cli.bars import open_bars

        with open_bars() as bars:
            yield bars
    else:
        yield PlainProgress(sys.stderr)
