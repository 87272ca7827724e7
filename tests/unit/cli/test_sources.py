"""Which files decide what is declared: a change of any of them is seen, and nothing is imported to look."""

import os
import sys
from pathlib import Path

import pytest

from reconcile.cli import sources
from reconcile.cli.sources import Unknown, allow_current_folder, imported, installation, places_of, signature


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a package and a lone module."""
    (tmp_path / "shoppe" / "data").mkdir(parents=True)
    for name in ("shoppe/__init__.py", "shoppe/rows.py", "shoppe/data/rows.csv", "lonely.py", "beside.csv"):
        (tmp_path / name).write_text("1\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    allow_current_folder()
    return tmp_path


@pytest.mark.parametrize("package", ["shoppe", "shoppe.rows"])
def test_every_file_of_a_package_counts(folder: Path, package: str) -> None:
    places = places_of(package)
    before, newest = signature(places)
    assert signature(places) == (before, newest)

    for name in ("shoppe/rows.py", "shoppe/data/rows.csv", "shoppe/new.txt"):
        (folder / name).write_text("2\n")
        found, _ = signature(places)
        assert found != before, name
        before = found
    (folder / "lonely.py").write_text("2\n")
    assert signature(places)[0] == before
    assert not {"shoppe", "shoppe.rows"} & set(sys.modules)


def test_of_a_lone_module_what_lies_beside_it_counts(folder: Path) -> None:
    places = places_of("lonely")
    before, _ = signature(places)

    (folder / "beside.csv").write_text("2\n")

    assert signature(places)[0] != before


def test_a_file_of_the_same_size_and_time_is_another_when_it_was_written_again(folder: Path) -> None:
    """The time of the last change of a file's facts can be set by nobody."""
    file = folder / "lonely.py"
    held = file.stat()
    before, _ = signature(places_of("lonely"))

    file.write_text("2\n")
    os.utime(file, ns=(held.st_atime_ns, held.st_mtime_ns))

    assert file.stat().st_mtime_ns == held.st_mtime_ns
    assert signature(places_of("lonely"))[0] != before


def test_compiled_files_do_not_count(folder: Path) -> None:
    before, _ = signature(places_of("shoppe"))

    (folder / "shoppe" / "__pycache__").mkdir()
    (folder / "shoppe" / "__pycache__" / "rows.pyc").touch()
    (folder / "shoppe" / "rows.pyc").touch()

    assert signature(places_of("shoppe"))[0] == before


def test_what_is_not_there_and_what_is_very_much_is_not_known(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unknown, match="no package nowhere"):
        places_of("nowhere.at_all")
    with pytest.raises(Unknown, match="cannot be read"):
        signature([f"file:{folder}/gone.py"])
    with pytest.raises(Unknown, match="cannot be read"):
        signature([f"tree:{folder}/gone"])
    monkeypatch.setattr(sources, "MOST_FILES", 2)
    with pytest.raises(Unknown, match="very many files"):
        signature(places_of("shoppe"))


def test_imported_modules_count_that_are_neither_installed_nor_in_those_places() -> None:
    found = imported(places_of("reconcile"))

    assert f"file:{Path(__file__).resolve()}" in found
    assert not [
        place for place in found if "site-packages" in place or place.endswith(("reconcile/errors.py", "os.py"))
    ]


def test_every_installed_package_is_named_with_its_version() -> None:
    assert any(name.startswith("polars-") for name in installation())
