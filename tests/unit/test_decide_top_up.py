"""What a top-up decides besides: parts of rows that somebody has changed are withheld, gap rules fill and mend."""

from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from reconcile.dataset import ID, KEY, Dataset
from reconcile.decide import Goal, Mode, decide
from reconcile.diff import ACTION, AFTER, BEFORE, CHANGED, REASON, WHY, Action, Reason
from reconcile.spec import Profile
from reconcile.table_plan import TablePlan
from tests.unit.orders import (
    ORDER_SPECS,
    adds,
    aim,
    carried_out,
    mends,
    present,
    remark_on_orders,
    step_of,
    total_of,
    wanted,
)
from tests.unit.tiny import Rows

C, U, D, S = Action.CREATE, Action.UPDATE, Action.DELETE, Action.SKIP

CHAIN: Rows = {
    "orders": [{"number": "o1"}, {"number": "o2"}],
    "invoices": [{"number": "i1", "order": "o1"}, {"number": "i2", "order": "o2"}],
    "lines": [{"code": "l1", "invoice": "i1"}, {"code": "l2", "invoice": "i2"}],
    "payments": [{"code": "p1", "invoice": "i1"}, {"code": "p2", "invoice": "i2"}],
    "grants": [{"code": "g1", "order": "o1"}, {"code": "g2", "order": "o2"}],
    "remarks": [
        {"code": "r1", "about_type": "order", "about": "o1"},
        {"code": "r2", "about_type": "order", "about": "o2"},
        {"code": "r3", "about_type": "invoice", "about": "i1"},
        {"code": "r4", "about_type": "invoice", "about": "o1"},
        {"code": "r5"},
    ],
}
EDITED: Rows = {"orders": [{"number": "o1", "buyer": "Somebody"}, {"number": "o2"}]}
PART, LEFT = "part of a {} row that is not as declared", "its {} row is left out"


def withheld(goal: Goal, found: Dataset) -> dict[str, tuple[str, str]]:
    """Give the skipped creates of all tables: table and sentence by key."""
    return {
        key: (name, why)
        for name, part in decide(goal, found).items()
        for key, why in part.of(S).filter(pl.col(REASON) == Reason.MISSING).select(KEY, WHY).iter_rows()
    }


def test_a_top_up_adds_no_parts_to_a_row_that_is_not_as_declared() -> None:
    """Nor parts of the parts, nor what refers to them; what stands for itself, such as a grant, is added."""
    assert withheld(aim(wanted(CHAIN)), present(EDITED)) == {
        "i1": ("invoices", PART.format("orders")),
        "l1": ("lines", LEFT.format("invoices")),
        "p1": ("payments", LEFT.format("invoices")),
        "r1": ("remarks", PART.format("orders")),
        "r3": ("remarks", LEFT.format("invoices")),
    }


def test_rows_that_refer_to_a_changed_row_without_being_its_part_are_added() -> None:
    found = present(
        {**CHAIN, "invoices": [{"number": "i1", "order": "o1", "amount": "9"}], "payments": [], "lines": []}
    )

    assert set(withheld(aim(wanted(CHAIN)), found)) == {"l1"}


def test_a_row_that_was_deleted_softly_gets_no_parts() -> None:
    found = present({"orders": [{"number": "o1", "deleted_at": "2026-01-01 00:00:00"}, {"number": "o2"}]})

    assert "i1" in withheld(aim(wanted(CHAIN)), found)


def test_nothing_is_withheld_when_nothing_differs() -> None:
    assert withheld(aim(wanted(CHAIN)), present({"orders": CHAIN["orders"]})) == {}
    assert withheld(aim(wanted(CHAIN)), present({})) == {}


@pytest.mark.parametrize("mode", [Mode.RESET, Mode.EXACT])
def test_only_a_top_up_withholds(mode: Mode) -> None:
    assert withheld(aim(wanted(CHAIN), mode), present(EDITED)) == {}


def test_a_row_that_refers_to_a_withheld_row_of_its_own_table_is_withheld() -> None:
    rows = {**CHAIN, "lines": [{"code": "l1", "invoice": "i1"}, {"code": "l2", "invoice": "i2", "replaces": "l1"}]}

    assert withheld(aim(wanted(rows)), present(EDITED))["l2"] == ("lines", LEFT.format("lines"))


def test_a_row_whose_document_refers_to_a_withheld_row_is_withheld() -> None:
    rows = {**CHAIN, "remarks": [{"code": "r1", "body": '{"invoice_id":"i1"}'}]}

    assert "r1" in withheld(aim(wanted(rows)), present(EDITED))


