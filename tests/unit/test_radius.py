"""The blast radius: how much of each table a plan touches, what deletes bring with them, and how much it may be."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.cascade import cascade
from reconcile.dataset import Dataset
from reconcile.decide import Mode
from reconcile.errors import Finding
from reconcile.limits import DEFAULT, SMALL_TABLE, Limit, Limits, percent
from reconcile.plan import Cascade, Plan, Touched
from reconcile.radius import cascades, measure, refuse_radius
from reconcile.spec import TableSpec
from tests.unit.tiny import GOODS, MAKERS, SPECS, Row, declared, live, planned

NOW = datetime(2026, 1, 5, 12)
LISTED = replace(
    GOODS, columns=tuple(replace(c, is_clock_default=c.name == "listed_at") for c in GOODS.columns), prunes=True
)
"""Goods with a column that says when a row was made."""


def makers(*codes: str, **cells: str) -> list[Row]:
    return [{"code": code, **cells} for code in codes]


def codes(number: int) -> tuple[str, ...]:
    return tuple(f"M{index:03}" for index in range(number))


def changing(updates: int, deletes: int, rows: int, mode: Mode = Mode.RESET) -> tuple[Plan, Dataset]:
    """Plan to update and delete so many of a table's rows, and to create one; the other modes are only called so."""
    there = codes(rows)
    stay = there[: rows - deletes]
    wanted = [*makers(*stay[:updates], name="new"), *makers(*stay[updates:]), *makers("ADDED")]
    found = live({"makers": makers(*there)})
    return replace(planned(declared({"makers": wanted}), found), mode=mode), found


def radius_of(plan: Plan, found: Dataset, limits: Limits) -> list[Finding]:
    return refuse_radius(replace(plan, radius=measure(plan, found, NOW)), limits)


def refused(updates: int, deletes: int, rows: int, mode: Mode, limits: Limits) -> list[str]:
    return [finding.what for finding in radius_of(*changing(updates, deletes, rows, mode), limits)]


def test_only_tables_that_are_updated_or_deleted_from_are_measured() -> None:
    """A row that is created touches nobody's row."""
    found = live({"makers": makers("A", "B", "C"), "tags": []})
    desired = declared({"makers": [*makers("A", name="new"), *makers("B", "D")], "tags": [{"code": "t"}]})

    assert measure(planned(desired, found), found, NOW).tables == (Touched("makers", 1, 1, 3),)


def test_a_plan_that_only_adds_has_no_radius() -> None:
    found = live({"makers": []})

    assert measure(planned(declared({"makers": makers("A")}), found), found, NOW).tables == ()


def test_the_newest_row_is_the_latest_of_its_clock_columns() -> None:
    """A time that somebody declared says nothing about when the row was made."""
    rows = [
        {"sku": "OLD", "maker": "A", "listed_at": "2020-01-01 00:00:00"},
        {"sku": "NEW", "maker": "A", "listed_at": "2026-01-05 11:00:00"},
        {"sku": "NONE", "maker": "A"},
    ]
    newest = []
    for spec in (LISTED, GOODS):
        specs = SPECS | {"goods": spec}
        found = live({"makers": makers("A"), "goods": rows}, specs)
        desired = declared({"makers": makers("A"), "goods": []}, specs)
        newest += [touched.newest for touched in measure(planned(desired, found), found, NOW).tables]

    assert newest == [datetime(2026, 1, 5, 11), None]


def brought(goods: Sequence[Row], links: Sequence[Row], specs: dict[str, TableSpec]) -> list[Cascade]:
    found = live({"makers": makers("A", "B"), "goods": goods, "tags": [{"code": "t"}], "goods_tags": links}, specs)
    plan = planned(declared({"makers": makers("B")}, specs), found)
    return list(cascades(cascade(plan, found, specs)))


def test_what_deletes_bring_with_them_is_counted_per_level() -> None:
    goods = [{"sku": "1", "maker": "A"}, {"sku": "2", "maker": "A"}, {"sku": "3", "maker": "B"}]
    links = [{"good": "1", "tag": "t"}, {"good": "3", "tag": "t"}]

    assert brought(goods, links, SPECS) == [
        Cascade("makers", 1, "goods", "maker", 2, goes=True),
        Cascade("goods", 2, "goods_tags", "good", 1, goes=True),
    ]


def test_a_row_that_goes_for_two_reasons_counts_once() -> None:
    """The row goes with its maker; that its base goes as well adds nothing."""
    goods = [
        {"sku": "1", "maker": "A"},
        {"sku": "2", "maker": "A", "base": "1"},
        {"sku": "3", "maker": "B", "base": "2"},
    ]

    assert brought(goods, [], SPECS) == [
        Cascade("makers", 1, "goods", "maker", 2, goes=True),
        Cascade("goods", 2, "goods", "base", 1, goes=True),
    ]


def test_a_reference_that_is_taken_away_is_no_delete() -> None:
    from reconcile.values import Reference

    columns = tuple(
        replace(c, kind=Reference("makers", "SET NULL"), nullable=True) if c.name == "maker" else c
        for c in GOODS.columns
    )
    specs = SPECS | {"goods": replace(GOODS, columns=columns)}

    assert brought([{"sku": "1", "maker": "A"}], [], specs) == [Cascade("makers", 1, "goods", "maker", 1, goes=False)]


