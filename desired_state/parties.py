"""Parties: the vendors that grow, and the clients that buy and sell."""

import polars as pl

from desired_state import dates, money, words
from desired_state.blocks import LIGHT, code, expand
from desired_state.tables.parties import CLIENTS, VENDORS
from reconcile.dataset import conform, with_hash
from reconcile.fields import Draw, pick
from reconcile.spec import Profile

LIGHT_VENDORS = LIGHT["vendors"]
TERM_DAYS = {"COD": 0, "NET_7": 7, "NET_15": 15, "NET_30": 30}

_WHALE_TERMS = ("NET_30", "NET_15", "NET_30", "NET_7", "COD")
"""Terms of the large clients, dealt round in turn: they decide the age of most receivables."""
_REGULAR_TERMS = (("COD", 1), ("NET_7", 2), ("NET_15", 3), ("NET_30", 4))

_WORKING_HOURS = (8 * 3_600, 17 * 3_600)
_PHONES = 100
_SELLER_WHALE = 200
_SELLER_REGULAR = 150
_WHALE_CREDIT = 50_000_00
_REGULAR_CREDIT = 5_000_00
_CREDIT_STEP = 500_00


def vendor_name(ordinal: pl.Expr) -> pl.Expr:
    """The name of the vendor with that running number, the same whatever the seed."""
    return words.combine(ordinal, words.PLACES, words.GROWER_KINDS, step=31)


def vendor_plan(profile: Profile, blocks: pl.DataFrame) -> pl.DataFrame:
    """Give every vendor with what other areas need of it: running number, name and terms."""
    draw = Draw(profile.seed, "vendors")
    frame = expand(blocks, "vendors").with_columns(vendor=vendor_name(pl.col("ordinal")))
    return with_hash(frame, "vendor").with_columns(
        terms=draw.weighted("paymentTerms", (("NET_15", 1), ("NET_30", 1), ("COD", 1)))
    )


def vendors(profile: Profile, plan: pl.DataFrame) -> pl.DataFrame:
    """Give the vendors table."""
    draw = Draw(profile.seed, "vendors")
    created = dates.as_moment(
        dates.number(profile.as_of) - draw.integer("createdAt", 430, 900),
        draw.integer("createdAt.second", *_WORKING_HOURS),
    )
    return conform(
        VENDORS,
        plan.select(
            name="vendor",
            paymentTerms="terms",
            contactName=pl.lit("Sales desk"),
            contactEmail=pl.concat_str(code("sales@vendor", pl.col("ordinal"), 4), pl.lit(".example.com")),
            contactPhone=phone(pl.col("ordinal")),
            createdAt=created,
            updatedAt=created,
        ),
    )


def phone(ordinal: pl.Expr) -> pl.Expr:
    """A number from the range that is kept free for fiction, 555-0100 to 555-0199."""
    return pl.concat_str(pl.lit("202-555-01"), (ordinal % _PHONES).cast(pl.String).str.zfill(2))


def client_plan(profile: Profile, blocks: pl.DataFrame) -> pl.DataFrame:
    """
    Give every client with what other areas need of it: block, code, place among its kind, terms and roles.

    Whales come first in a block. The first whale and the first regular client of a block sell as well as buy,
    so each block has two sellers at least; `seller_rank` counts them from 0.
    """
    whales = expand(blocks, "whales").with_columns(is_whale=pl.lit(True), code=code("WHL", pl.col("ordinal"), 4))
    regulars = expand(blocks, "regulars").with_columns(is_whale=pl.lit(False), code=code("REG", pl.col("ordinal"), 4))
    draw = Draw(profile.seed, "clients")
    frame = with_hash(pl.concat([whales, regulars]), "code")
    seller = draw.chance("is_seller", pl.when(pl.col("is_whale")).then(_SELLER_WHALE).otherwise(_SELLER_REGULAR))
    frame = frame.with_columns(
        is_seller=(pl.col("index") == 0) | seller,
        terms=pl.when(pl.col("is_whale"))
        .then(pick(pl.col("index") % len(_WHALE_TERMS), _WHALE_TERMS))
        .otherwise(draw.weighted("payment_terms", _REGULAR_TERMS)),
        created_day=dates.number(profile.as_of)
        - pl.when(pl.col("is_whale"))
        .then(draw.integer("created_at", 600, 900))
        .otherwise(draw.integer("created_at", 320, 599)),
        created_second=draw.integer("created_at.second", *_WORKING_HOURS),
    )
    return frame.with_columns(
        term_days=pl.col("terms").replace_strict(TERM_DAYS, return_dtype=pl.Int64),
        seller_rank=pl.when(pl.col("is_seller")).then(pl.col("is_seller").cum_sum().over("block", "is_seller") - 1),
    )


