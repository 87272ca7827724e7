"""Referral credits and metrics follow from the orders they name, by one definition for rows, rules and repairs."""

from datetime import date, datetime

import polars as pl

from desired_state import STATE, leaderboard, referrals
from desired_state.rules import derived
from reconcile.dataset import KEY, Dataset
from tests.unit.desired_state.test_engagement import APPLIED, AS_OF, replaced
from tests.unit.desired_state.test_rules import edit


def test_credits_are_earned_by_others_and_end_as_their_order_did(full: Dataset) -> None:
    """A tenth of the order's total; pending until it is paid, applied within sixty days to a sale to the referrer."""
    orders = full["orders"].select("saleStatus", "total", "client_id", "created_at", order=KEY)
    own = full["clients"].select(own="referred_by_client_id", referred_client_id=KEY)
    rows = full["referral_credits"].join(own, on="referred_client_id").join(
        orders, left_on="referred_order_id", right_on="order", suffix="_of_order"
    )  # fmt: skip
    used = rows.join(orders, left_on="applied_to_order_id", right_on="order", suffix="_of_use")
    now = pl.lit(AS_OF).cast(pl.Datetime("us"))

    assert rows.height == 30
    assert rows.filter(((pl.col("credit_amount") * 10) - pl.col("total")).abs() > 0.05).height == 0
    assert rows.filter((pl.col("saleStatus") != "PAID") != (pl.col("status") == "PENDING")).height == 0
    assert rows.filter((pl.col("status") == "EXPIRED") & (pl.col("expires_at") > now)).height == 0
    assert rows.filter((pl.col("status") == "AVAILABLE") & (pl.col("expires_at") <= now)).height == 0
    assert rows.filter(pl.col("own").is_not_null() & (pl.col("own") != pl.col("referrer_client_id"))).height == 0
    assert used.height == rows.filter(APPLIED).height > 0
    assert used.filter(
        (pl.col("created_at_of_use") != pl.col("applied_at")) | (pl.col("applied_at") > pl.col("expires_at"))
    ).height == 0  # fmt: skip


def test_a_credit_that_names_the_wrong_clients_is_put_right(light: Dataset) -> None:
    """The repair of a random credit is sound, and finds nothing to do in its own result."""
    credit = light["referral_credits"].filter(~APPLIED).row(0, named=True)
    wrong = edit(
        light, "referral_credits", credit[KEY],
        referrer_client_id=credit["referred_client_id"], referred_client_id="REG0025",
        order_total="1.00", credit_amount="9.00", status="APPLIED",
    )  # fmt: skip
    right = replaced(wrong, "referral_credits", referrals.amounts(wrong))
    row = right["referral_credits"].row(by_predicate=pl.col(KEY) == credit[KEY], named=True)

    assert (row["referrer_client_id"], row["referred_client_id"]) == ("REG0025", credit["referred_client_id"])
    assert (row["order_total"], row["credit_amount"]) == (credit["order_total"], credit["credit_amount"])
    assert row["applied_amount"] == credit["credit_amount"]
    assert [rule.id for rule in derived.RULES if rule.violations(right).height] == []
    assert replaced(right, "referral_credits", referrals.amounts(right))["referral_credits"].equals(
        right["referral_credits"]
    )


def test_random_metrics_are_put_right(light: Dataset) -> None:
    """Metrics computed over the random ones of the replaced tool hold, for whatever moment they say."""
    cache = light["leaderboard_metric_cache"].with_columns(
        metric_value=pl.lit("77.0000").cast(pl.Decimal(15, 4)),
        sample_size=pl.lit(9),
        calculated_at=datetime(2025, 11, 3),
    )
    wrong = Dataset(light.specs, dict(light.frames) | {"leaderboard_metric_cache": cache})
    right = replaced(wrong, "leaderboard_metric_cache", leaderboard.metrics(wrong))
    rule = derived.RULES[-1]

    assert rule.violations(wrong).height == cache.height
    assert rule.violations(right).height == 0


