"""
The tutorial keeps its word: each command prints what docs/tutorial.md says, each excerpt is in the file it names.

`python -m tests.unit.test_tutorial` writes what the commands print now into the page.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import TARGET_VARIABLES
from tests.facts import CHECKOUT

PAGE = CHECKOUT / "docs" / "tutorial.md"
PROMPT, INDENT = "    $ ", "    "

# What differs from run to run, or with the format of fingerprints.
CHANGING = re.compile(r"\b[0-9a-f]{12}\b|\d+\.\d s\b")

SQLITE_CLIENT = """#!{python}
import sqlite3, sys

with sqlite3.connect(sys.argv[1]) as connection:
    connection.executescript(sys.argv[2])
connection.close()
"""


@dataclass
class Part:
    """A piece of the page: a command with what it prints, or, without a command, text."""

    command: str | None
    lines: list[str]


def parts(page: str) -> list[Part]:
    """Take the page apart; what a command prints is indented and ends with the last indented line."""
    found = [Part(None, [])]
    for line in page.splitlines():
        if line.startswith(PROMPT):
            found.append(Part(line.removeprefix(PROMPT), []))
        elif found[-1].command is None or not line or line.startswith(INDENT):
            found[-1].lines.append(line if found[-1].command is None else line.removeprefix(INDENT))
        else:
            blank: list[str] = []
            while found[-1].lines and not found[-1].lines[-1]:
                blank.append(found[-1].lines.pop())
            found.append(Part(None, [*blank, line]))
    return found


def play(folder: Path) -> list[Part]:
    """Run every command of the page in a copy of the examples; give each with what it printed on both streams."""
    tools = folder / "bin"
    tools.mkdir()
    client = tools / "sqlite3"  # one that is everywhere, whatever is installed
    client.write_text(SQLITE_CLIENT.format(python=sys.executable), encoding="utf-8")
    client.chmod(0o755)
    # Only what belongs there: whoever has followed the tutorial has more in that folder.
    library = CHECKOUT / "examples" / "library"
    shutil.copytree(library, folder / "examples" / "library", ignore=shutil.ignore_patterns("__pycache__"))
    environment = {name: value for name, value in os.environ.items() if name not in TARGET_VARIABLES}
    environment["PATH"] = os.pathsep.join([str(tools), str(Path(sys.executable).parent), os.environ["PATH"]])
    # Edited within a second of its first import and as long as before, a module would be read from its old bytecode.
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    commands = [part.command for part in parts(_page()) if part.command is not None]
    return [Part(command, _run(command, folder / "examples", environment)) for command in commands]


def _run(command: str, folder: Path, environment: dict[str, str]) -> list[str]:
    told = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    return [line.rstrip() for line in told.stdout.rstrip("\n").splitlines()]


def _page() -> str:
    return PAGE.read_text(encoding="utf-8")


def masked(part: Part) -> str:
    return CHANGING.sub("…", "\n".join([f"$ {part.command}", *part.lines]))


def test_every_command_prints_what_the_page_says(tmp_path: Path) -> None:
    said = [masked(part) for part in parts(_page()) if part.command is not None]
    printed = [masked(part) for part in play(tmp_path)]

    assert printed == said
    assert len(printed) > 20


EXCERPTS = re.findall(r"^```python\n# (\S+)\n(.*?)^```$", _page(), flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("file", "excerpt"), EXCERPTS, ids=[file for file, _ in EXCERPTS])
def test_every_excerpt_is_in_its_file(file: str, excerpt: str) -> None:
    assert excerpt in (CHECKOUT / "examples" / file).read_text(encoding="utf-8")


def _write_page() -> None:
    with tempfile.TemporaryDirectory() as folder:
        printed = iter(play(Path(folder)))
    lines: list[str] = []
    for part in parts(_page()):
        if part.command is None:
            lines += part.lines
        else:
            lines += [PROMPT + part.command, *((INDENT + line).rstrip() for line in next(printed).lines)]
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    _write_page()
