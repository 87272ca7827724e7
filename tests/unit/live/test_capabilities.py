"""What a server can do, from what it answers: told by stand-ins that answer as other servers would."""

from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from reconcile.checks.doctor import check_capabilities
from reconcile.health import Mark
from reconcile.live.capabilities import Capabilities, read_capabilities

OWN = 7


@dataclass
class Answer:
    """Rows as SQLAlchemy gives them."""

    rows: list[tuple[object, ...]]

    def scalar(self) -> object:
        return self.rows[0][0]

    scalar_one = scalar

    def __iter__(self) -> Any:  # noqa: ANN401 - as the real one
        return iter(self.rows)


@dataclass
class FakeServer:
    """Answers by the first of its rules that occurs in the statement; a text is an error message."""

    rules: dict[str, object] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    lost: bool = False
    heard: list[str] = field(default_factory=list)

    def exec_driver_sql(self, statement: str) -> Answer:
        self.heard.append(statement)
        for words, answer in self.rules.items():
            if words in statement:
                if isinstance(answer, str):
                    raise DBAPIError(statement, None, Exception(1235, answer), connection_invalidated=self.lost)
                return Answer([(answer,)])
        if statement.startswith("SHOW VARIABLES"):
            return Answer(list(self.variables.items()))
        return Answer([(268_435_456 if "group_concat" in statement else OWN,)])

    def execute(self, statement: object) -> Answer:
        return self.exec_driver_sql(str(statement))


def asked(server: FakeServer, other: FakeServer | None = None) -> Capabilities:
    return read_capabilities(cast("Connection", server), cast("Connection", other or server))


def marks(server: FakeServer, other: FakeServer | None = None) -> dict[str, Mark]:
    return {check.id: check.mark for check in check_capabilities(asked(server, other))}


def test_one_server_has_all_that_a_run_needs() -> None:
    server = FakeServer(
        variables={
            "wsrep_on": "OFF",
            "wsrep_max_ws_size": "2147483647",
            "max_binlog_cache_size": "18446744073709547520",
        }
    )

    assert set(marks(server).values()) == {Mark.OK}
    assert server.heard[-3].startswith("ROLLBACK")
    assert any("release_lock" in statement for statement in server.heard)


@pytest.mark.parametrize(
    ("server", "other", "told"),
    [
        pytest.param({"get_lock": "FUNCTION get_lock does not exist"}, {}, {"named-lock": Mark.WARN}, id="no locks"),
        pytest.param({}, {"is_used_lock": None}, {"named-lock": Mark.WARN}, id="another node answers"),
        pytest.param({}, {"is_used_lock": 1}, {"named-lock": Mark.WARN}, id="the holder is not told"),
        pytest.param({"CONSISTENT SNAPSHOT": "not supported"}, {}, {"transactions": Mark.FAIL}, id="no snapshot"),
        pytest.param({"SAVEPOINT": "not supported"}, {}, {"transactions": Mark.WARN}, id="no savepoint"),
        pytest.param({"group_concat": 1024}, {}, {"pages": Mark.WARN}, id="short pages"),
    ],
)
def test_what_is_missing_is_said_of_itself_alone(
    server: dict[str, object], other: dict[str, object], told: dict[str, Mark]
) -> None:
    found = marks(FakeServer(server), FakeServer(other))

    assert {identifier: mark for identifier, mark in found.items() if mark is not Mark.OK} == told
    checks = check_capabilities(asked(FakeServer(server), FakeServer(other)))
    assert all(check.fix for check in checks if check.mark is not Mark.OK)


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"wsrep_on": "ON", "wsrep_max_ws_size": "2147483647"}, {"writers", "size-limit"}),
        ({"group_replication_single_primary_mode": "OFF"}, {"writers"}),
        ({"group_replication_transaction_size_limit": "150000000"}, {"size-limit"}),
        ({"max_binlog_cache_size": "4294967296"}, {"size-limit"}),
        ({"wsrep_on": "ON", "wsrep_max_ws_rows": "0"}, {"writers"}),
        ({"tidb_txn_mode": "optimistic"}, {"transactions"}),
        ({"tidb_txn_mode": "pessimistic"}, set()),
    ],
)
def test_variables_tell_of_clusters_and_limits(variables: dict[str, str], told: set[str]) -> None:
    found = marks(FakeServer(variables=variables))

    assert {identifier for identifier, mark in found.items() if mark is Mark.WARN} == told


def test_a_line_that_breaks_is_no_missing_capability() -> None:
    with pytest.raises(DBAPIError):
        asked(FakeServer({"get_lock": "gone"}, lost=True))
