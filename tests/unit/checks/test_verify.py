"""Verify: a rule holds, is violated by rows it names, or could not be asked and has failed."""

import polars as pl

from reconcile.checks.verify import failed, introduced, tables_of, verify
from reconcile.dataset import Dataset
from reconcile.errors import Severity
from tests.unit.tiny import MAKERS, SPECS, broken, live, nameless_makers_are, rule, verdict

NAMED = nameless_makers_are(Severity.CRITICAL)


def test_rules_are_asked_in_order() -> None:
    rows = live({"makers": [{"code": "ACME", "name": ""}, {"code": "BOLT"}]})

    found = verify([rule("first"), NAMED], rows)

    assert [(verdict.rule.id, verdict.violations.rows()) for verdict in found] == [
        ("first", []),
        ("named", [("ACME", "has no name")]),
    ]
    assert [verdict.has_passed for verdict in found] == [True, False]


def test_a_rule_whose_table_is_missing_has_failed() -> None:
    """Never passed: a check that finds no table has checked nothing."""
    [found] = verify([rule(tables=("makers", "goods", "tags"))], live({"goods": []}))

    assert (found.missing, found.has_passed) == ("table makers, tags is missing", False)


def test_a_rule_that_reads_a_table_it_did_not_name_has_failed_without_it() -> None:
    [found] = verify([rule(violations=lambda rows: rows["goods"])], live({"makers": []}))

    assert found.missing == "table goods is missing"
    assert found.violations.is_empty()


def test_a_rule_whose_column_is_missing_has_failed() -> None:
    rows = live({"makers": []})
    nameless = Dataset(SPECS, {"makers": rows["makers"].drop("name")})

    [found] = verify([NAMED], nameless)

    assert found.missing is not None
    assert "name" in found.missing
    assert found.missing.endswith("is missing")
    assert not found.has_passed


def test_the_tables_of_rules_are_known_by_spec() -> None:
    assert tables_of([rule(tables=("makers",)), rule(tables=("elsewhere",))], SPECS) == {"makers": MAKERS}


def test_warnings_fail_only_when_it_is_strict() -> None:
    passed = verdict(rule("passed"))
    warned = verdict(rule("warned", Severity.WARNING), "ACME")
    critical = verdict(rule("critical"), "ACME")
    unasked = verdict(rule("unasked"), missing="table makers is missing")
    verdicts = [passed, warned, critical, unasked]

    assert [critical, unasked] == failed(verdicts)
    assert [warned, critical, unasked] == failed(verdicts, is_strict=True)


def test_violations_that_were_there_before_are_not_introduced() -> None:
    checked = rule()

    assert introduced([verdict(checked, "ACME", "BOLT")], [verdict(checked, "ACME")]) == []
    assert introduced([verdict(checked)], [verdict(checked)]) == []


def test_new_violations_are_told_key_by_key() -> None:
    checked = rule()

    [found] = introduced([verdict(checked, "ACME")], [verdict(checked, "ACME", "BOLT")])

    assert (checked, ["BOLT"]) == (found.rule, found.violations["key"].to_list())


def test_the_same_key_under_another_rule_is_introduced() -> None:
    [found] = introduced([verdict(rule("first"), "ACME")], [verdict(rule("second"), "ACME")])

    assert found.rule.id == "second"


def test_a_table_that_went_missing_is_introduced() -> None:
    checked = rule()
    missing = verdict(checked, missing="table makers is missing")

    assert [missing.missing] == [found.missing for found in introduced([verdict(checked)], [missing])]
    assert introduced([missing], [missing]) == []


def test_a_violation_has_a_key_and_a_reason() -> None:
    assert {"key": pl.String, "why": pl.String} == dict(broken("ACME").schema)
