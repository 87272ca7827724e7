"""Connect with mysqlclient: the same session that pymysql is given, and no file for a server that asks for one."""

from typing import Any

from reconcile.live.pinned import CONNECT_TIMEOUT_S, SESSION
from reconcile.live.target import Target


def connect_arguments(target: Target) -> dict[str, Any]:
    """
    Give the driver's arguments; `drivers.reading` has made sure that its library holds the target's TLS mode.

    A timeout is the library's, which tries three times. Source: MySQL C API Developer Guide, "mysql_options()"
    (MYSQL_OPT_READ_TIMEOUT, MYSQL_OPT_LOCAL_INFILE).
    """
    arguments: dict[str, Any] = {
        "charset": "utf8mb4",
        "connect_timeout": CONNECT_TIMEOUT_S,
        "init_command": SESSION,
        "local_infile": 0,
        "multi_statements": False,
        "ssl_mode": target.tls_mode,
    }
    if target.verifies_server:
        arguments["ssl"] = {"ca": target.tls_ca}
    if target.read_timeout_s is not None:
        arguments |= {"read_timeout": target.read_timeout_s, "write_timeout": target.read_timeout_s}
    return arguments
