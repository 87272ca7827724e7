"""Cells: each canonical value as people and programs see it."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from reconcile import values
from reconcile.diff import Action, Reason
from reconcile.render.cells import ShownRow, cell, shown_rows
from reconcile.values import Kind
from tests.unit.tiny import declared, live, planned


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (values.Integer(), 7, 7),
        (values.Boolean(), True, True),
        (values.Decimal(8, 2), Decimal("1.50"), "1.50"),
        (values.Date(), date(2026, 1, 5), "2026-01-05"),
        (values.Timestamp(), datetime(2026, 1, 5, 7, 8, 9), "2026-01-05 07:08:09"),
        (values.Text(), "a\nb", "a\nb"),
        (values.Json(), '{"a":[1]}', {"a": [1]}),
        (values.Json(), "{broken", "{broken"),
        (values.Reference("makers"), "ACME", "ACME"),
        (values.Decimal(8, 2), None, None),
    ],
)
def test_a_cell_is_exact(kind: Kind, value: object, expected: object) -> None:
    assert expected == cell(kind, value)


def test_a_create_shows_the_declared_row() -> None:
    [table] = planned(declared({"tags": [{"code": "a", "title": "A"}]}), live({})).tables

    assert [
        ShownRow(
            "core",
            "a",
            Action.CREATE,
            Reason.MISSING,
            "declared and not in the database",
            before=None,
            after={"code": "a", "title": "A"},
        )
    ] == list(shown_rows(table))


def test_an_update_shows_the_columns_that_differ() -> None:
    [table] = planned(
        declared({"makers": [{"code": "ACME", "rating": "4.5"}]}),
        live({"makers": [{"code": "ACME", "rating": "4", "active": "0"}]}),
    ).tables
    [row] = shown_rows(table)

    assert (row.before, row.after) == ({"rating": "4.00", "active": False}, {"rating": "4.50", "active": True})


def test_a_delete_shows_the_live_row() -> None:
    [table] = planned(declared({"settings": []}), live({"settings": [{"name": "a", "value": "1"}]})).tables
    [row] = shown_rows(table)

    assert (row.before, row.after) == ({"name": "a", "value": "1"}, None)


def test_a_limit_keeps_the_first_rows() -> None:
    [table] = planned(declared({"tags": [{"code": "b"}, {"code": "a"}, {"code": "c"}]}), live({})).tables

    assert [row.key for row in shown_rows(table, limit=2)] == ["a", "b"]
