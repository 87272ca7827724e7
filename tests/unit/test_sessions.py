"""Sessions: which concern a schema, which are idle, which are stuck; and how a holder of the run lock is told."""

from datetime import datetime

import pytest

from reconcile.sessions import STUCK_AFTER_S, Holder, OpenTransaction, Process, ServerSession, Sessions, Waiting

OPEN = OpenTransaction(age_s=5, rows_locked=1, rows_changed=0)


def session(
    identifier: int = 1,
    *,
    database: str | None = "erp",
    command: str = "Sleep",
    age_s: int = 0,
    state: str = "",
    statement: str | None = None,
    transaction: OpenTransaction | None = None,
    waits_for: tuple[int, ...] = (),
    blocks: tuple[int, ...] = (),
    user: str = "app",
) -> ServerSession:
    process = Process(identifier, user, "host:1", database, command, age_s, state, statement)
    waits = tuple(Waiting(identifier, holds, "row lock") for holds in waits_for)
    return ServerSession(process, transaction, waits, blocks)


@pytest.mark.parametrize(
    ("found", "is_idle", "is_stuck"),
    [
        pytest.param(session(), True, False, id="an open connection"),
        pytest.param(session(age_s=9_999), True, False, id="open for long"),
        pytest.param(session(transaction=OPEN), False, False, id="in a transaction"),
        pytest.param(session(transaction=OPEN, blocks=(2,)), False, True, id="keeps another waiting"),
        pytest.param(session(command="Query", statement="SELECT ?"), False, False, id="at work"),
        pytest.param(
            session(command="Query", statement="SELECT ?", age_s=STUCK_AFTER_S), False, True, id="at work for long"
        ),
        pytest.param(session(command="Query", statement="UPDATE t", waits_for=(2,)), False, True, id="waits"),
        pytest.param(
            session(command="Query", statement="ALTER TABLE t", state="Waiting for table metadata lock"),
            False,
            True,
            id="waits for somebody unknown",
        ),
    ],
)
def test_a_session_is_idle_at_work_or_stuck(found: ServerSession, is_idle: bool, is_stuck: bool) -> None:
    assert (found.is_idle, found.is_stuck) == (is_idle, is_stuck)


def test_the_sessions_of_a_schema_are_those_that_use_it_and_those_they_are_entangled_with() -> None:
    """A session that has chosen another schema may still hold a row of this one. Names match in any case."""
    found = Sessions(
        own=9,
        all={
            1: session(1, database="ERP"),
            2: session(2, waits_for=(3,)),
            3: session(3, database=None, blocks=(2,)),
            4: session(4, blocks=(5,)),
            5: session(5, database="other", waits_for=(4,)),
            6: session(6, database="other"),
            9: session(9),
        },
        unseen=(),
    )

    assert [near.process.id for near in found.on("erp")] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("user", "command", "is_system"),
    [
        ("app", "Sleep", False),
        ("app", "Query", False),
        ("event_scheduler", "Daemon", True),
        ("system user", "Connect", True),
        ("replica", "Binlog Dump GTID", True),
    ],
)
def test_threads_of_the_server_are_known(user: str, command: str, is_system: bool) -> None:
    assert session(user=user, command=command).process.is_system is is_system


@pytest.mark.parametrize(
    ("holder", "told"),
    [
        (Holder(), "a run"),
        (Holder(connection_id=17), "a run, connection 17"),
        (
            Holder(17, "erp@db:5", 42, "apply", datetime(2026, 1, 5, 8, 0, 0)),
            "`reconcile apply`, pid 42, erp@db:5, connection 17, since 2026-01-05 08:00:00 UTC",
        ),
    ],
)
def test_a_holder_is_told_as_far_as_it_is_known(holder: Holder, told: str) -> None:
    assert str(holder) == told
