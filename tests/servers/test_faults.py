"""What servers do to a run that is under way, each for real: it ends as the contract says, and the next converges."""

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGTERM

import pytest

from tests.facts import CHECKOUT, unmet
from tests.servers.conftest import NewTarget
from tests.servers.installation import find
from tests.servers.ledgers import DAYS, apply_day, ledger, open_ledger, start_day
from tests.servers.operating import edit, setting, waiting_sessions
from tests.servers.server import Server, launch
from tests.servers.target import server_target, sqlite_target


def wait_until(process: "subprocess.Popen[str]", words: str) -> None:
    """Read what a run says until a line begins with *words*."""
    assert process.stderr is not None
    if not any(line.startswith(words) for line in process.stderr):
        pytest.fail(f"the run ended before it said {words!r}")


def finish(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Give how a run ended and what it said last."""
    _, err = process.communicate(timeout=120)
    return process.returncode, err


def test_a_server_that_crashes_under_a_run_has_all_or_nothing(server: Server, new_target: NewTarget) -> None:
    target = new_target("empty")
    days = open_ledger(target)
    process = start_day(target, DAYS[1])
    wait_until(process, "Writing books")

    server.kill()
    server.start()
    code, err = finish(process)

    assert (code, "Traceback" in err) == (1, False), err
    assert "the connection to the server was lost" in err
    assert ledger(target) == days[DAYS[0]]
    assert apply_day(target, DAYS[1], "--lock-timeout", "0").code == 0
    assert ledger(target) == days[DAYS[1]]


def test_a_server_that_stops_in_good_order_under_a_run_has_all_or_nothing(
    server: Server, new_target: NewTarget
) -> None:
    target = new_target("empty")
    days = open_ledger(target)
    process = start_day(target, DAYS[1])
    wait_until(process, "Writing books")

    server.restart()
    code, err = finish(process)

    assert (code, "Traceback" in err) == (1, False), err
    assert ledger(target) == days[DAYS[0]]
    assert apply_day(target, DAYS[1], "--lock-timeout", "0").code == 0


def test_a_row_that_somebody_holds_for_a_while_is_waited_for(server: Server, new_target: NewTarget) -> None:
    """The lock wait ends with an error that rolls everything back; the run tries again until the row is free."""
    target = new_target("empty")
    days = open_ledger(target)
    with setting(server, "innodb_lock_wait_timeout", 1), server.admin(target.name) as holder:
        holder.execute("BEGIN")
        holder.execute("UPDATE books SET title = title WHERE code = 'B7'")
        holder.execute("SELECT id FROM books WHERE code = 'B7' FOR UPDATE")
        release = threading.Timer(2.5, holder.execute, ["ROLLBACK"])
        release.start()
        result = apply_day(target, DAYS[1])
        release.join()

    assert result.code == 0, result.err
    assert "another session holds a lock for too long: rolled back, trying again" in result.err
    assert ledger(target) == days[DAYS[1]]


def test_a_row_that_somebody_never_lets_go_ends_the_run(server: Server, new_target: NewTarget) -> None:
    target = new_target("empty")
    days = open_ledger(target)
    with setting(server, "innodb_lock_wait_timeout", 1), server.admin(target.name) as holder:
        holder.execute("BEGIN")
        holder.execute("SELECT id FROM books WHERE code = 'B7' FOR UPDATE")
        result = apply_day(target, DAYS[1])
        holder.execute("ROLLBACK")

    assert (result.code, result.err.count("trying again")) == (1, 5), result.err
    assert "see who with `reconcile locks`" in result.err
    assert ledger(target) == days[DAYS[0]]


def test_the_loser_of_a_deadlock_tries_again(server: Server, new_target: NewTarget) -> None:
    """The other session has written more, so the server rolls the run back and not the other."""
    target = new_target("empty")
    days = open_ledger(target)
    edit(target, "CREATE TABLE heavy (id INT AUTO_INCREMENT PRIMARY KEY, n INT)")
    first, last = (target.rows(f"SELECT {pick}(id) FROM books")[0][0] for pick in ("MIN", "MAX"))
    told: list[BaseException] = []

    with server.admin(target.name) as other:
        other.execute("BEGIN")
        other.executemany("INSERT INTO heavy (n) VALUES (%s)", [(number,) for number in range(2_000)])
        other.execute("SELECT id FROM books WHERE id = %s FOR UPDATE", (last,))

        def close_the_circle() -> None:
            """Wait until the run waits for the last book, then ask for the first, which the run holds."""
            try:
                waiting_sessions(server)
                other.execute("SELECT id FROM books WHERE id = %s FOR UPDATE", (first,))
                other.execute("ROLLBACK")
            except BaseException as error:
                told.append(error)

        thread = threading.Thread(target=close_the_circle)
        thread.start()
        result = apply_day(target, DAYS[1])
        thread.join()

    assert told == []
    assert result.code == 0, result.err
    assert "a deadlock with another session: rolled back, trying again" in result.err
    assert ledger(target) == days[DAYS[1]]


def test_statements_are_as_short_as_the_server_wants_them(server: Server, new_target: NewTarget) -> None:
    """All that a run sends, the journal included, is below max_allowed_packet."""
    target = new_target("empty")
    days = open_ledger(target)
    with setting(server, "max_allowed_packet", 65_536):
        result = apply_day(target, DAYS[1])

    assert result.code == 0, result.err
    assert ledger(target) == days[DAYS[1]]


def test_a_statement_that_takes_too_long_is_told_and_rolled_back(server: Server, new_target: NewTarget) -> None:
    """MariaDB alone limits statements that write."""
    target = new_target("empty")
    days = open_ledger(target)
    if server.engine == "mysql":
        edit(target, "CREATE TRIGGER slow BEFORE INSERT ON entries FOR EACH ROW SET NEW.memo = REPEAT('x', 201)")
        expected = "the database refused a statement"
    else:
        server.execute("SET GLOBAL max_statement_time = 1")
        edit(target, "CREATE TRIGGER slow BEFORE INSERT ON entries FOR EACH ROW DO SLEEP(0.01)")
        expected = "a statement took longer than the server allows"
    try:
        result = apply_day(target, DAYS[1])
    finally:
        if server.engine == "mariadb":
            server.execute("SET GLOBAL max_statement_time = 0")
        edit(target, "DROP TRIGGER slow")

    assert (result.code, "Traceback" in result.err) == (1, False), result.err
    assert expected in result.err
    assert ledger(target) == days[DAYS[0]]
    assert apply_day(target, DAYS[1]).code == 0


def test_a_session_that_somebody_kills_is_told_and_rolled_back(server: Server, new_target: NewTarget) -> None:
    target = new_target("empty")
    days = open_ledger(target)
    with server.admin(target.name) as holder:
        holder.execute("BEGIN")
        holder.execute("SELECT id FROM books WHERE code = 'B7' FOR UPDATE")
        process = start_day(target, DAYS[1])
        server.execute("KILL %s", waiting_sessions(server)[0])
        code, err = finish(process)
        holder.execute("ROLLBACK")

    assert (code, "Traceback" in err) == (1, False), err
    assert "rolled back" in err
    assert ledger(target) == days[DAYS[0]]


@pytest.mark.on_mariadb
def test_a_signal_during_the_commit_is_answered_after_it(server: Server, new_target: NewTarget) -> None:
    """The commit is held back as by a backup; the run ends with 6 and says that the rows are written."""
    target = new_target("empty")
    days = open_ledger(target)
    with server.admin() as backup:
        for stage in ("START", "FLUSH", "BLOCK_DDL", "BLOCK_COMMIT"):
            backup.execute(f"BACKUP STAGE {stage}")
        process = start_day(target, DAYS[1], "--no-journal")
        deadline = time.monotonic() + 60
        query = "SELECT COUNT(*) FROM information_schema.processlist WHERE db = %s AND info = 'COMMIT'"
        while not server.execute(query, target.name)[0][0]:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(SIGTERM)
        time.sleep(0.5)
        assert process.poll() is None
        backup.execute("BACKUP STAGE END")
    code, err = finish(process)

    assert (code, "interrupted after the commit" in err) == (6, True), err
    assert ledger(target) == days[DAYS[1]]


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """Mount a disk in memory that is soon full; only root may."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        unmet(f"no full disk without the right to mount one: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill_up(folder: Path, but_kilobytes: int) -> None:
    """Take what is free of a disk, but for some kilobytes."""
    taken = folder / "taken"
    with taken.open("wb") as file:
        try:
            while True:
                file.write(bytes(65_536))
                file.flush()
        except OSError:
            pass
    size = taken.stat().st_size
    with taken.open("r+b") as file:
        file.truncate(max(0, size - but_kilobytes * 1024))


@pytest.mark.embedded
def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path, engine: str) -> None:
    assert engine == "sqlite"
    with small_disk(tmp_path / "disk", 8) as disk:
        target = sqlite_target(disk / "ledger.db")
        days = open_ledger(target)
        fill_up(disk, 64)
        result = apply_day(target, DAYS[1])
        assert (result.code, "Traceback" in result.err) == (1, False), result.err
        assert "the disk is full" in result.err
        assert ledger(target) == days[DAYS[0]]
        (disk / "taken").unlink()
        assert apply_day(target, DAYS[1]).code == 0
        assert ledger(target) == days[DAYS[1]]


