"""The shape of the dataset: how many rows, which larger contains which, and that no cell moves unseen."""

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from desired_state import STATE
from reconcile.dataset import Dataset, check, fingerprints
from reconcile.spec import Profile, Size
from reconcile.values import canonical_json

AS_OF = date(2026, 1, 5)
FINGERPRINTS = Path(__file__).with_name("fingerprints.json")
"""Regenerate with `python -m tests.unit.desired_state.test_rows` and say in the commit which cells moved, and why."""

STATIC = {
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
}
EXACT = {
    Size.LIGHT: {
        "vendors": 10,
        "clients": 30,
        "products": 50,
        "lots": 100,
        "batches": 80,
        "orders": 150,
        "invoices": 120,
        "bills": 40,
    },
    Size.FULL: {
        "vendors": 25,
        "clients": 100,
        "products": 150,
        "lots": 250,
        "batches": 300,
        "orders": 500,
        "invoices": 400,
        "bills": 100,
    },
}
AT_LEAST = {
    Size.LIGHT: {"payments": 71, "client_transactions": 221, "batch_status_history": 200},
    Size.FULL: {"payments": 258, "client_transactions": 459, "batch_status_history": 500},
}


@pytest.mark.parametrize("size", list(Size))
def test_tables_have_the_rows_of_the_profile(size: Size) -> None:
    """Counts are those of the replaced tool, or more where one follows from the other rows."""
    frames = STATE.rows(Profile(AS_OF, size)).frames

    assert STATIC | EXACT[size] == {name: frames[name].height for name in STATIC | EXACT[size]}
    assert [name for name, least in AT_LEAST[size].items() if frames[name].height < least] == []


def test_every_table_of_step_one_is_known_and_filled(full: Dataset) -> None:
    """Whatever the dataset holds has a spec of the first step, and rows."""
    assert [name for name, frame in full.frames.items() if not frame.height] == []
    assert {"core"} == {STATE.specs[name].step for name in full.frames}


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

    moved = [name for name in STATIC if name != "fiscalPeriods" and not first[name].equals(second[name])]
    assert moved == []


def test_json_columns_hold_canonical_text(full: Dataset) -> None:
    """What is written is what is read back and compared."""
    documents = pl.concat([full["orders"]["items"], full["clients"]["tags"]])

    assert documents.to_list() == [canonical_json(document) for document in documents]


def test_addresses_and_numbers_are_reserved_for_examples(full: Dataset) -> None:
    """No mail and no call from this dataset can reach anybody."""
    emails = pl.concat([full["users"]["email"], full["clients"]["email"], full["vendors"]["contactEmail"]])
    phones = pl.concat([full["clients"]["phone"], full["vendors"]["contactPhone"]])

    assert emails.str.contains(r"^[a-z0-9@.-]+[@.]example\.com$").all()
    assert phones.str.contains(r"^202-555-01\d\d$").all()


@pytest.mark.parametrize("size", list(Size))
def test_fingerprints_show_when_a_cell_moves(size: Size) -> None:
    """Every table's fingerprint is pinned."""
    pinned = json.loads(FINGERPRINTS.read_text())[size]

    assert pinned == fingerprints(STATE.rows(Profile(AS_OF, size)))


if __name__ == "__main__":
    current = {size: fingerprints(STATE.rows(Profile(AS_OF, size))) for size in Size}
    FINGERPRINTS.write_text(json.dumps(current, indent=1, sort_keys=True) + "\n")
