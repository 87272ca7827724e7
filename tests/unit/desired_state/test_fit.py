"""Which blocks of the declared trade a top-up leaves out: those whose client codes are somebody else's."""

from itertools import pairwise

import polars as pl
import pytest

from desired_state import STATE
from desired_state.fit import fit, taken_blocks
from reconcile.dataset import KEY, Dataset, check
from reconcile.errors import Severity
from reconcile.spec import Profile, Size
from tests.unit.desired_state.conftest import AS_OF
from tests.unit.desired_state.old_modules import rows
from tests.unit.desired_state.old_tool import LIGHT, OldTool, live
from tests.unit.desired_state.top_up import as_live

STATIC = (
    "users", "workflow_statuses", "locations", "pricing_defaults", "strains", "tags", "accounts", "bankAccounts",
    "fiscalPeriods", "calendars", "vip_tiers", "feature_flags", "roles", "permissions", "role_permissions",
)  # fmt: skip
TRADE = ("lots", "batches", "orders", "order_line_items", "invoices", "payments", "bills", "ledgerEntries", "comments",
         "client_needs", "recurring_orders", "calendar_events")  # fmt: skip


def renamed(dataset: Dataset, rows_renamed: pl.Expr) -> Dataset:
    """Give the declared rows as live ones, some clients of which are called something else."""
    whole = as_live(dataset)
    names = pl.when(rows_renamed).then(pl.lit("A name of theirs")).otherwise("name")
    return Dataset(whole.specs, dict(whole.frames) | {"clients": whole["clients"].with_columns(name=names)})


def is_of_block_0() -> pl.Expr:
    number = pl.col("teri_code").str.slice(3).cast(pl.Int64, strict=False)
    is_whale = pl.col("teri_code").str.starts_with("WHL")
    return number <= pl.when(is_whale).then(5).otherwise(25)


def test_an_empty_or_own_database_takes_everything(light: Dataset) -> None:
    own = as_live(light)
    empty = Dataset(own.specs, {name: frame.clear() for name, frame in own.frames.items()})

    assert fit(light, own) == (light, ())
    assert fit(light, empty) == (light, ())


def test_a_few_renamed_clients_leave_a_block_ours(light: Dataset) -> None:
    """Up to half of the clients that exist may carry another name; case and outer spaces make none."""
    few = renamed(light, pl.col("teri_code").is_in([f"REG{n:04}" for n in range(1, 16)]))
    loud = as_live(light)
    shouted = loud["clients"].with_columns(name=pl.col("name").str.to_uppercase() + " ")

    assert fit(light, few) == (light, ())
    assert fit(light, Dataset(loud.specs, dict(loud.frames) | {"clients": shouted})) == (light, ())


def test_somebody_elses_block_goes_as_a_whole(light: Dataset) -> None:
    """Nothing of the trade is left, everything static is, and no row that is left names one that is not."""
    tool = OldTool(AS_OF, LIGHT)
    left, findings = fit(light, live(rows(tool), STATE.specs, light, tool.now))

    assert {name: left[name].height for name in TRADE} == dict.fromkeys(TRADE, 0)
    assert all(left[name].equals(light[name]) for name in STATIC)
    assert left["clients"]["teri_code"].str.starts_with("QA").all()
    assert left["brands"].height + left["products"].height == 9
    assert check(left) == []
    (finding,) = findings
    assert finding.severity is Severity.WARNING
    assert finding.why.startswith("30 of its 30 client codes that exist carry other names")


def test_other_blocks_stay(full: Dataset) -> None:
    """Block 1 comes in beside somebody else's block 0: its rows are those of the full dataset, and sound."""
    left, findings = fit(full, renamed(full, is_of_block_0()))

    assert [finding.what.split(" is ")[0] for finding in findings] == ["block 0 of the declared trade"]
    assert check(left) == []
    counts = {name: left[name].height for name in ("orders", "invoices", "bills", "batches", "lots", "products")}
    assert counts == {"orders": 350, "invoices": 280, "bills": 60, "batches": 220, "lots": 150, "products": 106}
    assert left["clients"].filter(is_of_block_0()).height == 0
    assert left["brands"].equals(full["brands"])


def test_no_text_speaks_of_a_row_that_is_left_out(full: Dataset) -> None:
    """Tasks name documents in words; those of a block that is left out go with it, and lists without tasks too."""
    left, _ = fit(full, renamed(full, is_of_block_0()))
    gone = full["orders"].join(left["orders"], on=KEY, how="anti")["order_number"]
    words = pl.concat([left["todo_tasks"]["title"], left["calendar_events"]["title"], left["inbox_items"]["title"]])

    assert not words.str.contains_any(gone.implode()).any()
    assert set(left["todo_lists"][KEY]) == set(left["todo_tasks"]["list_id"])


@pytest.mark.parametrize("size", Size)
def test_the_block_of_a_client_follows_from_its_code(size: Size) -> None:
    """In a scaled dataset too: one block after the other is somebody else's."""
    scaled = STATE.rows(Profile(AS_OF, size, scale=3))
    blocks = 3 if size is Size.LIGHT else 4
    taken = taken_blocks(scaled, renamed(scaled, pl.lit(value=True)))

    expected = [30, 30, 30] if size is Size.LIGHT else [30, 70, 100, 100]
    assert taken["block"].to_list() == list(range(blocks))
    assert taken["present"].to_list() == expected
    assert all(left < right for left, right in pairwise(taken["block"]))
