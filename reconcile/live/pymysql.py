"""What the driver of servers is told, for every connection: pinned to UTC, strict mode and utf8mb4. No SQLAlchemy."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pymysql.connections import Connection
from pymysql.constants import CLIENT
from pymysql.cursors import Cursor

from reconcile.live import clear_text
from reconcile.live.pinned import CONNECT_TIMEOUT_S, SESSION, SNAPSHOT
from reconcile.live.target import Target, tls_arguments

PROGRAM = "reconcile"


def connect_arguments(target: Target, program: str = PROGRAM) -> dict[str, Any]:
    """Give all that the driver is told of a server but where it is and the account; *program* is what it is told."""
    return {
        "charset": "utf8mb4",
        # The driver would encode it as Latin-1; servers hash what they were told in UTF-8.
        "password": (target.url.password or "").encode(),
        "connect_timeout": CONNECT_TIMEOUT_S,
        "program_name": program,
        # The driver refuses to send a file all the same but for what `apply.load` asks for.
        "client_flag": CLIENT.FOUND_ROWS | CLIENT.LOCAL_FILES,
        "read_timeout": target.read_timeout_s,
        "write_timeout": target.read_timeout_s,
        "init_command": SESSION,
        **tls_arguments(target),
        "auth_plugin_map": {} if target.demands_tls else dict.fromkeys(clear_text.PLUGINS, clear_text.Refusal),
    }


class Unchecked(Connection):
    """
    The driver's connection, which loads no certificates of authorities where it checks none.

    It loads them for every connection, although no authority is asked when TLS is only used as the server offers it:
    most of the time that it takes to connect to a server near by.
    """

    ctx: ssl.SSLContext

    def _create_ssl_ctx(self, sslp: object) -> ssl.SSLContext:
        if sslp:
            context: ssl.SSLContext = super()._create_ssl_ctx(sslp)  # type: ignore[misc]  # not in the stubs
            return context
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context


@contextmanager
def plain_snapshot(target: Target) -> Iterator[Cursor]:
    """
    Open the transaction that `connect.snapshot` opens, over the driver alone; it rolls back at the end.

    Raises:
        pymysql.Error: the server cannot be reached, or refused.
        OSError: the line broke.

    """
    url = target.url
    place = {"host": url.host, "port": url.port, "user": url.username, "database": url.database}
    settings = connect_arguments(target) | {name: value for name, value in place.items() if value is not None}
    connection = Unchecked(**settings)
    try:
        with connection.cursor() as cursor:
            for statement in SNAPSHOT:
                cursor.execute(statement)
            yield cursor
    finally:
        # The server rolls back what its client leaves. Source: MySQL manual, "mysql_close()".
        connection.close()
