"""Live rows are the same whether they are parsed or taken from the declared rows whose text they are."""

from collections.abc import Sequence
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile.dataset import Fingerprint
from reconcile.errors import Finding
from reconcile.lines import Lines
from reconcile.live import typed as module
from reconcile.live.raw import RawTable
from reconcile.live.typed import typed
from reconcile.spec import Column, TableSpec
from reconcile.values import is_looked_up, text
from tests.properties.shops import WORDS, shops
from tests.unit.live.formatted import paged
from tests.unit.tiny import SPECS, Rows, declared, frame

CELLS = st.none() | WORDS | st.sampled_from(["1", "0", "1.50", "raw", "2026-01-05", "2026-01-05 00:00:00"])
EDITS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), CELLS), max_size=3)


def _lines(spec: TableSpec, rows: pl.DataFrame) -> Lines:
    return Fingerprint(spec).add(rows)


def _live(
    spec: TableSpec, lines: Lines, edits: Sequence[tuple[int, int, str | None]] = (), ids: Sequence[str] | None = None
) -> RawTable:
    """Give declared rows as a server may have them: under ids, referring to ids, and here and there edited."""
    cells = lines.frame.select(
        pl.lit("7").alias(c.name) if is_looked_up(c.kind) else text(c.kind, pl.col(c.name)) for c in spec.declared
    )
    rows = [list(row) for row in cells.rows()]
    for place, column, cell in edits if rows else ():
        rows[place % len(rows)][column % cells.width] = cell
    ids = ids or list(map(str, range(3, 3 + len(rows))))
    return paged(spec, ("id", *cells.columns), [(number, *row) for number, row in zip(ids, rows, strict=True)])


def _assert_same(raw: RawTable, lines: Lines) -> None:
    (taken, told), (parsed, findings) = typed(raw, lines), typed(raw)

    assert taken.schema == parsed.schema
    assert taken.equals(parsed)
    assert told == findings


@settings(max_examples=100, deadline=None)
@given(rows=shops(), edits=EDITS, most_others=st.sampled_from([0.25, 1.0]))
def test_rows_are_the_same_with_and_without_the_declared_lines(
    rows: Rows, edits: list[tuple[int, int, str | None]], most_others: float
) -> None:
    for name, spec in SPECS.items():
        lines = _lines(spec, declared(rows)[name])
        with patch.object(module, "_MOST_OTHERS", most_others):
            _assert_same(_live(spec, lines, edits), lines)


MANY = [{"code": f"{number:03}", "title": f"Title {number}"} for number in range(40)]
TAGS = SPECS["tags"]


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows were parsed, each time; an id alone does not count."""
    heights: list[int] = []
    parse = module._parsed

    def counting(raw: RawTable, rows: pl.DataFrame, columns: Sequence[Column]) -> tuple[pl.DataFrame, list[Finding]]:
        if columns:
            heights.append(rows.height)
        return parse(raw, rows, columns)

    monkeypatch.setattr(module, "_parsed", counting)
    return heights


def test_rows_that_are_the_same_text_are_not_parsed(parsed: list[int]) -> None:
    lines = _lines(TAGS, frame(TAGS, MANY))

    typed(_live(TAGS, lines), lines)

    assert parsed == []


def test_of_rows_that_differ_only_these_are_parsed(parsed: list[int]) -> None:
    lines = _lines(TAGS, frame(TAGS, MANY))

    found, _ = typed(_live(TAGS, lines, [(7, 1, "edited"), (9, 1, None)]), lines)

    assert parsed == [2]
    assert found["title"].to_list()[6:10] == ["Title 6", "edited", "Title 8", None]


def test_rows_under_ids_of_another_order_are_parsed(parsed: list[int]) -> None:
    lines = _lines(TAGS, frame(TAGS, MANY[:2]))

    found, _ = typed(_live(TAGS, lines, ids=["9", "4"]), lines)

    assert parsed == [2]
    assert found.rows() == [(4, "001", "Title 1"), (9, "000", "Title 0")]


def test_a_table_that_lacks_a_column_is_parsed(parsed: list[int]) -> None:
    lines = _lines(TAGS, frame(TAGS, [{"code": "a"}]))

    found, _ = typed(paged(TAGS, ("id", "code"), [("1", "a")]), lines)

    assert parsed == [1]
    assert found.columns == ["_id", "code"]
