"""The fixtures are those that quality assurance names, and take no part in the trade."""

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from desired_state import STATE, fixtures
from reconcile.dataset import KEY, STEP, Dataset
from reconcile.spec import Profile
from reconcile.values import Reference

COUNTS = {"locations": 5, "clients": 8, "brands": 3, "products": 6}


@pytest.fixture(scope="module")
def tables() -> Mapping[str, pl.DataFrame]:
    return fixtures.tables(Profile(date(2026, 1, 5)))


@pytest.fixture(scope="module")
def listed(facts: Path) -> Mapping[str, dict[str, Any]]:
    step = json.loads((facts / "defaults.json").read_text(encoding="utf-8"))["qa_data_step"]
    assert isinstance(step, dict)
    return step


def test_all_fixtures_and_only_they_belong_to_the_step(light: Dataset) -> None:
    """The registry of ids lists the rows of this step."""
    found = {
        name: rows.height
        for name, frame in light.frames.items()
        if (rows := frame.filter(pl.col(STEP) == "qa-data")).height
    }

    assert found == COUNTS
    assert STATE.registry_step == "qa-data"


def test_locations_and_brands_are_those_that_tests_name(
    tables: Mapping[str, pl.DataFrame], listed: Mapping[str, dict[str, Any]]
) -> None:
    assert tables["locations"].select("site", "zone", "rack", "shelf", "bin").to_dicts() == listed["locations"]["rows"]
    assert tables["brands"].select("name").to_dicts() == listed["brands"]["rows"]


def test_products_are_those_that_tests_name(
    tables: Mapping[str, pl.DataFrame], listed: Mapping[str, dict[str, Any]]
) -> None:
    found = tables["products"].select("nameCanonical", "category", "subcategory", brand="brandId")

    assert found.to_dicts() == listed["products"]["rows"]
    assert set(tables["products"]["uomSellable"]) == {"EA"}


@pytest.mark.parametrize(("kind", "buys", "credit"), [("customers", True, "5000.00"), ("suppliers", False, "0.00")])
def test_customers_buy_and_suppliers_sell(
    kind: str, buys: bool, credit: str, tables: Mapping[str, pl.DataFrame], listed: Mapping[str, dict[str, Any]]
) -> None:
    """Both pay in thirty days; only who buys has credit."""
    found = tables["clients"].filter(pl.col("is_buyer") == buys)

    assert found.select("name", "email", "phone", teriCode="teri_code").to_dicts() == listed[kind]["rows"]
    assert set(found["is_seller"]) == {not buys}
    assert set(found["payment_terms"]) == {30}
    assert set(found["credit_limit"]) == {Decimal(credit)}


def test_fixtures_take_no_part_in_the_trade(full: Dataset) -> None:
    """No row of the core or of another step names one, so their arrival moves no cell; they owe nothing."""
    fixture_keys = {name: frame.filter(pl.col(STEP) == "qa-data")[KEY].implode() for name, frame in full.frames.items()}
    named = [
        f"{name}.{column.name}"
        for name, frame in full.frames.items()
        for column in STATE.specs[name].columns
        if isinstance(column.kind, Reference) and column.kind.table in COUNTS
        if frame.filter((pl.col(STEP) != "qa-data") & pl.col(column.name).is_in(fixture_keys[column.kind.table])).height
    ]
    clients = full["clients"].filter(pl.col(STEP) == "qa-data")

    assert named == []
    assert clients.select("total_owed", "total_spent", "total_profit").unique().rows() == [(Decimal(0),) * 3]


def test_fixtures_follow_neither_as_of_nor_seed(tables: Mapping[str, pl.DataFrame]) -> None:
    other = fixtures.tables(Profile(date(2027, 3, 1), seed=9))

    assert [name for name in COUNTS if not tables[name].equals(other[name])] == []
