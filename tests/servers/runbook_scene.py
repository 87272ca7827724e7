"""
Where the commands of a runbook page are typed: an operator's folder, shell and database.

The database is called `terp`, on a private MariaDB that pages call db.example.com:25060. The operator's `DATABASE_URL`
names it, and `~/.my.cnf` gives the MariaDB client the same account.
"""

import getpass
import io
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

from reconcile.cli.main import main
from tests.conftest import TARGET_VARIABLES
from tests.facts import CHECKOUT
from tests.servers.live_schema import Snapshot, load, reset, snapshot
from tests.servers.operating import FILLED, JOURNAL
from tests.servers.server import APPLICATION, APPLICATION_PASSWORD, Server
from tests.servers.target import Target, server_target

NAME, PLACE, OPERATOR, MACHINE = "terp", "db.example.com:25060", "ops", "console"
HOME = "/srv/terp"
"""What pages call the operator's folder."""
AS_DECLARED = ("--state", "tests.servers.cached_state")
"""The ERP's desired state with its rows kept between two commands."""
LEFT_OUT = ("Target: ", "As of ")
"""The remarks that every command begins with; the index of the runbooks says that pages leave them out."""
STATELESS = {"init", "doctor", "--help", "--version"}
"""Commands that take no --state, or say what it is."""

_SHELL = re.compile(r"[|&;<>$`()*\n]")
_URL = re.compile(r"mysql://[^@\s]*@db\.example\.com:25060/(\w*)(\?\S*)?")
_PIPED = re.compile(r"(?P<command>reconcile .*?) (?:> (?P<file>[\w.]+)|\| tail -n (?P<lines>\d+))")
_ASSIGNMENT = re.compile(r"([A-Z_]+)=(.*)", re.DOTALL)


@dataclass(slots=True)
class Scene:
    """One operator's shell; `code` is what `$?` gives, `stand_ins` what pages call what differs from run to run."""

    server: Server
    folder: Path
    environment: dict[str, str]
    code: int = 0
    stand_ins: dict[str, str] = field(default_factory=dict)

    @property
    def target(self) -> Target:
        """The database that the page is about."""
        return server_target(self.server, NAME)

    def type(self, line: str) -> list[str]:
        """Run one command and give what it printed on both streams, in the page's words."""
        told = self._run(self._real(line))
        called = {**self.stand_ins, PLACE: f"127.0.0.1:{self.server.port}", HOME: str(self.folder)}
        for word, real in called.items():
            # A short number stands for other things elsewhere.
            told = re.sub(rf"(?<=connection ){real}\b", word, told) if word.isdecimal() else told.replace(real, word)
        for user in (OPERATOR, getpass.getuser()):  # the filled database is somebody else's work
            told = told.replace(f"{user}@{socket.gethostname()}", f"{OPERATOR}@{MACHINE}")
        return [shown.rstrip() for shown in told.rstrip("\n").splitlines() if not shown.startswith(LEFT_OUT)]

    def _real(self, line: str) -> str:
        for word, real in self.stand_ins.items():
            line = re.sub(rf"\b{re.escape(word)}\b", real, line)
        return _URL.sub(lambda url: self.server.url(url[1]), line).replace(PLACE, f"127.0.0.1:{self.server.port}")

    def _run(self, line: str) -> str:
        if line == "echo $?":
            ended, self.code = self.code, 0  # the echo itself ends well
            return str(ended)
        if line.startswith("export ") and not _needs_shell(line):
            name, _, value = shlex.split(line)[1].partition("=")
            self.environment[name] = value
            return ""
        if (piped := _PIPED.fullmatch(line)) and not _needs_shell(piped["command"]):
            return self._into(piped["command"], piped["file"], int(piped["lines"] or 0))
        words = [] if _needs_shell(line) else shlex.split(line)
        given: dict[str, str] = {}
        while words and (assignment := _ASSIGNMENT.fullmatch(words[0])):
            given[assignment[1]] = assignment[2]
            words.pop(0)
        if words[:1] == ["reconcile"]:
            told = io.StringIO()
            self._in_this_process(words[1:], given, told, told)
            return told.getvalue()
        return self._in_a_shell(line)

    def _into(self, command: str, file: str | None, lines: int) -> str:
        """Do what a shell does with output that goes into a file, or into `tail`."""
        out, err = io.StringIO(), io.StringIO()
        self._in_this_process(shlex.split(command)[1:], {}, out, err)
        if file is None:
            return err.getvalue() + "".join(out.getvalue().splitlines(keepends=True)[-lines:])
        (self.folder / file).write_text(out.getvalue(), encoding="utf-8")
        return err.getvalue()

    def _in_this_process(self, words: Sequence[str], given: dict[str, str], out: io.StringIO, err: io.StringIO) -> None:
        """Run the program without starting one: as its console script would, a second earlier."""
        state = () if STATELESS & set(words) or "--state" in words else AS_DECLARED
        place = _standing_in(self.folder, {**self.environment, **given})
        with place, redirect_stdout(out), redirect_stderr(err):
            try:
                self.code = int(main([*words, *state]))
            except SystemExit as ended:
                self.code = int(ended.code or 0)

    def _in_a_shell(self, line: str) -> str:
        if line.startswith("mariadb "):
            # People are slower: what they change is a second younger than what the last command wrote.
            time.sleep(1 - time.time() % 1)
        ended = subprocess.run(
            ["bash", "-o", "pipefail", "-c", line],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=120,
        )
        # Of a command that a signal ended, bash says 128 and the signal's number; it may have become that command.
        self.code = ended.returncode if ended.returncode >= 0 else 128 - ended.returncode
        return ended.stdout


