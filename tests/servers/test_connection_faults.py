"""A connection that is cut, stalled or cut short at any byte leaves one state or the other, and apply says which."""

import random
from collections import Counter
from collections.abc import Callable
from typing import get_args

import pytest
from sqlalchemy import make_url

from tests.servers.conftest import NewTarget
from tests.servers.ledgers import DAYS, apply_day, ledger, open_ledger, wait_for_silence
from tests.servers.proxy import Direction, Fault, Kind, Proxy
from tests.servers.server import Server
from tests.servers.target import Target

FAULTS = {"mariadb": 40, "mysql": 15}


def through(proxy: Proxy, target: Target, **query: str) -> str:
    """Give the target's URL by way of the proxy."""
    url = make_url(target.url).set(port=proxy.port).update_query_dict(query)
    return url.render_as_string(hide_password=False)


def another(day: str) -> str:
    return DAYS[1 - DAYS.index(day)]


def test_a_broken_connection_leaves_all_or_nothing_and_apply_says_which(
    server: Server, new_target: NewTarget, record_property: Callable[[str, object], None]
) -> None:
    """Exit codes 0 and 6 mean that the rows are there, 1 that nothing was changed; the next run converges."""
    target = new_target("empty")
    days, now = open_ledger(target), DAYS[0]
    with Proxy(server.port) as proxy:
        assert apply_day(target, another(now), url=through(proxy, target)).code == 0
        length = dict(proxy.passed)
    now = another(now)
    chance = random.Random(1)  # noqa: S311 - places in a stream, not secrets
    counts = Counter[str]()

    for _ in range(FAULTS[server.engine]):
        direction = chance.choice(get_args(Direction))
        fault = Fault(chance.choice(get_args(Kind)), direction, chance.randrange(length[direction]), None)
        with Proxy(server.port, fault) as proxy:
            result = apply_day(target, another(now), url=through(proxy, target, **{"read-timeout": "1"}))
        wait_for_silence(target)
        found = ledger(target)
        # One day is a few bytes shorter than the other: a place near the end may lie behind it.
        struck = fault.kind if proxy.has_struck.is_set() else "none"
        counts += Counter({f"{struck}, exit {result.code}": 1})
        assert result.code in {0, 1, 6}, result.err
        assert "Traceback" not in result.err
        expected = now if result.code == 1 else another(now)
        assert found == days[expected], (fault, result.err)
        now = expected

    record_property("count", f"{server.engine}: {dict(sorted(counts.items()))}")
    assert counts["none, exit 0"] <= 1
    assert {how for how in counts if how.startswith("none")} <= {"none, exit 0"}
    result = apply_day(target, another(now), "--lock-timeout", "0")
    assert result.code == 0, result.err
    assert ledger(target) == days[another(now)]


@pytest.mark.parametrize("direction", get_args(Direction))
def test_a_connection_that_stalls_for_a_while_is_waited_for(
    server: Server, new_target: NewTarget, direction: Direction
) -> None:
    target = new_target("empty")
    days = open_ledger(target)

    with Proxy(server.port, Fault("stall", direction, 20_000, seconds=0.5)) as proxy:
        result = apply_day(target, DAYS[1], url=through(proxy, target))
        assert proxy.has_struck.is_set()

    assert result.code == 0, result.err
    assert ledger(target) == days[DAYS[1]]
