"""A private database server for tests: on a free port, in a folder of its own, and gone without a trace."""

import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlencode

import pymysql
from pymysql.connections import Connection
from pymysql.cursors import Cursor

from tests.servers import janitor
from tests.servers.installation import Engine, Installation

ADMIN = "admin"
"""May do anything; for hand-made trouble, never for the program under test."""
APPLICATION = "erp"
"""May do anything inside the databases made for it and nothing else, as a hosting provider's account."""
APPLICATION_PASSWORD = "er/p@ss:w#rd%21"
"""Needs quoting in a URL, because passwords that providers make up do."""

START_S = 90.0
STOP_S = 60.0

Value = str | int | float | bytes | None


class ServerError(Exception):
    """A server did not start or stop; the message ends with what it wrote to its log."""


@dataclass(slots=True)
class Server:
    """
    One server process, its folder, and the process that cleans up after both.

    Lives from `launch` to `close`; between them it may be stopped, killed and started again on the same port
    and data.
    """

    installation: Installation
    folder: Path
    port: int
    keeper: "subprocess.Popen[bytes]"
    process: "subprocess.Popen[bytes] | None" = None
    admin_password: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def engine(self) -> Engine:
        """Which of the two it is."""
        return self.installation.engine

    def url(self, database: str, user: str = APPLICATION, password: str = APPLICATION_PASSWORD, **query: str) -> str:
        """Give the URL of *database* as a hosting provider prints it; *query* is added to it."""
        login = f"{quote(user, safe='')}:{quote(password, safe='')}"
        options = f"?{urlencode(query)}" if query else ""
        return f"mysql://{login}@127.0.0.1:{self.port}/{database}{options}"

    def admin_url(self, database: str, **query: str) -> str:
        """Give the URL of *database* for the account that may do anything."""
        return self.url(database, ADMIN, self.admin_password, **query)

    @contextmanager
    def admin(self, database: str | None = None) -> Iterator["Cursor"]:
        """Open a session that may do anything; each statement commits by itself."""
        connection = self._connect(database)
        try:
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    def execute(self, statement: str, *values: Value, database: str | None = None) -> tuple[tuple[Value, ...], ...]:
        """Run one statement as the admin and give its rows."""
        with self.admin(database) as cursor:
            cursor.execute(statement, values or None)
            rows: tuple[tuple[Value, ...], ...] = cursor.fetchall()
            return rows

    def create_database(self, name: str) -> None:
        """Make an empty database that belongs to the application's account."""
        self.execute(f"CREATE DATABASE `{name}`")
        pattern = name.replace("_", r"\_")
        self.execute(f"GRANT ALL PRIVILEGES ON `{pattern}`.* TO '{APPLICATION}'@'%'")

    def drop_database(self, name: str) -> None:
        """End the sessions that use the database, then drop it if it is there."""
        self.end_sessions(name)
        self.execute(f"DROP DATABASE IF EXISTS `{name}`")

    def create_account(self, name: str, *grants: str) -> str:
        """
        Make an account anew with *grants* such as ``"SELECT ON `erp`.*"`` and give its password.

        Rights on a whole database need its underscores escaped, or they reach further than meant.
        """
        password = secrets.token_hex(8)
        self.execute(f"DROP USER IF EXISTS '{name}'@'%'")
        self.execute(f"CREATE USER '{name}'@'%' IDENTIFIED BY '{password}'")
        for grant in grants:
            self.execute(f"GRANT {grant} TO '{name}'@'%'")
        return password

    def end_sessions(self, database: str, timeout_s: float = 10.0) -> None:
        """Kill every session that uses *database* and wait until their locks are gone with them."""
        query = "SELECT id FROM information_schema.processlist WHERE db = %s"
        deadline = time.monotonic() + timeout_s
        while sessions := self.execute(query, database):
            if time.monotonic() > deadline:
                msg = f"{len(sessions)} sessions on {database} outlived KILL by {timeout_s:.0f} s"
                raise ServerError(msg)
            for (session,) in sessions:
                with suppress(pymysql.err.OperationalError):  # it may have ended by itself
                    self.execute("KILL %s", session)
            time.sleep(0.01)

    def start(self) -> None:
        """Start the process and wait until it answers."""
        self._write_accounts()
        command = self.installation.serve(self.folder, self.port)
        with (self.folder / "output.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        (self.folder / "server.pid").write_text(str(self.process.pid))
        self._wait_until_ready(self.process)

    def stop(self) -> None:
        """End the process in good order; its data stay."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired as error:
            self.kill()
            msg = f"{self.engine} did not stop within {STOP_S:.0f} s\n{self.log_tail()}"
            raise ServerError(msg) from error
        self._forget()

    def kill(self) -> None:
        """End the process and all that it started at once, as a crash would; its data stay."""
        if self.process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP_S)
        self._forget()

    def restart(self) -> None:
        """Stop in good order and start again on the same data and port."""
        self.stop()
        self.start()

    def close(self) -> None:
        """End the process, without care for data that goes with the folder, and remove the folder."""
        self.kill()
        if self.keeper.stdin is not None:
            self.keeper.stdin.close()
        self.keeper.wait(STOP_S)

    def log_tail(self, lines: int = 30) -> str:
        """Give the end of what the server wrote."""
        told: list[str] = []
        for name in ("output.log", "error.log"):
            with suppress(FileNotFoundError):
                told += (self.folder / name).read_text(errors="replace").splitlines()[-lines:]
        return "\n".join(["--- end of the server's log", *told])

    def _connect(self, database: str | None = None, timeout_s: float = 120.0) -> "Connection[Cursor]":
        return pymysql.connect(
            host="127.0.0.1",
            port=self.port,
            user=ADMIN,
            password=self.admin_password,
            database=database,
            autocommit=True,
            charset="utf8mb4",
            connect_timeout=min(timeout_s, 10.0),
            read_timeout=timeout_s,
        )

    def _forget(self) -> None:
        self.process = None
        (self.folder / "server.pid").unlink(missing_ok=True)

    def _write_accounts(self) -> None:
        statements = [
            f"CREATE USER IF NOT EXISTS '{ADMIN}'@'%' IDENTIFIED BY '{self.admin_password}'",
            f"GRANT ALL PRIVILEGES ON *.* TO '{ADMIN}'@'%' WITH GRANT OPTION",
            f"CREATE USER IF NOT EXISTS '{APPLICATION}'@'%' IDENTIFIED BY '{APPLICATION_PASSWORD}'",
        ]
        (self.folder / "accounts.sql").write_text("".join(f"{statement};\n" for statement in statements))

    def _wait_until_ready(self, process: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + START_S
        while True:
            try:
                # Whoever else holds the port may accept and never speak.
                self._connect(timeout_s=2.0).close()
            except pymysql.err.OperationalError as error:
                # Nobody else knows the password: a server that takes it is ours, on our port.
                if process.poll() is not None or time.monotonic() > deadline:
                    ending = "ended" if process.poll() is not None else f"gave no answer for {START_S:.0f} s"
                    self.kill()
                    msg = f"{self.engine} {ending} while starting\n{self.log_tail()}"
                    raise ServerError(msg) from error
                time.sleep(0.05)
            else:
                return


def launch(
    installation: Installation, tries: int = 3, files: Mapping[str, bytes] | None = None, disk: Path | None = None
) -> Server:
    """
    Start a server of *installation* on a free port with fresh data, and with *files* in its folder, on *disk* or
    where servers usually are.

    Another process may take the port between its choice and its use, so a failed start is tried again.
    """
    folder = Path(tempfile.mkdtemp(prefix="reconcile-", dir=disk or installation.temporary))
    server = Server(installation, folder, _free_port(), _hire_janitor(folder))
    try:
        shutil.copytree(_initialised_data(installation), folder / "data")
        (folder / "temporary").mkdir()
        for name, content in (files or {}).items():
            (folder / name).write_bytes(content)
        for attempt in range(1, tries + 1):
            try:
                server.start()
                break
            except ServerError:
                if attempt == tries:
                    raise
                server.port = _free_port()
    except BaseException:
        server.close()
        raise
    return server


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _hire_janitor(folder: Path) -> "subprocess.Popen[bytes]":
    # A session of its own: the terminal's Ctrl-C must not reach it.
    return subprocess.Popen(
        [sys.executable, "-I", janitor.__file__, str(folder)], stdin=subprocess.PIPE, cwd="/", start_new_session=True
    )


def _initialised_data(installation: Installation) -> Path:
    """Give a data directory as the server's installer makes it, made once per version of the server."""
    cache = installation.cache
    cache.mkdir(parents=True, exist_ok=True)
    template = cache / f"{installation.engine}-{installation.version}"
    with (cache / "lock").open("w") as lock:  # test workers start at the same time
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not template.exists():
            fresh = Path(tempfile.mkdtemp(dir=cache))
            command = installation.initialise(fresh)
            made = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=300)
            if made.returncode != 0:
                shutil.rmtree(fresh)
                told = (made.stdout + made.stderr).decode(errors="replace")
                msg = f"{installation.engine} could not make its data directory\n{told}"
                raise ServerError(msg)
            fresh.rename(template)
    return template
