"""Servers that ask for the password itself: over a connection that may be a plain one they do not get it."""

from typing import NoReturn

from pymysql.connections import Connection
from pymysql.constants.CR import CR_SSL_CONNECTION_ERROR
from pymysql.cursors import Cursor
from pymysql.err import OperationalError

PLUGINS = ("mysql_clear_password", "dialog")
"""Those that send it as it is. Source: MySQL manual, "Client-Side Cleartext Pluggable Authentication"; MariaDB
documentation, "Authentication Plugin - PAM"."""


class Refusal:
    """
    Answers such a request with an error before anything is sent.

    The driver would send the password to whoever asks, on a line without TLS too; MySQL's own client does not unless it
    is told to.
    """

    def __init__(self, connection: "Connection[Cursor]") -> None:
        """Take the connection that the driver hands to every plugin."""

    def authenticate(self, _packet: object) -> NoReturn:
        """Refuse."""
        raise OperationalError(
            CR_SSL_CONNECTION_ERROR, "the server asks for the password in clear text, and ssl-mode does not ask for TLS"
        )
