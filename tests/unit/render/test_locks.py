"""The run lock and the sessions as people read them; nothing that a session says can forge a line."""

from datetime import datetime

from reconcile.render.locks import NO_SESSIONS, Locks, render_locks
from reconcile.sessions import Holder
from tests.unit.test_sessions import OPEN, session

HELD = Holder(17, "erp@db:5", 42, "apply", datetime(2026, 1, 5, 8, 0, 0))


def test_each_session_says_what_it_does_and_for_whom_it_waits() -> None:
    locks = Locks(
        target="schema erp on db:3306",
        name="reconcile:erp",
        holder=HELD,
        sessions=[
            session(1, transaction=OPEN, age_s=1_240, blocks=(2, 3)),
            session(2, command="Query", age_s=12, state="Updating", statement="UPDATE t SET a = ?", waits_for=(1,)),
        ],
        idle=4,
        unseen=["who holds the metadata locks: the performance schema is off"],
    )

    assert render_locks(locks).splitlines() == [
        "Run lock reconcile:erp of schema erp on db:3306",
        "  held by `reconcile apply`, pid 42, erp@db:5, connection 17, since 2026-01-05 08:00:00 UTC",
        "",
        "Sessions",
        "! connection 1: app@host:1, schema erp, Sleep for 1,240 s, transaction open for 5 s, 0 rows changed, 1 locked",
        "      keeps waiting: 2, 3",
        "! connection 2: app@host:1, schema erp, Query for 12 s (Updating)",
        "      waits for connection 1: row lock",
        "      UPDATE t SET a = ?",
        "",
        "Not visible: who holds the metadata locks: the performance schema is off",
        "",
        "Locks: run lock held; 2 sessions at work, 2 stuck, 1 waiting, 1 blocking; 4 idle.",
    ]


def test_a_free_lock_without_sessions_is_short() -> None:
    assert render_locks(
        Locks("sqlite file terp.db", "/data/terp.db-lock", None, unseen=[NO_SESSIONS])
    ).splitlines() == [
        "Run lock /data/terp.db-lock of sqlite file terp.db",
        "  free",
        "",
        f"Not visible: {NO_SESSIONS}",
        "",
        "Locks: run lock free; 0 sessions at work, 0 stuck, 0 waiting, 0 blocking; 0 idle.",
    ]


def test_no_name_of_a_session_forges_a_line() -> None:
    shown = render_locks(Locks("t", "n", None, [session(database="a\nLocks: all is well", user="\x1b[2J")]))

    assert len(shown.splitlines()) == 7
    assert "\x1b" not in shown
