"""Formats rows as a server is asked to: cell by cell, in the two groups that a page has."""

from collections.abc import Sequence

from reconcile.lines import CELL_END, ESCAPED_BACKSLASH, ESCAPED_CELL_END, NULL, ROW_END
from reconcile.live.raw import Page, RawTable
from reconcile.spec import TableSpec
from reconcile.values import is_looked_up

Texts = Sequence[str | None]


def paged(spec: TableSpec, names: Sequence[str], rows: Sequence[Texts], per_page: int = 2) -> RawTable:
    """Give a table as it is read from a server, some rows a page."""
    starts = range(0, len(rows), per_page)
    return RawTable(spec, tuple(names), pages=[page(spec, names, rows[start : start + per_page]) for start in starts])


def page(spec: TableSpec, names: Sequence[str], rows: Sequence[Texts]) -> Page:
    """Format rows of the columns *names*, the surrogate key among them."""
    others = [name for name in names if name != spec.surrogate_key]
    plain = [name for name in others if not is_looked_up(spec.column(name).kind)]
    looked_up = [spec.surrogate_key, *(name for name in others if name not in plain)]
    cells = [dict(zip(names, row, strict=True)) for row in rows]
    return Page(
        *("".join(_line([row[name] for name in group]) for row in cells if group) for group in (looked_up, plain))
    )


def _line(cells: Texts) -> str:
    return "".join(map(_cell, cells)) + ROW_END


def _cell(cell: str | None) -> str:
    escaped = NULL if cell is None else cell.replace("\\", ESCAPED_BACKSLASH).replace(CELL_END, ESCAPED_CELL_END)
    return escaped + CELL_END
