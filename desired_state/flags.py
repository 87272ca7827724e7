"""Feature flags and the entry of the audit log that says who created each. Additive: flags of others stay."""

import polars as pl

from desired_state import dates
from desired_state.actors import ADMIN
from desired_state.data import listed
from desired_state.tables.engagement import FEATURE_FLAG_AUDIT_LOGS, FEATURE_FLAGS
from reconcile.dataset import conform
from reconcile.spec import Profile, TableSpec
from reconcile.values import dump_json


def feature_flags(profile: Profile) -> pl.DataFrame:
    """Give the 56 flags: those that only the first step knows belong to it, the others to the module defaults."""
    needed = pl.format("; needs {}", "depends_on").fill_null("")
    moment = dates.go_live(profile.as_of)
    flags = _flags().with_columns(
        description=pl.format("Turns {} on or off{}", "name", needed), created_at=moment, updated_at=moment
    )
    return _by_step(FEATURE_FLAGS, flags)


def feature_flag_audit_logs(profile: Profile) -> pl.DataFrame:
    """Give one entry per flag: created by the administrator, with the values that the flag began with."""
    values = pl.struct(
        "name", "module", systemEnabled="system_enabled", defaultEnabled="default_enabled", dependsOn="depends_on"
    )
    entries = _flags().select(
        "step",
        flag_id="key",
        flag_key="key",
        feature_flag_audit_action=pl.lit("created"),
        actor_open_id=pl.lit(ADMIN),
        new_value=values.map_elements(dump_json, return_dtype=pl.String),
        created_at=dates.go_live(profile.as_of),
    )
    return _by_step(FEATURE_FLAG_AUDIT_LOGS, entries)


def _flags() -> pl.DataFrame:
    return listed("feature_flags", FEATURE_FLAGS)


def _by_step(spec: TableSpec, rows: pl.DataFrame) -> pl.DataFrame:
    steps = rows["step"].unique(maintain_order=True)
    return pl.concat([conform(spec, rows.filter(pl.col("step") == step).drop("step"), step) for step in steps])
