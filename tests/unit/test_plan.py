"""The plan: which tables take part in which order, what it counts, and what its checksum stands for."""

from dataclasses import replace

import pytest

from reconcile.dataset import KEY
from reconcile.decide import Mode
from reconcile.diff import Action
from reconcile.plan import Plan, only
from reconcile.table_plan import TablePlan
from tests.unit.tiny import SHOP, declared, live, planned


def table_of(plan: Plan, name: str) -> TablePlan:
    return next(table for table in plan.tables if table.spec.name == name)


def test_a_plan_orders_tables_parents_first() -> None:
    plan = planned(declared(SHOP), live({}))

    names = [table.spec.name for table in plan.tables]
    assert names.index("makers") < names.index("goods") < names.index("goods_tags")
    assert frozenset({("makers", "flagship"), ("goods", "base")}) == plan.deferred


def test_a_plan_counts_its_rows() -> None:
    """Totals over the tables, kept rows apart; skips are no work."""
    found = live({"tags": [{"code": "sharp", "title": "Handle with care"}, {"code": "theirs"}]})

    plan = planned(declared(SHOP), found)

    assert plan.totals == {Action.CREATE: 8, Action.UPDATE: 0, Action.DELETE: 0, Action.SKIP: 1}
    assert plan.kept == 1
    assert not plan.is_empty
    assert table_of(plan, "tags").counts == {Action.CREATE: 0, Action.UPDATE: 0, Action.DELETE: 0, Action.SKIP: 1}
    assert table_of(plan, "tags").of(Action.SKIP)[KEY].to_list() == ["theirs"]


def test_a_plan_of_skips_is_empty() -> None:
    plan = planned(declared({"tags": []}), live({"tags": [{"code": "theirs"}]}))

    assert plan.is_empty


def test_a_checksum_names_what_will_be_done() -> None:
    """It does not move with what is skipped, nor with the target, nor with surrogate keys."""
    desired = declared({"goods": [{"sku": "SAW", "maker": "ACME"}], "tags": []})
    found = live({"goods": [{"sku": "SAW", "maker": "BOLT", "_id": 1}]})
    elsewhere = live({"goods": [{"sku": "SAW", "maker": "BOLT", "_id": 2}], "tags": [{"code": "theirs"}]})

    assert planned(desired, found).checksum == planned(desired, elsewhere, target="there").checksum


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(planned(declared({"tags": [{"code": "a"}]}), live({})), id="another row"),
        pytest.param(planned(declared({"tags": [{"code": "b", "title": ""}]}), live({})), id="another value"),
        pytest.param(planned(declared({"tags": [{"code": "b"}]}), live({}), Mode.TOP_UP), id="another mode"),
        pytest.param(planned(declared({"tags": []}), live({})), id="nothing"),
        pytest.param(
            planned(declared({"tags": [{"code": "b"}]}), live({"tags": [{"code": "b", "title": "x"}]})),
            id="another action",
        ),
    ],
)
def test_different_plans_have_different_checksums(other: Plan) -> None:
    plan = planned(declared({"tags": [{"code": "b"}]}), live({}))

    assert plan.checksum != other.checksum


def test_the_state_counts_in_the_checksum() -> None:
    plan = planned(declared({}), live({}))

    assert plan.checksum != replace(plan, state="another").checksum


def test_line_breaks_in_a_text_cannot_make_plans_alike() -> None:
    first = planned(declared({"tags": [{"code": "a", "title": "x\nb|create||b|"}, {"code": "c"}]}), live({}))
    second = planned(declared({"tags": [{"code": "a", "title": "x"}, {"code": "b"}, {"code": "c"}]}), live({}))

    assert first.checksum != second.checksum


def test_checksums_are_pinned() -> None:
    """A saved plan is known by its checksum, whichever machine made it."""
    assert (
        planned(declared(SHOP), live({})).checksum == "3ba4a97b8f16db80b710db539f3423a910845efa906d75c31311e1a3d473b743"
    )


def test_a_plan_can_be_narrowed_for_display() -> None:
    plan = planned(
        declared({"tags": [{"code": "a"}, {"code": "b", "title": "B"}]}), live({"tags": [{"code": "b"}, {"code": "c"}]})
    )

    shown = only(plan, [Action.CREATE, Action.SKIP])

    assert table_of(shown, "tags").rows[KEY].to_list() == ["a", "c"]
    assert table_of(plan, "tags").rows[KEY].to_list() == ["a", "b", "c"]
