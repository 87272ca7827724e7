"""What every command starts with."""

import pytest

from reconcile.cli.session import load_state
from reconcile.errors import ExitCode, ReconcileError


@pytest.mark.parametrize("package", ["no.such.package", "string", "tests.unit.cli.wrong_state"])
def test_a_package_that_declares_no_desired_state_is_wrong_usage(package: str) -> None:
    """One is not there, one has no STATE, and the STATE of one is a number."""
    with pytest.raises(ReconcileError) as refused:
        load_state(package)

    assert refused.value.exit_code == ExitCode.USAGE
    assert refused.value.findings[0].what == f"{package} declares no desired state"
