"""Figures derived from orders that say something else: referral credits and leaderboard metrics."""

import polars as pl

from desired_state import leaderboard, referrals
from desired_state.gaps.frames import AUGMENT, nothing
from desired_state.rules import derived
from reconcile.dataset import KEY, Dataset
from reconcile.spec import Profile
from reconcile.state import GapRule


def referral_amounts(dataset: Dataset, _profile: Profile) -> pl.DataFrame:
    """Bring the credits that contradict their order to what the order says."""
    found = pl.concat([derived.referral_amounts(dataset), derived.referral_clients(dataset)])
    if found.is_empty():
        return nothing(dataset, "referral_credits").select(KEY, *referrals.AMOUNTS)
    return referrals.amounts(dataset).filter(pl.col(KEY).is_in(found["key"].implode()))


def metrics(dataset: Dataset, _profile: Profile) -> pl.DataFrame:
    """Bring the metrics that contradict orders, invoices and payments to what these say."""
    found = derived.leaderboard_metrics(dataset)
    if found.is_empty():
        return nothing(dataset, "leaderboard_metric_cache").select(KEY, *leaderboard.VALUES)
    return leaderboard.metrics(dataset).filter(pl.col(KEY).is_in(found["key"].implode()))


RULES = (
    GapRule(
        "referral-amounts",
        "Referral credits follow from their order",
        AUGMENT,
        "referral_credits",
        referrals.AMOUNTS,
        ("referral_credits", "orders"),
        referral_amounts,
        mends=("referral-amounts",),
    ),
    GapRule(
        "leaderboard-metrics",
        "Metrics follow from orders, invoices and payments",
        AUGMENT,
        "leaderboard_metric_cache",
        leaderboard.VALUES,
        ("leaderboard_metric_cache", "orders", "invoices", "payments"),
        metrics,
        mends=("leaderboard-metrics",),
    ),
)
