"""What is planned for one table: its rows, as one frame or in pieces, how many each action has, and their digest."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from reconcile.dataset import KEY, STEP
from reconcile.diff import ACTION, AFTER, BEFORE, CHANGED, Action, counts, none_decided
from reconcile.lines import Lines, RowDigest
from reconcile.spec import Column, TableSpec
from reconcile.values import Text

_SIDES = {Action.CREATE: (AFTER,), Action.UPDATE: (BEFORE, AFTER), Action.DELETE: (BEFORE,)}
"""What of a row counts for the digest, by what is done to it; what is skipped does not."""

_HEAD = (Column(KEY, Text()), Column(CHANGED, Text()))


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
    has; and how many live rows are as declared, by step. The rows of a large table are `held` in pieces, and `told` is
    what they come to, so that nobody need read them for that.
    """

    spec: TableSpec
    held: pl.DataFrame | Pieces
    counts: Mapping[Action, int]
    kept_by_step: Mapping[str, int]
    told: "RowsTold | None" = None

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

    def tell(self) -> "RowsTold":
        """Give what the rows come to."""
        if self.told is not None:
            return self.told
        told = RowsTold(self.spec)
        for piece in self.pieces():
            told.add(piece)
        return told

    def hexdigest(self) -> str:
        """Digest what is done to the rows, hexadecimal."""
        return self.tell().hexdigest()

    def by_step(self) -> Mapping[tuple[str, Action], int]:
        """Count the rows by step and action."""
        return self.told.by_step if self.told is not None else sum(map(_by_step, self.pieces()), Counter())

    def of(self, action: Action) -> pl.DataFrame:
        """The rows of one action."""
        count = self.counts[action]
        if count == self.height == sum(self.counts.values()) and isinstance(self.held, pl.DataFrame):
            return self.held
        if not count:
            return self.empty
        pieces = self.pieces()
        return pl.concat([self.empty, *(piece.filter(pl.col(ACTION) == action) for piece in pieces)])


def creates_all(part: TablePlan, declared: int) -> bool:
    """Say whether a table's part is to create all rows that are *declared*, so many, and nothing else."""
    return part.counts[Action.CREATE] == part.height == declared


def with_told(part: TablePlan, lines: Lines) -> TablePlan:
    """Tell of a part that creates all declared rows what they come to, from their *lines*."""
    told = RowsTold(part.spec)
    told.add(part.rows, lines)
    return TablePlan(part.spec, part.held, part.counts, part.kept_by_step, told)


def no_plan(spec: TableSpec) -> TablePlan:
    """Give the part of a table in which nothing is to be done and nothing is kept."""
    rows = none_decided(spec)
    return TablePlan(spec, rows, counts(rows), {})


class RowsTold:
    """What the rows of one table come to when they are added piece by piece: a digest, and counts by step."""

    def __init__(self, spec: TableSpec) -> None:
        self._heads = {action: RowDigest(_HEAD) for action in _SIDES}
        self._sides = {action: {side: RowDigest(spec.declared) for side in sides} for action, sides in _SIDES.items()}
        self.by_step = Counter[tuple[str, Action]]()

    def add(self, piece: pl.DataFrame, created: Lines | None = None) -> None:
        """
        Add rows whose keys come after those of the piece before.

        *created* are the lines of what is created, where somebody has them: they are those of the declared rows.
        """
        counted = _by_step(piece)
        self.by_step.update(counted)
        for action in {action for _, action in counted} & set(_SIDES):
            rows = piece if len(counted) == 1 else piece.filter(pl.col(ACTION) == action)
            head = self._heads[action]
            head.add(head.lines(rows.select(KEY, pl.col(CHANGED).list.join(","))))
            for side, digest in self._sides[action].items():
                known = created if action is Action.CREATE else None
                digest.add(known or digest.lines(rows[side].struct.unnest()))

    def hexdigest(self) -> str:
        """Digest what is done to the rows added so far, hexadecimal."""
        digests = ((action, [self._heads[action], *self._sides[action].values()]) for action in _SIDES)
        lines = (f"{action} {' '.join(digest.hexdigest() for digest in found)}\n" for action, found in digests)
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def _by_step(piece: pl.DataFrame) -> Counter[tuple[str, Action]]:
    if piece.is_empty():
        return Counter()
    steps, actions = piece[STEP], piece[ACTION]
    if not steps.null_count() and (steps == steps[0]).all() and (actions == actions[0]).all():
        # Most often it is one step that does one thing.
        return Counter({(steps[0], Action(actions[0])): piece.height})
    counted = piece.group_by(STEP, ACTION).len()
    return Counter({(step, Action(action)): rows for step, action, rows in counted.iter_rows()})
