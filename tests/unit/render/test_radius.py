"""The blast radius as people and programs read it."""

from datetime import datetime, timedelta

import pytest

from reconcile.plan import Cascade, Radius, Touched
from reconcile.render.radius import radius_document, render_cascades, render_radius

NOW = datetime(2026, 1, 5, 12)


def test_each_table_has_its_share_and_the_age_of_its_newest_row() -> None:
    radius = Radius(
        NOW,
        (Touched("brands", 1, 3, 40, NOW - timedelta(hours=2)), Touched("notes", 0, 1200, 1200)),
        (Cascade("brands", 3, "products", "brandId", 41, goes=True),),
    )

    assert render_radius(radius).split("\n") == [
        "Blast radius    update   delete  of rows  percent  newest row",
        "  brands             1        3       40    10.0%  2 h old",
        "  notes              0    1,200    1,200   100.0%  -",
        "  deleting 3 brands removes 41 products",
    ]


@pytest.mark.parametrize(
    ("age", "told"),
    [
        (timedelta(seconds=-5), "0 s old"),
        (timedelta(seconds=59), "59 s old"),
        (timedelta(seconds=60), "1 min old"),
        (timedelta(hours=1), "1 h old"),
        (timedelta(hours=47), "1 d old"),
    ],
)
def test_an_age_is_told_in_the_largest_unit_that_fits(age: timedelta, told: str) -> None:
    """A clock that is ahead makes nothing older than now."""
    assert render_radius(Radius(NOW, (Touched("t", 1, 0, 1, NOW - age),))).endswith(told)


def test_what_goes_with_what_is_a_tree() -> None:
    brings = (
        Cascade("brands", 3, "products", "brandId", 41, goes=True),
        Cascade("brands", 3, "notes", "brand_id", 2, goes=False),
        Cascade("products", 41, "media", "productId", 7, goes=True),
    )

    assert list(render_cascades(brings)) == [
        "deleting 3 brands removes 41 products",
        "  deleting 41 products removes 7 media",
        "deleting 3 brands takes brand_id from 2 notes",
    ]


@pytest.mark.parametrize(
    "brings",
    [
        (Cascade("goods", 1, "goods", "base", 2, goes=True),),
        (Cascade("a", 1, "b", "a", 2, goes=True), Cascade("b", 2, "a", "b", 1, goes=True)),
    ],
)
def test_tables_that_refer_to_each_other_are_told_once(brings: tuple[Cascade, ...]) -> None:
    assert [line.strip() for line in render_cascades(brings)] == [str(cascade) for cascade in brings]


def test_programs_get_numbers() -> None:
    radius = Radius(
        NOW,
        (Touched("brands", 1, 2, 9, NOW - timedelta(minutes=1)), Touched("notes", 1, 0, 1)),
        (Cascade("brands", 2, "notes", "brand_id", 1, goes=False),),
    )

    assert radius_document(radius) == {
        "tables": [
            {
                "table": "brands",
                "update": 1,
                "delete": 2,
                "rows": 9,
                "percent": 33.33,
                "newest_row_at": "2026-01-05 11:59:00",
                "newest_row_age_s": 60,
            },
            {
                "table": "notes",
                "update": 1,
                "delete": 0,
                "rows": 1,
                "percent": 100.0,
                "newest_row_at": None,
                "newest_row_age_s": None,
            },
        ],
        "cascades": [
            {"parent": "brands", "delete": 2, "table": "notes", "column": "brand_id", "rows": 1, "effect": "update"}
        ],
    }
