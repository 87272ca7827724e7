"""The id registry: which surrogate keys the rows of one step have, as a JSON file for test suites."""

import json
import os
from errno import EISDIR
from pathlib import Path

import polars as pl

from reconcile.cli.session import Session
from reconcile.dataset import ID, KEY, STEP, Dataset
from reconcile.errors import ExitCode, Finding, ReconcileError
from reconcile.render.json import FORMAT_VERSION


def check_registry(file: str | None, session: Session) -> None:
    """
    Look, before anything is written, whether *file* can be and the state has what it is to list; None asks for none.

    Raises:
        ReconcileError: the state names no registry step (exit code 64), or the file cannot be written (1).

    """
    if file is None:
        return
    if session.state.registry_step is None:
        why = f"desired state {session.state.name} names no step whose rows it lists"
        raise ReconcileError([_finding(file, why, "leave --registry out")], ExitCode.USAGE)
    try:
        if Path(file).is_dir():
            raise IsADirectoryError(EISDIR, os.strerror(EISDIR))
        part = _part(Path(file))
        part.touch()
        part.unlink()
    except OSError as error:
        raise ReconcileError([_finding(file, _reason(error), "name a file that can be written")]) from error


def write_registry(file: str | None, session: Session, desired: Dataset, live: Dataset) -> None:
    """
    Write to *file*, if one is named, the ids of the declared rows of the state's registry step, by table and key.

    The file is there whole or not at all.

    Raises:
        ReconcileError: the file cannot be written; exit code 1.

    """
    step = session.state.registry_step
    if file is None or step is None:
        return
    tables = {
        name: _ids(frame.filter(pl.col(STEP) == step), live[name])
        for name, frame in desired.frames.items()
        if name in live and frame.filter(pl.col(STEP) == step).height
    }
    document = {
        "format_version": FORMAT_VERSION,
        "target": str(session.target),
        "state": session.state.name,
        "step": step,
        "tables": tables,
    }
    try:
        _write(Path(file), json.dumps(document, ensure_ascii=False, indent=2) + "\n")
    except OSError as error:
        fix = "the rows are in the database; run the command again with a file that can be written"
        raise ReconcileError([_finding(file, _reason(error), fix)]) from error


def _ids(declared: pl.DataFrame, live: pl.DataFrame) -> dict[str, int]:
    return dict(declared.select(KEY).join(live.select(KEY, ID), on=KEY).sort(KEY).iter_rows())


def _write(path: Path, content: str) -> None:
    part = _part(path)
    try:
        part.write_text(content, encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _part(path: Path) -> Path:
    """Name the file beside *path* that is written first."""
    return path.with_name(f".{path.name}.{os.getpid()}.part")


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _finding(file: str, why: str, fix: str) -> Finding:
    return Finding(what="the id registry was not written", where=f"--registry {file}", why=why, fix=fix)
