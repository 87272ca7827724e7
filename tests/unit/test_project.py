"""What must hold for the repository as a whole: it runs on any machine, and every command it installs runs."""

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint, distribution
from pathlib import Path

import pytest

from desired_state import STATE
from reconcile.cli.main import COMMANDS, Parser
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


def pages() -> dict[str, str]:
    """Give the pages that people read, by their path in the repository."""
    files = [*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").glob("*.md"), *(CHECKOUT / "runbooks").glob("*.md")]
    return {str(file.relative_to(CHECKOUT)): file.read_text(encoding="utf-8") for file in files}


def anchors(page: str) -> set[str]:
    """Give the anchors of a page's headings, as code forges make them."""
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_lead_somewhere() -> None:
    found = pages()
    dead = []
    for name, text in found.items():
        for link in re.findall(r"\]\(([^)\s]+)\)", text):
            path, _, anchor = link.partition("#")
            file = ((CHECKOUT / name).parent / path if path else CHECKOUT / name).resolve()
            if not file.exists() or (anchor and anchor not in anchors(file.read_text(encoding="utf-8"))):
                dead.append(f"{name}: {link}")

    assert dead == []


def test_the_readme_names_every_command() -> None:
    named = re.findall(r"^\| `reconcile ([a-z]+)", pages()["README.md"], re.MULTILINE)

    assert sorted(named) == sorted(COMMANDS)


def test_help_and_version_import_no_heavy_library() -> None:
    """They answer at once: what a command needs is imported when it is known which command it is."""
    script = "import sys; from reconcile.cli.main import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    heavy = {"polars", "sqlalchemy", "pymysql", "pydantic", "structlog", "rich", "deepdiff", "jinja2", "desired_state"}
    assert heavy & set(ended.stderr.split()) == set()


def flags(command: str) -> Iterator[str]:
    """List the long flags of a command, those that its help does not show left out."""
    parser = Parser(COMMANDS[command].options)
    for action in parser._actions:
        if action.help != "==SUPPRESS==":
            yield from (flag for flag in action.option_strings if flag.startswith("--"))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_flag_is_explained_on_a_page(command: str) -> None:
    """What only --help names is not found by somebody who does not know that it exists."""
    shown = "\n".join(pages().values())

    assert [flag for flag in flags(command) if not re.search(rf"{flag}\b", shown)] == []


def test_the_readme_names_every_step_in_order() -> None:
    section = pages()["README.md"].split("## The ten steps")[1].split("## ")[0]
    named = re.findall(r"(\d+) `([a-z-]+)`", section)

    assert named == [(str(number), step.id) for number, step in enumerate(STATE.steps, 1)]


@pytest.mark.parametrize("page", ["README.md", "CHANGELOG.md", "docs/dataset.md", "runbooks/verify.md"])
def test_pages_count_the_rules_as_they_are(page: str) -> None:
    """A figure that a page states stays true when somebody adds a rule."""
    text = pages()[page]
    rules = [*re.findall(r"\b(\d+) rules\b", text), *re.findall(r"of (\d+) checks", text)]

    assert set(rules) == {str(len(STATE.rules))}


def test_no_page_is_wider_than_a_screen() -> None:
    """Tables and what a command prints may be."""
    wide = [
        f"{name}:{number}"
        for name, text in pages().items()
        for number, line in enumerate(text.splitlines(), 1)
        if len(line) > 140 and not line.startswith(("|", "    "))
    ]

    assert wide == []