def test_parts_are_withheld_whichever_step_their_row_belongs_to() -> None:
    rows = {**CHAIN, "invoices": [{"number": "i1", "order": "o1", "_step": "fixtures"}], "lines": [], "payments": []}

    assert "i1" in withheld(aim(wanted(rows), steps={"fixtures"}), present(EDITED))


def shown(part: TablePlan, *names: str) -> list[tuple[Any, ...]]:
    """Give what the plan says of each row, with the cells called *names* before and after."""
    cells = [pl.col(side).struct.field(name).alias(f"{side} {name}") for side in (BEFORE, AFTER) for name in names]
    return part.rows.select(KEY, ACTION, REASON, pl.col(CHANGED).list.join(","), *cells).rows()


def whys(part: TablePlan) -> dict[str, str]:
    return dict(part.rows.select(KEY, WHY).iter_rows())


TOTAL = mends(total_of(0), "total")
TOTALLED: Rows = {"orders": [{"number": "theirs"}, {"number": "whole", "total": "5"}]}


def test_a_mended_row_is_an_update_that_names_its_rule() -> None:
    """With before and after, whosever row it is; the others stay what they were."""
    part = decide(aim(wanted({"orders": []}), Mode.TOP_UP, TOTAL), present(TOTALLED))["orders"]

    assert shown(part, "total") == [
        ("theirs", U, Reason.GAP, "total", None, 0),
        ("whole", S, Reason.NOT_DECLARED, "", 5, None),
    ]
    assert whys(part)["theirs"] == "total: total is mended"
    assert step_of(part) == {"theirs": "mend", "whole": "core"}


def test_a_row_that_a_rule_mends_is_no_longer_kept() -> None:
    rows: Rows = {"orders": [{"number": "o1"}, {"number": "o2", "total": "5"}]}

    part = decide(aim(wanted(rows), Mode.TOP_UP, TOTAL), present(rows))["orders"]

    assert (part.kept_by_step, part.counts[U], part.written) == ({"core": 1}, 1, 1)


def test_a_row_that_a_rule_adds_is_a_create_that_names_it() -> None:
    rule = adds(remark_on_orders, "orders", table="remarks", name="remarked")

    part = decide(aim(wanted({"remarks": []}), Mode.TOP_UP, rule), present(TOTALLED))["remarks"]

    assert shown(part, "about") == [
        ("auto-theirs", C, Reason.GAP, "", None, "theirs"),
        ("auto-whole", C, Reason.GAP, "", None, "whole"),
    ]
    assert set(whys(part).values()) == {"remarked: remarked is there"}
    assert set(step_of(part).values()) == {"mend"}
    assert part.rows[ID].null_count() == 2


def test_a_rule_sees_the_rows_that_the_run_creates() -> None:
    """It changes them before they are written: one create, of the step that declares the row."""
    desired = wanted({"orders": [{"number": "new", "buyer": "Bo", "token": "word", "_step": "fixtures"}]})

    part = decide(aim(desired, Mode.TOP_UP, TOTAL), present({}))["orders"]

    assert shown(part, "buyer", "total", "token") == [("new", C, Reason.GAP, "", None, None, None, "Bo", 0, "word")]
    assert whys(part) == {"new": "total: total is mended"}
    assert step_of(part) == {"new": "fixtures"}


def test_a_rule_does_not_see_the_rows_that_are_withheld() -> None:
    rule = adds(remark_on_orders, "orders", table="remarks")
    seen: list[list[str]] = []

    def look(rows: Dataset, profile: Profile) -> pl.DataFrame:
        seen.append(rows["invoices"][KEY].to_list())
        return rule.propose(rows, profile)

    decide(aim(wanted(CHAIN), Mode.TOP_UP, replace(rule, propose=look)), present(EDITED))

    assert {tuple(keys) for keys in seen} == {("i2",)}


def test_two_rules_on_one_row_are_both_named() -> None:
    """The second sees what the first has made; the row belongs to the step of the last."""
    second = mends(
        lambda rows, _: rows["orders"].filter(pl.col("total") == 0).select(KEY, pl.lit("Cy").alias("buyer")),
        "buyer",
        name="buyer",
        step="fixtures",
    )

    part = decide(aim(wanted({"orders": []}), Mode.TOP_UP, TOTAL, second), present({"orders": [{"number": "a"}]}))[
        "orders"
    ]

    assert shown(part, "buyer", "total") == [("a", U, Reason.GAP, "buyer,total", "Ann", None, "Cy", 0)]
    assert whys(part) == {"a": "total: total is mended; buyer: buyer is mended"}
    assert step_of(part) == {"a": "fixtures"}


