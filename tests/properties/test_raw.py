"""A law: a page is taken as it is exactly when escaping its texts makes no difference."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from reconcile.lines import CELL_END, ESCAPED_BACKSLASH, ESCAPED_CELL_END, NULL, ROW_END
from reconcile.live.raw import Page, unescaped

MOST_BYTES = 1_000_000

_TEXT = st.lists(st.sampled_from(["a", "\\", CELL_END, "n", "N", "é", NULL, ROW_END]), max_size=4).map("".join)
_ROWS = st.integers(0, 3).flatmap(lambda width: st.lists(st.tuples(*[_TEXT | st.none()] * width), max_size=4))


def bare(rows: Sequence[Sequence[str | None]]) -> str | None:
    """Join the lines of rows as a server does that is asked for no escape; without rows that is NULL."""
    return (
        "".join("".join((NULL if cell is None else cell) + CELL_END for cell in row) + ROW_END for row in rows) or None
    )


def escaped(rows: Sequence[Sequence[str | None]]) -> str | None:
    """Do so with what the texts need."""
    return bare(
        [
            [cell and cell.replace("\\", ESCAPED_BACKSLASH).replace(CELL_END, ESCAPED_CELL_END) for cell in row]
            for row in rows
        ]
    )


@given(rows=_ROWS)
def test_lines_are_taken_as_they_are_when_nothing_in_them_needs_an_escape(rows: list[tuple[str | None, ...]]) -> None:
    width = len(rows[0]) if rows else 1
    nulls = sum(row.count(None) for row in rows)
    texts = (bare([(str(number),) for number in range(len(rows))]), bare(rows) if width else "")

    page = unescaped(len(rows), MOST_BYTES, (0, nulls), (1, width), texts)

    assert page == (Page(texts[0] or "", texts[1] or "") if not width or bare(rows) == escaped(rows) else None)


@given(rows=_ROWS.filter(lambda rows: bool(rows and rows[0])), cut=st.integers(1, 200))
def test_lines_of_which_the_server_has_cut_something_off_are_not_taken(
    rows: list[tuple[str | None, ...]], cut: int
) -> None:
    """Whatever stands in them: a text may hold the very marks that are missing."""
    text = (bare(rows) or "")[:-cut]
    nulls = sum(row.count(None) for row in rows)
    ids = bare([(str(number),) for number in range(len(rows))])

    assert unescaped(len(rows), len(text.encode()), (0, nulls), (1, len(rows[0])), (ids, text)) is None
