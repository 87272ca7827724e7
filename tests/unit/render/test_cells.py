"""Cells: each canonical value as people and programs see it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

import pytest

from reconcile import values
from reconcile.decide import Mode
from reconcile.diff import Action, Reason
from reconcile.plan import Plan
from reconcile.render import json, text
from reconcile.render.cells import ShownRow, cell, shown_rows
from reconcile.spec import Column, Owner
from reconcile.values import SET, Kind
from tests.unit.tiny import TAGS, Row, declared, live, planned


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
        (values.Secret(60), "password of the accounts", "(secret)"),
        (values.Secret(60), values.SET, "(secret)"),
        (values.Secret(60), None, None),
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


PASSWORD = Column("password", values.Secret(60), nullable=True, owner=Owner.ONCE)
LOCKED = {"tags": replace(TAGS, columns=(*TAGS.columns, PASSWORD), prunes=True)}


def locked(desired: Sequence[Row], found: Sequence[Row], mode: Mode = Mode.RESET) -> Plan:
    """Plan rows of a table with a secret column; the secret is called shown-to-nobody."""
    rows = [{"password": "shown-to-nobody", **row} for row in desired]
    return planned(declared({"tags": rows}, LOCKED), live({"tags": found}, LOCKED), mode)


PLANS = {
    "create": locked([{"code": "a"}], []),
    "update of the secret": locked([{"code": "a"}], [{"code": "a"}]),
    "update of the rest": locked([{"code": "a", "title": "A"}], [{"code": "a", "password": SET}]),
    "delete": locked([], [{"code": "a", "password": SET}]),
    "skip": locked([{"code": "a", "title": "A"}], [{"code": "a"}, {"code": "b", "password": SET}], Mode.TOP_UP),
}


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS.keys())
def test_no_output_shows_a_secret(plan: Plan) -> None:
    """Neither its name nor what a live one is read as, on either side."""
    outputs = [json.render_plan(plan, tool_version="0"), text.render_plan(plan, shows_rows=True, limit=None)]

    assert [output for output in outputs if "shown-to-nobody" in output or f'"{SET}"' in output] == []


def test_a_secret_that_is_written_is_seen_to_change() -> None:
    [row] = shown_rows(PLANS["update of the secret"].tables[0])

    assert (row.before, row.after) == ({"password": None}, {"password": "(secret)"})
    assert '    password: null → "(secret)"' in text.render_plan(
        PLANS["update of the secret"], shows_rows=True, limit=None
    )


def test_a_created_row_shows_that_it_has_a_secret() -> None:
    [row] = shown_rows(PLANS["create"].tables[0])

    assert row.after == {"code": "a", "title": None, "password": "(secret)"}
    assert 'code="a", password="(secret)"' in text.render_plan(PLANS["create"], shows_rows=True, limit=None)