def test_a_rule_that_runs_twice_is_named_once() -> None:
    more = mends(
        lambda rows, _: rows["orders"].filter(pl.col("total") == 0).select(KEY, pl.lit(1, pl.Int64).alias("total")),
        "total",
    )

    part = decide(aim(wanted({"orders": []}), Mode.TOP_UP, TOTAL, more), present({"orders": [{"number": "a"}]}))[
        "orders"
    ]

    assert whys(part) == {"a": "total: total is mended"}


def test_what_one_rule_does_and_another_undoes_is_no_change() -> None:
    undo = mends(
        lambda rows, _: rows["orders"].filter(pl.col("total") == 0).select(KEY, pl.lit(None, pl.Int64).alias("total")),
        "total",
        name="undo",
    )

    part = decide(aim(wanted({"orders": []}), Mode.TOP_UP, TOTAL, undo), present({"orders": [{"number": "a"}]}))[
        "orders"
    ]

    assert shown(part) == [("a", S, Reason.NOT_DECLARED, "")]


@pytest.mark.parametrize("mode", [Mode.RESET, Mode.EXACT])
def test_rules_run_in_a_top_up_only(mode: Mode) -> None:
    parts = decide(aim(wanted({"orders": []}), mode, TOTAL), present(TOTALLED))

    assert Reason.GAP not in parts["orders"].rows[REASON].to_list()


def test_a_rule_of_a_step_left_out_does_not_run() -> None:
    goal = aim(wanted({"orders": []}), Mode.TOP_UP, TOTAL, steps={"core"})

    assert not decide(goal, present(TOTALLED))["orders"].written


def test_a_rule_for_a_table_left_out_does_not_run() -> None:
    parts = decide(aim(wanted({"grants": []}), Mode.TOP_UP, TOTAL), present(TOTALLED))

    assert {name: part.written for name, part in parts.items()} == {"grants": 0}


def test_a_rule_that_reads_a_table_that_is_not_there_does_not_run() -> None:
    rule = replace(TOTAL, tables=("orders", "refunds"))

    assert not decide(aim(wanted({"orders": []}), Mode.TOP_UP, rule), present(TOTALLED))["orders"].written


def test_a_rule_fills_a_column_that_the_live_table_lacks_as_if_it_were_null() -> None:
    found = present(TOTALLED)
    narrow = Dataset(ORDER_SPECS, {"orders": found["orders"].drop("total")})

    part = decide(aim(wanted({"orders": []}), Mode.TOP_UP, TOTAL), narrow)["orders"]

    assert shown(part, "total") == [
        ("theirs", U, Reason.GAP, "total", None, 0),
        ("whole", U, Reason.GAP, "total", None, 0),
    ]


def test_a_rule_fills_a_table_that_is_not_live_yet() -> None:
    desired = wanted({"orders": [{"number": "a"}], "remarks": []})
    rule = adds(remark_on_orders, "orders", table="remarks")

    part = decide(aim(desired, Mode.TOP_UP, rule), Dataset(ORDER_SPECS, {}))["remarks"]

    assert shown(part) == [("auto-a", C, Reason.GAP, "")]


def left_after(goal: Goal, found: Dataset) -> dict[str, int]:
    """Count what is written when the decided changes are made and everything is decided again."""
    again = decide(goal, carried_out(decide(goal, found), found))
    return {name: part.written for name, part in again.items() if part.written}


def test_parts_of_a_row_that_a_rule_mends_to_what_is_declared_come_at_once() -> None:
    """Otherwise the plan after the write is not empty, and the apply rolls everything back."""
    desired = wanted({"orders": [{"number": "o1", "total": "0"}], "invoices": [{"number": "i1", "order": "o1"}]})

    assert left_after(aim(desired, Mode.TOP_UP, TOTAL), present({"orders": [{"number": "o1"}]})) == {}


def invoice_the_orders(rows: Dataset, _: Profile) -> pl.DataFrame:
    """Propose an invoice named after each order that has none."""
    new = {"number": pl.col(KEY).str.replace("o", "i"), "order": pl.col(KEY), "amount": pl.lit(7, pl.Int64)}
    bare = rows["orders"].join(rows["invoices"], left_on=KEY, right_on="order", how="anti")
    return bare.select(**new).with_columns(pl.col("number").alias(KEY))


def test_rows_that_refer_to_a_withheld_row_come_with_the_rule_that_adds_it() -> None:
    """A rule may give a changed order an invoice under the number of the one that was withheld."""
    rule = adds(invoice_the_orders, "orders", table="invoices")

    assert left_after(aim(wanted(CHAIN), Mode.TOP_UP, rule), present(EDITED)) == {}
