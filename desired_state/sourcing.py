"""Sourcing: what clients look for, and what vendors have to offer. Each row is about one product of its block."""

import polars as pl

from desired_state import dates, money, words
from desired_state.blocks import expand
from desired_state.clientele import by_turns, with_client, with_product
from desired_state.people import staff
from desired_state.tables.parties import CLIENT_NEEDS, VENDOR_SUPPLY
from desired_state.trade import Trade
from reconcile.dataset import conform, with_hash
from reconcile.fields import Draw
from reconcile.spec import Profile

STRAIN_TYPES = (
    dict.fromkeys(words.HYBRIDS, "HYBRID")
    | dict.fromkeys(words.INDICAS, "INDICA")
    | dict.fromkeys(words.SATIVAS, "SATIVA")
)
_GRADES = (("A", 3), ("B", 2), ("C", 1))

_ACTIVE, _FULFILLED, _EXPIRED, _CANCELLED = NEED_STATUSES = ("ACTIVE", "FULFILLED", "EXPIRED", "CANCELLED")
_AVAILABLE, _RESERVED, _PURCHASED, _ENDED = SUPPLY_STATUSES = ("AVAILABLE", "RESERVED", "PURCHASED", "EXPIRED")
_PRIORITIES = (("LOW", 2), ("MEDIUM", 5), ("HIGH", 2), ("URGENT", 1))
_ENTERED_IN_PORTAL = 500

_FLOWER_CEILING, _OTHER_CEILING = (1_300_00, 2_700_00), (35_00, 180_00)
_FLOWER_OFFER, _OTHER_OFFER = (800_00, 1_800_00), (20_00, 100_00)
_NEED_NOTES = (
    "Sells out of this by the weekend and wants a standing source",
    "Asks to be called as soon as a matching batch is live",
    "Would take a similar product if the price is right",
    "Plans a shelf promotion and needs the full quantity at once",
)
_SUPPLY_NOTES = (
    "Harvested and cured, ready for pick-up",
    "Available by the case, mixed lots on request",
    "Same grower and same room as the last lot",
    "Price holds for the full quantity only",
)


def client_needs(profile: Profile, trade: Trade, portal_clients: pl.Series) -> pl.DataFrame:
    """
    Give the client_needs table: six of ten are active, the rest ended one way or another.

    A client with a portal may have entered the need itself; otherwise it is one of the staff.
    """
    draw = Draw(profile.seed, "client_needs")
    frame = with_client(expand(trade.blocks, "needs").drop("ordinal"), trade, step=11)
    frame = _dated_needs(profile, _of_product(frame, trade, pl.col("index") * 7 + 3, "client"), draw)
    has_portal = pl.col("client").is_in(portal_clients.implode())
    is_own = has_portal & draw.chance("created_by_client_id", _ENTERED_IN_PORTAL)
    fulfilled = pl.when(pl.col("status") == _FULFILLED).then("met_at")
    least = draw.integer("quantity_min", 5, 50)
    return conform(
        CLIENT_NEEDS,
        frame.select(
            "status",
            "strain",
            "category",
            "subcategory",
            "created_at",
            client_id="client",
            product_name="product",
            strainId="strain",
            strain_type=pl.col("strain").replace_strict(STRAIN_TYPES, return_dtype=pl.String),
            grade=draw.weighted("grade", _GRADES),
            quantity_min=least,
            quantity_max=least + draw.integer("quantity_max", 45, 150),
            price_max=_price(draw, "price_max", _FLOWER_CEILING, _OTHER_CEILING),
            priority=draw.weighted("priority", _PRIORITIES),
            needed_by=dates.as_date(pl.col("needed_day")),
            expires_at=dates.as_moment(pl.col("needed_day") + 1),
            fulfilled_at=fulfilled,
            notes=draw.choice("notes", _NEED_NOTES),
            created_by=pl.when(~is_own).then(staff(draw, "created_by")),
            created_by_client_id=pl.when(is_own).then("client"),
            updated_at=pl.coalesce(fulfilled, "created_at"),
        ),
    )