def test_deletes_that_were_asked_for_are_no_cascade() -> None:
    found = live({"makers": makers("A"), "goods": [{"sku": "1", "maker": "A"}]})

    assert list(cascades(planned(declared({"makers": [], "goods": []}), found))) == []


@pytest.mark.parametrize("mode", [Mode.TOP_UP, Mode.ADD_ONLY, Mode.EXACT, Mode.ROLLBACK])
@pytest.mark.parametrize(("updates", "deletes"), [(4, 0), (0, 4)])
def test_thirty_percent_is_the_default_outside_a_reset(mode: Mode, updates: int, deletes: int) -> None:
    """Of 13 rows three are 23 percent and four 31."""
    verb = "updated" if updates else "deleted"

    assert refused(updates, deletes, 13, mode, Limits()) == [f"4 of 13 rows of makers would be {verb} (30.8%)"]
    assert refused(min(updates, 3), min(deletes, 3), 13, mode, Limits()) == []


@pytest.mark.parametrize("mode", [Mode.RESET, Mode.CLEAR])
def test_a_reset_and_a_clear_have_no_default(mode: Mode) -> None:
    """They are meant to; what is asked for holds all the same."""
    assert refused(6, 6, 12, mode, Limits()) == []
    assert len(refused(6, 6, 12, mode, Limits(Limit(5, is_percent=False), Limit(49, is_percent=True)))) == 2


def test_a_percentage_says_nothing_about_a_small_table() -> None:
    """A number of rows does."""
    assert refused(0, SMALL_TABLE, SMALL_TABLE, Mode.EXACT, Limits(delete=Limit(0, is_percent=True))) == []
    assert refused(0, 4, SMALL_TABLE + 1, Mode.EXACT, Limits()) != []
    assert refused(0, 1, 1, Mode.EXACT, Limits(delete=Limit(0, is_percent=False))) != []


def test_a_limit_for_one_action_is_none_for_the_other() -> None:
    everything = Limit(100, is_percent=True)

    assert refused(6, 6, 12, Mode.EXACT, Limits(update=everything)) == [
        "6 of 12 rows of makers would be deleted (50.0%)"
    ]
    assert refused(6, 6, 12, Mode.EXACT, Limits(delete=everything)) == [
        "6 of 12 rows of makers would be updated (50.0%)"
    ]
    assert refused(6, 6, 12, Mode.EXACT, Limits(everything, everything)) == []


def test_created_rows_never_count() -> None:
    found = live({"makers": []})
    plan = replace(planned(declared({"makers": makers(*codes(50))}), found), mode=Mode.EXACT)
    nothing = Limit(0, is_percent=False)

    assert radius_of(plan, found, Limits(nothing, nothing)) == []


def test_every_table_is_named_with_the_flag_that_would_allow_them_all() -> None:
    goods = [{"sku": f"G{index}", "maker": "M000"} for index in range(20)]
    found = live({"makers": makers(*codes(12)), "goods": goods})
    desired = declared({"makers": makers(*codes(6)), "goods": goods[:5]})
    plan = replace(planned(desired, found), mode=Mode.EXACT)

    findings = radius_of(plan, found, Limits())

    assert [(f.what, f.where) for f in findings] == [
        ("6 of 12 rows of makers would be deleted (50.0%)", "table makers"),
        ("15 of 20 rows of goods would be deleted (75.0%)", "table goods"),
    ]
    assert {f.why for f in findings} == {"that is more than --max-delete 30%, which holds unless another is given"}
    assert {f.fix for f in findings} == {"review the plan; --max-delete 75% allows it for every table listed"}
    assert radius_of(plan, found, Limits(delete=Limit(75, is_percent=True))) == []
    [finding] = radius_of(plan, found, Limits(delete=Limit(14, is_percent=False)))
    assert (finding.why, finding.fix) == (
        "that is more than --max-delete 14",
        "review the plan; --max-delete 15 allows it",
    )


@given(rows=st.integers(1, 40), touched=st.integers(0, 40), amount=st.integers(0, 100), is_percent=st.booleans())
def test_a_limit_allows_more_the_larger_it_is(rows: int, touched: int, amount: int, *, is_percent: bool) -> None:
    touched = min(touched, rows)
    limit = Limit(amount, is_percent)

    if limit.allows(touched, rows):
        assert Limit(amount + 1, is_percent).allows(touched, rows)
        assert limit.allows(max(touched - 1, 0), rows)
    assert Limit(100, is_percent=True).allows(touched, rows)
    assert Limit(rows, is_percent=False).allows(touched, rows)
    assert limit.allows(0, rows)


def test_a_limit_reads_as_the_flags_take_it() -> None:
    assert [str(limit) for limit in (Limit(500, is_percent=False), DEFAULT, Limit(2.5, is_percent=True))] == [
        "500",
        "30%",
        "2.5%",
    ]
    assert (percent(1, 4), percent(3, 0)) == (25.0, 100.0)
    assert MAKERS.name == "makers"
