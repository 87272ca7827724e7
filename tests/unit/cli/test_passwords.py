"""Passwords of accounts: chosen or made up, hashed, shown once, never overwritten; none on a protected target."""

import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import bcrypt
import pytest

from reconcile.cli.apply import run
from reconcile.cli.options import ApplyOptions
from reconcile.cli.output import Output
from reconcile.cli.passwords import hashes, supplied
from reconcile.cli.recall import LONGEST_PASSWORD
from reconcile.cli.session import Session, open_session
from reconcile.errors import ExitCode
from reconcile.state import Password
from tests.unit.cli.club import CLUB, SECRET, STATE, VARIABLE
from tests.unit.cli.shell import Shell, Told

ACCOUNTS = ("e2e", "qa-one", "qa-two")
SHOWN = "Password of the new accounts, shown this once: "

RUN = ("apply", *CLUB, "--force")
CONFIRMED = ("--confirm", "terp.db")


def held() -> dict[str, str | None]:
    """Give what each member's password column holds."""
    with closing(sqlite3.connect("terp.db")) as connection:
        return dict(connection.execute("SELECT name, password FROM members ORDER BY name"))


def edit(*statements: str) -> None:
    with closing(sqlite3.connect("terp.db")) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def opens(word: str) -> dict[str, bool]:
    """Say per account whether *word* is its password."""
    return {name: bcrypt.checkpw(word.encode(), found.encode()) for name, found in held().items() if found}


def shown(told: Told) -> list[str]:
    """Give the passwords that a command has shown on stderr."""
    return [line.removeprefix(SHOWN) for line in told.err.splitlines() if line.startswith(SHOWN)]


def session_with(settings: dict[str, str]) -> Session:
    return replace(open_session(ApplyOptions(state=CLUB[1])), settings=settings)


def chosen(settings: dict[str, str], file: str | None = None) -> dict[str, str]:
    return supplied(session_with(settings), ApplyOptions(password_file=file))


@pytest.mark.usefixtures("shell")
def test_a_file_comes_before_the_environment() -> None:
    Path("word").write_text("from the file\n", encoding="utf-8")

    assert chosen({VARIABLE: "from outside"}) == {SECRET: "from outside"}
    assert chosen({VARIABLE: "from outside"}, "word") == {SECRET: "from the file"}
    assert chosen({VARIABLE: ""}) == chosen({}) == {}


@pytest.mark.parametrize(
    ("content", "password"),
    [
        (b"plain", "plain"),
        (b"first\nsecond\n", "first"),
        (b"first\r\nsecond\r\n", "first"),
        (b" with spaces \n", " with spaces "),
        ("gr\u00fc\u00dfe\n".encode(), "gr\u00fc\u00dfe"),
        (b"a" * LONGEST_PASSWORD + b"\n", "a" * LONGEST_PASSWORD),
    ],
)
@pytest.mark.usefixtures("shell")
def test_the_first_line_of_the_file_is_the_password(content: bytes, password: str) -> None:
    Path("word").write_bytes(content)

    assert chosen({}, "word") == {SECRET: password}


REFUSED = {
    "too long": b"a" * (LONGEST_PASSWORD + 1),
    "too long in bytes": "\u00fc".encode() * 37,
    "empty": b"",
    "first line empty": b"\nsecond\n",
    "null character": b"a\0b\n",
}


def assert_refused(told: Told, what: str, why: str) -> None:
    """Wrong usage, in four parts, before anything is written."""
    assert (told.code, told.out, Path("terp.db").exists()) == (ExitCode.USAGE, "", False)
    assert f"error: {what}\n  where: --password-file word\n  why:   {why}\n  fix:   put one password on" in told.err


@pytest.mark.parametrize("content", REFUSED.values(), ids=REFUSED.keys())
def test_a_file_without_a_usable_password_is_refused(shell: Shell, content: bytes) -> None:
    Path("word").write_bytes(content)

    told = shell(*RUN, "--password-file", "word")

    why = f"it must have 1 to {LONGEST_PASSWORD} bytes and hold no null character"
    assert_refused(told, "the password cannot be used", why)


def test_a_password_of_the_environment_must_be_usable_too(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "secret" * 13)

    told = shell(*RUN)

    assert (told.code, Path("terp.db").exists()) == (ExitCode.USAGE, False)
    assert f"error: the password cannot be used\n  where: {VARIABLE}\n" in told.err
    assert "secret" * 2 not in told.err


@pytest.mark.parametrize(("kind", "why"), [("missing", "FileNotFoundError"), ("folder", "IsADirectoryError")])
def test_a_file_that_cannot_be_read_is_refused(shell: Shell, kind: str, why: str) -> None:
    if kind == "folder":
        Path("word").mkdir()

    assert_refused(shell(*RUN, "--password-file", "word"), "the password file cannot be read", why)


