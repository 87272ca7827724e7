"""What an application hands over, and what became of its rules."""

from reconcile.errors import Severity
from tests.unit.tiny import rule, verdict


def test_a_rule_passes_when_it_was_asked_and_nothing_violates_it() -> None:
    checked = rule(severity=Severity.WARNING)

    assert verdict(checked).has_passed
    assert not verdict(checked, "ACME").has_passed
    assert not verdict(checked, missing="table makers is missing").has_passed
