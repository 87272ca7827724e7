"""One database for one test, the same to the test whichever engine it is on."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, Row, create_engine, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from tests.servers.server import Server

Record = Row[tuple[object, ...]]
Parameter = str | int | float | bytes | None


@dataclass(frozen=True, slots=True)
class Target:
    """
    A database as the operator names it, and a way round the program for hand edits.

    On SQLite it is a file that does not exist yet; on a server it has the live schema, or is empty where the
    test asks for that. Identifiers in hand-written statements go in backticks, which all three engines take.
    """

    engine: str
    name: str
    """The database's name; on SQLite the file's path."""
    url: str
    server: Server | None = None

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Open a connection of SQLAlchemy; foreign keys hold, and what was done commits at the end."""
        engine = _engine(self.url)
        try:
            with engine.begin() as connection:
                yield connection
        finally:
            engine.dispose()

    def execute(self, statement: str, parameters: Mapping[str, Parameter] | None = None) -> int:
        """Run and commit one hand edit, with `:name` for parameters; gives the number of rows it touched."""
        with self.connect() as connection:
            return connection.execute(text(statement), parameters or {}).rowcount

    def rows(self, query: str, parameters: Mapping[str, Parameter] | None = None) -> list[Record]:
        """Give the rows of a query."""
        with self.connect() as connection:
            return list(connection.execute(text(query), parameters or {}))


def sqlite_target(file: Path) -> Target:
    """Name a SQLite database; the file need not exist."""
    return Target("sqlite", str(file), f"sqlite:///{file}")


def server_target(server: Server, name: str) -> Target:
    """Name a database of a server, reached by the application's account."""
    return Target(server.engine, name, server.url(name), server)


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.drivername == "mysql":
        parsed = parsed.set(drivername="mysql+pymysql", query={"charset": "utf8mb4"})
    engine = create_engine(parsed, poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _hold_foreign_keys)
    return engine


def _hold_foreign_keys(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()