def test_a_file_that_is_no_text_is_refused(shell: Shell) -> None:
    Path("word").write_bytes(b"\xff\xfe")

    assert_refused(shell(*RUN, "--password-file", "word"), "the password file cannot be read", "UnicodeDecodeError")


def test_the_file_may_be_a_pipe(shell: Shell) -> None:
    """As `--password-file <(…)` and `--password-file /dev/stdin` give it."""
    reader, writer = os.pipe()
    os.write(writer, b"through the pipe\n")
    os.close(writer)

    told = shell(*RUN, "--password-file", f"/dev/fd/{reader}")
    os.close(reader)

    assert told.code == ExitCode.OK
    assert opens("through the pipe") == dict.fromkeys(ACCOUNTS, True)


def test_a_state_without_accounts_reads_no_file() -> None:
    session = replace(session_with({}), state=replace(STATE, passwords=()))

    assert supplied(session, ApplyOptions(password_file="nowhere")) == {}


@pytest.mark.usefixtures("shell")
def test_each_secret_is_hashed_at_its_own_cost() -> None:
    passwords = (Password("cheap", "A", ("qa-accounts",), cost=4), Password("dear", "B", ("test-accounts",), cost=5))
    session = replace(session_with({}), state=replace(STATE, passwords=passwords))

    found = hashes(session, {"cheap": "one", "dear": "two"})

    assert {name: text[:7] for name, text in found.items()} == {"cheap": "$2b$04$", "dear": "$2b$05$"}
    assert bcrypt.checkpw(b"one", found["cheap"].encode())
    assert bcrypt.checkpw(b"two", found["dear"].encode())
    assert hashes(session, {}) == {}


@pytest.mark.parametrize("flags", [(), ("-q",), ("--format", "json"), ("-q", "--format", "json"), ("-v",)])
def test_a_password_that_is_made_up_is_shown_once_on_stderr(shell: Shell, flags: tuple[str, ...]) -> None:
    """However quiet the command; stdout may be kept, and never has it."""
    told = shell(*RUN, *flags)

    [word] = shown(told)
    assert (told.code, told.err.count(word), word in told.out) == (ExitCode.OK, 1, False)
    assert opens(word) == dict.fromkeys(ACCOUNTS, True)
    assert len(word) >= 16


def test_accounts_get_a_bcrypt_hash_of_cost_ten_and_others_none(shell: Shell) -> None:
    shell(*RUN)

    found = held()

    assert found.pop("owner") is None
    assert {(found[name] or "")[:7] for name in ACCOUNTS} == {"$2b$10$"}


def test_no_two_databases_get_the_same_password(shell: Shell) -> None:
    first = shown(shell(*RUN))
    second = shown(shell(*RUN, "--database-url", "sqlite:///other.db"))

    assert len({*first, *second}) == 2


def test_a_chosen_password_is_never_shown(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "chosen-by-us")

    told = [shell("plan", *CLUB), shell("plan", *CLUB, "--format", "json"), shell(*RUN, "-v")]

    assert [part.code for part in told] == [ExitCode.OK] * 3
    assert "chosen-by-us" not in "".join(part.out + part.err for part in told)
    assert "$2b$" not in "".join(part.out + part.err for part in told)
    assert opens("chosen-by-us") == dict.fromkeys(ACCOUNTS, True)
    assert b"chosen-by-us" not in (tmp_path / "terp.db").read_bytes()


def test_a_password_may_come_from_a_file_or_from_dotenv(shell: Shell) -> None:
    Path("word").write_text("in-the-file\nnot this\n", encoding="utf-8")
    Path(".env").write_text(f"{VARIABLE}=in-dotenv\n", encoding="utf-8")

    shell(*RUN, "--password-file", "word", "--step", "qa-accounts")
    assert opens("in-the-file") == {"qa-one": True, "qa-two": True}
    shell(*RUN)
    assert opens("in-dotenv") == {"e2e": True, "qa-one": False, "qa-two": False}


@pytest.mark.parametrize("words", [("plan",), ("plan", "--format", "json"), ("apply", "--dry-run", "--force")])
def test_looking_makes_up_no_password(shell: Shell, words: tuple[str, ...]) -> None:
    told = shell(*words, *CLUB)

    assert (shown(told), Path("terp.db").exists()) == ([], False)
    assert SECRET not in told.out
    assert "(secret)" in told.out


def test_a_second_run_makes_up_nothing(shell: Shell, tmp_path: Path) -> None:
    shell(*RUN)
    before = (tmp_path / "terp.db").read_bytes()

    told = shell(*RUN)

    assert (shown(told), before == (tmp_path / "terp.db").read_bytes()) == ([], True)
    assert "Apply complete: 0 created, 0 updated, 0 deleted, 8 kept" in told.out


def test_a_run_that_writes_no_account_makes_up_nothing(shell: Shell) -> None:
    shell(*RUN)
    edit("DELETE FROM rooms WHERE code = 'qa-attic'")

    assert shown(shell(*RUN)) == []


