"""Killed without warning at any moment, a run leaves one state or the other, the lock free, and the next converges."""

import random
from collections import Counter
from collections.abc import Callable

from tests.servers.conftest import NewTarget
from tests.servers.ledgers import (
    DAYS,
    STATE,
    apply_day,
    kill_somewhere,
    ledger,
    open_ledger,
    start_day,
    timed,
    wait_for_silence,
)
from tests.servers.operating import run

KILLS = {"sqlite": 15, "mariadb": 100, "mysql": 15}


def test_a_killed_run_leaves_all_or_nothing(
    new_target: NewTarget, engine: str, record_property: Callable[[str, object], None]
) -> None:
    """A hundred times on MariaDB; the lock is free after each, and a run that is let alone converges."""
    target = new_target("empty")
    days = open_ledger(target)
    longest_s = timed(lambda: start_day(target, DAYS[1]).communicate())
    assert ledger(target) == days[DAYS[1]]
    chance, now = random.Random(1), DAYS[1]  # noqa: S311 - moments, not secrets
    counts = Counter[str]()

    for _ in range(KILLS[engine]):
        other = DAYS[1 - DAYS.index(now)]
        killed = kill_somewhere(start_day(target, other, "--lock-timeout", "20s"), chance, longest_s)
        wait_for_silence(target)
        found = ledger(target)
        assert found in (days[now], days[other])
        counts += Counter(
            kills=1,
            at_work=killed.was_at_work,
            while_writing=killed.had_begun_to_write and found == days[now],
            committed=found == days[other],
        )
        now = other if found == days[other] else now

    record_property("count", f"{engine}: {dict(counts)}")
    assert counts["at_work"] > KILLS[engine] // 2, "hardly a kill struck a run at work"
    assert counts["while_writing"] > 0, "no kill struck a run that wrote"
    other = DAYS[1 - DAYS.index(now)]
    result = apply_day(target, other, "--lock-timeout", "0")
    assert result.code == 0, result.err
    assert ledger(target) == days[other]
    again = run("plan", *STATE, "--as-of", other, "--database-url", target.url, "--detailed-exitcode")
    assert again.code == 0, again.out
