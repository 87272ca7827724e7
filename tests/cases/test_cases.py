"""Runs every folder of this directory: desired and live rows in, the expected plan out."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from reconcile.decide import Mode
from reconcile.live.collation import Collation, collation_named
from reconcile.live.raw import RawTable
from reconcile.live.resolve import LiveState, resolve
from reconcile.plan import Plan
from reconcile.render.json import render_plan as to_json
from reconcile.render.text import render_plan as to_text
from tests.unit.tiny import SPECS, declared, planned

FOLDERS = sorted(path.parent for path in Path(__file__).parent.glob("*/case.json"))
SHOWN = ("summary", "changes", "findings")


def read(file: Path) -> Any:  # noqa: ANN401 - a decoded JSON document
    return json.loads(file.read_text(encoding="utf-8"))


def raw(tables: Mapping[str, list[dict[str, str]]]) -> dict[str, RawTable]:
    names = {name: tuple(column.name for column in SPECS[name].columns) for name in tables}
    return {
        name: RawTable(SPECS[name], names[name], [tuple(row.get(column) for column in names[name]) for row in rows])
        for name, rows in tables.items()
    }


def ask_nobody(_collation: Collation, texts: list[str]) -> list[str]:
    raise AssertionError(f"no server is here to weigh {texts}")


def plan_of(folder: Path) -> Plan:
    case, desired = read(folder / "case.json"), declared(read(folder / "desired.json"))
    collation = collation_named(case["collation"])
    live: LiveState = resolve(
        raw(read(folder / "live.json")), desired.frames, lambda _table, _column: collation, ask_nobody
    )
    return planned(desired, live.dataset, Mode(case["mode"]), live.findings, target="the case")


def outputs(folder: Path) -> dict[str, str]:
    """Give what the folder's expected files should hold."""
    plan = plan_of(folder)
    document = json.loads(to_json(plan, tool_version="any"))
    shown = {name: document[name] for name in SHOWN}
    return {
        "plan.json": json.dumps(shown, indent=2, ensure_ascii=False) + "\n",
        "plan.txt": to_text(plan, shows_rows=True, limit=None) + "\n",
    }


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_case_gives_its_plan(folder: Path) -> None:
    found = outputs(folder)
    if os.environ.get("RECONCILE_REWRITE_CASES"):
        for name, text in found.items():
            (folder / name).write_text(text, encoding="utf-8")

    expected = {name: (folder / name).read_text(encoding="utf-8") for name in found}

    assert expected == found


def test_every_folder_is_a_case() -> None:
    """A folder without case.json would silently not run."""
    folders = {path.name for path in Path(__file__).parent.iterdir() if path.is_dir() and path.name != "__pycache__"}

    assert folders == {folder.name for folder in FOLDERS}
