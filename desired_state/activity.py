"""Client activity: who set each client up, and who entered its sales and payments. A log that only grows."""

from collections.abc import Mapping

import polars as pl

from desired_state.people import staff
from desired_state.tables.parties import CLIENT_ACTIVITY
from reconcile.dataset import KEY, conform, with_hash
from reconcile.fields import Draw
from reconcile.spec import Profile


def client_activity(profile: Profile, core: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """
    Give the client_activity table: a row per client, per sale that was not cancelled and per payment received.

    The document is named by number, which stays true when a row gets another id; a client is created once.
    """
    draw = Draw(profile.seed, "client_activity")
    created = with_hash(core["clients"], KEY).select(
        "created_at",
        client_id=KEY,
        user_id=staff(draw, "user_id"),
        activity_type=pl.lit("CREATED"),
        metadata=pl.lit(None, dtype=pl.String),
    )
    is_sale = (pl.col("orderType") == "SALE") & ~pl.col("is_draft") & (pl.col("saleStatus") != "CANCELLED")
    sales = core["orders"].filter(is_sale).select(
        "created_at",
        "client_id",
        user_id="created_by",
        activity_type=pl.lit("TRANSACTION_ADDED"),
        metadata=_number("orderNumber", "order_number"),
    )  # fmt: skip
    received = core["payments"].filter(pl.col("paymentType") == "RECEIVED").select(
        created_at="createdAt",
        client_id="customerId",
        user_id="createdBy",
        activity_type=pl.lit("PAYMENT_RECORDED"),
        metadata=_number("paymentNumber", "paymentNumber"),
    )  # fmt: skip
    return conform(CLIENT_ACTIVITY, pl.concat([created, sales, received], how="diagonal"))


def _number(member: str, column: str) -> pl.Expr:
    return pl.concat_str(pl.lit(f'{{"{member}":"'), column, pl.lit('"}'))
