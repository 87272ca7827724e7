"""Imports go one way; `.importlinter` says which, and this test holds it."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.facts import CHECKOUT

PURE = (
    "render", "guard", "cascade", "conflicts", "outcome", "plan", "decide", "selection", "diff", "gaps", "state",
    "declaration", "health", "sessions", "planfile", "origin", "dataset", "fields", "spec", "values", "errors",
)  # fmt: skip
CLOCKS = {"now", "today", "utcnow"}


def pure_files() -> Iterator[Path]:
    for name in PURE:
        package = CHECKOUT / "reconcile" / name
        yield from package.rglob("*.py")
        yield from package.parent.glob(f"{name}.py")
    yield from (CHECKOUT / "desired_state").rglob("*.py")


def test_every_import_respects_the_layers() -> None:
    linter = Path(sys.executable).parent / "lint-imports"

    told = subprocess.run(
        [linter, "--no-cache", "--no-logo"], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )

    assert told.returncode == 0, told.stdout + told.stderr


def test_the_pure_core_reads_no_clock() -> None:
    """`datetime` may be imported for its types, so the import contracts cannot see a clock being read."""
    read = [
        f"{file.relative_to(CHECKOUT)}:{node.lineno}"
        for file in pure_files()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in CLOCKS
    ]

    assert read == []
