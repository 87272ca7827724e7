"""The shape of the dataset: how many rows, which larger contains which, and that no cell moves unseen."""

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from desired_state import STATE
from reconcile.dataset import STEP, Dataset, check, fingerprints
from reconcile.spec import Profile, Size
from reconcile.values import Json, canonical_json

AS_OF = date(2026, 1, 5)
FINGERPRINTS = Path(__file__).with_name("fingerprints.json")
"""Regenerate with `python -m tests.unit.desired_state.test_rows` and say in the commit which cells moved, and why."""

STATIC = {
    "core": {
        "users": 6,
        "workflow_statuses": 8,
        "brands": 15,
        "strains": 28,
        "locations": 8,
        "tags": 14,
        "bankAccounts": 4,
        "accounts": 9,
        "fiscalPeriods": 13,
        "pricing_defaults": 13,
        "calendars": 5,
        "appointment_types": 25,
        "calendar_availability": 30,
        "vip_tiers": 5,
        "feature_flags": 28,
        "feature_flag_audit_logs": 28,
    },
    "defaults": {
        "feature_flags": 28,
        "feature_flag_audit_logs": 28,
        "achievements": 16,
        "reward_catalog": 8,
        "referral_settings": 1,
        "rooms": 6,
        "shift_templates": 9,
        "overtime_rules": 3,
        "sites": 5,
        "storage_zones": 10,
        "leaderboard_default_weights": 3,
    },
    "rbac": {"roles": 10, "permissions": 272, "role_permissions": 873},
    "qa-accounts": {"users": 7, "user_roles": 7},
    "test-accounts": {"users": 17, "user_roles": 17},
    "qa-data": {"locations": 5, "clients": 8, "brands": 3, "products": 6},
}
"""Rows by step and table that are the same in every size."""

SIZED = {
    "vendors": (10, 25),
    "clients": (30, 100),
    "products": (50, 150),
    "lots": (100, 250),
    "batches": (80, 300),
    "orders": (150, 500),
    "invoices": (120, 400),
    "bills": (40, 100),
    "calendar_events": (40, 100),
    "todo_lists": (8, 20),
    "todo_tasks": (30, 80),
    "comments": (50, 150),
    "inbox_items": (15, 50),
    "vip_portal_configurations": (15, 40),
    "vip_portal_auth": (15, 40),
    "client_needs": (20, 60),
    "vendor_supply": (15, 50),
    "sampleRequests": (20, 60),
    "intake_sessions": (10, 30),
    "recurring_orders": (8, 20),
    "referral_credits": (10, 30),
    "leaderboard_metric_cache": (150, 250),
}
"""Rows of step core, light and full."""

AT_LEAST = {
    "payments": (71, 258),
    "client_transactions": (221, 459),
    "batch_status_history": (200, 500),
    "client_activity": (30, 100),
}
"""Where the replaced tool counted what it happened to write; what follows from the other rows is more."""


def steps_of(dataset: Dataset) -> dict[str, dict[str, int]]:
    """Count the rows by step and table."""
    counted: dict[str, dict[str, int]] = {}
    for name, frame in dataset.frames.items():
        for step, rows in frame.group_by(STEP).len().iter_rows():
            counted.setdefault(step, {})[name] = rows
    return counted


@pytest.mark.parametrize("size", list(Size))
def test_tables_have_the_rows_of_the_profile(size: Size) -> None:
    """Counts are those of the replaced tool, or more where one follows from the other rows."""
    counted = steps_of(STATE.rows(Profile(AS_OF, size)))
    place = list(Size).index(size)

    assert {step: {name: counted[step][name] for name in tables} for step, tables in STATIC.items()} == STATIC
    assert {name: counted["core"][name] for name in SIZED} == {name: rows[place] for name, rows in SIZED.items()}
    written = {name: rows for tables in counted.values() for name, rows in tables.items()}
    assert [name for name, least in AT_LEAST.items() if written[name] < least[place]] == []


