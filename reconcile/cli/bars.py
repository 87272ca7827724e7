"""Live progress bars for an apply on a terminal."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


@dataclass(slots=True)
class Bars:
    """A bar per table, ticked when its rows are written."""

    progress: Progress
    tasks: dict[str, TaskID] = field(default_factory=dict)

    def started(self, table: str, rows: int) -> None:
        """Add the table's bar."""
        self.tasks[table] = self.progress.add_task(f"Writing {table}", total=rows, mark="")

    def advanced(self, table: str, rows: int) -> None:
        """Move the table's bar."""
        self.progress.advance(self.tasks[table], rows)

    def finished(self, table: str) -> None:
        """Tick the table's bar."""
        self.progress.update(self.tasks[table], mark="✓")


@contextmanager
def open_bars() -> Iterator[Bars]:
    """Show bars on stderr until the block ends."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[mark]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield Bars(progress)
