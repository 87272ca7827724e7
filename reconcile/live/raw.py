"""Rows as they were read: text, from a server in pages of lines, from SQLite in tuples."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from reconcile.lines import CELL_END, ESCAPED_BACKSLASH, ESCAPED_CELL_END, LINE_END, NULL, ROW_END, in_groups
from reconcile.spec import TableSpec

_CELL = "cell"


class Page(NamedTuple):
    """
    The lines of many rows, as `lines` has them: of their plain cells, and of what the dataset holds something else for.

    The surrogate key is the first of the latter.
    """

    looked_up: str
    plain: str

    @property
    def length(self) -> int:
        """How many characters there are."""
        return len(self.looked_up) + len(self.plain)


@dataclass(frozen=True, slots=True)
class RawTable:
    """
    One table as it was read: the names of the columns it has, and its rows by surrogate key.

    `pages` are lines as the server formatted them; `rows` are those of SQLite as tuples of texts. Equal pages and rows
    mean an equal table.
    """

    spec: TableSpec
    names: tuple[str, ...]
    rows: Sequence[tuple[str | None, ...]] = ()
    pages: Sequence[Page] = ()

    @property
    def has_rows(self) -> bool:
        """Say whether there are any."""
        return bool(self.rows or self.pages)

    @property
    def length(self) -> int:
        """How many characters of pages there are."""
        return sum(page.length for page in self.pages)

    def looked_up(self) -> pl.DataFrame:
        """Give of the rows of pages the surrogate key and the cells that are looked up, as `frame` does."""
        return split(groups(self.spec, self.names)[0], [page.looked_up for page in self.pages])

    def frame(self) -> pl.DataFrame:
        """Give the rows as String columns, null for NULL."""
        if self.pages:
            _, plain = groups(self.spec, self.names)
            texts = [page.plain for page in self.pages]
            return self.looked_up().with_columns(split(plain, texts).get_columns()).select(self.names)
        cells = list(zip(*self.rows, strict=True)) or [()] * len(self.names)
        return pl.DataFrame(
            [pl.Series(name, cell, dtype=pl.String) for name, cell in zip(self.names, cells, strict=True)]
        )


def whole(rows: int, texts: Sequence[str | None]) -> Page | None:
    """
    Give the lines of a page; None when they do not have all cells of its rows.

    The server cuts what is longer than group_concat_max_len or max_allowed_packet, with a warning. Source: MySQL
    manual, "Aggregate Function Descriptions", GROUP_CONCAT().
    """
    return Page(*(text or "" for text in texts)) if all(_is_whole(rows, text) for text in texts) else None


def unescaped(
    rows: int, most_bytes: int, nulls: Sequence[int], widths: Sequence[int], texts: Sequence[str | None]
) -> Page | None:
    """
    Give the lines of a page whose cells were not escaped; None when that makes a difference, or some may be missing.

    It makes none where no text holds a mark: then there are as many marks as the cells, rows and nulls of the two kinds
    of lines come to. None is missing where the page is far below the most bytes that the server lets it have, since a
    mark in a text could stand for one that was cut off.
    """
    page = Page(*(text or "" for text in texts))
    kinds = zip(nulls, widths, page, strict=True)
    is_bare = all(_is_short(text, most_bytes) and _is_bare(rows, null, width, text) for null, width, text in kinds)
    return page if is_bare else None


def _is_short(text: str, most_bytes: int) -> bool:
    return 2 * (len(text) if text.isascii() else len(text.encode())) < most_bytes


def _is_bare(rows: int, nulls: int, width: int, text: str) -> bool:
    ends = rows if width else 0
    return text.count("\\") == ends + nulls and text.count(CELL_END) == rows * width


def _is_whole(rows: int, text: str | None) -> bool:
    if not text:
        return text is not None or not rows
    return text.endswith(LINE_END) and text.count(LINE_END) == rows


def groups(spec: TableSpec, names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Part the columns *names* into those that are looked up, the surrogate key first, and plain ones."""
    plain, looked_up = in_groups([spec.column(name) for name in names if name != spec.surrogate_key])
    return [spec.surrogate_key, *(column.name for column in looked_up)], [column.name for column in plain]


def split(names: Sequence[str], texts: Sequence[str]) -> pl.DataFrame:
    """Give the cells of lines as String columns, null for NULL; each of *texts* has many lines, or none."""
    if not names:
        return pl.DataFrame()
    # Every row then begins with the end of the one before; what stands behind the last is left out.
    text = "".join(texts)
    cells = pl.DataFrame({_CELL: [ROW_END + text]}).select(pl.col(_CELL).str.split(CELL_END).explode())
    rows = (cells.height - 1) // len(names)
    has = _marks(text, rows)
    columns = [pl.col(_CELL).gather_every(len(names), offset).head(rows) for offset in range(len(names))]
    columns[0] = columns[0].str.slice(len(ROW_END))
    return cells.select(_unescaped(cell, has).alias(name) for cell, name in zip(columns, names, strict=True))


def _marks(text: str, rows: int) -> dict[str, bool]:
    """Say which marks the cells of some lines have: none where each line has but one backslash, in its end."""
    marks = NULL, ESCAPED_CELL_END, ESCAPED_BACKSLASH
    return dict.fromkeys(marks, False) if text.count("\\") == rows else {mark: mark in text for mark in marks}


def _unescaped(cell: pl.Expr, has: Mapping[str, bool]) -> pl.Expr:
    """Give cells as they were, of lines that have some marks; only texts are escaped."""
    if has[NULL]:
        cell = pl.when(cell != NULL).then(cell)
    for escaped, plain in ((ESCAPED_CELL_END, CELL_END), (ESCAPED_BACKSLASH, "\\")):
        if has[escaped]:
            cell = cell.str.replace_all(escaped, plain, literal=True)
    return cell
