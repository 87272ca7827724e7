"""The modules' defaults are those the application ships, are set up once, and agree with each other."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from desired_state import STATE, defaults
from desired_state.actors import ADMIN
from desired_state.rules import modules
from reconcile.dataset import KEY, STEP, Dataset
from reconcile.errors import Severity
from reconcile.spec import Owner, Policy, Profile
from reconcile.state import Rule
from reconcile.values import canonical_json
from tests.unit.desired_state.test_rules import Mutation, drop, edit, emptying, everything, setting

AS_OF = date(2026, 1, 5)
COUNTS = {
    "feature_flags": 56,
    "feature_flag_audit_logs": 56,
    "achievements": 16,
    "reward_catalog": 8,
    "referral_settings": 1,
    "leaderboard_default_weights": 3,
    "rooms": 6,
    "shift_templates": 9,
    "overtime_rules": 3,
    "sites": 5,
    "storage_zones": 10,
}
NAMES = {
    "category": "achievement_category",
    "medal": "achievement_medal",
    "parentCode": "parent_achievement_id",
    "siteCode": "site_id",
    "accessLevel": "zone_access_level",
}
"""Columns that the facts call otherwise than by their name in camel case."""


@pytest.fixture(scope="module")
def tables() -> Mapping[str, pl.DataFrame]:
    return defaults.tables(Profile(AS_OF))


@pytest.fixture(scope="module")
def listed(facts: Path) -> Mapping[str, list[dict[str, Any]]]:
    """The rows of defaults.json by table."""
    step = json.loads((facts / "defaults.json").read_text(encoding="utf-8"))["defaults_step"]
    groups: Iterable[dict[str, Any]] = (
        group for area in ("gamification", "scheduling", "storage") for group in step[area].values()
    )
    rows = {group["table"]: group["rows"] for group in groups if "rows" in group}
    return rows | {
        "feature_flags": step["feature_flags"]["resolved_after_core_and_defaults"],
        "leaderboard_default_weights": step["leaderboard"]["rows"],
        "referral_settings": [step["gamification"]["referral_settings"]["row"]],
    }


def column(fact: str) -> str:
    return NAMES.get(fact) or re.sub("([A-Z])", lambda found: "_" + found[1].lower(), fact)


def stored(value: object, cell: object) -> object:
    """Give *value* as a cell of its column is written: documents as canonical text, numbers exact."""
    if isinstance(value, list | dict):
        return canonical_json(json.dumps(value))
    return Decimal(str(value)) if isinstance(cell, Decimal) else value


@pytest.mark.parametrize("table", sorted(set(COUNTS) - {"feature_flag_audit_logs"}))
def test_rows_are_those_of_the_application(
    table: str, tables: Mapping[str, pl.DataFrame], listed: Mapping[str, list[dict[str, Any]]]
) -> None:
    """Every value that defaults.json lists, row by row; what it leaves out is the schema's default."""
    spec = STATE.specs[table]
    found = {tuple(str(row[name]) for name in spec.key): row for row in tables[table].to_dicts()}
    unlisted = {"sources", "core_values_overridden"}

    assert len(listed[table]) == len(found) == COUNTS[table]
    for row in listed[table]:
        wanted = {column(fact): value for fact, value in row.items() if fact not in unlisted}
        cells = found[tuple(str(wanted[name]) for name in spec.key)]
        assert {name: cells[name] for name in wanted} == {
            name: stored(value, cells[name]) for name, value in wanted.items()
        }


def test_a_flag_belongs_to_the_step_that_has_the_last_word(
    tables: Mapping[str, pl.DataFrame], listed: Mapping[str, list[dict[str, Any]]]
) -> None:
    """28 flags that the defaults list, and 28 that only the first step does; each entry of the log goes along."""
    steps = dict(tables["feature_flags"].select(KEY, STEP).iter_rows())
    logged = dict(tables["feature_flag_audit_logs"].select("flag_id", STEP).iter_rows())

    assert steps == logged
    assert steps == {
        row["key"]: "defaults" if "defaults" in row["sources"] else "core" for row in listed["feature_flags"]
    }
    assert sorted(steps.values()).count("core") == 28