def sellers(plan: pl.DataFrame) -> pl.DataFrame:
    """Give block, rank and code of the clients that sell."""
    return plan.filter("is_seller").select("block", "seller_rank", seller="code")


def seller_counts(plan: pl.DataFrame) -> pl.DataFrame:
    """Give per block how many clients sell."""
    return plan.group_by("block").agg(seller_count=pl.col("is_seller").sum().cast(pl.Int64))


def clients(profile: Profile, plan: pl.DataFrame, accounts: pl.DataFrame) -> pl.DataFrame:
    """
    Give the clients table, with what each client owes and has bought.

    *accounts* has a row per client that was ever invoiced: code, owed_cents, spent_cents, profit_cents,
    debt_days and last_at, the moment of its last order. A credit limit leaves room above what is owed.
    """
    draw = Draw(profile.seed, "clients")
    frame = plan.join(accounts, on="code", how="left", maintain_order="left").with_columns(
        pl.col("owed_cents", "spent_cents", "profit_cents", "debt_days").fill_null(0)
    )
    base = pl.when(pl.col("is_whale")).then(_WHALE_CREDIT).otherwise(_REGULAR_CREDIT)
    wanted = pl.max_horizontal(base, pl.col("owed_cents") * 5 // 4)
    created = dates.as_moment(pl.col("created_day"), pl.col("created_second"))
    return conform(
        CLIENTS,
        frame.select(
            *_identity(draw),
            payment_terms="term_days",
            is_buyer=pl.lit(True),
            is_seller="is_seller",
            is_brand=pl.col("is_whale") & draw.chance("is_brand", 100),
            total_spent=money.decimal(pl.col("spent_cents")),
            total_profit=money.decimal(pl.col("profit_cents")),
            avg_profit_margin=money.decimal(money.percent_hundredths(pl.col("profit_cents"), pl.col("spent_cents"))),
            total_owed=money.decimal(pl.col("owed_cents")),
            oldest_debt_days="debt_days",
            credit_limit=money.decimal((wanted + _CREDIT_STEP - 1) // _CREDIT_STEP * _CREDIT_STEP),
            credit_limit_updated_at=pl.coalesce("last_at", created),
            referred_by_client_id=_referrer(draw),
            created_at=created,
            updated_at=pl.coalesce("last_at", created),
        ),
    )


def _identity(draw: Draw) -> tuple[pl.Expr, ...]:
    is_whale = pl.col("is_whale")
    lower = pl.col("code").str.to_lowercase()
    return (
        pl.col("code").alias("teri_code"),
        pl.when(is_whale)
        .then(words.combine(pl.col("ordinal"), words.PLACES, words.WHOLESALE_KINDS, step=27))
        .otherwise(words.combine(pl.col("ordinal"), words.PLACES, words.SHOP_KINDS, step=29))
        .alias("name"),
        pl.concat_str(pl.lit("orders@"), lower, pl.lit(".example.com")).alias("email"),
        phone(draw.integer("phone", 0, _PHONES - 1)).alias("phone"),
        pl.concat_str(
            draw.integer("address.number", 1, 240),
            pl.lit(" "),
            draw.choice("address.street", words.STREETS),
            pl.lit(", "),
            pick(draw.integer("address.place", 0, len(words.PLACES) - 1), words.PLACES),
        ).alias("address"),
        pl.when(is_whale)
        .then(draw.choice("businessType.whale", ("WHOLESALE", "DISTRIBUTOR")))
        .otherwise(draw.weighted("businessType", (("RETAIL", 4), ("DISPENSARY", 5), ("DELIVERY", 2))))
        .alias("businessType"),
        draw.weighted("preferredContact", (("EMAIL", 4), ("PHONE", 3), ("TEXT", 2), ("ANY", 1))).alias(
            "preferredContact"
        ),
        pl.when(is_whale)
        .then(pl.lit('["wholesale","high-volume","vip"]'))
        .otherwise(pl.lit('["retail"]'))
        .alias("tags"),
    )


def _referrer(draw: Draw) -> pl.Expr:
    # A whale of the same block; the codes of whales are known without a look at their rows.
    whale = pl.col("whales_first") + draw.integer("referred_by_client_id", 0, pl.col("whales_count") - 1)
    is_referred = ~pl.col("is_whale") & draw.chance("referred_by_client_id.any", 120)
    return pl.when(is_referred).then(code("WHL", whale, 4))
