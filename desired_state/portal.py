"""VIP portal: the tiers, and for each chosen client what the portal shows and who may enter. Nobody can log in."""

import polars as pl

from desired_state import dates
from desired_state.clientele import clientele
from desired_state.tables.engagement import VIP_PORTAL_AUTH, VIP_PORTAL_CONFIGURATIONS, VIP_TIERS
from desired_state.trade import Trade
from reconcile.dataset import conform, with_hash
from reconcile.fields import Draw
from reconcile.spec import Profile

_TIERS = (
    ("bronze", "#CD7F32", 0, 0, 0, "Where every portal client starts: regular prices and standard service"),
    ("silver", "#C0C0C0", 25_000, 10, 2, "For clients that buy every month: a small discount on each order"),
    ("gold", "#FFD700", 75_000, 25, 5, "For clients that rely on us: a lasting discount on each order"),
    ("platinum", "#E5E4E2", 150_000, 50, 8, "For large accounts that order nearly every week"),
    ("diamond", "#B9F2FF", 300_000, 100, 12, "For the few accounts that carry the year: our best prices"),
)
_LIVE_CATALOG = 800


def vip_tiers(profile: Profile) -> pl.DataFrame:
    """Give the five tiers, from the lowest, which is everybody's default."""
    columns = ["name", "color", "min_spend_ytd", "min_orders_ytd", "discount_percentage", "description"]
    frame = pl.DataFrame(_TIERS, schema=columns, orient="row")
    return conform(
        VIP_TIERS,
        frame.with_columns(
            display_name=pl.col("name").str.to_titlecase(),
            level=pl.int_range(1, len(_TIERS) + 1),
            is_default=pl.col("name") == _TIERS[0][0],
            created_at=dates.go_live(profile.as_of),
            updated_at=dates.go_live(profile.as_of),
        ),
    )


def portal_clients(profile: Profile, trade: Trade) -> pl.DataFrame:
    """
    Choose the clients with a portal: the first of each block, whales before all others.

    Returns:
        The columns of `clientele`, `number` (from 1 over all blocks) and `opened_at`, the moment the portal was set up.

    """
    counts = trade.blocks.select("block", "portals_count", "portals_first")
    frame = clientele(trade).join(counts, on="block", how="left", maintain_order="left")
    frame = frame.filter(pl.col("place") < pl.col("portals_count"))
    draw = Draw(profile.seed, "vip_portal_configurations")
    opened_day = pl.col("created_day") + draw.integer("created_at", 20, 120)
    return with_hash(frame, "client").with_columns(
        number=pl.col("portals_first") + pl.col("place") + 1,
        opened_at=dates.as_moment(opened_day, draw.integer("created_at.second", 9 * 3_600, 17 * 3_600)),
        has_live_catalog=draw.chance("module_live_catalog_enabled", _LIVE_CATALOG),
    )


def configurations(portals: pl.DataFrame) -> pl.DataFrame:
    """Give the vip_portal_configurations table; only who sells sees the marketplace for supply."""
    return conform(
        VIP_PORTAL_CONFIGURATIONS,
        portals.select(
            client_id="client",
            module_live_catalog_enabled="has_live_catalog",
            module_marketplace_supply_enabled="is_seller",
            created_at="opened_at",
            updated_at="opened_at",
        ),
    )


def auth(portals: pl.DataFrame) -> pl.DataFrame:
    """Give the vip_portal_auth table: one address each, no password and no login so far."""
    return conform(
        VIP_PORTAL_AUTH,
        portals.select(
            client_id="client",
            email=pl.concat_str(pl.lit("vip"), pl.col("number"), pl.lit("@portal.example.com")),
            created_at="opened_at",
            updated_at="opened_at",
        ),
    )