def test_the_log_says_who_created_each_flag_and_how(tables: Mapping[str, pl.DataFrame]) -> None:
    entries = tables["feature_flag_audit_logs"].join(tables["feature_flags"], left_on="flag_id", right_on="key")
    values = [json.loads(document) for document in entries["new_value"]]

    assert set(entries["feature_flag_audit_action"]) == {"created"}
    assert set(entries["actor_open_id"]) == {ADMIN}
    assert entries["previous_value"].null_count() == entries.height
    assert [value["defaultEnabled"] for value in values] == entries["default_enabled"].to_list()
    assert [value["dependsOn"] for value in values] == entries["depends_on"].to_list()


def test_ten_achievements_come_after_another_of_their_category(tables: Mapping[str, pl.DataFrame]) -> None:
    """The one before asks for less and brings fewer points."""
    achievements = tables["achievements"]
    pairs = achievements.join(achievements, left_on="parent_achievement_id", right_on="code", suffix="_before")

    assert pairs.height == 10
    assert (pairs["achievement_category"] == pairs["achievement_category_before"]).all()
    assert (pairs["requirement_value"] > pairs["requirement_value_before"]).all()
    assert (pairs["points_awarded"] > pairs["points_awarded_before"]).all()


def test_descriptions_tell_the_numbers(tables: Mapping[str, pl.DataFrame]) -> None:
    """Every row has one, in the singular where it is one."""
    told = {
        key: text
        for name in COUNTS
        if "description" in tables[name].columns
        for key, text in tables[name].select(KEY, "description").iter_rows()
    }
    shown = (
        "FIRST_ORDER", "SPENT_10K", "FIXED_25", "Conference Room A", "Day Shift", "Half Day (AM)", "Federal Standard",
        "No Overtime", "MAIN", "COLD|COLD-1", "work-surface-save-state",
    )  # fmt: skip

    assert all(told.values())
    assert [told[key] for key in shown] == [
        "Place 1 order",
        "Spend $10,000 in total",
        "Takes $25 off an order",
        "Meeting room for 10 people",
        "Works 09:00 to 17:00, break 12:00 to 13:00",
        "Works 09:00 to 13:00",
        "150 percent of the wage after 40 hours a week",
        "Every hour counts the same",
        "Warehouse site at 123 Main Street, Los Angeles",
        "Cool, restricted access, room for 300 units, 40 to 50 degrees",
        "Turns Auto-save State on or off; needs work-surface-enabled",
    ]


@pytest.mark.parametrize("table", COUNTS)
def test_rows_follow_neither_as_of_nor_size_nor_seed(table: str, tables: Mapping[str, pl.DataFrame]) -> None:
    """A new week or a larger dataset rewrites no default."""
    assert tables[table].equals(defaults.tables(Profile(date(2027, 3, 1), scale=3, seed=9))[table])


@pytest.mark.parametrize("table", COUNTS)
def test_defaults_are_additive_and_deleted_rows_known_by_their_key(table: str) -> None:
    """Rows of others stay; where a row can be deleted softly, that is a cell like others, and a reset restores it."""
    spec = STATE.specs[table]
    names = [each.name for each in spec.columns]

    assert not spec.prunes
    assert spec.soft_delete == ("deleted_at" if "deleted_at" in names else None)
    assert spec.soft_delete is None or spec.column(spec.soft_delete).owner is Owner.DESIRED


def test_what_the_application_settles_is_created_and_never_changed() -> None:
    """Settings in force, weights in use and what a log says stay as they are once they are there."""
    never_changed = {name for name in COUNTS if STATE.specs[name].policy is Policy.CREATE_ONLY}

    assert never_changed == {"referral_settings", "leaderboard_default_weights", "feature_flag_audit_logs"}
    assert STATE.specs["referral_settings"].key == ("is_active",)


@pytest.mark.parametrize(
    ("table", "name"), [("storage_zones", "current_capacity"), ("reward_catalog", "quantity_redeemed")]
)
def test_what_the_application_counts_is_not_reset(table: str, name: str) -> None:
    assert STATE.specs[table].column(name).owner is Owner.CREATION


def circle(dataset: Dataset) -> tuple[Dataset, str]:
    around = edit(dataset, "feature_flags", "work-surface-enabled", depends_on="work-surface-save-state")
    return around, "work-surface-inspector-panel"


