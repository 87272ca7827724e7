"""Which driver reads from a server: mysqlclient where it is installed and keeps what the URL asks for, else pymysql.

pymysql always writes and holds the run lock: it loads rows without letting the server choose the file, tells the server
its name, keeps a silent line open, and answers Ctrl-C while a statement runs. A C library does none of these.
"""

import importlib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import ModuleType

from reconcile.errors import ExitCode, Finding, ReconcileError
from reconcile.live.target import LOCAL_SOCKET, Target


class Driver(StrEnum):
    """What speaks to a server."""

    PYMYSQL = "pymysql"
    MYSQLCLIENT = "mysqlclient"


class Library(StrEnum):
    """The C library that mysqlclient was built with."""

    MYSQL = "MySQL's libmysqlclient"
    MARIADB = "MariaDB Connector/C"


@dataclass(frozen=True, slots=True)
class Reading:
    """The driver that reads from a target, and why it is that one."""

    driver: Driver
    why: str


def reading(target: Target, library: Library | None) -> Reading:
    """
    Decide which driver reads; *library* is None where mysqlclient cannot be imported.

    Raises:
        ReconcileError: mysqlclient was asked for by name and cannot serve this target; exit code 64.

    """
    if target.driver == Driver.PYMYSQL:
        return Reading(Driver.PYMYSQL, f"asked for by {target.driver_origin}")
    obstacle = "mysqlclient is not installed" if library is None else _obstacle(target, library)
    if obstacle is None:
        return Reading(Driver.MYSQLCLIENT, f"built with {library}; pymysql writes")
    if target.driver == Driver.MYSQLCLIENT:
        raise ReconcileError([_unusable(target, obstacle)], ExitCode.USAGE)
    return Reading(Driver.PYMYSQL, obstacle)


def _obstacle(target: Target, library: Library) -> str | None:
    """
    Say what the library does not do as the URL asks; None when it does all of it.

    Source: MySQL C API Developer Guide, "mysql_options()" (MYSQL_OPT_SSL_MODE) and "mysql_real_connect()" (localhost);
    MariaDB Connector/C, "mysql_optionsv" (MYSQL_OPT_SSL_ENFORCE does not prevent a connection without TLS) and
    "Authentication plugins" (it sends the password in clear text to a server that asks so).
    """
    if (target.url.host or LOCAL_SOCKET) == LOCAL_SOCKET:
        return f"{library} takes {LOCAL_SOCKET} for a Unix socket"
    if target.verifies_server and target.tls_ca is None:
        return f"{library} verifies a server only by an ssl-ca"
    if library is Library.MARIADB and target.tls_mode != "VERIFY_IDENTITY":
        return f"{library} holds no ssl-mode but VERIFY_IDENTITY"
    return None


def _unusable(target: Target, why: str) -> Finding:
    return Finding(
        what="the driver mysqlclient cannot be used",
        where=f"{target}, asked for by {target.driver_origin}",
        why=why,
        fix="use RECONCILE_DRIVER=auto, or install `terp-reconcile[fast]` where MySQL's own libmysqlclient is",
    )


@cache
def installed_library() -> Library | None:
    """Give the library of the mysqlclient that is installed; None where there is none, or it does not load."""
    try:
        return library_of(importlib.import_module("MySQLdb"))
    except ImportError:
        return None


def library_of(module: ModuleType) -> Library:
    """
    Ask the driver which library it was built with; nothing is contacted.

    An option that only libmysqlclient has is refused first by the other, and an unknown mode by both. Source:
    mysqlclient manual, "Functions and attributes" (local_infile_dir).
    """
    try:
        module.connect(local_infile_dir="", ssl_mode="none of those that there are")
    except module.NotSupportedError as error:
        return Library.MARIADB if "local_infile_dir" in str(error) else Library.MYSQL
    except TypeError:  # a driver older than the option
        return Library.MARIADB
    raise AssertionError
