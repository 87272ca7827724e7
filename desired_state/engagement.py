"""VIP portal, needs and supply, samples, intake, recurring orders, referrals, leaderboard and client activity."""

from collections.abc import Mapping

import polars as pl

from desired_state import activity, intake, leaderboard, portal, recurring, referrals, samples, sourcing
from desired_state.trade import Trade
from reconcile.spec import Profile


def tables(profile: Profile, trade: Trade, core: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Give the tables of this area; *core* are the finished tables of the trade."""
    portals = portal.portal_clients(profile, trade)
    sessions = intake.session_plan(trade)
    return {
        "vip_tiers": portal.vip_tiers(profile),
        "vip_portal_configurations": portal.configurations(portals),
        "vip_portal_auth": portal.auth(portals),
        "client_needs": sourcing.client_needs(profile, trade, portals["client"]),
        "vendor_supply": sourcing.vendor_supply(profile, trade),
        "sampleRequests": samples.sample_requests(profile, trade),
        "intake_sessions": intake.sessions(sessions),
        "intake_session_batches": intake.session_batches(sessions, trade.bill_lines),
        "recurring_orders": recurring.recurring_orders(profile, trade),
        "referral_credits": referrals.referral_credits(profile, trade, core),
        "leaderboard_metric_cache": leaderboard.metric_cache(profile, trade, core),
        "client_activity": activity.client_activity(profile, core),
    }
