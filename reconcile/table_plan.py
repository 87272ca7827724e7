"""What is planned for one table: its rows, as one frame or in pieces, and how many each action has."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from reconcile.diff import ACTION, WHY, Action, counts, no_rows
from reconcile.spec import TableSpec


class Pieces(Protocol):
    """
    The rows of one table in pieces that are kept elsewhere, on disk where they are many; iterating gives them in
    the order of their keys, as often as it is asked.
    """

    @property
    def height(self) -> int:
        """How many rows there are."""

    @property
    def empty(self) -> pl.DataFrame:
        """A piece without rows."""

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """Give the pieces."""


@dataclass(frozen=True, slots=True)
class TablePlan:
    """
    One table's part: rows as in `TableDiff`, each with its `_step`, plus `why`, a sentence; how many each action
    has; and how many live rows are as declared, by step. The rows of a large table are `held` in pieces.
    """

    spec: TableSpec
    held: pl.DataFrame | Pieces
    counts: Mapping[Action, int]
    kept_by_step: Mapping[str, int]

    @property
    def rows(self) -> pl.DataFrame:
        """All rows as one frame; whoever can do with pieces asks for those."""
        return self.held if isinstance(self.held, pl.DataFrame) else pl.concat([self.empty, *self.held])

    @property
    def empty(self) -> pl.DataFrame:
        """A frame as the rows are, without rows."""
        return self.held.clear() if isinstance(self.held, pl.DataFrame) else self.held.empty

    @property
    def height(self) -> int:
        """How many rows there are."""
        return self.held.height

    def pieces(self) -> Iterator[pl.DataFrame]:
        """Give the rows in pieces, in the order of their keys."""
        yield from [self.held] if isinstance(self.held, pl.DataFrame) else self.held

    def head(self, limit: int) -> pl.DataFrame:
        """Give the first *limit* rows."""
        found = [self.empty]
        for piece in self.pieces():
            found.append(piece.head(limit))
            limit -= found[-1].height
            if not limit:
                break
        return pl.concat(found)

    @property
    def kept(self) -> int:
        """How many live rows are as declared."""
        return sum(self.kept_by_step.values())

    @property
    def written(self) -> int:
        """How many rows are created, updated or deleted."""
        return sum(rows for action, rows in self.counts.items() if action is not Action.SKIP)

    def counted(self) -> Mapping[Action, int]:
        """Count the rows by action."""
        found = [counts(piece) for piece in self.pieces()]
        return {action: sum(piece[action] for piece in found) for action in Action}

    def of(self, action: Action) -> pl.DataFrame:
        """The rows of one action."""
        count = self.counts[action]
        if count == self.height == sum(self.counts.values()) and isinstance(self.held, pl.DataFrame):
            return self.held
        if not count:
            return self.empty
        pieces = self.pieces()
        return pl.concat([self.empty, *(piece.filter(pl.col(ACTION) == action) for piece in pieces)])


def no_plan(spec: TableSpec) -> TablePlan:
    """Give the part of a table in which nothing is to be done and nothing is kept."""
    rows = no_rows(spec).with_columns(pl.lit(None, dtype=pl.String).alias(WHY))
    return TablePlan(spec, rows, counts(rows), {})
