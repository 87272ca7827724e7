"""Rows written down: cells of every sort become canonical, and what is wrong is said, all of it."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from reconcile.dataset import KEY, STEP, conform
from reconcile.declaration import Row, declare
from reconcile.errors import ReconcileError
from tests.unit.tiny import GOODS, MAKERS, NOTES


def test_cells_may_be_python_values_or_texts() -> None:
    python = {"code": "A", "name": "x", "rating": Decimal("4.5"), "founded": date(1999, 12, 31), "active": False}
    texts = {"code": "A", "name": "x", "rating": "4.50", "founded": "1999-12-31", "active": "0"}
    loose = {"code": "A", "name": "x", "rating": 4.5, "founded": datetime(1999, 12, 31, 8), "active": 0}

    assert declare(MAKERS, [python]).equals(declare(MAKERS, [texts]))
    assert declare(MAKERS, [python]).equals(declare(MAKERS, [loose]))


def test_a_document_may_be_written_as_such() -> None:
    rows: list[Row] = [{"ref": "a", "body": {"b": [1, True], "a": None}}, {"ref": "b", "body": '{"b": 1}'}]

    assert declare(NOTES, rows)["body"].to_list() == ['{"a":null,"b":[1,true]}', '{"b":1}']


def test_what_is_left_out_takes_the_default() -> None:
    """Each row by itself; None is null, not left out."""
    rows = declare(MAKERS, [{"code": "A"}, {"code": "B", "name": "named", "rating": None}])

    assert rows["name"].to_list() == ["unnamed", "named"]
    assert rows["active"].to_list() == [True, True]
    assert rows["rating"].to_list() == [None, None]


def test_rows_are_those_that_conform_makes() -> None:
    rows = declare(MAKERS, [{"code": "A"}], step="extras")

    assert (rows[KEY].to_list(), rows[STEP].to_list()) == (["A"], ["extras"])
    assert rows.equals(conform(MAKERS, rows.drop(KEY, STEP), "extras"))
    assert declare(MAKERS, []).schema == rows.schema


def test_everything_that_is_wrong_is_said_at_once() -> None:
    rows = [
        {"code": "A", "colour": "red", "active": "yes"},
        {"code": "B", "colour": "blue", "founded": "soon", "rating": "12345.00"},
    ]
    with pytest.raises(ReconcileError) as refused:
        declare(MAKERS, rows)

    assert [(finding.what, finding.where) for finding in refused.value.findings] == [
        ("makers declares no column colour", "the rows declared for makers"),
        ("'12345.00' is no value of makers.rating", "row 2 declared for makers"),
        ("'soon' is no value of makers.founded", "row 2 declared for makers"),
        ("'yes' is no value of makers.active", "row 1 declared for makers"),
    ]


def test_an_enumeration_takes_its_own_values_only() -> None:
    with pytest.raises(ReconcileError, match=r"'sold' is no value of goods\.kind"):
        declare(GOODS, [{"sku": "a", "maker": "m", "kind": "sold"}])


def test_a_cell_of_no_known_type_is_a_mistake_in_the_program() -> None:
    with pytest.raises(TypeError, match="a cell cannot be a set"):
        declare(MAKERS, [{"code": {"A"}}])
