"""One run at a time: the second is refused and told whom it waits for; a dead holder blocks nobody."""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from reconcile.live.holder import lock_name
from tests.servers.conftest import NewTarget
from tests.servers.operating import Result, command, dump, run
from tests.servers.running import Running
from tests.servers.server import Server
from tests.servers.target import Target

CLUB = ("--state", "tests.unit.cli.club")


Start = Callable[..., Running]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start runs that are ended with the test."""
    with ExitStack() as closing:

        def begin(target: Target, *words: str) -> Running:
            running = Running(target, *words, *CLUB)
            closing.callback(running.close)
            return running

        yield begin


@pytest.fixture
def club(new_target: NewTarget) -> Target:
    """A database with the tables of a small club and no rows; on SQLite no file yet."""
    target = new_target("empty")
    if target.server is not None:
        assert command(target, "schema", "create", *CLUB).code == 0
    return target


def apply(target: Target, *words: str) -> Result:
    return command(target, "apply", "--force", *CLUB, *words)


@contextmanager
def held(start: Start, club: Target) -> Iterator[Running]:
    """A run that waits at its prompt."""
    running = start(club, "apply")
    running.wait_for("Type yes")
    yield running


def leftovers(target: Target) -> list[str]:
    """What lies beside an SQLite file; nothing on servers."""
    if target.server is not None:
        return []
    file = Path(target.name)
    return [other.name for other in file.parent.iterdir() if other.name.startswith(file.name) and other != file]


def test_the_lock_is_held_through_the_prompt_and_the_second_run_names_the_holder(start: Start, club: Target) -> None:
    with held(start, club) as first:
        refused = apply(club, "--lock-timeout", "0")

        assert refused.code == 5
        lines = refused.err.splitlines()
        assert lines[1] == "error: another run holds the lock"
        assert lock_name(club.name) in lines[2] or lines[2].endswith(f"{club.name}-lock")
        if club.engine == "mariadb":  # its performance schema, which would tell command and pid, is off
            assert "why:   held by a run, erp@127.0.0.1:" in lines[3]
        else:
            assert f"why:   held by `reconcile apply`, pid {first.process.pid}, " in lines[3]
        if club.server is None:
            assert f"@{socket.gethostname()}, since 20" in lines[3]
        else:
            assert f"erp@{'localhost' if 'localhost' in lines[3] else '127.0.0.1'}:" in lines[3]
            assert ", connection " in lines[3]
            assert ", since 20" in lines[3]

        first.type("yes")
        assert first.end() == 0
    assert "0 created, 0 updated, 0 deleted, 8 kept" in apply(club).out
    assert leftovers(club) == []


def test_the_journal_names_the_holder_where_the_server_does_not(server: Server, start: Start, club: Target) -> None:
    """While a run writes, its row in the journal is there for all to see; MariaDB tells nothing else by default."""
    assert apply(club).code == 0
    club.execute("UPDATE rooms SET floor = 9")
    with held(start, club):
        ((holder,),) = server.execute(f"SELECT IS_USED_LOCK('{lock_name(club.name)}')")
        club.execute(f"UPDATE reconcile_runs SET status = 'running', connection_id = {holder!s}, pid = 4242")

        refused = apply(club, "--lock-timeout", "0")

    assert refused.code == 5
    assert ("held by `reconcile apply`, pid 4242, erp@" in refused.err) is (server.engine == "mariadb")


def test_two_runs_started_together_one_works_and_one_is_refused(start: Start, club: Target) -> None:
    """Whoever comes first: the other exits 5 or, having come after the end, has nothing to do."""
    first, second = (start(club, "apply", "--lock-timeout", "0") for _ in range(2))
    speaks = [running for running in (first, second) if _asks(running)]

    assert len(speaks) == 1
    winner, loser = (first, second) if speaks == [first] else (second, first)
    assert loser.end() == 5
    assert "another run holds the lock" in loser.told
    winner.type("yes")
    assert winner.end() == 0


def _asks(running: Running) -> bool:
    try:
        running.wait_for("Type yes")
    except AssertionError:
        return False
    return True


def test_a_waiting_run_says_for_whom_and_goes_on_when_the_holder_ends(start: Start, club: Target) -> None:
    with held(start, club) as first:
        second = start(club, "apply", "--force", "--lock-timeout", "30s")
        second.wait_for("Waiting up to 30 s for the run lock, held by ")
        first.type("no")

        assert (first.end(), second.end()) == (4, 0)


def test_a_killed_holder_blocks_nobody(start: Start, club: Target) -> None:
    """The server frees a dead connection's lock, the kernel a dead process's file."""
    with held(start, club) as first:
        os.kill(first.process.pid, signal.SIGKILL)
        first.process.wait()

        assert apply(club, "--lock-timeout", "5").code == 0
    assert leftovers(club) == []


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_holder_frees_the_lock(start: Start, club: Target, sent: signal.Signals) -> None:
    with held(start, club) as first:
        first.process.send_signal(sent)

        assert first.end() == 128 + sent
    assert leftovers(club) == []
    assert apply(club, "--lock-timeout", "0").code == 0


def test_a_refused_or_failed_run_frees_the_lock(club: Target) -> None:
    """Without a terminal nobody can answer: refused with 4, and the next run need not wait."""
    assert command(club, "apply", *CLUB).code == 4
    assert leftovers(club) == []
    assert club.server is not None or not Path(club.name).exists()

    assert apply(club, "--lock-timeout", "0").code == 0


def test_reading_needs_no_lock(start: Start, club: Target) -> None:
    with held(start, club):
        assert command(club, "plan", *CLUB).code == 0
        assert command(club, "apply", "--dry-run", *CLUB).code == 0


def test_databases_have_locks_of_their_own(start: Start, new_target: NewTarget, club: Target) -> None:
    other = new_target("empty")
    if other.server is not None:
        assert command(other, "schema", "create", *CLUB).code == 0
    with held(start, club):
        assert apply(other, "--lock-timeout", "0").code == 0


def test_a_lost_lock_stops_the_run_and_rolls_it_back(start: Start, club: Target) -> None:
    """The connection that held it was ended, or the file replaced, while somebody thought at the prompt."""
    with held(start, club) as first:
        if club.server is None:
            file = Path(f"{club.name}-lock")
            file.unlink()
            file.touch()
        else:
            ((holder,),) = club.server.execute(f"SELECT IS_USED_LOCK('{lock_name(club.name)}')")
            club.server.execute("KILL %s", holder)
        first.type("yes")

        assert first.end() == 1
        assert "error: the run lock was lost, everything was rolled back" in first.told
    if club.server is not None:
        assert [table for table in dump(club) if not table.startswith("reconcile_")] == []
    else:
        assert Path(f"{club.name}-lock").exists()  # it is another run's
        assert not Path(club.name).exists() or Path(club.name).stat().st_size == 0


def test_a_run_that_lost_the_lock_to_another_run_writes_nothing(server: Server, start: Start, club: Target) -> None:
    """On servers only: a file's lock cannot be taken away from its holder."""
    with held(start, club) as first:
        ((holder,),) = server.execute(f"SELECT IS_USED_LOCK('{lock_name(club.name)}')")
        server.execute("KILL %s", holder)
        with held(start, club) as second:
            first.type("yes")
            assert first.end() == 1
            assert "now connection" in first.told
            second.type("yes")
            assert second.end() == 0


@pytest.mark.embedded
def test_a_folder_that_cannot_be_written_is_said(target: Target) -> None:
    """The lock's file lies beside the database's, which needs the folder as well."""
    missing = f"{Path(target.name).parent}/nowhere/terp.db"

    refused = run("apply", "--force", *CLUB, "--database-url", f"sqlite:///{missing}")

    assert refused.code == 1
    assert "error: the run lock cannot be taken" in refused.err
    assert "No such file or directory" in refused.err


def test_rbac_takes_the_lock_only_to_write(start: Start, club: Target) -> None:
    with held(start, club):
        assert command(club, "rbac", "--apply", "--force", "--lock-timeout", "0").code == 5
        assert command(club, "rbac").code != 5


@pytest.mark.parametrize("length", [54, 64])
def test_every_database_name_gives_a_lock_name_that_servers_take(length: int) -> None:
    """At most 64 characters, whatever the length of the database's own."""
    assert len(lock_name("d" * length)) <= 64
    assert lock_name("d" * length) != lock_name("e" * length)
    assert lock_name("erp") == "reconcile:erp"
