"""The arithmetic that every table uses: exact amounts, days, names and blocks."""

from datetime import date, datetime
from decimal import Decimal
from math import gcd

import polars as pl
import pytest

from desired_state import dates, money, words
from desired_state.blocks import FAR, blocks, expand
from reconcile.spec import Profile, Size


def value(expression: pl.Expr) -> object:
    return pl.select(expression).item()


@pytest.mark.parametrize(("dividend", "divisor", "expected"), [(5, 10, 1), (4, 10, 0), (15, 10, 2), (7, 3, 2)])
def test_division_rounds_a_half_up(dividend: int, divisor: int, expected: int) -> None:
    assert expected == value(money.divide(pl.lit(dividend), divisor))


@pytest.mark.parametrize(
    ("units", "scale", "expected"), [(1450, 2, "14.5"), (2500, 2, "25"), (5, 2, "0.05"), (208080800, 4, "20808.08")]
)
def test_numbers_in_json_are_shortest(units: int, scale: int, expected: str) -> None:
    """As canonical JSON writes them: no trailing zero, no bare point."""
    assert expected == value(money.shortest(pl.lit(units), scale))


def test_amounts_become_exact_decimals() -> None:
    assert Decimal("123456789.01") == value(money.decimal(pl.lit(12_345_678_901)))
    assert Decimal("-0.0005") == value(money.decimal(pl.lit(-5), 4))


def test_prices_follow_from_cost_and_margin() -> None:
    """cogs / (1 - margin): 65.00 at 35 % sells for 100.00."""
    assert value(money.price_cents(pl.lit(6_500), pl.lit(35_00))) == 10_000
    assert value(money.percent_hundredths(pl.lit(0), pl.lit(0))) == 0


@pytest.mark.parametrize(
    ("day", "before", "after", "monday"),
    [
        (date(2026, 1, 2), date(2026, 1, 2), date(2026, 1, 2), date(2026, 1, 2)),
        (date(2026, 1, 3), date(2026, 1, 2), date(2026, 1, 5), date(2025, 12, 29)),
        (date(2026, 1, 4), date(2026, 1, 2), date(2026, 1, 5), date(2025, 12, 29)),
        (date(2026, 1, 5), date(2026, 1, 5), date(2026, 1, 5), date(2026, 1, 5)),
    ],
)
def test_weekends_move_to_workdays(day: date, before: date, after: date, monday: date) -> None:
    """A Friday and a Monday stay, a Saturday and a Sunday move."""
    number = pl.lit(dates.number(day))

    assert before == value(dates.as_date(dates.to_workday_before(number)))
    assert after == value(dates.as_date(dates.to_workday_after(number)))
    assert monday == value(dates.as_date(dates.to_workday_of_week(number, pl.lit(0))))


def test_static_tables_are_never_newer_than_as_of() -> None:
    assert datetime(2020, 1, 6, 9) == value(dates.go_live(date(2026, 1, 5)))
    assert datetime(2019, 5, 1) == value(dates.go_live(date(2019, 5, 1)))


def test_names_are_one_to_one() -> None:
    """No name twice, however far the numbers run."""
    numbers = pl.DataFrame({"ordinal": range(50_000)})
    names = numbers.select(words.combine(pl.col("ordinal"), words.PLACES, words.GROWER_KINDS, step=31)).to_series()

    assert gcd(31, len(words.PLACES) * len(words.GROWER_KINDS)) == 1
    assert names.n_unique() == 50_000


def test_strains_are_in_the_agreed_proportion() -> None:
    assert (len(words.HYBRIDS), len(words.INDICAS), len(words.SATIVAS)) == (13, 9, 6)


def test_blocks_of_a_scaled_dataset_follow_each_other() -> None:
    """Light, what full adds to it, and then whole datasets."""
    orders = blocks(Profile(date(2026, 1, 5), Size.FULL, scale=3)).select("orders_first", "orders_count")

    assert orders.rows() == [(0, 150), (150, 350), (500, 500), (1000, 500)]


def test_extra_blocks_of_light_begin_far_away() -> None:
    plan = blocks(Profile(date(2026, 1, 5), Size.LIGHT, scale=2))

    assert plan.select("orders_first", "orders_count").rows() == [(0, 150), (150 + FAR, 150)]
    assert expand(plan, "vendors")["ordinal"].gather([0, 9, 10]).to_list() == [0, 9, FAR + 10]
