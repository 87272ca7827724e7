"""Runs on the ledger that hangs on the date, and what the database holds between them."""

import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.servers.operating import Result, run
from tests.servers.target import Record, Target

DAYS = ("2026-01-05", "2026-01-06")
STATE = ("--state", "tests.servers.ledger_state")

Ledger = Sequence[Sequence[Record]]


def apply_day(target: Target, day: str, *words: str, url: str | None = None) -> Result:
    """Bring the ledger to *day*; over *url* where one is given."""
    return run("apply", "--force", *STATE, "--as-of", day, "--database-url", url or target.url, *words)


def start_day(target: Target, day: str, *words: str) -> "subprocess.Popen[str]":
    """Bring the ledger to *day* in a process of its own, which the caller may kill."""
    program = [sys.executable, "-c", "import sys; from reconcile.cli.main import main; sys.exit(main())"]
    return subprocess.Popen(
        [*program, "apply", "--force", *STATE, "--as-of", day, "--database-url", target.url, *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def open_ledger(target: Target) -> dict[str, Ledger]:
    """Make the tables and give what they hold on each of the two days; the database is left at the first."""
    assert run("schema", "create", *STATE, "--database-url", target.url).code == 0
    held = {}
    for day in reversed(DAYS):
        result = apply_day(target, day)
        assert result.code == 0, result.err
        held[day] = ledger(target)
    return held


def ledger(target: Target) -> Ledger:
    """Give every row as it reads by natural key: ids may differ from one fill to the next."""
    return [
        target.rows(
            "SELECT b.code, b.title, e.number FROM books b LEFT JOIN entries e ON e.id = b.newest ORDER BY b.code"
        ),
        target.rows(
            "SELECT e.number, b.code AS book, e.amount, e.booked_on, e.memo "
            "FROM entries e JOIN books b ON b.id = e.book ORDER BY e.number"
        ),
    ]


def wait_for_silence(target: Target) -> None:
    """Wait until the server has noticed that a client is gone and has rolled its transaction back."""
    if target.server is None:
        return
    deadline = time.monotonic() + 30
    query = "SELECT COUNT(*) FROM information_schema.processlist WHERE db = %s"
    while target.server.execute(query, target.name)[0][0]:
        assert time.monotonic() < deadline, "the server still has a session of a client that is gone"
        time.sleep(0.02)


@dataclass(frozen=True, slots=True)
class Killed:
    """What a run was doing when it was killed."""

    was_at_work: bool
    had_begun_to_write: bool


def kill_somewhere(process: "subprocess.Popen[str]", chance: random.Random, longest_s: float) -> Killed:
    """Kill the process without warning at a moment of *chance*: every other time once it has begun to write."""
    told = ""
    if chance.random() < 0.5:
        assert process.stderr is not None
        told = next((line for line in process.stderr if line.startswith("Writing")), "")
        time.sleep(chance.uniform(0, longest_s / 4))
    else:
        time.sleep(chance.uniform(0, longest_s))
    was_at_work = process.poll() is None
    process.kill()
    _, err = process.communicate()
    return Killed(was_at_work, was_at_work and "Writing" in told + err)


def timed(work: Callable[[], object]) -> float:
    """Give how many seconds *work* takes."""
    started = time.monotonic()
    work()
    return time.monotonic() - started
