"""Insert rows in wire form: bound on SQLite; on servers many are loaded, and few, or what cannot be loaded, encoded."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TypeVar

import polars as pl
from sqlalchemy import Connection, TableClause, bindparam, insert

from reconcile.apply.aside import without_secrets
from reconcile.apply.encode import STATEMENT_BYTES, value_lists
from reconcile.apply.load import LEAST_ROWS, NotLoaded, can_load, load
from reconcile.prefetch import prefetched

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Inserts:
    """How one execution inserts: the connection, with what the server said that it takes, and the secrets put aside."""

    connection: Connection
    aside: Mapping[str, str] = field(repr=False)

    def insert(self, table: TableClause, values: pl.DataFrame, *, hides: bool) -> Iterator[int]:
        """
        Insert wire rows, and give how many after each statement; rows that *hides* says hold a secret are not loaded.

        What LOAD DATA did not take as it is, INSERT writes, or the server says why it cannot be.
        """
        if self.connection.dialect.name == "sqlite":
            statement = insert(table).values({name: bindparam(name) for name in values.columns})
            self.connection.exec_driver_sql(str(statement.compile(dialect=self.connection.dialect)), values.rows())
            yield values.height
            return
        told = 0
        if values.height >= LEAST_ROWS and not hides and self._can_load():
            try:
                for height in load(self.connection, table, values):
                    told += height
                    yield height
                return
            except NotLoaded:
                pass
        for height in self._insert_texts(table, values):
            # What was told of the rows that were taken back is not told again.
            again = min(told, height)
            told -= again
            yield height - again

    def _insert_texts(self, table: TableClause, values: pl.DataFrame) -> Iterator[int]:
        quote = self.connection.dialect.identifier_preparer.quote
        columns = ", ".join(map(quote, values.columns))
        head = f"INSERT INTO {quote(table.name)} ({columns}) VALUES "  # noqa: S608 - the documented bulk encoder
        # Without this option the driver would read a % in the text as a placeholder.
        driver = self.connection.execution_options(no_parameters=True)
        lists = value_lists(values, self._most_bytes())
        with prefetched(lists) if values.height >= LEAST_ROWS else nullcontext(lists) as coming:
            for height, rows in coming:
                driver.exec_driver_sql(head + without_secrets(rows, self.aside))
                yield height

    def _can_load(self) -> bool:
        return self._said("loads", can_load)

    def _most_bytes(self) -> int:
        """
        Stay below what the server takes, with room for the head and a row.

        Source: MySQL manual, "Packet Too Large".
        """
        return min(STATEMENT_BYTES, self._said("packet_bytes", _packet_bytes) // 2)

    def _said(self, key: str, ask: Callable[[Connection], T]) -> T:
        """Ask the server once per connection."""
        said: dict[str, T] = self.connection.info.setdefault(__name__, {})
        if key not in said:
            said[key] = ask(self.connection)
        return said[key]


def _packet_bytes(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SELECT @@max_allowed_packet").scalar_one())
