"""What is remembered of a comparison: as it was written or not at all, and the newest alone."""

import os
from pathlib import Path

import pytest

from reconcile.cli import comparisons
from reconcile.cli.comparisons import Answer, Comparison, Shown, folder, forget, read, write
from reconcile.live.sums import Cell, Range, Sums, TableSums

CELLS = (Cell("id", "plain", nullable=False), Cell("note", "text", nullable=True))
SUMS = Sums(
    ("11.4", "me@%", "1"),
    (
        TableSums("orders", "id", CELLS, 3, ranges=(Range(1, 2, 2, 2**70), Range(3, 4, 1, None))),
        TableSums("marks", None, CELLS, 0),
    ),
    {"leftovers": False},
)
COMPARISON = Comparison(("tree:/x",), "ab", {"PASSWORD": True}, Answer(SUMS, Shown("Nothing to do", None, 3)))


def test_what_is_written_is_read() -> None:
    assert write("a" * 64, COMPARISON)

    assert read("a" * 64) == COMPARISON
    assert read("b" * 64) is None
    forget("a" * 64)
    assert read("a" * 64) is None
    forget("a" * 64)


def test_a_file_under_another_name_is_not_read() -> None:
    write("a" * 64, COMPARISON)
    (folder() / f"{'a' * 64}.json").rename(folder() / f"{'b' * 64}.json")

    assert read("b" * 64) is None


def test_a_file_with_other_members_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparisons, "asdict", lambda _comparison: {"places": 1})
    write("a" * 64, COMPARISON)

    assert read("a" * 64) is None


def test_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparisons, "MOST_FILES", 3)
    for number in range(5):
        write(f"{number}", COMPARISON)
        os.utime(folder() / f"{number}.json", (number, number))
    write("5", COMPARISON)

    assert sorted(file.name for file in folder().iterdir()) == ["3.json", "4.json", "5.json"]


def test_the_folder_is_where_xdg_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A path that is not absolute is none."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for given in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", given)
        assert folder() == tmp_path / ".cache" / "reconcile" / "comparisons"


def test_a_folder_that_cannot_be_made_is_told_and_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))

    assert not write("a", COMPARISON)
    assert read("a") is None
