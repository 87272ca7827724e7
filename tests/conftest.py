"""Options and fixtures for every folder of tests; what is declared here exists whichever is run."""

import hashlib
import os
from pathlib import Path

import pytest

from tests.facts import require_facts

ENGINES = ("sqlite", "mariadb", "mysql")

TARGET_VARIABLES = ("DATABASE_URL", "RECONCILE_DATABASE_URL", "RECONCILE_ENV", "NODE_ENV")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the caller choose engines for tests/servers; without a choice, all of them."""
    parser.addoption(
        "--engine",
        action="append",
        choices=ENGINES,
        help="run tests/servers on this engine; repeatable; default: every engine at hand",
    )


def pytest_configure() -> None:
    """Forget the database that the developer's shell points at: no test may ever reach it."""
    for name in TARGET_VARIABLES:
        os.environ.pop(name, None)


@pytest.fixture(autouse=True)
def no_comparison_is_remembered(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let each test remember comparisons in a folder of its own, which is not there yet."""
    name = hashlib.sha256(request.node.nodeid.encode()).hexdigest()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache" / name))


@pytest.fixture(scope="session")
def facts() -> Path:
    """The folder with the live schema's facts; the test is skipped without it, or fails in CI."""
    return require_facts()
