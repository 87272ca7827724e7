"""Plan files: written whole or not at all, for their owner's eyes, and read back."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TypeVar

from reconcile.errors import Finding, ReconcileError
from reconcile.origin import Origin
from reconcile.planfile import SavedPlan, dump, load, load_origin

_T = TypeVar("_T")


def check_out(file: str | None) -> None:
    """
    Look, before anything is planned, whether a plan can be saved to *file*; None asks for none.

    Raises:
        ReconcileError: the file cannot be written; exit code 1.

    """
    if file is None:
        return
    path = Path(file)
    if path.exists() and not path.is_file():
        raise _not_saved(file, "it is there and is no plain file")
    try:
        handle, part = _new_part(path)
        os.close(handle)
        Path(part).unlink()
    except OSError as error:
        raise _not_saved(file, _reason(error)) from error


def save(file: str, saved: SavedPlan) -> None:
    """
    Write the plan to *file*, which only its owner may read: whole, or not at all when this is interrupted.

    Raises:
        ReconcileError: the file cannot be written; exit code 1.

    """
    path = Path(file)
    part = None
    try:
        handle, part = _new_part(path)
        with os.fdopen(handle, "wb") as stream:
            stream.writelines(dump(saved))
            stream.flush()
            os.fsync(stream.fileno())
        Path(part).replace(path)
    except OSError as error:
        raise _not_saved(file, _reason(error)) from error
    finally:
        if part is not None:
            Path(part).unlink(missing_ok=True)


def read(file: str) -> SavedPlan:
    """
    Read the plan in *file*.

    Raises:
        ReconcileError: it cannot be read, or is not as it was written; exit code 1.

    """
    return _reading(file, load)


def read_origin(file: str) -> Origin:
    """
    Read what the plan in *file* was made by and for.

    Raises:
        ReconcileError: it cannot be read, or is not as it was written; exit code 1.

    """
    return _reading(file, load_origin)


def _reading(file: str, parse: "Callable[[BinaryIO, str], _T]") -> _T:
    try:
        with Path(file).open("rb") as stream:
            return parse(stream, file)
    except OSError as error:
        fix = "name a file that `reconcile plan --out` wrote and that you may read"
        finding = Finding("the plan file cannot be read", file, _reason(error), fix)
        raise ReconcileError([finding]) from error


def _new_part(path: Path) -> tuple[int, str]:
    """Make the file beside *path* that is written first, with mode 0600. Source: Python manual, "tempfile.mkstemp"."""
    return tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)


def _not_saved(file: str, why: str) -> ReconcileError:
    return ReconcileError([Finding("the plan was not saved", f"--out {file}", why, "name a file that can be written")])


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