def _dated_needs(profile: Profile, needs: pl.DataFrame, draw: Draw) -> pl.DataFrame:
    """Add status, created_at, needed_day (ahead of as-of if active, else past) and met_at, before that day."""
    is_active = pl.col("status") == _ACTIVE
    age = pl.when(is_active).then(draw.integer("created_at", 3, 30)).otherwise(draw.integer("created_at", 50, 90))
    wait = pl.when(is_active).then(draw.integer("needed_by", 45, 75)).otherwise(draw.integer("needed_by", 30, 45))
    second = draw.integer("created_at.second", 8 * 3_600, 17 * 3_600)
    frame = needs.with_columns(status=by_turns(_ACTIVE, 6, NEED_STATUSES, "needs_count"))
    return frame.with_columns(day=dates.number(profile.as_of) - age).with_columns(
        created_at=dates.as_moment(pl.col("day"), second),
        needed_day=pl.col("day") + wait,
        met_at=dates.as_moment(pl.col("day") + draw.integer("fulfilled_at", 5, 25), 15 * 3_600),
    )


def vendor_supply(profile: Profile, trade: Trade) -> pl.DataFrame:
    """Give the vendor_supply table: seven of ten are available, the rest reserved, bought or gone."""
    draw = Draw(profile.seed, "vendor_supply")
    vendors = trade.vendors.select("block", "vendor", vendor_index="index")
    rows = expand(trade.blocks, "supplies").with_columns(vendor_index=pl.col("index") * 7 % pl.col("vendors_count"))
    frame = rows.join(vendors, on=["block", "vendor_index"], how="left", maintain_order="left")
    frame = _dated_supply(profile, _of_product(frame, trade, pl.col("index") * 11 + 5, "vendor"), draw)
    reserved = pl.when(pl.col("status").is_in([_RESERVED, _PURCHASED])).then("taken_at")
    purchased = pl.when(pl.col("status") == _PURCHASED).then("bought_at")
    return conform(
        VENDOR_SUPPLY,
        frame.select(
            "status",
            "strain",
            "category",
            "subcategory",
            "available_until",
            "created_at",
            vendor_id="vendor",
            product_name="product",
            strain_type=pl.col("strain").replace_strict(STRAIN_TYPES, return_dtype=pl.String),
            grade=draw.weighted("grade", _GRADES),
            quantity_available=draw.integer("quantity_available", 10, 500),
            unit_price=_price(draw, "unit_price", _FLOWER_OFFER, _OTHER_OFFER),
            reserved_at=reserved,
            purchased_at=purchased,
            notes=draw.choice("notes", _SUPPLY_NOTES),
            created_by=staff(draw, "created_by"),
            updated_at=pl.coalesce(purchased, reserved, "created_at"),
        ),
    )


def _dated_supply(profile: Profile, supply: pl.DataFrame, draw: Draw) -> pl.DataFrame:
    """Add status, created_at, taken_at, bought_at and available_until, which is past where the offer is over."""
    is_over = pl.col("status").is_in([_PURCHASED, _ENDED])
    age = pl.when(is_over).then(draw.integer("created_at", 65, 90)).otherwise(draw.integer("created_at", 10, 20))
    second = draw.integer("created_at.second", 8 * 3_600, 17 * 3_600)
    taken_day = pl.col("day") + draw.integer("reserved_at", 1, 8)
    frame = supply.with_columns(status=by_turns(_AVAILABLE, 7, SUPPLY_STATUSES, "supplies_count"))
    return frame.with_columns(day=dates.number(profile.as_of) - age).with_columns(
        created_at=dates.as_moment(pl.col("day"), second),
        taken_at=dates.as_moment(taken_day, 10 * 3_600),
        bought_at=dates.as_moment(taken_day + draw.integer("purchased_at", 2, 15), 14 * 3_600),
        available_until=dates.as_moment(pl.col("day") + draw.integer("available_until", 30, 60), 17 * 3_600),
    )


def _price(draw: Draw, column: str, flower: tuple[int, int], other: tuple[int, int]) -> pl.Expr:
    """Draw a price per unit from the range, in cents, of flower or of other goods."""
    cents = pl.when("is_flower").then(draw.integer(column, *flower)).otherwise(draw.integer(column, *other))
    return money.decimal(cents)


def _of_product(rows: pl.DataFrame, trade: Trade, index: pl.Expr, party: str) -> pl.DataFrame:
    """Add the product at *index* of the block, and the hash of party and product to draw from."""
    frame = with_product(rows, trade, index).with_columns(pair=pl.concat_str(party, "product", separator="|"))
    return with_hash(frame, "pair")
