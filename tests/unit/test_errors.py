"""Findings and the error that carries them."""

from reconcile.errors import ExitCode, Finding, ReconcileError


def test_an_error_says_what_each_finding_says() -> None:
    """Its text is for logs; the parts stay apart for the output."""
    findings = [Finding("a is wrong", "here", "why", "fix"), Finding("b is wrong", "there", "why", "fix")]

    error = ReconcileError(findings)

    assert str(error) == "a is wrong; b is wrong"
    assert tuple(findings) == error.findings
    assert error.exit_code == ExitCode.ERROR


def test_exit_codes_are_those_of_the_contract() -> None:
    """Scripts and schedules depend on the numbers."""
    assert [int(code) for code in ExitCode] == [0, 1, 2, 3, 4, 5, 6, 64, 130, 143]
