"""On a server a run is visible while it works, and what became of it when it ends badly."""

import signal
import subprocess
import time

from reconcile.journal import uncompress
from tests.servers.operating import AS_OF, apply, command, edit, set_cell
from tests.servers.server import Server
from tests.servers.target import Target
from tests.servers.test_failures import RAISE, create_trigger, program, wait_until_writing

OURS = ("--state", "tests.servers.cached_state", "--quiet")


def newest(target: Target) -> tuple[object, ...]:
    """Give status and error of the newest run."""
    return tuple(target.rows("SELECT status, error FROM reconcile_runs ORDER BY id DESC LIMIT 1")[0])


def test_a_run_that_the_server_refuses_is_marked_as_failed(server: Server, filled: Target) -> None:
    """On SQLite the entry is part of the transaction and goes with it; hence servers alone."""
    assert server.engine in filled.engine
    set_cell(filled, ("tags", "Budget"), "description", "by hand")
    create_trigger(filled, "tags", "BEFORE UPDATE", RAISE)
    try:
        assert apply(filled).code == 1
    finally:
        edit(filled, "DROP TRIGGER trouble")

    status, error = newest(filled)
    assert (status, bool(error)) == ("failed", True)
    assert filled.rows(
        "SELECT COUNT(*) FROM reconcile_changes WHERE run_id = (SELECT MAX(id) FROM reconcile_runs)"
    ) == [(0,)]
    assert command(filled, "rollback", *OURS, "--force", str(id_of_newest(filled))).code == 64


def id_of_newest(target: Target) -> int:
    return int(str(target.rows("SELECT MAX(id) FROM reconcile_runs")[0][0]))


def run_at_work(target: Target) -> "subprocess.Popen[str]":
    """Start a run that has written rows and is held up by a trigger, which the caller drops."""
    edit(target, "DELETE FROM tags", "DELETE FROM orders WHERE order_number = 'ORD-000009'")
    create_trigger(target, "orders", "AFTER INSERT", "SELECT 1 / DO SLEEP(20)")
    words = ("--force", "--light", "--as-of", AS_OF, "--database-url", target.url, "--max-delete", "99%")
    process = subprocess.Popen([*program(), "apply", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until_writing(process)
    return process


def test_others_see_a_run_at_work_and_one_that_was_killed(server: Server, filled: Target) -> None:
    """It is entered before its transaction begins; once its lock is free it was interrupted, whatever its row says."""
    assert server.engine in filled.engine
    process = run_at_work(filled)

    at_work = command(filled, "runs", *OURS, "--format", "json").document["runs"][0]
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    server.end_sessions(filled.name)
    edit(filled, "DROP TRIGGER trouble")
    ended = status_after_a_while(filled)

    assert (at_work["status"], at_work["command"], at_work["pid"]) == ("running", "apply", process.pid)
    assert ended == "interrupted"
    assert newest(filled) == ("running", None)


def status_after_a_while(target: Target) -> str:
    """Ask until the server has noticed that the run's connections are gone."""
    deadline = time.monotonic() + 30
    while True:
        status = str(command(target, "runs", *OURS, "--format", "json").document["runs"][0]["status"])
        if status != "running" or time.monotonic() > deadline:
            return status
        time.sleep(0.2)


def test_an_interrupted_run_says_so(server: Server, filled: Target) -> None:
    assert server.engine in filled.engine
    process = run_at_work(filled)

    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    server.end_sessions(filled.name)
    edit(filled, "DROP TRIGGER trouble")

    assert newest(filled)[0] == "interrupted"


def test_no_secret_reaches_the_journal(target: Target) -> None:
    """The hash of a password is nowhere in the two tables, packed or not."""
    assert apply(target).code == 0
    hashes = [
        str(cell)
        for (cell,) in target.rows("SELECT `loginMethod` FROM users WHERE `loginMethod` IS NOT NULL")
        if str(cell).startswith("$2")
    ]

    packed = [row._mapping["payload"] for row in target.rows("SELECT payload FROM reconcile_changes")]
    text = "\n".join(uncompress(payload).decode() for payload in packed)
    runs = str(target.rows("SELECT * FROM reconcile_runs"))

    assert hashes
    assert not any(secret in text or secret in runs for secret in set(hashes))
