"""The guard: deletes that would reach rows the plan does not name."""

from dataclasses import replace

import pytest

from reconcile.decide import Mode
from reconcile.errors import Finding
from reconcile.guard import NO_FOREIGN_KEY, Dependents, dependents_in_plan, refuse_dependents
from reconcile.spec import TableSpec
from reconcile.values import Reference
from tests.unit.tiny import GOODS, MAKERS, SPECS, declared, live, planned


def keeping(spec: TableSpec) -> dict[str, TableSpec]:
    """The shop with one table that keeps the rows of others."""
    return SPECS | {spec.name: replace(spec, prunes=False)}


@pytest.mark.parametrize(
    ("on_delete", "effect"),
    [
        ("CASCADE", "they would be deleted with them; they are not in the plan"),
        ("SET NULL", "they would lose the reference; they are not in the plan"),
        (NO_FOREIGN_KEY, "they would refer to nothing; they are not in the plan"),
        ("RESTRICT", "they keep the server from deleting; they are not in the plan"),
    ],
)
def test_a_refusal_says_what_would_become_of_the_rows(on_delete: str, effect: str) -> None:
    expected = Finding(
        what="3 rows of goods depend on makers rows to be deleted",
        where="goods.maker",
        why=effect,
        fix="remove or move those rows, let them go with --allow-cascade, keep the makers rows with --no-clear, or "
        "leave makers out",
    )

    assert [expected] == refuse_dependents([Dependents("goods", "maker", "makers", 3, on_delete)])


def test_nothing_that_depends_is_nothing_to_refuse() -> None:
    assert refuse_dependents([]) == []


def test_rows_that_stay_and_point_to_deleted_ones_are_counted() -> None:
    specs = keeping(GOODS)
    desired = declared({"makers": [], "goods": []}, specs)
    found = live(
        {
            "makers": [{"code": "ACME"}],
            "goods": [{"sku": "SAW", "maker": "ACME"}, {"sku": "AXE", "maker": "ACME", "base": "SAW"}],
        },
        specs,
    )

    assert [Dependents("goods", "maker", "makers", 2, "RESTRICT")] == dependents_in_plan(planned(desired, found), found)


def test_rows_that_are_deleted_or_moved_as_well_do_not_count() -> None:
    desired = declared({"makers": [{"code": "BOLT"}], "goods": [{"sku": "AXE", "maker": "BOLT"}]})
    found = live(
        {"makers": [{"code": "ACME"}], "goods": [{"sku": "SAW", "maker": "ACME"}, {"sku": "AXE", "maker": "ACME"}]}
    )

    assert dependents_in_plan(planned(desired, found), found) == []


def test_a_top_up_deletes_nothing_to_depend_on() -> None:
    specs = keeping(GOODS)
    desired = declared({"makers": [], "goods": []}, specs)
    found = live({"makers": [{"code": "ACME"}], "goods": [{"sku": "SAW", "maker": "ACME"}]}, specs)

    assert dependents_in_plan(planned(desired, found, Mode.TOP_UP), found) == []


def test_staying_rows_that_point_elsewhere_do_not_count() -> None:
    specs = keeping(GOODS)
    desired = declared({"makers": [{"code": "BOLT"}], "goods": []}, specs)
    found = live({"makers": [{"code": "ACME"}, {"code": "BOLT"}], "goods": [{"sku": "SAW", "maker": "BOLT"}]}, specs)

    assert dependents_in_plan(planned(desired, found), found) == []


def test_a_logical_reference_counts_like_a_foreign_key() -> None:
    columns = tuple(
        replace(column, kind=Reference("makers")) if column.name == "maker" else column for column in GOODS.columns
    )
    specs = keeping(replace(GOODS, columns=columns))
    desired = declared({"makers": [], "goods": []}, specs)
    found = live({"makers": [{"code": "ACME"}], "goods": [{"sku": "SAW", "maker": "ACME"}]}, specs)

    assert [Dependents("goods", "maker", "makers", 1, NO_FOREIGN_KEY)] == dependents_in_plan(
        planned(desired, found), found
    )
    assert MAKERS.name == "makers"
