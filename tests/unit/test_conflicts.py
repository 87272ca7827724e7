"""What the server would refuse of a plan: references that nothing meets and unique values that are taken."""

from dataclasses import replace
from functools import partial

from reconcile.conflicts import taken_values, unmet_references
from reconcile.dataset import Dataset
from reconcile.decide import Mode
from reconcile.diff import Action
from reconcile.errors import Finding
from reconcile.plan import Plan
from reconcile.spec import Column
from reconcile.values import TextReference
from tests.unit.tiny import GOODS, SHOP, SPECS, TAGS, declared, live, planned


def unmet(plan: Plan, found: Dataset) -> list[tuple[str, str]]:
    return [(finding.where, finding.what) for finding in unmet_references(plan, found)]


def test_references_that_the_plan_creates_are_met() -> None:
    assert unmet(planned(declared(SHOP), live({})), live({})) == []


def test_references_to_live_rows_are_met() -> None:
    """Whether or not their table takes part."""
    found = live({"makers": [{"code": "ACME"}]})

    assert unmet(planned(declared({"goods": [{"sku": "SAW", "maker": "ACME"}]}), found), found) == []


def test_a_reference_into_a_table_left_out_is_unmet() -> None:
    desired = declared({"goods": [{"sku": "AXE", "maker": "ACME"}, {"sku": "SAW", "maker": "BOLT"}]})
    found = live({"makers": [{"code": "BOLT"}]})

    assert unmet(planned(desired, found), found) == [
        ("goods.maker, first AXE → ACME", "1 rows refer to rows of makers that do not exist")
    ]


def test_a_plan_about_everything_needs_no_look_at_what_it_has_whole() -> None:
    """Into a table that is no part of it, or of which rows are skipped, it is looked at all the same."""
    desired = declared({"makers": [], "goods": [{"sku": "SAW", "maker": "ACME"}]})
    found = live({})
    plan = planned(desired, found)
    unmet_in = partial(unmet_references, live=found, is_everything=True)

    assert unmet_in(planned(declared(SHOP), found)) == []
    assert [finding.where for finding in unmet_in(plan)] == []
    assert len(unmet_in(_without(plan, "makers"))) == 1
    assert len(unmet_in(_skipping(plan, "makers"))) == 1


def _without(plan: Plan, table: str) -> Plan:
    return replace(plan, tables=tuple(part for part in plan.tables if part.spec.name != table))


def _skipping(plan: Plan, table: str) -> Plan:
    counts = {Action.CREATE: 0, Action.UPDATE: 0, Action.DELETE: 0, Action.SKIP: 1}
    parts = (replace(part, counts=counts) if part.spec.name == table else part for part in plan.tables)
    return replace(plan, tables=tuple(parts))


def test_an_update_needs_its_references_too() -> None:
    desired = declared({"goods": [{"sku": "SAW", "maker": "ACME"}]})
    found = live({"goods": [{"sku": "SAW", "maker": "BOLT"}]})

    assert len(unmet(planned(desired, found), found)) == 1
    assert unmet(planned(desired, found, Mode.TOP_UP), found) == []


def test_a_polymorphic_reference_needs_the_table_that_it_selects() -> None:
    desired = declared(
        {
            "notes": [
                {"ref": "n1", "subject_type": "maker", "subject": "ACME"},
                {"ref": "n2", "subject_type": "good", "subject": "ACME"},
                {"ref": "n3", "subject_type": "good"},
            ]
        }
    )
    found = live({"makers": [{"code": "ACME"}], "goods": []})

    assert unmet(planned(desired, found), found) == [
        ("notes.subject, first n2 → ACME", "1 rows refer to rows of goods that do not exist")
    ]


def test_a_row_that_is_named_by_a_text_must_be_there_too() -> None:
    badge = Column("maker", TextReference("makers", "name", 50), nullable=True)
    specs = {**SPECS, "tags": replace(TAGS, columns=(*TAGS.columns, badge))}
    desired = declared({"tags": [{"code": "a", "maker": "ACME"}, {"code": "b", "maker": "GONE"}, {"code": "c"}]}, specs)
    found = live({"makers": [{"code": "ACME"}]}, specs)

    assert unmet(planned(desired, found), found) == [
        ("tags.maker, first b → GONE", "1 rows refer to rows of makers that do not exist")
    ]


def test_ids_inside_a_document_are_references_too() -> None:
    desired = declared({"notes": [{"ref": "n1", "body": '{"good_id":"GONE"}'}]})

    assert unmet(planned(desired, live({})), live({})) == [
        ("notes.body, first n1 → GONE", "1 rows refer to rows of goods that do not exist")
    ]


def taken(desired: Dataset, found: Dataset, mode: Mode = Mode.RESET) -> list[Finding]:
    return taken_values(planned(desired, found, mode), found)


def goods(*rows: tuple[str, str | None]) -> dict[str, list[dict[str, str | None]]]:
    return {"goods": [{"sku": sku, "maker": "ACME", "barcode": barcode} for sku, barcode in rows]}


def test_a_unique_value_that_a_staying_row_has_is_taken() -> None:
    [finding] = taken(declared(goods(("SAW", "111"))), live(goods(("AXE", "111"))), Mode.TOP_UP)

    assert finding.where == "goods (barcode)"
    assert finding.why == "SAW needs the value that AXE has"


def test_a_unique_value_that_moves_is_free() -> None:
    """The other row is updated or deleted by the same plan."""
    assert taken(declared(goods(("SAW", "111"))), live(goods(("AXE", "111")))) == []
    assert taken(declared(goods(("AXE", "222"), ("SAW", "111"))), live(goods(("AXE", "111"), ("SAW", "222")))) == []


def test_null_is_taken_by_nobody() -> None:
    assert taken(declared(goods(("SAW", None))), live(goods(("AXE", None))), Mode.TOP_UP) == []


def test_the_natural_key_is_not_asked_twice() -> None:
    specs = SPECS | {"tags": replace(TAGS, unique=(("code",),))}

    assert taken(declared({"tags": [{"code": "a"}]}, specs), live({"tags": [{"code": "b"}]}, specs)) == []


def test_without_live_table_nothing_is_taken() -> None:
    assert taken(declared(goods(("SAW", "111"))), live({})) == []
    assert GOODS.unique == (("barcode",),)
