"""The progress of a run in pieces: told as if each table were written at once."""

from dataclasses import dataclass, field

from reconcile.apply.in_pieces import InPieces
from tests.unit.tiny import declared, live, planned


@dataclass(slots=True)
class Told:
    """What a progress display was told."""

    said: list[tuple[str, str, int]] = field(default_factory=list)

    def started(self, table: str, rows: int) -> None:
        self.said.append(("started", table, rows))

    def advanced(self, table: str, rows: int) -> None:
        self.said.append(("advanced", table, rows))

    def finished(self, table: str) -> None:
        self.said.append(("finished", table, 0))


def test_a_table_that_is_written_in_pieces_is_told_once() -> None:
    plan = planned(declared({"makers": [{"code": code} for code in "ABC"]}), live({"makers": []}))
    told = Told()
    progress = InPieces(told, plan)
    for rows in (2, 1):
        progress.started("makers", rows)
        progress.advanced("makers", rows)
        progress.finished("makers")

    assert told.said == [
        ("started", "makers", 3),
        ("advanced", "makers", 2),
        ("advanced", "makers", 1),
        ("finished", "makers", 0),
    ]
