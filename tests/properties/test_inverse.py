"""Laws of the journal and the inverse over random shops: packing loses nothing, back and forth is the identity."""

from collections.abc import Mapping

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile.dataset import ID, KEY, Dataset
from reconcile.decide import decide
from reconcile.diff import ACTION, AFTER, BEFORE, Action
from reconcile.inverse import Inverse, invert, restoring
from reconcile.journal import Recorded, columns_of, compress, empty, pack, records, uncompress, unpack
from reconcile.outcome import after
from reconcile.table_plan import TablePlan
from tests.properties.shops import shops
from tests.unit.tiny import SPECS, Rows, declared, goal_of, live

laws = settings(max_examples=15, deadline=None)

RUN = 1


def recorded(parts: Mapping[str, TablePlan], before: Dataset, then: Dataset) -> dict[str, Recorded]:
    """Give what a run records, through the journal's packed form."""
    found = {}
    for name, part in parts.items():
        if part.written:
            chunks = list(pack(part.spec, records(part, before, then)))
            spec = restoring(part.spec, columns_of(chunks[0].payload))
            found[name] = unpack(spec, [(chunk.action, chunk.payload) for chunk in chunks])
    return found


def carried_out(inverse: Inverse, live_rows: Dataset) -> Dataset:
    return after(inverse.parts.values(), live_rows)


def rows(dataset: Dataset) -> dict[str, list[tuple[object, ...]]]:
    """Give every row of every table with its id."""
    return {
        name: dataset[name].sort(ID).select(sorted(dataset[name].columns)).rows() for name in sorted(dataset.frames)
    }


@laws
@given(desired=shops(), found=shops())
def test_a_record_survives_packing(desired: Rows, found: Rows) -> None:
    before = live(found)
    parts = decide(goal_of(declared(desired)), before)
    then = after(parts.values(), before)
    for name, part in parts.items():
        written = records(part, before, then)
        chunks = [(chunk.action, chunk.payload) for chunk in pack(SPECS[name], written)]

        columns = empty(SPECS[name]).columns
        assert unpack(SPECS[name], chunks).rows.rows() == written.select(columns).sort(KEY, maintain_order=True).rows()


@laws
@given(content=st.binary(max_size=300))
def test_what_is_compressed_comes_back(content: bytes) -> None:
    assert uncompress(compress(content)) == content


@laws
@given(desired=shops(), found=shops())
def test_the_inverse_leads_back_to_every_row_and_id(desired: Rows, found: Rows) -> None:
    before = live(found)
    parts = decide(goal_of(declared(desired)), before)
    then = after(parts.values(), before)

    inverse = invert(RUN, recorded(parts, before, then), then)

    assert rows(carried_out(inverse, then)) == rows(before)
    assert inverse.findings == ()


@laws
@given(desired=shops(), found=shops())
def test_the_inverse_of_the_inverse_gives_the_changes_back(desired: Rows, found: Rows) -> None:
    before = live(found)
    parts = decide(goal_of(declared(desired)), before)
    then = after(parts.values(), before)
    done = recorded(parts, before, then)
    back = invert(RUN, done, then)
    again = carried_out(back, then)

    forth = invert(RUN + 1, recorded(back.parts, then, again), again)

    for name, table in done.items():
        # A row that a run wrote as it was is no change.
        changed = table.rows.filter(pl.col(BEFORE).ne_missing(pl.col(AFTER)))
        told = [KEY, ID, ACTION, BEFORE, AFTER]
        assert forth.parts[name].rows.select(told).sort(KEY).rows() == changed.select(told).sort(KEY).rows()
    assert rows(carried_out(forth, again)) == rows(then)


@laws
@given(desired=shops(), found=shops(), data=st.data())
def test_rows_edited_since_stay_as_they_are(desired: Rows, found: Rows, data: st.DataObject) -> None:
    """Whatever else comes back or stays with them, nothing that somebody wrote is lost."""
    before = live(found)
    parts = decide(goal_of(declared(desired)), before)
    then = after(parts.values(), before)
    keys = then["makers"][KEY].to_list()
    edited = set(data.draw(st.lists(st.sampled_from(keys), unique=True))) if keys else set[str]()
    name = pl.when(pl.col(KEY).is_in(list(edited))).then(pl.lit("by hand")).otherwise(pl.col("name")).alias("name")
    now = Dataset(SPECS, {**then.frames, "makers": then["makers"].with_columns(name)})

    result = carried_out(invert(RUN, recorded(parts, before, then), now), now)

    mine = {key: text for key, text in result["makers"].select(KEY, "name").iter_rows() if key in edited}
    assert mine == dict.fromkeys(edited, "by hand")
    assert_nothing_dangles(result)


def assert_nothing_dangles(dataset: Dataset) -> None:
    for child, column, parent in (
        ("goods", "maker", "makers"),
        ("goods_tags", "good", "goods"),
        ("makers", "flagship", "goods"),
    ):
        lost = dataset[child].filter(
            pl.col(column).is_not_null() & ~pl.col(column).is_in(dataset[parent][KEY].implode())
        )
        assert lost.is_empty(), (child, column, lost)


@laws
@given(desired=shops(), found=shops())
def test_what_is_undone_is_not_undone_again(desired: Rows, found: Rows) -> None:
    before = live(found)
    parts = decide(goal_of(declared(desired)), before)
    then = after(parts.values(), before)
    done = recorded(parts, before, then)

    again = invert(RUN, done, carried_out(invert(RUN, done, then), then))

    assert all(part.rows.filter(pl.col(ACTION) != Action.SKIP).is_empty() for part in again.parts.values())
