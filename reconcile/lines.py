"""Rows as lines of text: what is digested, and what the lines that a server formats are compared with.

Each cell ends with `CELL_END` and each row with `ROW_END`. A backslash and a `CELL_END` inside a cell are escaped, and
a backslash begins `ROW_END` and `NULL`, so two rows are equal as text exactly when they are equal cell by cell.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from reconcile.spec import Column
from reconcile.values import is_free_text, is_looked_up, text

CELL_END, ROW_END, NULL = "\x1f", "\\n", "\\N"
LINE_END = CELL_END + ROW_END
ESCAPED_BACKSLASH, ESCAPED_CELL_END = "\\b", "\\s"

MANY_ROWS = 1_000
"""In so many rows it pays to look first whether any text must be escaped."""

_ROWS_PER_PART = 20_000


@dataclass(frozen=True, slots=True)
class Lines:
    """
    The rows of `frame` as text, in its order and in parts that are short beside the whole: the `plain` cells of every
    row, and apart from them those that a server holds something else for (`is_looked_up`). They may be `digested`.
    """

    frame: pl.DataFrame
    plain: tuple[str, ...]
    looked_up: tuple[str, ...]
    digested: "_Digested | None" = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class _Digested:
    """Digests as they were `before` rows were added, by their values, and `after` that."""

    before: tuple[bytes, ...]
    after: tuple["hashlib._Hash", ...]


class RowDigest:
    """The SHA-256 of rows, frame after frame, with what stands before the first."""

    def __init__(self, columns: Sequence[Column], head: str = "") -> None:
        self._plain, self._looked_up = in_groups(columns)
        self._head = head
        self._digests: tuple[hashlib._Hash, ...] = (hashlib.sha256(), hashlib.sha256())

    def lines(self, frame: pl.DataFrame) -> Lines:
        """Give rows as the lines that they are."""
        return Lines(frame, tuple(_parts(self._plain, frame)), tuple(_parts(self._looked_up, frame)))

    def add(self, lines: Lines) -> Lines:
        """Add rows, in their order, and give them as digested: behind the same rows they need not be digested again."""
        before = tuple(digest.digest() for digest in self._digests)
        if lines.digested is not None and lines.digested.before == before:
            self._digests = tuple(digest.copy() for digest in lines.digested.after)
            return lines
        for digest, parts in zip(self._digests, (lines.plain, lines.looked_up), strict=True):
            for part in parts:
                digest.update(part.encode())
        return replace(lines, digested=_Digested(before, tuple(digest.copy() for digest in self._digests)))

    def hexdigest(self) -> str:
        """Give the digest of the rows added so far."""
        told = [self._head, *(digest.hexdigest() for digest in self._digests)]
        return hashlib.sha256("\n".join(told).encode()).hexdigest()


def in_groups(columns: Sequence[Column]) -> tuple[list[Column], list[Column]]:
    """Part *columns* into plain ones and those that are looked up."""
    return [c for c in columns if not is_looked_up(c.kind)], [c for c in columns if is_looked_up(c.kind)]


def holds(frame: pl.DataFrame, names: Sequence[str], marks: str) -> bool:
    """Say whether a text in one of the columns *names* holds one of *marks*."""
    if not names:
        return False
    joined = frame.select(pl.concat_str(pl.col(name).str.join("") for name in names)).item()
    return any(mark in joined for mark in marks)


def line(columns: Sequence[Column], *, is_plain: bool = False) -> pl.Expr:
    """Write a row as a line; where it *is_plain* no text needs an escape."""
    return pl.concat_str(*(_cell(column, is_plain) for column in columns), pl.lit(ROW_END), separator=CELL_END)


def _parts(columns: Sequence[Column], frame: pl.DataFrame) -> Iterator[str]:
    if not columns:
        return
    texts = [column.name for column in columns if is_free_text(column.kind)]
    for part in frame.select(column.name for column in columns).iter_slices(_ROWS_PER_PART):
        is_plain = part.height >= MANY_ROWS and not holds(part, texts, "\\" + CELL_END)
        yield part.select(line(columns, is_plain=is_plain).str.join("")).item()


def _cell(column: Column, is_plain: bool) -> pl.Expr:
    cell = text(column.kind, pl.col(column.name))
    if is_free_text(column.kind) and not is_plain:
        cell = cell.str.replace_all("\\", ESCAPED_BACKSLASH, literal=True).str.replace_all(
            CELL_END, ESCAPED_CELL_END, literal=True
        )
    return cell.fill_null(NULL)
