"""A database URL taken apart, without SQLAlchemy: a command may talk to the server before that is imported."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote

if TYPE_CHECKING:
    from sqlalchemy import URL

_URL = re.compile(
    r"""
    (?P<drivername>[\w\+]+)://
    (?:(?P<username>[^:/]*)(?::(?P<password>[^@]*))?@)?
    (?:(?:\[(?P<ipv6>[^/\?]+)\]|(?P<ipv4>[^/:\?]+))?(?::(?P<port>[^/\?]*))?)?
    (?:/(?P<database>[^\?]*))?
    (?:\?(?P<query>.*))?
    """,
    re.VERBOSE,
)
"""The grammar that SQLAlchemy documents under "Database URLs"; a test holds the two equal."""


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of a database URL, with `%40` and the like read; the last of a setting's values counts."""

    drivername: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    host: str | None = None
    port: int | None = None
    database: str | None = None
    query: Mapping[str, str] = field(default_factory=dict, hash=False)

    def without_query(self, drivername: str) -> "Address":
        """Give the same place for another driver, without settings."""
        return replace(self, drivername=drivername, query={})

    def for_engine(self) -> "URL":
        """Give the URL that SQLAlchemy opens an engine by."""
        from sqlalchemy import URL

        return URL.create(
            self.drivername, self.username, self.password, self.host, self.port, self.database, dict(self.query)
        )


def parse_address(text: str) -> Address:
    """
    Take a URL apart.

    Raises:
        ValueError: it is none, or its port is no number.

    """
    found = _URL.match(text)
    if found is None:
        raise ValueError("no database URL")
    parts = found.groupdict()
    username, password, database = (
        None if parts[name] is None else unquote(parts[name]) for name in ("username", "password", "database")
    )
    query = parse_qs(parts["query"] or "")
    return Address(
        drivername=parts["drivername"],
        username=username,
        password=password,
        host=parts["ipv4"] or parts["ipv6"],
        port=None if parts["port"] is None else int(parts["port"]),
        database=database,
        query={name: values[-1] for name, values in query.items()},
    )
