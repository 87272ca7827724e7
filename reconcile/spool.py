"""Rows of a plan put by in pieces: in memory while they are few, in a private folder on disk when they are many."""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from weakref import finalize

import polars as pl

BYTES_IN_MEMORY = 8_000_000
"""Of one spool; the pieces that come after these go to disk."""


@dataclass(slots=True, weakref_slot=True)
class Spool:
    """
    Pieces of one table's rows by number, each a frame like `empty`; a piece that nobody has put has no rows.

    The folder is private to the account and goes with the spool.
    """

    empty: pl.DataFrame
    height: int = 0
    _kept: "dict[int, pl.DataFrame | _OnDisk]" = field(default_factory=dict)
    _bytes: int = 0
    _folder: Path | None = None

    def put(self, number: int, rows: pl.DataFrame) -> None:
        """Put a piece by; each number once."""
        if rows.is_empty():
            return
        self.height += rows.height
        self._bytes += int(rows.estimated_size())
        if self._bytes <= BYTES_IN_MEMORY:
            self._kept[number] = rows
            return
        if self._folder is None:
            # Private to the account. Source: Python manual, "tempfile.mkdtemp".
            self._folder = Path(tempfile.mkdtemp(prefix="reconcile-"))
            finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        path = self._folder / f"{number}.arrow"
        same = [column.name for column in rows.iter_columns() if _is_the_same(column)]
        rows.drop(same).write_ipc(path)
        self._kept[number] = _OnDisk(path, rows.head(1).select(same))

    def __contains__(self, number: int) -> bool:
        """Say whether a piece that has rows was put by."""
        return number in self._kept

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """Give the pieces that have rows by number."""
        return map(self.piece, sorted(self._kept))

    def piece(self, number: int) -> pl.DataFrame:
        """Give the rows of one piece."""
        kept = self._kept.get(number)
        if kept is None:
            return self.empty
        return kept if isinstance(kept, pl.DataFrame) else kept.read().select(self.empty.columns)


@dataclass(frozen=True, slots=True)
class _OnDisk:
    """A piece in a file, without the columns that are the `same` in all rows: of rows to be created, most of them."""

    path: Path
    same: pl.DataFrame

    def read(self) -> pl.DataFrame:
        """Give the rows; their columns are in no order."""
        rows = pl.read_ipc(self.path)
        return rows.join(self.same, how="cross") if self.same.width else rows


def _is_the_same(column: pl.Series) -> bool:
    if column.null_count():
        return column.null_count() == len(column)
    match column.dtype:
        case pl.String():
            return bool((column == column[0]).all())
        case pl.List():
            return column.list.len().max() == 0
        case _:
            return False
