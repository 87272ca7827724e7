"""What the application expects of figures that it derives from orders: referral credits and leaderboard metrics."""

import polars as pl

from desired_state import leaderboard, referrals
from desired_state.rules.report import CENT, amount, differ, report, say
from reconcile.dataset import KEY, Dataset
from reconcile.errors import Severity
from reconcile.state import Rule

_ROUNDING = CENT / 100


def referral_amounts(dataset: Dataset) -> pl.DataFrame:
    """A referral credit is its percentage of its order's total, earned by the order's client, and used no further."""
    due = referrals.amounts(dataset).rename({name: f"due_{name}" for name in referrals.AMOUNTS})
    credits = dataset["referral_credits"].join(due, on=KEY, how="left", maintain_order="left")
    is_other_used = (
        pl.col("applied_amount").is_null() != pl.col("due_applied_amount").is_null()
    ) | differ(amount("applied_amount"), amount("due_applied_amount")).fill_null(value=False)  # fmt: skip
    broken = (
        (pl.col("referred_client_id") != pl.col("due_referred_client_id"))
        | differ(amount("order_total"), amount("due_order_total"))
        | differ(amount("credit_amount"), amount("due_credit_amount"))
        | is_other_used
    )
    return report(
        credits,
        broken,
        say(
            "{} with total {}, credit {}, used {}; its order says {} with {}, {}, {}",
            "referred_client_id", "order_total", "credit_amount", "applied_amount",
            "due_referred_client_id", "due_order_total", "due_credit_amount", "due_applied_amount",
        ),
    )  # fmt: skip


def referral_clients(dataset: Dataset) -> pl.DataFrame:
    """Nobody earns a credit for an order of their own, and it is applied to an order of who earned it."""
    buyers = dataset["orders"].select(buyer="client_id", applied_to_order_id=KEY)
    credits = dataset["referral_credits"].join(buyers, on="applied_to_order_id", how="left", maintain_order="left")
    is_applied = pl.col("applied_to_order_id").is_not_null()
    is_own = pl.col("referrer_client_id") == pl.col("referred_client_id")
    is_anothers = is_applied & (
        (pl.col("buyer") != pl.col("referrer_client_id")).fill_null(value=True) | (pl.col("status") != "APPLIED")
    )
    return report(
        credits,
        is_own | is_anothers,
        say(
            "{} for an order of {}, {}, applied to order {} of {}",
            "referrer_client_id", "referred_client_id", "status", "applied_to_order_id", "buyer",
        ),
    )  # fmt: skip


def leaderboard_metrics(dataset: Dataset) -> pl.DataFrame:
    """A cached metric is what the client's orders, invoices and payments made it at the moment it was calculated."""
    due = leaderboard.metrics(dataset).rename({name: f"due_{name}" for name in leaderboard.VALUES})
    cache = dataset["leaderboard_metric_cache"].join(due, on=KEY, how="inner", maintain_order="left")
    value, due_value = amount("metric_value"), amount("due_metric_value")
    broken = (
        (value.is_null() != due_value.is_null())
        | differ(value, due_value, _ROUNDING).fill_null(value=False)
        | (pl.col("sample_size") != pl.col("due_sample_size"))
        | (pl.col("is_significant") != pl.col("due_is_significant"))
    )
    return report(
        cache,
        broken,
        say("{} of {} rows, {} of {} expected", "metric_value", "sample_size", "due_metric_value", "due_sample_size"),
    )


RULES = (
    Rule(
        "referral-amounts",
        "Referral credits follow from their order",
        "invariants",
        Severity.CRITICAL,
        ("referral_credits", "orders"),
        referral_amounts,
    ),
    Rule(
        "referral-clients",
        "Referral credits are of two clients",
        "invariants",
        Severity.CRITICAL,
        ("referral_credits", "orders"),
        referral_clients,
    ),
    # A warning: the application renews this cache by itself, and until then an order edited since is not yet counted.
    Rule(
        "leaderboard-metrics",
        "Metrics follow from orders, invoices and payments",
        "invariants",
        Severity.WARNING,
        ("leaderboard_metric_cache", "orders", "invoices", "payments"),
        leaderboard_metrics,
    ),
)
