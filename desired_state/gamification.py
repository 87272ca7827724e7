"""Achievements, the rewards that points buy, what a referral brings, and how leaderboards weigh their metrics."""

from collections.abc import Mapping

import polars as pl

from desired_state.data import listed
from desired_state.tables.engagement import ACHIEVEMENTS, REWARD_CATALOG
from reconcile.values import dump_json

_REQUIREMENTS = {
    "TOTAL_SPENT": "Spend ${} in total",
    "ORDER_COUNT": "Place {} orders",
    "CONSECUTIVE_MONTHS": "Order in {} months in a row",
    "REFERRAL_COUNT": "Refer {} clients",
    "MANUAL": "Awarded by the office",
}
_REWARDS = {
    "MARKUP_DISCOUNT": "Takes {} percent off the markup",
    "FIXED_DISCOUNT": "Takes ${} off an order",
    "PRIORITY_SERVICE": "Moves an order to the front of the queue",
    "EXCLUSIVE_ACCESS": "Opens new goods early, for {} days",
}

_BUYER_WEIGHTS = {
    "ytd_revenue": 25,
    "on_time_payment_rate": 20,
    "order_frequency": 15,
    "profit_margin": 15,
    "credit_utilization": 10,
    "yoy_growth": 10,
    "recency": 5,
}
_SUPPLIER_WEIGHTS = {
    "ytd_purchase_volume": 25,
    "delivery_reliability": 25,
    "quality_score": 20,
    "product_variety": 15,
    "response_time": 10,
    "return_rate": 5,
}
_WEIGHTS = {"CUSTOMER": _BUYER_WEIGHTS, "SUPPLIER": _SUPPLIER_WEIGHTS, "ALL": _BUYER_WEIGHTS}


def achievements() -> pl.DataFrame:
    """Give the sixteen achievements; ten of them come after another of their category."""
    rows = listed("achievements", ACHIEVEMENTS)
    return rows.with_columns(description=_told("requirement_type", _REQUIREMENTS, "requirement_value"))


def rewards() -> pl.DataFrame:
    """Give the eight rewards."""
    rows = listed("reward_catalog", REWARD_CATALOG)
    return rows.with_columns(description=_told("reward_type", _REWARDS, "reward_value"))


def referral_settings() -> pl.DataFrame:
    """
    Give the settings in force, one row.

    The application reads the active row, so being active is what it is known by: an active row that is there
    already, whoever wrote it, is this row, and stays as it is.
    """
    return pl.DataFrame(
        {
            "is_active": [True],
            "default_couch_tax_percent": ["5.00"],
            "default_couch_tax_order_limit": [3],
            "min_order_value_for_couch": ["100.00"],
            "min_referrer_account_age_days": [30],
            "attribution_window_days": [30],
            "points_per_referral": [500],
            "points_per_referral_order": [100],
        }
    )


def leaderboard_weights() -> pl.DataFrame:
    """Give the weights per kind of client, in percent."""
    return pl.DataFrame({"client_type": list(_WEIGHTS), "weights": [dump_json(each) for each in _WEIGHTS.values()]})


def _told(kind: str, texts: Mapping[str, str], value: str) -> pl.Expr:
    """Say what a row is about: the text of its kind with the value in its gap, in the singular where it is one."""
    number = pl.col(value).cast(pl.Int64)
    grouped = number.cast(pl.String).str.replace(r"^(\d+)(\d{3})$", "${1},${2}")
    told = pl.col(kind).replace_strict(texts, return_dtype=pl.String).str.replace("{}", grouped, literal=True)
    return pl.when(number == 1).then(told.str.replace(r"\b1 (\w+)s\b", "1 ${1}")).otherwise(told)
