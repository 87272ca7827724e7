"""Laws of batches over random shops: each is small, each leaves a sound database, and together they are the plan."""

from collections.abc import Iterator
from dataclasses import replace

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile.batches import head
from reconcile.dataset import ID, KEY, UNRESOLVED, Dataset, digested
from reconcile.outcome import after
from reconcile.plan import Plan
from reconcile.table_plan import with_told
from reconcile.values import Reference
from tests.properties.shops import FEW, shops
from tests.unit.tiny import SPECS, Rows, declared, live, planned

laws = settings(max_examples=25, deadline=None)
SIZES = st.integers(1, 4)


def numbered(rows: Dataset) -> Dataset:
    """Give the rows ids of their own, as a server would: those to come stand for none that were."""
    return Dataset(
        rows.specs,
        {name: frame.with_columns(pl.int_range(1, pl.len() + 1).alias(ID)) for name, frame in rows.frames.items()},
    )


def batches(wanted: Dataset, present: Dataset, size: int) -> Iterator[tuple[Plan, Plan, Dataset]]:
    """Plan, carry out the first batch, plan again: each plan, its batch, and the rows it leaves."""
    while not (plan := planned(wanted, present)).is_empty:
        batch = head(plan, size)
        present = numbered(after(batch.tables, present))
        yield plan, batch, present


def dangling(rows: Dataset) -> list[tuple[str, str, str]]:
    """Find the foreign keys that a server would not have let in."""
    return [
        (spec.name, column.name, key)
        for spec in SPECS.values()
        for column in spec.columns
        if isinstance(column.kind, Reference)
        for key in rows[spec.name][column.name].drop_nulls()
        if not key.startswith(UNRESOLVED) and key not in set(rows[column.kind.table][KEY])
    ]


def shared(rows: Dataset) -> list[object]:
    """Find the unique values that two rows have."""
    barcodes = rows["goods"]["barcode"].drop_nulls()
    return barcodes.filter(barcodes.is_duplicated()).to_list()


@laws
@given(desired=shops(FEW), found=shops(FEW), size=SIZES)
def test_batches_end_where_the_whole_plan_ends(desired: Rows, found: Rows, size: int) -> None:
    wanted, present = declared(desired), live(found)
    whole = after(planned(wanted, present).tables, present)

    *_, last = [present, *(left for _, _, left in batches(wanted, present, size))]

    for name in SPECS:
        columns = [KEY, *(column.name for column in SPECS[name].managed)]
        assert last[name].select(columns).sort(KEY).equals(whole[name].select(columns).sort(KEY))


@laws
@given(desired=shops(FEW), found=shops(FEW), size=SIZES)
def test_a_batch_is_never_larger_than_asked_unless_it_is_all(desired: Rows, found: Rows, size: int) -> None:
    for plan, batch, _ in batches(declared(desired), live(found), size):
        assert 0 < batch.written <= size or batch is plan


@laws
@given(desired=shops(FEW), found=shops(FEW), size=SIZES)
def test_every_batch_leaves_what_a_server_would_let_in(desired: Rows, found: Rows, size: int) -> None:
    """Each foreign key names a row that is there, and no unique value is there twice."""
    for _, _, left in batches(declared(desired), live(found), size):
        assert dangling(left) == []
        assert shared(left) == []


@laws
@given(desired=shops(FEW), found=shops(FEW), size=SIZES)
def test_a_batch_writes_only_what_the_plan_names(desired: Rows, found: Rows, size: int) -> None:
    """Rows that go may lose a reference before."""
    for plan, batch, _ in batches(declared(desired), live(found), size):
        named = {part.spec.name: set(part.rows.filter(pl.col("action") != "skip")[KEY]) for part in plan.tables}
        assert all(set(part.rows[KEY]) <= named[part.spec.name] for part in batch.tables) or batch is plan


@laws
@given(desired=shops(FEW), size=SIZES)
def test_a_batch_is_not_told_what_the_whole_plan_comes_to(desired: Rows, size: int) -> None:
    """Its checksum is that of its own rows."""
    wanted = declared(desired)
    plan = planned(wanted, live({name: [] for name in desired}))
    _, lines = digested(wanted, wanted.frames)
    new = {part.spec.name: with_told(part, lines[part.spec.name]) for part in plan.tables if part.height}
    told = replace(plan, tables=tuple(new.get(part.spec.name, part) for part in plan.tables))

    assert told.checksum == plan.checksum
    assert head(told, size).checksum == head(plan, size).checksum
