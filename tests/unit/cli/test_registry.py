"""The id registry: the ids of one step's rows, written whole or not at all, after what it lists is committed."""

import json
import sqlite3
from contextlib import closing
from errno import ENOSPC
from pathlib import Path

import pytest

from reconcile.cli import registry
from reconcile.errors import ExitCode
from tests.unit.cli.club import CLUB
from tests.unit.cli.shell import Shell

RUN = ("apply", *CLUB, "--force")


def room_ids() -> dict[str, int]:
    with closing(sqlite3.connect("terp.db")) as connection:
        return dict(connection.execute("SELECT code, id FROM rooms"))


def registered(file: str = "ids.json") -> dict[str, dict[str, int]]:
    document = json.loads(Path(file).read_text(encoding="utf-8"))
    tables: dict[str, dict[str, int]] = document["tables"]
    return tables


def test_the_registry_has_the_ids_of_its_step_by_table_and_key(shell: Shell) -> None:
    """Those that the database gave, and no row of another step."""
    assert shell(*RUN, "--registry", "ids.json").code == ExitCode.OK

    ids = room_ids()
    assert json.loads(Path("ids.json").read_text(encoding="utf-8")) == {
        "format_version": "1.0",
        "target": "sqlite file terp.db",
        "state": "club",
        "step": "qa-data",
        "tables": {"rooms": {"qa-attic": ids["qa-attic"], "qa-cellar": ids["qa-cellar"]}},
    }
    assert "hall" in ids


def test_the_ids_are_those_of_the_rows_that_are_there(shell: Shell) -> None:
    """Not the places of the rows in the dataset."""
    shell(*RUN)
    with closing(sqlite3.connect("terp.db")) as connection, connection:
        connection.execute("UPDATE rooms SET id = id + 100 WHERE code = 'qa-attic'")

    shell(*RUN, "--registry", "ids.json")

    assert registered()["rooms"]["qa-attic"] == room_ids()["qa-attic"] > 100


def test_a_run_with_nothing_to_do_writes_it_too(shell: Shell) -> None:
    """Over what was there before."""
    shell(*RUN, "--registry", "first.json")
    Path("again.json").write_text("old and longer than what comes" * 100, encoding="utf-8")

    assert shell(*RUN, "--registry", "again.json").code == ExitCode.OK
    assert Path("first.json").read_bytes() == Path("again.json").read_bytes()


@pytest.mark.parametrize("flags", [("--dry-run",), ("--format", "json", "--dry-run")])
def test_a_dry_run_writes_none(shell: Shell, flags: tuple[str, ...]) -> None:
    assert shell(*RUN, "--registry", "ids.json", *flags).code == ExitCode.OK
    assert not list(Path().iterdir())


def test_without_the_flag_there_is_none(shell: Shell) -> None:
    shell(*RUN)

    assert [path.name for path in Path().iterdir()] == ["terp.db"]


def test_a_row_that_is_not_there_is_not_listed(shell: Shell) -> None:
    shell(*RUN, "--skip-qa-data", "--registry", "ids.json")

    assert registered() == {"rooms": {}}


@pytest.mark.parametrize("flags", [(), ("--dry-run",)])
def test_a_state_that_names_no_registry_step_is_refused_before_anything_is_written(
    shell: Shell, flags: tuple[str, ...]
) -> None:
    told = shell("apply", "--state", "tests.unit.tiny", "--force", "--registry", "ids.json", *flags)

    assert (told.code, told.out, list(Path().iterdir())) == (ExitCode.USAGE, "", [])
    assert (
        "error: the id registry was not written\n  where: --registry ids.json\n"
        "  why:   desired state tiny names no step whose rows it lists\n  fix:   leave --registry out\n"
    ) in told.err


UNWRITABLE = {"no folder": "nowhere/ids.json", "name too long": "i" * 300, "a folder": "folder"}


@pytest.mark.parametrize("file", UNWRITABLE.values(), ids=UNWRITABLE.keys())
def test_a_file_that_cannot_be_written_is_refused_before_anything_is(shell: Shell, file: str) -> None:
    Path("folder").mkdir()

    told = shell(*RUN, "--registry", file)

    assert told.code == ExitCode.ERROR
    assert f"error: the id registry was not written\n  where: --registry {file}\n  why:   " in told.err
    assert "  fix:   name a file that can be written" in told.err
    assert sorted(path.name for path in Path().iterdir()) == ["folder"]


def test_a_failure_after_the_commit_is_part_of_the_outcome(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows stay, the document says what failed, and the next run can write the file."""

    def fail(_path: Path, _content: str) -> None:
        raise OSError(ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(registry, "_write", fail)
        told = shell(*RUN, "--registry", "ids.json", "--format", "json")

    assert told.code == ExitCode.ERROR
    [error] = json.loads(told.out)["errors"]
    assert (error["where"], error["why"]) == ("--registry ids.json", "No space left on device")
    assert len(room_ids()) == 3
    assert shell(*RUN, "--registry", "ids.json").code == ExitCode.OK


def test_others_may_read_the_registry(shell: Shell) -> None:
    """As any file that a command writes: a test suite may run under another account."""
    shell(*RUN, "--registry", "ids.json")
    Path("plain").touch()

    assert Path("ids.json").stat().st_mode == Path("plain").stat().st_mode
