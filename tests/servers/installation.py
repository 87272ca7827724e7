"""Where an engine's binaries are and how they are called; starts nothing itself."""

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Engine = Literal["mariadb", "mysql"]

MYSQL_ROOT = Path(".cache") / "mysql-root"
"""MySQL from Debian unstable, unpacked by scripts/servers.sh; relative to the checkout."""


TLS_FILES = {"ca": "authority.pem", "cert": "certificate.pem", "key": "key.pem"}
"""Served with TLS by these files where they are in the server's folder."""


class NotInstalled(Exception):
    """The engine is not on this machine; the message says what to install."""


@dataclass(frozen=True, slots=True)
class Installation:
    """
    One engine's binaries.

    A *root* means that they run inside that folder by chroot, and see paths relative to it.
    """

    engine: Engine
    version: str
    cache: Path
    """Where an initialised data directory may be kept; inside *root* if there is one."""
    root: Path | None = None

    @property
    def temporary(self) -> Path:
        """The folder for a server's own folder; a short path, because sockets allow 100 characters."""
        return Path(tempfile.gettempdir()) if self.root is None else self.root / "tmp"

    def inside(self, path: Path) -> str:
        """Name *path* as the server sees it."""
        return str(path) if self.root is None else f"/{path.relative_to(self.root)}"

    def initialise(self, datadir: Path) -> list[str]:
        """Give the command that fills an empty *datadir*."""
        if self.engine == "mysql":
            return [*self._program("mysqld"), "--initialize-insecure", f"--datadir={self.inside(datadir)}"]
        return [
            *self._program("mariadb-install-db"),
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            f"--datadir={self.inside(datadir)}",
        ]

    def serve(self, folder: Path, port: int) -> list[str]:
        """
        Give the command that serves *folder*/data on *port* of the loopback address.

        sql_mode, character set and collation stay the server's own. What a commit writes survives the death of
        the server, though not of the machine: tests kill servers, and wait for no disk.
        """
        inside = self.inside(folder)
        tls = [f"--ssl-{name}={inside}/{file}" for name, file in TLS_FILES.items() if (folder / file).exists()]
        options = [
            *tls,
            f"--datadir={inside}/data",
            # Servers name their temporary files alike: two in one folder would delete each other's.
            f"--tmpdir={inside}/temporary",
            f"--socket={inside}/socket",
            f"--pid-file={inside}/own.pid",
            f"--log-error={inside}/error.log",
            f"--init-file={inside}/accounts.sql",
            f"--port={port}",
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            "--local-infile=1",
            "--innodb-flush-log-at-trx-commit=2",
        ]
        if self.engine == "mysql":
            return [*self._program("mysqld"), *options, "--mysqlx=OFF", "--secure-file-priv=", "--skip-log-bin"]
        return [*self._program("mariadbd"), *options]

    def _program(self, name: str) -> list[str]:
        prefix = [] if self.root is None else ["chroot", str(self.root)]
        user = ["--user=root"] if os.geteuid() == 0 else []
        return [*prefix, name, "--no-defaults", *user]


def find(engine: Engine, checkout: Path) -> Installation:
    """
    Find *engine*'s binaries on the path or, for MySQL, in the checkout's cache.

    Raises:
        NotInstalled: they are not there.
    """
    return _find_mariadb(checkout) if engine == "mariadb" else _find_mysql(checkout)


def _find_mariadb(checkout: Path) -> Installation:
    if not all(map(shutil.which, ("mariadbd", "mariadb-install-db", "mariadb-dump"))):
        msg = "no MariaDB: install server and client (Debian: apt-get install mariadb-server-core mariadb-client)"
        raise NotInstalled(msg)
    return Installation("mariadb", _version(["mariadbd"]), checkout / ".cache" / "servers")


def _find_mysql(checkout: Path) -> Installation:
    root = checkout / MYSQL_ROOT
    # Only root may chroot.
    if (root / "usr/sbin/mysqld").exists() and os.geteuid() == 0:
        version = _version(["chroot", str(root), "mysqld"])
        return Installation("mysql", version, root / "var/cache/servers", root)
    # MariaDB installs a mysqld of its own.
    if shutil.which("mysqld") and "mariadb" not in (version := _version(["mysqld"])).lower():
        return Installation("mysql", version, checkout / ".cache" / "servers")
    msg = "no MySQL: install mysql-server or, as root on Debian, run scripts/servers.sh mysql"
    raise NotInstalled(msg)


def _version(program: list[str]) -> str:
    command = [*program, "--no-defaults", "--version"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"Ver (\S+)", told)
    if found is None:
        msg = f"{' '.join(program)} --version says no version: {told!r}"
        raise NotInstalled(msg)
    return found[1]