@pytest.mark.on_mariadb
def test_a_server_whose_disk_is_full_has_all_or_nothing(tmp_path: Path, engine: str) -> None:
    """A server of its own on a small disk, which it may not survive; when there is space again, the next converges."""
    assert engine == "mariadb"
    installation = find("mariadb", CHECKOUT)
    with small_disk(tmp_path / "disk", 400) as disk:
        server = launch(installation, disk=disk)
        try:
            server.create_database("ledger")
            target = server_target(server, "ledger")
            days = open_ledger(target)
            edit(
                target,
                "CREATE TABLE heavy (words LONGTEXT)",
                "CREATE TRIGGER fill BEFORE INSERT ON entries FOR EACH ROW "
                "INSERT INTO heavy VALUES (REPEAT('x', 60000))",
            )
            fill_up(disk, 256)
            result = apply_day(target, DAYS[1])
            assert (result.code, "Traceback" in result.err) == (1, False), result.err
            assert "disk is full" in result.err or "connection to the server was lost" in result.err
            (disk / "taken").unlink()
            if server.process is not None and server.process.poll() is not None:
                server.start()
            edit(target, "DROP TRIGGER fill")
            assert ledger(target) == days[DAYS[0]]
            assert apply_day(target, DAYS[1]).code == 0
            assert ledger(target) == days[DAYS[1]]
        finally:
            server.close()
