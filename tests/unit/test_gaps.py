"""Filling gaps: rules run one after another, each on what the ones before it have left."""

from dataclasses import replace

import polars as pl
import pytest

from reconcile.dataset import ID, KEY, STEP, Dataset
from reconcile.gaps import RULE, TITLE, Filled, fill
from reconcile.spec import Profile
from reconcile.state import GapRule
from tests.unit.orders import ORDER_SPECS, adds, mends, present, remark_on_orders, total_of, wanted
from tests.unit.tiny import PROFILE, Rows

TOTAL = mends(total_of(0), "total")
REMARKED = adds(remark_on_orders, "orders", table="remarks", name="remarked")
ORDERS: Rows = {"orders": [{"number": "a"}, {"number": "b", "total": "5"}]}


def filled(rows: Rows, *rules: GapRule) -> Filled:
    return fill(present(rows), rules, PROFILE)


def totals(found: Filled) -> list[tuple[object, ...]]:
    return found.dataset["orders"].select(KEY, "total").rows()


def proposing(rows: pl.DataFrame, *columns: str) -> GapRule:
    """Give a rule that proposes *rows* of orders, whatever there is."""
    return mends(lambda _rows, _profile: rows, *columns)


def test_a_rule_changes_the_rows_that_it_proposes_and_no_other() -> None:
    found = filled(ORDERS, TOTAL)

    assert totals(found) == [("a", 0), ("b", 5)]
    assert found.touched["orders"].select(KEY, STEP, RULE, TITLE).rows() == [("a", "mend", "total", "total is mended")]


def test_a_changed_row_keeps_its_id_and_its_other_cells() -> None:
    before, after = present(ORDERS)["orders"], filled(ORDERS, TOTAL).dataset["orders"]

    assert before.drop("total").equals(after.drop("total"))


def test_rules_run_in_the_order_given() -> None:
    """Each finds what the ones before it have made."""
    double = mends(lambda rows, _: rows["orders"].select(KEY, pl.col("total") * 2 + 1), "total", name="double")

    assert totals(filled(ORDERS, TOTAL, double)) == [("a", 1), ("b", 11)]
    assert totals(filled(ORDERS, double, TOTAL)) == [("a", 0), ("b", 11)]
    assert filled(ORDERS, TOTAL, double).touched["orders"][RULE].to_list() == ["total", "double", "double"]


def test_a_rule_is_told_the_profile() -> None:
    seen: list[Profile] = []

    def look(rows: Dataset, profile: Profile) -> pl.DataFrame:
        seen.append(profile)
        return rows["orders"].select(KEY, "total")

    filled(ORDERS, mends(look, "total"))

    assert seen == [PROFILE]


def test_a_rule_that_proposes_what_is_there_touches_nothing() -> None:
    found = filled(ORDERS, mends(lambda rows, _: rows["orders"].select(KEY, "total"), "total"))

    assert found.touched == {}
    assert present(ORDERS)["orders"].equals(found.dataset["orders"])


def test_a_rule_that_has_nothing_to_propose_touches_nothing() -> None:
    assert filled({"orders": [{"number": "b", "total": "5"}]}, TOTAL, TOTAL).touched == {}


def test_a_rule_may_take_a_value_away() -> None:
    rule = proposing(pl.DataFrame({KEY: ["b"], "total": [None]}, schema={KEY: pl.String, "total": pl.Int64}), "total")

    assert totals(filled(ORDERS, rule)) == [("a", None), ("b", None)]


def test_proposals_are_brought_into_canonical_form() -> None:
    rule = proposing(pl.DataFrame({KEY: ["a"], "total": pl.Series([7], dtype=pl.Int8)}), "total")

    found = filled(ORDERS, rule)

    assert totals(found) == [("a", 7), ("b", 5)]
    assert present(ORDERS)["orders"].schema == found.dataset["orders"].schema


def test_proposals_for_rows_that_do_not_exist_are_ignored() -> None:
    rule = proposing(pl.DataFrame({KEY: ["nobody"], "total": [7]}), "total")

    assert (totals(filled(ORDERS, rule)), filled(ORDERS, rule).touched) == ([("a", None), ("b", 5)], {})