@pytest.mark.parametrize("mode", [(), ("--no-clear",)])
def test_a_hash_that_is_there_is_never_overwritten(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, mode: tuple[str, ...]
) -> None:
    """Neither with another password, nor when the rest of the row is brought back."""
    shell(*RUN)
    edit("UPDATE members SET password = 'by hand' WHERE name = 'qa-one'", "UPDATE members SET title = 'x'")
    before = held()
    monkeypatch.setenv(VARIABLE, "another")

    assert shell(*RUN, *mode).code == ExitCode.OK
    assert before == held()


def test_a_hash_is_not_overwritten_by_an_update_that_fills_anothers(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One account lost its password, another changed otherwise: one statement updates both."""
    shell(*RUN)
    edit(
        "UPDATE members SET password = 'by hand', title = 'x' WHERE name = 'qa-one'",
        "UPDATE members SET password = NULL WHERE name = 'qa-two'",
    )
    monkeypatch.setenv(VARIABLE, "another")

    assert shell(*RUN).code == ExitCode.OK
    assert held()["qa-one"] == "by hand"
    assert bcrypt.checkpw(b"another", (held()["qa-two"] or "").encode())


def test_an_account_without_a_password_gets_one_in_a_reset_only(shell: Shell) -> None:
    shell(*RUN)
    edit("UPDATE members SET password = NULL WHERE name = 'qa-two'")

    assert (shown(shell(*RUN, "--no-clear")), held()["qa-two"]) == ([], None)
    [word] = shown(shell(*RUN))
    assert opens(word) == {"e2e": False, "qa-one": False, "qa-two": True}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NODE_ENV", "production"),
        ("RECONCILE_ENV", "production"),
        ("NODE_ENV", " Production\t"),
        ("RECONCILE_ENV", "PRODUCTION"),
    ],
)
def test_a_protected_target_gets_no_accounts_without_a_chosen_password(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """The steps are left out with a warning, the rest runs."""
    monkeypatch.setenv(name, value)

    told = shell(*RUN, *CONFIRMED)

    assert (told.code, shown(told), held()) == (ExitCode.OK, [], {"owner": None})
    assert (
        "warning: left out: qa-accounts, test-accounts\n"
        "  where: sqlite file terp.db\n"
        f"  why:   the target is protected ({name}=production) and no password was supplied for these accounts\n"
        f"  fix:   set {VARIABLE} or use --password-file, or leave the accounts out with --skip-accounts\n"
    ) in told.err
    with closing(sqlite3.connect("terp.db")) as connection:
        assert connection.execute("SELECT count(*) FROM rooms").fetchone() == (3,)


def test_a_protected_target_gets_accounts_with_a_chosen_password(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NODE_ENV", "production")
    monkeypatch.setenv(VARIABLE, "chosen")

    told = shell(*RUN, *CONFIRMED)

    assert (told.code, "left out" in told.err) == (ExitCode.OK, False)
    assert opens("chosen") == dict.fromkeys(ACCOUNTS, True)


@pytest.mark.parametrize("value", ["development", "", "productions", "test"])
def test_other_environments_are_not_protected(shell: Shell, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("NODE_ENV", value)

    assert len(shown(shell(*RUN))) == 1


@pytest.mark.parametrize("flags", [("--skip-accounts",), ("--step", "core", "--step", "qa-data"), ("-t", "rooms")])
def test_a_run_without_accounts_needs_no_password(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...]
) -> None:
    monkeypatch.setenv("NODE_ENV", "production")

    told = shell(*RUN, *CONFIRMED, *flags)

    assert (told.code, "left out" in told.err, shown(told)) == (ExitCode.OK, False, [])


def test_the_plan_says_which_steps_a_protected_target_leaves_out(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECONCILE_ENV", "production")

    document = shell("plan", *CLUB, "--format", "json").valid("plan")

    assert {step["id"]: step["chosen"] for step in document["steps"]}["qa-accounts"] is False
    assert [finding["what"] for finding in document["findings"]] == ["left out: qa-accounts, test-accounts"]
    assert {change["step"] for change in document["changes"]} == {"core", "qa-data"}


class _Gone(Output):
    """Output whose reader has gone."""

    def result(self, content: str) -> None:
        raise BrokenPipeError(content[:0])


@pytest.mark.usefixtures("shell")
def test_a_password_is_shown_whatever_fails_after_the_commit(capsys: pytest.CaptureFixture[str]) -> None:
    """The hash is in the database: nobody could tell the password any more."""
    options = ApplyOptions(state=CLUB[1], format="json", force=True, quiet=True)

    with pytest.raises(BrokenPipeError):
        run(options, open_session(options), _Gone("json", is_quiet=True, is_verbose=False, is_colored=False))

    [word] = shown(Told(0, "", capsys.readouterr().err))
    assert opens(word) == dict.fromkeys(ACCOUNTS, True)
