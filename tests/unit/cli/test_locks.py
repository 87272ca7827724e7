"""Which sessions `reconcile locks --kill` may end."""

from pathlib import Path

import pytest

from reconcile.cli.locks import choose
from reconcile.errors import ReconcileError
from reconcile.sessions import Sessions
from tests.unit.cli.shell import Shell
from tests.unit.test_sessions import session

FOUND = Sessions(
    own=7, all={5: session(5), 7: session(7), 9: session(9, user="event_scheduler", command="Daemon")}, unseen=()
)


def test_a_session_of_an_account_may_be_ended() -> None:
    assert choose(FOUND, 5) is FOUND.all[5]


@pytest.mark.parametrize(
    ("identifier", "why", "exit_code"),
    [
        (7, "it is this command's own", 4),
        (9, "it is a thread of the server itself (event_scheduler, Daemon)", 4),
        (6, "no session that this account may see has this connection id", 1),
    ],
)
def test_no_other_may(identifier: int, why: str, exit_code: int) -> None:
    with pytest.raises(ReconcileError) as refused:
        choose(FOUND, identifier)

    (finding,) = refused.value.findings
    assert (finding.what, finding.why) == (f"connection {identifier} was not ended", why)
    assert refused.value.exit_code == exit_code


def test_a_file_has_no_session_to_end(shell: Shell) -> None:
    told = shell("locks", "--kill", "5", "--force")

    assert told.code == 4
    assert "an SQLite file has no sessions" in told.err


@pytest.mark.parametrize("word", ["0", "-1", "all"])
def test_a_connection_id_is_a_number(shell: Shell, word: str) -> None:
    with pytest.raises(SystemExit) as refused:
        shell("locks", f"--kill={word}")

    assert refused.value.code == 64


def test_a_free_file_has_no_holder_and_is_not_made_by_looking(shell: Shell) -> None:
    told = shell("locks", "--format", "json")

    document = told.valid("locks")
    assert (told.code, document["run_lock"]["holder"], document["sessions"]) == (0, None, [])
    assert document["run_lock"]["name"].endswith("terp.db-lock")


def test_what_a_killed_run_left_behind_is_no_holder(shell: Shell, tmp_path: Path) -> None:
    left = tmp_path / "terp.db-lock"
    left.write_text('{"pid": 1, "command": "apply", "account": "a@b", "since": "2026-01-05T08:00:00"}')

    assert "  free" in shell("locks").out