def test_metrics_count_what_was_entered_by_then() -> None:
    """Each definition on rows that a person can add up; later, deleted, void and draft rows count nowhere."""
    at = datetime(2026, 3, 1)
    early, late = datetime(2026, 2, 1), datetime(2026, 3, 2)
    frames = {
        "leaderboard_metric_cache": pl.DataFrame(
            {"client_id": ["A"] * 5, "metric_type": leaderboard.METRICS, "calculated_at": [at] * 5}
        ).with_columns(pl.col("metric_type").alias(KEY)),
        "orders": orders_of(
            ("100.00", "30.00", early, False, None),
            ("50.01", "-5.00", datetime(2025, 11, 1), False, None),
            ("900.00", "1.00", late, False, None),
            ("900.00", "1.00", early, True, None),
            ("900.00", "1.00", early, False, early),
        ),
        "invoices": invoices_of(
            ("I1", "100.00", date(2026, 2, 2), early, "SENT"),
            ("I2", "50.01", date(2025, 11, 2), early, "PAID"),
            ("I3", "900.00", date(2026, 2, 2), early, "VOID"),
            ("I4", "900.00", date(2026, 3, 2), late, "SENT"),
        ),
        "payments": payments_of(
            ("I1", date(2026, 2, 5), early), ("I2", date(2025, 11, 1), early), ("I1", date(2026, 3, 5), late)
        ),
    }  # fmt: skip
    found = leaderboard.metrics(Dataset(STATE.specs, frames))

    assert [
        (row[KEY], str(row["metric_value"]), row["sample_size"], row["is_significant"]) for row in found.to_dicts()
    ] == [
        ("ytd_revenue", "100.0000", 1, True),
        ("avg_order_value", "75.0050", 2, False),
        ("order_frequency", "1.0000", 1, True),
        ("payment_speed", "1.0000", 2, False),
        ("margin_performance", "16.6656", 2, False),
    ]


def test_a_client_without_dealings_has_no_metrics_but_an_order_count(light: Dataset) -> None:
    """The mean of nothing is null, the number of nothing 0."""
    empty = {name: light[name].clear() for name in ("orders", "invoices", "payments")}
    found = leaderboard.metrics(Dataset(light.specs, dict(light.frames) | empty))
    values = found.with_columns(metric=pl.col(KEY).str.split("|").list.last()).select("metric", "metric_value").unique()

    assert {row["metric"]: row["metric_value"] for row in values.to_dicts()} == dict.fromkeys(
        leaderboard.METRICS
    ) | {"order_frequency": 0}  # fmt: skip
    assert not found["is_significant"].any()


def orders_of(*rows: tuple[str, str, datetime, bool, datetime | None]) -> pl.DataFrame:
    columns = ["total", "total_margin", "created_at", "is_draft", "deleted_at"]
    frame = pl.DataFrame(rows, schema=columns, orient="row", schema_overrides={"deleted_at": pl.Datetime("us")})
    amounts = pl.col("total", "total_margin").cast(pl.Decimal(15, 2))
    return frame.with_columns(amounts, client_id=pl.lit("A")).with_columns(subtotal="total")


def invoices_of(*rows: tuple[str, str, date, datetime, str]) -> pl.DataFrame:
    columns = [KEY, "totalAmount", "invoiceDate", "createdAt", "status"]
    frame = pl.DataFrame(rows, schema=columns, orient="row")
    never = pl.lit(None, dtype=pl.Datetime("us"))
    amount = pl.col("totalAmount").cast(pl.Decimal(15, 2))
    return frame.with_columns(amount, customerId=pl.lit("A"), deleted_at=never)


def payments_of(*rows: tuple[str, date, datetime]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=["invoiceId", "paymentDate", "createdAt"], orient="row")
    never = pl.lit(None, dtype=pl.Datetime("us"))
    return frame.with_columns(paymentType=pl.lit("RECEIVED"), deleted_at=never)
