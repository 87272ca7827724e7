"""
Fixtures for tests on real databases; which engines is chosen by `--engine`.

A test asks for `target` to run on every chosen engine, for `server` or `database` to run on the chosen servers.
Servers are started when first asked for, one of each engine per test worker, and closed with the session.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Literal

import pytest

from tests.conftest import ENGINES
from tests.facts import CHECKOUT, require_facts, unmet
from tests.servers.installation import Engine, NotInstalled, find
from tests.servers.live_schema import SCHEMA_FILES, LiveDatabases, load
from tests.servers.operating import apply, copy
from tests.servers.server import Server, launch
from tests.servers.target import Target, server_target, sqlite_target

pytest.register_assert_rewrite("tests.servers.laws")

MARKED = {
    "embedded": {"sqlite"},
    "on_mariadb": {"mariadb"},
    "on_servers": {"mariadb", "mysql"},
    "off_mysql": {"sqlite", "mariadb"},
}
"""The engines that a test with such a mark runs on."""

Schema = Literal["live", "empty"]
NewTarget = Callable[[Schema], Target]


@dataclass(slots=True)
class Servers:
    """The servers of this test worker, each started when it is first asked for."""

    closing: ExitStack
    started: dict[str, Server] = field(default_factory=dict)
    live: dict[str, LiveDatabases] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=count)
    templates: dict[str, Target] = field(default_factory=dict)

    def get(self, engine: Engine) -> Server:
        """Give the running server, or end the test if the engine is not installed."""
        if engine not in self.started:
            try:
                installation = find(engine, CHECKOUT)
            except NotInstalled as missing:
                unmet(str(missing))
            server = launch(installation)
            self.closing.callback(server.close)
            self.started[engine] = server
        return self.started[engine]

    def live_databases(self, server: Server) -> LiveDatabases:
        """Give the server's databases with the live schema, or end the test if its facts are missing."""
        schema = require_facts() / SCHEMA_FILES[server.engine]
        return self.live.setdefault(server.engine, LiveDatabases(server, schema))

    def template(self, engine: str, folder: Path) -> Target:
        """Give the engine's database with the light dataset, filled by one apply, to be copied and never used."""
        if engine not in self.templates:
            if engine == "sqlite":
                template = sqlite_target(folder / "terp_template.db")
            else:
                server = self.get("mariadb" if engine == "mariadb" else "mysql")
                template = server_target(server, "terp_template")
                load(server, template.name, require_facts() / SCHEMA_FILES[server.engine])
            filled = apply(template)
            assert filled.code == 0, filled.err
            self.templates[engine] = template
        return self.templates[engine]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test on each chosen engine that it can run on."""
    if "engine" not in metafunc.fixturenames:
        return
    chosen = list(dict.fromkeys(metafunc.config.getoption("--engine") or ENGINES))
    needs_server = not {"server", "secured"}.isdisjoint(metafunc.fixturenames)
    metafunc.parametrize("engine", [e for e in chosen if e != "sqlite" or not needs_server], scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave tests to the engines that they are marked for: they take long and would show the same on every one."""
    elsewhere = [item for item in items if isinstance(item, pytest.Function) and not _belongs(item)]
    if elsewhere:
        config.hook.pytest_deselected(items=elsewhere)
        items[:] = [item for item in items if item not in elsewhere]


def _belongs(item: pytest.Function) -> bool:
    """Say whether the engine that a test was made for is one that its mark names; the nearest mark counts."""
    if not hasattr(item, "callspec") or "engine" not in item.callspec.params:
        return True
    marks = [mark.name for mark in item.iter_markers() if mark.name in MARKED]
    return not marks or item.callspec.params["engine"] in MARKED[marks[0]]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests have counted: kills, cuts, stale plans."""
    counted = [
        f"{report.nodeid.rpartition('::')[2]}: {value}"
        for report in terminalreporter.getreports("passed")
        for name, value in report.user_properties
        if name == "count"
    ]
    if counted:
        terminalreporter.section("counts")
        for line in sorted(counted):
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """The servers of this session."""
    with ExitStack() as closing:
        yield Servers(closing)


@pytest.fixture
def server(servers: Servers, engine: Engine) -> Server:
    """A running server; a test that stops it must start it again."""
    return servers.get(engine)


@pytest.fixture
def new_target(servers: Servers, engine: str, tmp_path: Path) -> Iterator[NewTarget]:
    """Make fresh databases on one engine: "live" has the live schema (none yet on SQLite), "empty" no table."""
    with ExitStack() as closing:

        def make(schema: Schema) -> Target:
            number = next(servers.numbers)
            if engine == "sqlite":
                return sqlite_target(tmp_path / f"terp_{number}.db")
            server = servers.get("mariadb" if engine == "mariadb" else "mysql")
            if schema == "live":
                databases = servers.live_databases(server)
                name = databases.take()
                closing.callback(databases.give_back, name)
            else:
                name = f"terp_empty_{number}"
                closing.callback(server.drop_database, name)
                server.create_database(name)
            return server_target(server, name)

        yield make


@pytest.fixture
def target(new_target: NewTarget) -> Target:
    """A fresh database on the engine: the live schema on a server, no table yet on SQLite."""
    return new_target("live")


@pytest.fixture
def template(servers: Servers, engine: str, tmp_path_factory: pytest.TempPathFactory) -> Target:
    """The engine's filled database that others are copied from; a test may read it and never write it."""
    return servers.template(engine, tmp_path_factory.getbasetemp())


@pytest.fixture
def filled(template: Target, target: Target) -> Target:
    """A database with the light dataset as one apply left it."""
    copy(template, target)
    return target


@pytest.fixture
def database(server: Server, new_target: NewTarget) -> Target:
    """A fresh database with the live schema, on servers only."""
    assert server.engine in SCHEMA_FILES
    return new_target("live")
