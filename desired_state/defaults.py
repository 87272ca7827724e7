"""Module defaults: what the application expects to find switched on. Additive: rows of others stay."""

import polars as pl

from desired_state import dates, flags, gamification, scheduling, storage
from desired_state.tables.collaboration import OVERTIME_RULES, ROOMS, SHIFT_TEMPLATES
from desired_state.tables.engagement import (
    ACHIEVEMENTS,
    FEATURE_FLAG_AUDIT_LOGS,
    FEATURE_FLAGS,
    LEADERBOARD_DEFAULT_WEIGHTS,
    REWARD_CATALOG,
)
from desired_state.tables.inventory import SITES, STORAGE_ZONES
from desired_state.tables.sales import REFERRAL_SETTINGS
from reconcile.dataset import conform
from reconcile.spec import Profile

_ROWS = (
    (ACHIEVEMENTS, gamification.achievements),
    (REWARD_CATALOG, gamification.rewards),
    (REFERRAL_SETTINGS, gamification.referral_settings),
    (LEADERBOARD_DEFAULT_WEIGHTS, gamification.leaderboard_weights),
    (ROOMS, scheduling.rooms),
    (SHIFT_TEMPLATES, scheduling.shift_templates),
    (OVERTIME_RULES, scheduling.overtime_rules),
    (SITES, storage.sites),
    (STORAGE_ZONES, storage.storage_zones),
)


def tables(profile: Profile) -> dict[str, pl.DataFrame]:
    """Give the tables of this area; every row was set up on the day the static tables were."""
    moment = dates.go_live(profile.as_of)
    rows = {
        spec.name: conform(spec, listed_rows().with_columns(created_at=moment, updated_at=moment))
        for spec, listed_rows in _ROWS
    }
    return rows | {
        FEATURE_FLAGS.name: flags.feature_flags(profile),
        FEATURE_FLAG_AUDIT_LOGS.name: flags.feature_flag_audit_logs(profile),
    }