def _needs_shell(line: str) -> bool:
    """Say whether anything outside quotes is the shell's to read."""
    return _SHELL.search(re.sub(r"""'[^']*'|"[^"$`\\]*\"""", "", line)) is not None


@contextmanager
def _standing_in(folder: Path, environment: dict[str, str]) -> Iterator[None]:
    """Be in *folder* with *environment* for a while."""
    before, place, handler = dict(os.environ), Path.cwd(), signal.getsignal(signal.SIGTERM)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        os.chdir(place)
        signal.signal(signal.SIGTERM, handler)


def open_scene(server: Server, folder: Path) -> Scene:
    """Give an operator a folder, a home with the client's account in it, and a shell that knows the database."""
    folder.mkdir(parents=True)
    (folder / ".my.cnf").write_text(
        f"[client]\nhost=127.0.0.1\nport={server.port}\nuser={APPLICATION}\npassword='{APPLICATION_PASSWORD}'\n"
    )
    own = {name: value for name, value in os.environ.items() if name not in TARGET_VARIABLES}
    return Scene(
        server,
        folder,
        {
            **own,
            "HOME": str(folder),
            "USER": OPERATOR,
            "LOGNAME": OPERATOR,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PYTHONPATH": str(CHECKOUT),
            "PYTHONUNBUFFERED": "1",
            "DATABASE_URL": server.url(NAME),
        },
    )


@dataclass(slots=True)
class Stage:
    """The one database `terp` of a server, set back for each page."""

    server: Server
    schema: Path
    pristine: Snapshot | None = None

    def clean(self) -> None:
        """Bring the database to the live schema without rows."""
        if self.pristine is not None and reset(self.server, NAME, self.pristine):
            return
        self.server.drop_database(NAME)
        load(self.server, NAME, self.schema)
        with self.server.admin(NAME) as cursor:
            self.pristine = self.pristine or snapshot(cursor, NAME)

    def fill(self, template: Target) -> None:
        """Give the database, which must be clean, the rows and the journal of *template*."""
        with self.server.admin(NAME) as cursor:
            cursor.execute("SET foreign_key_checks = 0, unique_checks = 0")
            for table in JOURNAL:
                cursor.execute(f"SHOW CREATE TABLE `{template.name}`.`{table}`")
                (_, definition), *_ = cursor.fetchall()
                cursor.execute(definition)
            cursor.execute("START TRANSACTION")
            for table in (*FILLED, *JOURNAL):
                cursor.execute(f"INSERT INTO `{table}` SELECT * FROM `{template.name}`.`{table}`")
            cursor.execute("COMMIT")

    def empty(self) -> None:
        """Leave the database without any table."""
        self.server.drop_database(NAME)
        self.server.create_database(NAME)
