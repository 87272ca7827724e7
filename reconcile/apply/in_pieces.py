"""The progress of a run that is carried out in pieces, told as if each table were written at once."""

from dataclasses import dataclass, field

from reconcile.apply.execute import Progress
from reconcile.plan import Plan


@dataclass(slots=True)
class InPieces:
    """Tells *progress* of a table once, with all rows that *plan* writes; one attempt at a run has one of these."""

    progress: Progress
    plan: Plan
    _left: dict[str, int] = field(default_factory=dict)

    def started(self, table: str, rows: int) -> None:
        """Begin with a table, or go on with it."""
        if table not in self._left:
            self._left[table] = next(part.written for part in self.plan.tables if part.spec.name == table)
            self.progress.started(table, self._left[table])

    def advanced(self, table: str, rows: int) -> None:
        """Count rows."""
        self._left[table] -= rows
        self.progress.advanced(table, rows)

    def finished(self, table: str) -> None:
        """Say so when the last piece of a table is written."""
        if not self._left[table]:
            self.progress.finished(table)
