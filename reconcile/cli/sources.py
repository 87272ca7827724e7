"""Which files decide what a desired state declares, and whether they are as they were. Imports nothing of a state."""

import hashlib
import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import reconcile

MOST_FILES = 5_000
_TREE, _FLAT, _FILE = "tree", "flat", "file"
_COMPILED = {".pyc", ".pyo"}


class Unknown(Exception):
    """It cannot be said which files those are."""


def allow_current_folder() -> None:
    """Let packages in the current folder be found; last, so that nothing there hides what is installed."""
    # A console script does not look there by itself.
    if not {"", str(Path.cwd())} & set(sys.path):
        sys.path.append(str(Path.cwd()))


def installation() -> list[str]:
    """Name the Python, where it looks for modules, and every package with its version that is there."""
    found = [sys.version, sys.base_prefix, *sys.path]
    for folder in dict.fromkeys(sys.path):
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        found += sorted(name for name in names if name.endswith((".dist-info", ".egg-info")))
    return found


def places_of(package: str) -> list[str]:
    """
    Give the places of the files of a desired state, and of reconcile: whole trees, for a lone module its folder.

    Raises:
        Unknown: the package is not found.

    """
    return [f"{_TREE}:{Path(reconcile.__file__).resolve().parent}", *_places(package.partition(".")[0])]


def _places(top: str) -> Iterator[str]:
    try:
        spec = find_spec(top)
    except (ImportError, ValueError) as error:
        raise Unknown(str(error)) from error
    if spec is None:
        raise Unknown(f"there is no package {top}")
    if spec.submodule_search_locations is not None:
        yield from (f"{_TREE}:{Path(folder).resolve()}" for folder in spec.submodule_search_locations)
    elif spec.origin is not None and spec.has_location:
        # What lies beside a lone module may be its data.
        yield f"{_FLAT}:{Path(spec.origin).resolve().parent}"
    else:
        raise Unknown(f"{top} has no file")


def imported(places: Sequence[str]) -> list[str]:
    """Give the places of all modules that are imported and neither installed nor in *places*: a state may need them."""
    installed = [Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    known = [Path(place.partition(":")[2]) for place in places if place.startswith(_TREE)]
    files = {
        Path(file).resolve()
        for module in list(sys.modules.values())
        if isinstance(file := getattr(module, "__file__", None), str)
    }
    others = [file for file in files if not any(file.is_relative_to(folder) for folder in (*installed, *known))]
    return sorted(f"{_FILE}:{file}" for file in others)


def signature(places: Iterable[str]) -> tuple[str, float]:
    """
    Give a digest of what the files of *places* are, and when the last of them changed.

    As git's index does, it goes by each file's size, times and inode: nobody can set the time of the last change.
    Source: git documentation, "Racy Git Problem".

    Raises:
        Unknown: a place cannot be read, or has very many files.

    """
    digest, newest = hashlib.sha256(), 0.0
    for place in places:
        for file in _files(place):
            try:
                found = os.stat(file)
            except OSError as error:
                raise Unknown(f"{file} cannot be read") from error
            facts = (file, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
            digest.update(repr(facts).encode())
            newest = max(newest, found.st_mtime, found.st_ctime)
    return digest.hexdigest(), newest


def _files(place: str) -> list[str]:
    kind, _, path = place.partition(":")
    if kind == _FILE:
        return [path]
    found: list[str] = []
    try:
        _walk(path, found, is_deep=kind == _TREE)
    except OSError as error:
        raise Unknown(f"{path} cannot be read") from error
    return sorted(found)


def _walk(folder: str, found: list[str], *, is_deep: bool) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                if is_deep and entry.name != "__pycache__":
                    _walk(entry.path, found, is_deep=True)
            elif os.path.splitext(entry.name)[1] not in _COMPILED:
                found.append(entry.path)
            if len(found) > MOST_FILES:
                raise Unknown(f"{folder} has very many files")