@pytest.mark.parametrize(
    ("rows", "columns", "refused"),
    [
        pytest.param({KEY: ["a"], "total": [1], "buyer": ["Bo"]}, ("total",), "buyer", id="not declared"),
        pytest.param({KEY: ["a"], "token": ["x"]}, ("token",), "token", id="written once"),
    ],
)
def test_a_rule_may_change_only_managed_columns_that_it_declares(
    rows: dict[str, list[object]], columns: tuple[str, ...], refused: str
) -> None:
    with pytest.raises(ValueError, match=rf"gap rule total may not change \['{refused}'\]"):
        filled(ORDERS, proposing(pl.DataFrame(rows), *columns))


def test_a_rule_without_columns_adds_rows() -> None:
    """New rows have no id yet; live ones keep theirs."""
    rows: Rows = {**ORDERS, "remarks": [{"code": "auto-a"}]}

    found = filled(rows, REMARKED)

    assert found.dataset["remarks"].select(KEY, ID, "about").rows() == [("auto-a", 1, None), ("auto-b", None, "b")]
    assert found.touched["remarks"].select(KEY, RULE).rows() == [("auto-b", "remarked")]


def test_added_rows_that_exist_are_ignored() -> None:
    """Whatever they hold: a rule that adds changes nothing."""
    rule = replace(REMARKED, propose=lambda rows, profile: remark_on_orders(present(ORDERS), profile))
    rows: Rows = {**ORDERS, "remarks": [{"code": "auto-a"}, {"code": "auto-b"}]}

    assert filled(rows, rule).touched == {}


def test_added_rows_may_be_in_declared_form() -> None:
    """As `conform` gives them, with the step they would belong to."""
    declared = wanted({"remarks": [{"code": "made"}]})["remarks"]

    found = filled(ORDERS, replace(REMARKED, propose=lambda _rows, _profile: declared))

    assert found.dataset["remarks"].select(KEY, ID).rows() == [("made", None)]
    assert found.touched["remarks"][STEP].to_list() == ["mend"]


def test_rows_without_ids_can_be_filled_too() -> None:
    """Such as those of a test's dataset."""
    frames = {name: frame.drop(ID) for name, frame in present(ORDERS).frames.items()}

    found = fill(Dataset(ORDER_SPECS, frames), [REMARKED], PROFILE)

    assert found.dataset["remarks"][KEY].to_list() == ["auto-a", "auto-b"]
    assert ID not in found.dataset["remarks"].columns


@pytest.mark.parametrize("missing", ["orders", "remarks"])
def test_a_rule_whose_tables_are_not_all_there_is_left_out(missing: str) -> None:
    frames = {name: frame for name, frame in present(ORDERS).frames.items() if name != missing}

    assert fill(Dataset(ORDER_SPECS, frames), [REMARKED], PROFILE).touched == {}


def test_tables_that_no_rule_touches_stay_the_same() -> None:
    before, found = present(ORDERS), filled(ORDERS, TOTAL)

    assert set(found.touched) == {"orders"}
    assert [name for name in before.frames if not before[name].equals(found.dataset[name])] == ["orders"]


def test_a_rule_may_not_change_a_row_twice() -> None:
    with pytest.raises(ValueError, match="twice"):
        filled(ORDERS, proposing(pl.DataFrame({KEY: ["a", "a"], "total": [1, 2]}), "total"))


def test_a_rule_may_not_add_a_row_twice() -> None:
    rows = wanted({"remarks": [{"code": "made"}, {"code": "made"}]})["remarks"]

    with pytest.raises(ValueError, match="twice"):
        filled(ORDERS, replace(REMARKED, propose=lambda _rows, _profile: rows))


def test_a_row_keeps_the_key_it_is_live_under() -> None:
    """A rule may mend a part of the natural key; the new one counts when the rows are read again."""
    found = filled(ORDERS, proposing(pl.DataFrame({KEY: ["a"], "number": ["c"]}), "number"))

    assert found.dataset["orders"].filter(pl.col(KEY) == "a")["number"].to_list() == ["c"]
