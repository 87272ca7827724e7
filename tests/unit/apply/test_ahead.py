"""Rows in wire form ahead of the ids of others: once these are known they are what they would be without."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from reconcile.apply.ahead import wire_ahead, with_ids
from reconcile.apply.wire import wire
from reconcile.dataset import ID, KEY, Dataset
from reconcile.diff import AFTER, Action
from tests.unit.tiny import SPECS, declared, live, planned

CODES = ("ACME", "BOLT", "CORD", "DOWN")
NEW_IDS = st.lists(st.integers(1, 1 << 62), min_size=len(CODES), max_size=len(CODES), unique=True)


@given(makers=st.lists(st.sampled_from(CODES), min_size=1, max_size=6), ids=NEW_IDS)
def test_rows_are_the_same_ahead_and_in_their_turn(makers: list[str], ids: list[int]) -> None:
    """Whatever ids the rows that they refer to have got."""
    wanted = declared(
        {
            "makers": [{"code": code} for code in CODES],
            "goods": [{"sku": f"{number}", "maker": code} for number, code in enumerate(makers)],
        }
    )
    plan = planned(wanted, live({"makers": [], "goods": []}))
    parts = {part.spec.name: part for part in plan.tables}
    new = pl.Series(ID, ids, dtype=pl.Int64)

    ahead = wire_ahead(plan, Dataset({}, {}))

    known = {"makers": parts["makers"].of(Action.CREATE).select(KEY, new)}
    spec = SPECS["goods"]
    columns = [column for column in spec.declared if ("goods", column.name) not in plan.deferred]
    in_turn = wire(spec, parts["goods"].of(Action.CREATE), AFTER, columns, known)
    assert with_ids(spec, ahead["goods"], {"makers": new}).equals(in_turn)


def test_rows_that_refer_to_none_are_complete() -> None:
    wanted = declared({"makers": [{"code": code} for code in CODES], "goods": []})
    plan = planned(wanted, live({"makers": [], "goods": []}))

    ahead = wire_ahead(plan, Dataset({}, {}))

    assert ahead["makers"]["code"].to_list() == list(CODES)
    assert with_ids(SPECS["makers"], ahead["makers"], {}).equals(ahead["makers"])


def test_a_row_whose_parent_is_nowhere_is_left_to_whoever_writes_it() -> None:
    """The table is not among those that are ready."""
    wanted = declared({"makers": [], "goods": [{"sku": "SAW", "maker": "GONE"}]})
    plan = planned(wanted, live({"makers": [], "goods": []}))

    assert "goods" not in wire_ahead(plan, Dataset({}, {}))