def needing_a_deleted_flag(dataset: Dataset) -> tuple[Dataset, str]:
    deleted = edit(dataset, "feature_flags", "work-surface-enabled", deleted_at=datetime(2026, 1, 1))
    return deleted, "work-surface-save-state"


def without_first_spent(dataset: Dataset) -> tuple[Dataset, str]:
    return drop(dataset, "achievements", pl.col(KEY) == "SPENT_1K"), "SPENT_5K"


def second_settings(dataset: Dataset) -> tuple[Dataset, str]:
    frame = dataset["referral_settings"]
    twice = pl.concat([frame, frame.with_columns(pl.lit("1\\=2").alias(KEY))])
    return Dataset(dataset.specs, dict(dataset.frames) | {"referral_settings": twice}), "1\\=2"


def without_a_site(dataset: Dataset) -> tuple[Dataset, str]:
    return drop(dataset, "sites", pl.col(KEY) == "COLD"), "COLD|COLD-1"


MUTATIONS: list[tuple[str, Mutation]] = [
    ("flag-dependencies", setting("feature_flags", everything(), depends_on="nothing")),
    ("flag-dependencies", setting("feature_flags", everything(), depends_on="module-accounting")),
    ("flag-dependencies", circle),
    ("flag-dependencies", needing_a_deleted_flag),
    ("achievement-parents", setting("achievements", pl.col("code") == "SPENT_1K", parent_achievement_id="SPENT_50K")),
    ("achievement-parents", without_first_spent),
    ("referral-settings", emptying("referral_settings")),
    ("referral-settings", second_settings),
    ("zone-sites", setting("storage_zones", everything(), site_id=None)),
    ("zone-sites", without_a_site),
    ("leaderboard-weights", setting("leaderboard_default_weights", everything(), weights='{"recency":99}')),
    ("leaderboard-weights", setting("leaderboard_default_weights", everything(), weights='{"a":101,"b":-1}')),
    ("leaderboard-weights", setting("leaderboard_default_weights", everything(), weights='{"a":"100"}')),
    ("leaderboard-weights", setting("leaderboard_default_weights", everything(), weights="[100]")),
    ("leaderboard-weights", setting("leaderboard_default_weights", everything(), weights="nothing")),
]


@pytest.mark.parametrize("rule", modules.RULES, ids=lambda rule: rule.id)
def test_rule_holds_on_the_desired_rows_and_warns(rule: Rule, whole: Dataset) -> None:
    """Tables that keep the rows of others are never mended, so what is wrong in them stops no run."""
    assert rule.violations(whole).height == 0
    assert rule.severity is Severity.WARNING
    assert rule.id in dict(MUTATIONS)


@pytest.mark.parametrize(("identifier", "mutate"), MUTATIONS)
def test_rule_reports_what_breaks_it(identifier: str, mutate: Mutation, whole: Dataset) -> None:
    (rule,) = (rule for rule in modules.RULES if rule.id == identifier)
    broken, key = mutate(whole)
    violations = rule.violations(broken)

    assert key in violations["key"].to_list()
    assert violations["key"].is_unique().all()
    assert violations["why"].null_count() == 0


def test_a_flag_is_blamed_once_for_what_it_lacks(whole: Dataset) -> None:
    """What leads to a flag that is missing leads into no circle; only the link that breaks is reported."""
    (rule,) = (rule for rule in modules.RULES if rule.id == "flag-dependencies")
    broken = edit(whole, "feature_flags", "work-surface-enabled", depends_on="nothing")

    assert rule.violations(broken).to_dicts() == [
        {"key": "work-surface-enabled", "why": "depends_on nothing does not exist"}
    ]


def test_no_settings_are_not_one_settings(whole: Dataset) -> None:
    (rule,) = (rule for rule in modules.RULES if rule.id == "referral-settings")

    assert rule.violations(edit(whole, "referral_settings", "1", is_active=False))["why"].to_list() == [
        "0 active rows, 1 expected"
    ]


def test_a_site_may_be_deleted_softly_with_its_zones(whole: Dataset) -> None:
    """That is what somebody does who closes a site; nothing is wrong with it."""
    (rule,) = (rule for rule in modules.RULES if rule.id == "zone-sites")

    assert rule.violations(edit(whole, "sites", "COLD", deleted_at=datetime(2026, 1, 1))).height == 0
