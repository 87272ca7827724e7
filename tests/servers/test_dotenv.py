"""A target that `.env` names: every command finds it, and what is said elsewhere comes before it."""

from pathlib import Path

import pytest

from reconcile.cli.main import COMMANDS
from tests.servers.operating import LIGHT, run
from tests.servers.target import Target, sqlite_target

WORDS = {
    "apply": (*LIGHT, "--dry-run"),
    "clear": ("--dry-run",),
    "drift": LIGHT,
    "explain": ("tags", "Budget", *LIGHT),
    "init": ("package", "-t", "tags"),
    "plan": LIGHT,
    "rollback": ("--dry-run",),
    "show": ("1",),
}
"""What a command is told; the others need nothing."""


@pytest.fixture
def folder(filled: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose `.env` names the filled database."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / ".env").write_text(f"# the application's\nOTHER=1\nDATABASE_URL='{filled.url}'\n")
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.embedded
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_takes_the_url_from_dotenv(folder: Path, filled: Target, name: str) -> None:
    """The first line says which database, and that `.env` named it."""
    result = run(name, *WORDS.get(name, ()))

    assert result.err.splitlines()[0] == f"Target: sqlite file {filled.name} (DATABASE_URL in .env)"
    assert result.code in {0, 2}, result.err
    assert (folder / ".env").exists()


@pytest.mark.embedded
def test_the_nearer_setting_wins(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The flag, RECONCILE_DATABASE_URL, DATABASE_URL; of each variable the environment before `.env`."""
    urls = {name: sqlite_target(tmp_path / f"{name}.db").url for name in "abcd"}

    def chosen(*words: str) -> str:
        return run("doctor", *words).err.splitlines()[0].rpartition("/")[2]

    assert chosen().endswith(" (DATABASE_URL in .env)")
    monkeypatch.setenv("DATABASE_URL", urls["a"])
    assert chosen() == "a.db (DATABASE_URL in the environment)"
    with (folder / ".env").open("a") as file:
        file.write(f"RECONCILE_DATABASE_URL={urls['b']}\n")
    assert chosen() == "b.db (RECONCILE_DATABASE_URL in .env)"
    monkeypatch.setenv("RECONCILE_DATABASE_URL", urls["c"])
    assert chosen() == "c.db (RECONCILE_DATABASE_URL in the environment)"
    assert chosen("--database-url", urls["d"]) == "d.db (--database-url)"
