"""Rows of a plan put by: whatever is on disk and whatever in memory, they come back as they were."""

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconcile import spool
from reconcile.dataset import KEY
from reconcile.diff import ACTION, Action
from reconcile.plan import only
from reconcile.spool import Spool
from reconcile.table_plan import TablePlan, no_plan
from tests.unit.tiny import SPECS, declared, live, planned

EMPTY = no_plan(SPECS["makers"]).rows


def rows(*codes: str) -> pl.DataFrame:
    """Give the rows of a plan that creates makers."""
    wanted = declared({"makers": [{"code": code} for code in codes]})
    return next(part.rows for part in planned(wanted, live({"makers": []})).tables if part.spec.name == "makers")


PIECES = st.dictionaries(st.integers(0, 9), st.lists(st.integers(0, 9), unique=True, max_size=4), max_size=6)


@pytest.mark.parametrize("bytes_in_memory", [0, 1_000, 1 << 30])
def test_pieces_come_back_by_number(monkeypatch: pytest.MonkeyPatch, bytes_in_memory: int) -> None:
    monkeypatch.setattr(spool, "BYTES_IN_MEMORY", bytes_in_memory)

    @given(PIECES)
    def law(numbered: Mapping[int, list[int]]) -> None:
        kept = Spool(EMPTY)
        pieces = {number: rows(*(f"M{number}{code}" for code in codes)) for number, codes in numbered.items()}
        for number, piece in pieces.items():
            kept.put(number, piece)
        there = [pieces[number] for number in sorted(pieces) if pieces[number].height]
        assert kept.height == sum(piece.height for piece in there)
        assert all(one.equals(other) for one, other in zip(kept, there, strict=True))
        assert all(kept.piece(number).equals(pieces.get(number, EMPTY)) for number in range(10))

    law()


def test_many_rows_lie_in_a_private_folder_that_goes_with_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(spool, "BYTES_IN_MEMORY", 0)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    kept = Spool(EMPTY)
    kept.put(1, rows("A"))

    [folder] = tmp_path.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [file.name for file in folder.iterdir()] == ["1.arrow"]
    del kept
    assert list(tmp_path.iterdir()) == []


@given(PIECES, st.integers(1, 30), st.sets(st.sampled_from(list(Action)), min_size=1))
def test_a_table_in_pieces_reads_as_one_that_is_whole(
    numbered: Mapping[int, list[int]], limit: int, chosen: set[Action]
) -> None:
    kept = Spool(EMPTY)
    for number in sorted(numbered):
        kept.put(number, rows(*(f"M{number}{code}" for code in sorted(numbered[number]))))
    whole = pl.concat([EMPTY, *kept])
    counts = {action: whole.filter(pl.col(ACTION) == action).height for action in Action}
    spec = SPECS["makers"]
    in_pieces, in_one = TablePlan(spec, kept, counts, {}), TablePlan(spec, whole, counts, {})

    assert in_pieces.rows.equals(in_one.rows)
    assert in_pieces.height == in_one.height
    assert in_pieces.head(limit).equals(in_one.rows.head(limit))
    assert in_pieces.counted() == counts
    assert all(in_pieces.of(action).equals(in_one.of(action)) for action in Action)
    plan = planned(declared({"makers": []}), live({"makers": []}))
    shown = [only(replace(plan, tables=(part,)), chosen).tables[0] for part in (in_pieces, in_one)]
    assert shown[0].rows[KEY].equals(shown[1].rows[KEY])
    assert shown[0].height == shown[1].height == shown[0].rows.height
    assert replace(plan, tables=(in_pieces,)).checksum == replace(plan, tables=(in_one,)).checksum


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", None, ""]),
            st.sampled_from([[], ["x"], None]),
            st.sampled_from([1, None]),
            st.sampled_from([{"code": "a"}, None]),
        ),
        min_size=1,
        max_size=4,
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_columns_that_are_the_same_in_all_rows_come_back(
    monkeypatch: pytest.MonkeyPatch, cells: list[tuple[object, ...]]
) -> None:
    """They are not written to disk: one value of each is kept, null or not."""
    monkeypatch.setattr(spool, "BYTES_IN_MEMORY", 0)
    schema = {
        "text": pl.String(),
        "list": pl.List(pl.String),
        "number": pl.Int64(),
        "side": pl.Struct({"code": pl.String}),
    }
    piece = pl.DataFrame(cells, schema=schema, orient="row")
    kept = Spool(piece.clear())

    kept.put(1, piece)

    assert kept.piece(1).equals(piece)
