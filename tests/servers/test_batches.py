"""A run in batches: each commit is a boundary that the next run goes on from, and the journal knows it as one run."""

import random
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

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
from tests.servers.operating import command, dump, edit, plan, run
from tests.servers.target import Target
from tests.servers.test_failures import RAISE, create_trigger

KILLS = {"sqlite": 8, "mariadb": 15, "mysql": 8}


def runs(target: Target) -> list[dict[str, object]]:
    """Give the journal's runs, newest first."""
    found: list[dict[str, object]] = command(target, "runs", "--format", "json").document["runs"]
    return found


def test_a_run_in_batches_ends_where_one_transaction_ends(new_target: NewTarget) -> None:
    target = new_target("empty")
    days = open_ledger(target)

    result = apply_day(target, DAYS[1], "--batch-size", "400", "--verbose")

    assert result.code == 0, result.err
    ((seconds, writing),) = re.findall(r"event=applied seconds=([\d.]+) writing_seconds=([\d.]+)", result.err)
    assert 0 < float(writing) < float(seconds)
    assert ledger(target) == days[DAYS[1]]
    assert result.err.count("Committed ") > 5
    assert (runs(target)[0]["status"], len(runs(target))) == ("done", 3)


def test_a_run_in_batches_is_rolled_back_as_one(new_target: NewTarget) -> None:
    target = new_target("empty")
    days = open_ledger(target)
    assert apply_day(target, DAYS[1], "--batch-size", "400").code == 0

    words = ("--force", "--max-update", "100%", "--max-delete", "100%")
    result = run("rollback", *words, *STATE, "--database-url", target.url)

    assert result.code == 0, result.err
    assert ledger(target) == days[DAYS[0]]


def test_a_run_killed_between_batches_is_continued_by_the_next(
    new_target: NewTarget, engine: str, record_property: Callable[[str, object], None]
) -> None:
    """Whatever was committed holds all foreign keys, and each entry is wholly of one day."""
    target = new_target("empty")
    days = open_ledger(target)
    words = ("--batch-size", "200")
    longest_s = timed(lambda: start_day(target, DAYS[1], *words).communicate())
    assert ledger(target) == days[DAYS[1]]
    chance, now = random.Random(1), DAYS[1]  # noqa: S311 - moments, not secrets
    entries = {tuple(row) for day in DAYS for row in days[day][1]}
    counts = Counter[str]()

    for _ in range(KILLS[engine]):
        other = DAYS[1 - DAYS.index(now)]
        kill_somewhere(start_day(target, other, *words, "--lock-timeout", "20s"), chance, longest_s)
        wait_for_silence(target)
        found = ledger(target)
        assert {tuple(row) for row in found[1]} <= entries
        counts[{0: "all", 1: "nothing"}.get([days[other], days[now], found].index(found), "some batches")] += 1
        if found == days[other]:
            now = other

    other = DAYS[1 - DAYS.index(now)]
    result = apply_day(target, other, *words, "--lock-timeout", "5s")
    assert result.code == 0, result.err
    assert ledger(target) == days[other]
    record_property("count", f"{engine}: {dict(counts)}")
    assert counts["some batches"] > 0, counts


def test_a_top_up_that_stopped_is_finished_by_the_next(new_target: NewTarget) -> None:
    """Books that were created before their entries get their newest one later; a book of somebody else stays."""
    target = new_target("empty")
    assert run("schema", "create", *STATE, "--database-url", target.url).code == 0
    edit(target, "INSERT INTO books (code, title) VALUES ('B7', 'Mine')")
    create_trigger(target, "entries", "BEFORE INSERT", RAISE)
    words = ("--no-clear", "--batch-size", "150")

    stopped = apply_day(target, DAYS[0], *words)
    edit(target, "DROP TRIGGER trouble")
    assert (stopped.code, runs(target)[0]["status"]) == (1, "failed"), stopped.err
    assert target.rows("SELECT COUNT(*), COUNT(newest) FROM books")[0] == (151, 0)

    assert apply_day(target, DAYS[0], *words).code == 0
    assert target.rows("SELECT code, title FROM books WHERE newest IS NULL") == [("B7", "Mine")]
    again = run("plan", "--no-clear", *STATE, "--database-url", target.url, "--detailed-exitcode")
    assert again.code == 0, again.out


@pytest.mark.embedded
@pytest.mark.parametrize(
    "words", [("--no-clear", "--no-journal", "--batch-size", "10"), ("saved.plan", "--batch-size", "10")]
)
def test_what_cannot_be_done_in_batches_is_refused(
    filled: Target, words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert plan(filled, "--out", "saved.plan").code == 0
    rows = dump(filled)

    result = command(filled, "apply", "--force", *words)

    assert (result.code, dump(filled) == rows) == (64, True), result.err
