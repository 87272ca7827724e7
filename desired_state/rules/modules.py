"""What the modules' defaults must agree on. Their tables are additive: what others add is reported, never mended."""

import json

import polars as pl

from desired_state.rules.report import alive, lacks, report, say
from reconcile.dataset import KEY, Dataset
from reconcile.errors import Severity
from reconcile.state import Rule

_WHOLE = 100
_TOLERANCE = 0.01


def flag_dependencies(dataset: Dataset) -> pl.DataFrame:
    """A flag depends on a flag that exists, and not, however far around, on itself."""
    flags = alive(dataset, "feature_flags").select(KEY, "key", "depends_on")
    return _unfounded(flags, "key", "depends_on")


def achievement_parents(dataset: Dataset) -> pl.DataFrame:
    """An achievement comes after one that exists, and not, however far around, after itself."""
    return _unfounded(dataset["achievements"].select(KEY, "parent_achievement_id"), KEY, "parent_achievement_id")


def _unfounded(rows: pl.DataFrame, name: str, link: str) -> pl.DataFrame:
    """Report the rows whose *link* gives no row's *name*, and those whose links never come to an end."""
    linked = rows.filter(pl.col(link).is_not_null())
    lost = report(linked, ~pl.col(link).is_in(rows[name].implode()), say(f"{link} {{}} does not exist", link))
    endless = linked
    while (rest := endless.filter(pl.col(link).is_in(endless[name].implode()))).height < endless.height:
        endless = rest
    around = report(endless, pl.lit(value=True), say(f"{link} {{}} leads into a circle", link))
    return pl.concat([lost, around])


def referral_settings(dataset: Dataset) -> pl.DataFrame:
    """There is one active row of referral settings; where there is none the violation is known by the table's name."""
    active = dataset["referral_settings"].filter(pl.col("is_active"))
    if active.is_empty():
        return pl.DataFrame({"key": ["referral_settings"], "why": ["0 active rows, 1 expected"]})
    return report(active, pl.lit(active.height > 1), pl.lit(f"{active.height} active rows, 1 expected"))


def zone_sites(dataset: Dataset) -> pl.DataFrame:
    """A storage zone lies in a site, though the site may be deleted softly with its zones in it."""
    zones = alive(dataset, "storage_zones")
    return report(zones, lacks(dataset, "site_id", "sites"), say("site_id {} is no site", "site_id"))


def leaderboard_weights(dataset: Dataset) -> pl.DataFrame:
    """The weights of each kind of client come to 100 percent, and none is below nothing."""
    weighed = dataset["leaderboard_default_weights"].with_columns(
        total=pl.col("weights").map_elements(_total, return_dtype=pl.Float64)
    )
    off = (pl.col("total") - _WHOLE).abs() > _TOLERANCE
    return report(weighed, off, say("weights come to {}, 100 expected", "total"))


def _total(document: str) -> float | None:
    """Give the sum of an object of weights; None where the document is anything else."""
    try:
        weights = json.loads(document)
    except ValueError:
        return None
    if not isinstance(weights, dict):
        return None
    numbers = [each for each in weights.values() if isinstance(each, int | float) and not isinstance(each, bool)]
    is_whole = len(numbers) == len(weights) and all(number >= 0 for number in numbers)
    return float(sum(numbers)) if is_whole else None


_CHECKS = (
    ("flag-dependencies", "Feature flags depend on flags that exist", flag_dependencies, ("feature_flags",)),
    ("achievement-parents", "Achievements follow ones that exist", achievement_parents, ("achievements",)),
    ("referral-settings", "One row of referral settings is active", referral_settings, ("referral_settings",)),
    ("zone-sites", "Storage zones lie in a site", zone_sites, ("storage_zones", "sites")),
    (
        "leaderboard-weights",
        "Leaderboard weights come to 100 percent",
        leaderboard_weights,
        ("leaderboard_default_weights",),
    ),
)
RULES = tuple(
    Rule(identifier, title, "invariants", Severity.WARNING, tables, check)
    for identifier, title, check, tables in _CHECKS
)
