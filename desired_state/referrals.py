"""Referrals: what a client earns when a client it brought in orders. Holds the one definition of a credit's amounts."""

from collections.abc import Mapping

import polars as pl

from desired_state import dates, money
from desired_state.sales import OPEN, SALE
from desired_state.settlement import LAST_PAYMENT_SECOND
from desired_state.tables import SPECS
from desired_state.trade import Trade
from reconcile.dataset import KEY, Dataset, conform, with_hash
from reconcile.fields import Draw
from reconcile.spec import Profile

_DAYS_VALID = 60
_USED = 600
_PERCENT = 10


def referral_plan(profile: Profile, trade: Trade, clients: pl.DataFrame) -> pl.DataFrame:
    """
    Choose the invoiced orders of each block that earned somebody a credit, and say whom.

    Orders of clients that were brought in come first, then those of other small clients. The referrer is the client's
    own, as the finished table *clients* has it, or else a whale of the block; never the client itself.

    Returns:
        Per order block, order, client, referrer and ordered_at.

    """
    draw = Draw(profile.seed, "referral_credits")
    own = clients.select(client=KEY, own="referred_by_client_id")
    whales = trade.clients.filter("is_whale").select("block", "index", "code")
    orders = trade.orders.filter("is_invoiced").join(own, on="client", how="left", maintain_order="left")
    turn = pl.when(pl.col("own").is_not_null()).then(0).when(pl.col("is_whale")).then(2).otherwise(1)
    pick = draw.integer("referrer_client_id", 0, pl.col("whales_count") - 1)
    return (
        with_hash(orders, "order")
        .with_columns(turn=turn, ticket=draw.bits("referred_order_id"))
        .sort("block", "turn", "ticket", "order")
        .filter(pl.int_range(pl.len()).over("block") < pl.col("referrals_count"))
        .with_columns(pick=pick, pick_again=(pick + 1) % pl.col("whales_count"))
        .join(whales.rename({"index": "pick", "code": "whale"}), on=["block", "pick"], maintain_order="left")
        .join(
            whales.rename({"index": "pick_again", "code": "other"}), on=["block", "pick_again"], maintain_order="left"
        )
        .select(
            "block",
            "order",
            "client",
            referrer=pl.coalesce("own", pl.when(pl.col("whale") == pl.col("client")).then("other").otherwise("whale")),
            ordered_at=dates.as_moment(pl.col("day"), pl.col("second")),
        )
    )


def referral_credits(profile: Profile, trade: Trade, core: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """
    Give the referral_credits table: a tenth of the referred order's total.

    A credit is pending until the order is paid and available for sixty days from then on. It is applied to a sale to
    the referrer of that time, or expires.
    """
    draw = Draw(profile.seed, "referral_credits")
    today = dates.number(profile.as_of)
    settled = trade.invoices.select("order", "status", paid_day="last_paid_day")
    frame = referral_plan(profile, trade, core["clients"]).join(settled, on="order", how="left", maintain_order="left")
    is_paid = pl.col("status") == "PAID"
    frame = _with_use(
        with_hash(frame, "order").with_columns(
            paid_at=pl.when(is_paid).then(dates.as_moment(pl.col("paid_day"), LAST_PAYMENT_SECOND)),
            expires_day=pl.when(is_paid).then(pl.col("paid_day") + _DAYS_VALID),
            is_used=draw.chance("applied_to_order_id", _USED),
        ),
        trade,
    )
    is_applied = pl.col("use").is_not_null()
    rows = frame.select(
        referrer_client_id="referrer",
        referred_client_id="client",
        referred_order_id="order",
        credit_percentage=pl.lit(_PERCENT),
        order_total=pl.lit(0),
        credit_amount=pl.lit(0),
        status=pl.when(pl.col("expires_day").is_null())
        .then(pl.lit("PENDING"))
        .when(is_applied)
        .then(pl.lit("APPLIED"))
        .when(pl.col("expires_day") <= today)
        .then(pl.lit("EXPIRED"))
        .otherwise(pl.lit("AVAILABLE")),
        applied_to_order_id="use",
        applied_at="used_at",
        applied_by="user",
        expires_at=dates.as_moment(pl.col("expires_day"), LAST_PAYMENT_SECOND),
        notes=pl.concat_str(pl.lit("Earned by order "), "order"),
        created_at="ordered_at",
        updated_at=pl.coalesce("used_at", "paid_at", "ordered_at"),
    )
    credits = conform(SPECS["referral_credits"], rows)
    known = Dataset(SPECS, {"orders": core["orders"], "referral_credits": credits})
    return credits.drop(AMOUNTS).join(amounts(known), on=KEY, maintain_order="left").select(credits.columns)


def _with_use(credits: pl.DataFrame, trade: Trade) -> pl.DataFrame:
    """Add `use`, the first sale to the referrer while the credit was valid, when it was made and by whom; else null."""
    sales = trade.orders.filter(pl.col("kind").is_in([SALE, OPEN])).select(
        "user", referrer="client", use="order", used_day="day", used_at=dates.as_moment(pl.col("day"), pl.col("second"))
    )
    uses = (
        credits.filter("is_used")
        .select("order", "referrer", "paid_at", "expires_day")
        .join(sales, on="referrer", how="inner")
        .filter((pl.col("used_at") > pl.col("paid_at")) & (pl.col("used_day") < pl.col("expires_day")))
        .sort("used_at", "use")
        .group_by("order", maintain_order=True)
        .agg(pl.col("use", "used_at", "user").first())
    )
    return credits.join(uses, on="order", how="left", maintain_order="left")


AMOUNTS = ("referrer_client_id", "referred_client_id", "order_total", "credit_amount", "applied_amount")
"""The columns that `amounts` gives: what a credit's order decides."""


def amounts(dataset: Dataset) -> pl.DataFrame:
    """
    Give for each credit whose order exists what follows from that order.

    The referred client is the order's client and the credit its percentage of the order's total, rounded to the cent.
    An applied credit is used as far as it was and no further than it goes; where nothing says how far, wholly. If the
    referrer of a credit that is not applied to an order turns out to be the order's client, the two change places.

    Returns:
        `_key` and the columns `AMOUNTS`, a fixed point: what it gives for its own result is the same.

    """
    orders = dataset["orders"].select(client="client_id", total="total", referred_order_id=KEY)
    frame = dataset["referral_credits"].join(orders, on="referred_order_id", how="inner", maintain_order="left")
    is_misnamed = (pl.col("referrer_client_id") == pl.col("client")) & pl.col("applied_to_order_id").is_null()
    percent = (pl.col("credit_percentage") * 100).cast(pl.Int64)
    credit = money.decimal(money.divide((pl.col("total") * 100).cast(pl.Int64) * percent, 10_000))
    used = pl.min_horizontal(pl.col("applied_amount").cast(pl.Decimal(38, 2)).fill_null(credit), credit)
    return frame.select(
        KEY,
        pl.when(is_misnamed).then("referred_client_id").otherwise("referrer_client_id").alias("referrer_client_id"),
        pl.col("client").alias("referred_client_id"),
        pl.col("total").cast(pl.Decimal(12, 2)).alias("order_total"),
        credit.cast(pl.Decimal(12, 2)).alias("credit_amount"),
        pl.when(pl.col("status") == "APPLIED")
        .then(used)
        .otherwise("applied_amount")
        .cast(pl.Decimal(12, 2))
        .alias("applied_amount"),
    )
