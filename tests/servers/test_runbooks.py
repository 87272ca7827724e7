"""
The runbooks keep their word: every command of every page is run in the page's order and prints what the page says.

Each page has a database of its own to begin with, which `STARTS` names, on MariaDB: the server that the pages show.
`python -m tests.servers.test_runbooks [PAGE]…` writes what the commands print now into the pages.
"""

import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from reconcile.cli.main import COMMANDS, Parser
from tests.facts import CHECKOUT, require_facts
from tests.servers.conftest import Servers
from tests.servers.live_schema import SCHEMA_FILES
from tests.servers.runbook_page import Command, Elsewhere, Unmarked, keeps, masked, parts, renewed, written
from tests.servers.runbook_scene import Scene, Stage, open_scene
from tests.servers.runbook_starts import STARTS, Start
from tests.servers.target import Target

FOLDER = CHECKOUT / "runbooks"
PAGES = sorted(page.stem for page in FOLDER.glob("*.md"))

ELSEWHERE = {
    "provider": "# in the provider's console",
    "server": "# on the database server",
    "host": "# on the host of the schedule",
    "file": "# ",
}
"""What a fenced block may be, and how its first line begins; a file is compared with the one that it names."""


@pytest.fixture(scope="session")
def stages() -> dict[str, Stage]:
    """The database of each server that pages are run against."""
    return {}


def stage_of(servers: Servers, stages: dict[str, Stage]) -> Stage:
    server = servers.get("mariadb")
    return stages.setdefault("mariadb", Stage(server, require_facts() / SCHEMA_FILES["mariadb"]))


@contextmanager
def scene_of(page: str, stage: Stage, template: Callable[[], Target], folder: Path) -> Iterator[Scene]:
    """Open the shell in which the commands of *page* are typed, with the database that its readers meet."""
    start = STARTS.get(page, Start())
    if start.tables == "none":
        stage.empty()
        stage.pristine = None
    else:
        stage.clean()
        if start.tables == "filled":
            stage.fill(template())
    scene = open_scene(stage.server, folder)
    with ExitStack() as closing:
        if start.meets is not None:
            start.meets(scene, closing)
        yield scene


def read(page: str) -> str:
    return (FOLDER / f"{page}.md").read_text(encoding="utf-8")


@pytest.mark.on_mariadb
@pytest.mark.parametrize("page", PAGES)
def test_every_command_prints_what_the_page_says(
    page: str, engine: str, servers: Servers, stages: dict[str, Stage], tmp_path: Path
) -> None:
    """A command that fails is followed by `echo $?`: nobody need guess how it ends."""
    commands = [part for part in parts(read(page)) if isinstance(part, Command)]
    if not commands:
        assert page in WITHOUT_COMMANDS
        return
    stage = stage_of(servers, stages)
    with scene_of(page, stage, lambda: servers.template(engine, tmp_path), tmp_path / "operator") as scene:
        for number, command in enumerate(commands):
            printed = scene.type(command.line)
            if not keeps(command.promised, printed):
                wanted = renewed(command.promised, printed)
                # Without what may change, so that the difference shown is the one that matters.
                assert list(map(masked, wanted)) == list(map(masked, command.promised)), f"{page}: {command.line}"
            if scene.code:
                following = commands[number + 1].line if number + 1 < len(commands) else ""
                assert following == "echo $?", f"{page}: exit {scene.code} of `{command.line}` is not shown"


WITHOUT_COMMANDS = {"README", "migration"}


def test_pages_without_commands_have_none() -> None:
    found = {page for page in PAGES if not any(isinstance(part, Command) for part in parts(read(page)))}

    assert found == WITHOUT_COMMANDS


@pytest.mark.parametrize("page", PAGES)
def test_every_block_is_run_or_says_where_it_belongs(page: str) -> None:
    found = parts(read(page))

    assert [part.lines for part in found if isinstance(part, Unmarked)] == []
    for block in (part for part in found if isinstance(part, Elsewhere)):
        kind = block.lines[0].strip("`")
        assert kind in ELSEWHERE, f"{page}: ```{kind}"
        assert block.opening.startswith(ELSEWHERE[kind]), f"{page}: {block.opening}"
        if kind == "file":
            assert "\n".join(block.lines[2:-1]) in (CHECKOUT / block.opening[2:]).read_text(encoding="utf-8")


def test_the_migration_table_maps_every_script_and_flag(facts: Path) -> None:
    """Whatever the facts about the replaced tool name has a line, with its command of today or why there is none."""
    known = (facts / "steps.md").read_text(encoding="utf-8")
    scripts = re.findall(r"[\w./-]+\.ts\b|\bseed:\w+|\bseed/lib/\w+", known)
    augmenting = re.findall(r"^\| ((?:fix|augment)-[\w-]+) \|", known, re.MULTILINE)
    flags = re.findall(r"(?<![\w|-])--[a-z][a-z-]+", known)
    lines = [line for line in read("migration").splitlines() if line.startswith("|")]

    missing = [name for name in dict.fromkeys([*scripts, *augmenting, *flags]) if f"`{name}`" not in "".join(lines)]

    assert missing == []
    assert (len(set(scripts)), len(set(augmenting)), len(set(flags))) >= (11, 5, 9)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_says_when_what_and_how_to_undo(page: str) -> None:
    if page not in WITHOUT_COMMANDS:
        text = read(page)
        assert [word for word in ("**When:**", "**Undo.**") if word not in text] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_command_in_a_sentence_can_be_typed(page: str) -> None:
    """It names a command that exists, and flags that this command has."""
    sentences = re.sub(r"^( {4}|```).*$", "", read(page), flags=re.MULTILINE)
    for told in re.findall(r"`(?:[A-Z_]+=\S+ )?reconcile ([a-z][^`]*)`", sentences):
        name, *words = told.split()
        assert name in COMMANDS, told
        known = {flag for action in Parser(COMMANDS[name].options)._actions for flag in action.option_strings}
        assert [word for word in words if word.startswith("-") and word.partition("=")[0] not in known] == [], told


@pytest.mark.parametrize("page", PAGES)
def test_a_page_put_together_again_is_the_same(page: str) -> None:
    """What is rewritten is what the commands print, and nothing else."""
    assert written(parts(read(page))) == read(page)


def _write(page: str, stage: Stage, template: Callable[[], Target], folder: Path) -> None:
    found = parts(read(page))
    with scene_of(page, stage, template, folder) as scene:
        for part in found:
            if isinstance(part, Command):
                part.promised = renewed(part.promised, scene.type(part.line))
    (FOLDER / f"{page}.md").write_text(written(found), encoding="utf-8")


def _write_pages(names: list[str]) -> None:
    with ExitStack() as closing, tempfile.TemporaryDirectory() as folder:
        servers = Servers(closing)
        stage = stage_of(servers, {})
        for page in names or sorted(set(PAGES) - WITHOUT_COMMANDS):
            _write(page, stage, lambda: servers.template("mariadb", Path(folder)), Path(folder) / page)


if __name__ == "__main__":
    _write_pages(sys.argv[1:])
