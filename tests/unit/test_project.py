"""What must hold for the repository as a whole: it runs on any machine, and every command it installs runs."""

import re
import subprocess
import sys
from importlib.metadata import EntryPoint, distribution
from pathlib import Path

import pytest

from tests.facts import CHECKOUT

SCRIPTS = [entry for entry in distribution("terp-reconcile").entry_points if entry.group == "console_scripts"]

# Spelt in pieces, so that this file does not break its own rule.
MACHINE_PATHS = re.compile(r"(?<![\w.$}-])/(?:" + "|".join(["work", "farm", "root", "home", "Users", "opt"]) + r")/\w")
REGISTRIES = re.compile(
    "|".join(
        rf"{name}\.{domain}"
        for name, domain in [("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "(?:com|org)"), ("debian", "org")]
    )
    + "|--(?:extra-)?index-"
    + "url"
)
SECRETS = re.compile("BEGIN [A-Z ]*PRIVATE " + "KEY")


def repository_files() -> list[Path]:
    """List what is or would be committed, as git sees it."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        check=True,
    )
    files = [CHECKOUT / name for name in listed.stdout.decode().split("\0") if name]
    return [file for file in files if file.is_file()]


@pytest.mark.parametrize(
    "forbidden",
    [
        pytest.param(MACHINE_PATHS, id="paths of one machine"),
        pytest.param(REGISTRIES, id="package registries"),
        pytest.param(SECRETS, id="private keys"),
    ],
)
def test_no_file_names(forbidden: re.Pattern[str]) -> None:
    found = [
        f"{file.relative_to(CHECKOUT)}:{number}: {line.strip()[:80]}"
        for file in repository_files()
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if forbidden.search(line)
    ]

    assert found == []


def test_scripts_can_be_executed() -> None:
    """A clone keeps the executable bit, and the README's commands need it."""
    named = [*(CHECKOUT / "scripts").iterdir(), CHECKOUT / ".ci" / "run"]

    unexecutable = [
        file.name for file in named if file.read_bytes().startswith(b"#!") and not file.stat().st_mode & 0o100
    ]

    assert unexecutable == []


def test_there_is_a_console_script() -> None:
    assert "reconcile" in {script.name for script in SCRIPTS}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_every_console_script_has_help(script: EntryPoint) -> None:
    program = Path(sys.executable).parent / script.name

    told = subprocess.run([program, "--help"], capture_output=True, text=True, check=False, timeout=60)

    assert (told.returncode, told.stderr) == (0, "")
    assert script.name in told.stdout


def test_runbook_index_and_pages_agree() -> None:
    """A page that the index does not name is not found; a name without a page misleads."""
    folder = CHECKOUT / "runbooks"
    linked = set(re.findall(r"\]\(([\w-]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8")))

    assert linked == {page.name for page in folder.glob("*.md")} - {"README.md"}