def test_every_writing_step_has_rows_or_gap_rules(full: Dataset) -> None:
    """No step is there for show, and no table without rows."""
    working = set(steps_of(full)) | {rule.step for rule in STATE.gap_rules}

    assert working == {step.id for step in STATE.steps if not step.checks}
    assert [name for name, frame in full.frames.items() if not frame.height] == []


@pytest.mark.parametrize("size", list(Size))
def test_rows_are_sound(size: Size) -> None:
    """No two rows share a key, no reference dangles, no NOT NULL column holds a null."""
    assert check(STATE.rows(Profile(AS_OF, size))) == []


def test_light_is_a_subset_of_full_and_full_of_scaled(light: Dataset, full: Dataset) -> None:
    """A larger dataset repeats every cell of a smaller one, sums included."""
    scaled = STATE.rows(Profile(AS_OF, Size.FULL, scale=3))

    assert _lost(light, full) == []
    assert _lost(full, scaled) == []
    assert scaled["orders"].height == 1500


def test_scaled_light_repeats_light_and_shares_no_other_order_with_full(light: Dataset, full: Dataset) -> None:
    """The extra blocks of light count from far away, so nobody takes them for rows of full."""
    scaled = STATE.rows(Profile(AS_OF, Size.LIGHT, scale=3))

    assert _lost(light, scaled) == []
    assert scaled["orders"].height == 450
    assert scaled["orders"].join(full["orders"], on="_key", how="semi").height == 150


def _lost(smaller: Dataset, larger: Dataset) -> list[str]:
    return [
        name
        for name, frame in smaller.frames.items()
        if frame.join(larger[name], on=frame.columns, how="anti", nulls_equal=True).height
    ]


def test_another_seed_gives_other_cells_under_the_same_names() -> None:
    """Names and codes count rows; everything drawn hangs on the seed."""
    first, second = (STATE.rows(Profile(AS_OF, Size.LIGHT, seed=seed)) for seed in (1, 2))

    assert first["products"]["_key"].to_list() == second["products"]["_key"].to_list()
    assert first["orders"]["total"].to_list() != second["orders"]["total"].to_list()


def test_static_tables_do_not_follow_as_of() -> None:
    """A new week rewrites no user, status, tag, price or account."""
    first, second = (STATE.rows(Profile(day, Size.LIGHT)) for day in (AS_OF, date(2026, 3, 2)))

    static = {name for tables in STATIC.values() for name in tables} - {"fiscalPeriods"} - set(SIZED)
    moved = [name for name in static if not first[name].equals(second[name])]
    assert moved == []


def test_json_columns_hold_canonical_text(full: Dataset) -> None:
    """What is written is what is read back and compared."""
    documents = [
        document
        for name, frame in full.frames.items()
        for column in STATE.specs[name].declared
        if isinstance(column.kind, Json)
        for document in frame[column.name].drop_nulls()
    ]

    assert documents == [canonical_json(document) for document in documents]


def test_addresses_and_numbers_are_reserved_for_examples(full: Dataset) -> None:
    """No mail and no call from this dataset can reach anybody. Source: RFC 2606, section 2, and RFC 6762, section 3."""
    emails = pl.concat([full["users"]["email"], full["clients"]["email"], full["vendors"]["contactEmail"]])
    phones = pl.concat([full["clients"]["phone"], full["vendors"]["contactPhone"]])

    assert emails.drop_nulls().str.contains(r"^[a-z0-9@.-]+([@.]example\.com|\.test|\.local)$").all()
    assert phones.drop_nulls().str.contains(r"^(202-)?555-0[12]\d\d$").all()


@pytest.mark.parametrize("size", list(Size))
def test_fingerprints_show_when_a_cell_moves(size: Size) -> None:
    """Every table's fingerprint is pinned."""
    pinned = json.loads(FINGERPRINTS.read_text())[size]

    assert pinned == fingerprints(STATE.rows(Profile(AS_OF, size)))


if __name__ == "__main__":
    current = {size: fingerprints(STATE.rows(Profile(AS_OF, size))) for size in Size}
    FINGERPRINTS.write_text(json.dumps(current, indent=1, sort_keys=True) + "\n")
