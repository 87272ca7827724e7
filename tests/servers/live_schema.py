"""
Databases with the live schema, handed to one test after another.

Loading 214 tables takes up to 2 s. A used database is set back instead, in a tenth of that: whatever differs
from the loaded schema is made again, what holds rows or has used up ids is truncated, and what is not part of
it is dropped.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

from pymysql.cursors import Cursor

from tests.servers.server import Server

SCHEMA_FILES = {"mariadb": "schema.sql", "mysql": "schema.mysql.sql"}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a database is besides its rows; equal snapshots of empty databases are the same database."""

    definition: str
    tables: dict[str, str]
    """The CREATE statement by table, with the next id where one was used up."""
    others: tuple[str, ...]
    """Names of views, triggers, routines and events; the live schema has none."""


def load(server: Server, name: str, schema: Path) -> None:
    """Make database *name* with the tables of *schema*, a dump whose statements each end a line with `;`."""
    server.create_database(name)
    with server.admin(name) as cursor:
        cursor.execute("SET foreign_key_checks = 0")
        for statement in schema.read_text(encoding="utf-8").split(";\n"):
            if statement.strip():
                cursor.execute(statement)


def snapshot(cursor: Cursor, name: str) -> Snapshot:
    """Describe database *name*, which *cursor* must be using."""
    cursor.execute(f"SHOW CREATE DATABASE `{name}`")
    definition = _text(cursor, 1)
    cursor.execute(
        "SELECT table_name FROM information_schema.views WHERE table_schema = DATABASE() UNION ALL "
        "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE() UNION ALL "
        "SELECT routine_name FROM information_schema.routines WHERE routine_schema = DATABASE() UNION ALL "
        "SELECT event_name FROM information_schema.events WHERE event_schema = DATABASE()"
    )
    others = tuple(sorted(str(other) for (other,) in cursor.fetchall()))
    cursor.execute("SHOW FULL TABLES WHERE Table_type <> 'VIEW'")
    names = [str(row[0]) for row in cursor.fetchall()]
    tables: dict[str, str] = {}
    for table in names:
        cursor.execute(f"SHOW CREATE TABLE `{table}`")
        tables[table] = _text(cursor, 1)
    return Snapshot(definition, tables, others)


def reset(server: Server, name: str, pristine: Snapshot) -> bool:
    """
    Bring database *name* back to *pristine* without rows; sessions that still use it are ended.

    Returns:
        False when it cannot be mended this way and must be made anew.
    """
    server.end_sessions(name)
    if not server.execute("SELECT 1 FROM information_schema.schemata WHERE schema_name = %s", name):
        return False
    with server.admin(name) as cursor:
        cursor.execute("SET foreign_key_checks = 0, lock_wait_timeout = 10")
        found = snapshot(cursor, name)
        if found.definition != pristine.definition or found.others:
            return False
        redefined = {t for t, text in found.tables.items() if _without_next_id(text) != pristine.tables.get(t)}
        for table in redefined:
            cursor.execute(f"DROP TABLE `{table}`")
        for table in pristine.tables.keys() - (found.tables.keys() - redefined):
            cursor.execute(pristine.tables[table])
        kept = found.tables.keys() - redefined
        numbered = {table for table in kept if found.tables[table] != pristine.tables[table]}
        for table in numbered | _with_rows(cursor, kept):
            cursor.execute(f"TRUNCATE TABLE `{table}`")
        return not redefined or snapshot(cursor, name) == pristine


def _with_rows(cursor: Cursor, tables: set[str]) -> set[str]:
    if not tables:
        return set()
    probes = (f"SELECT '{t}' FROM DUAL WHERE EXISTS (SELECT 1 FROM `{t}`)" for t in sorted(tables))
    cursor.execute(" UNION ALL ".join(probes))
    return {str(table) for (table,) in cursor.fetchall()}


def _text(cursor: Cursor, column: int) -> str:
    row = cursor.fetchone()
    assert row is not None
    return str(row[column])


def _without_next_id(definition: str) -> str:
    return re.sub(r" AUTO_INCREMENT=\d+", "", definition)


@dataclass(slots=True)
class LiveDatabases:
    """The live-schema databases of one server: as many as one test ever held at once."""

    server: Server
    schema: Path
    idle: list[str] = field(default_factory=list)
    made: int = 0
    pristine: Snapshot | None = None

    def take(self) -> str:
        """Give the name of a database as freshly loaded, with no row and no id used up."""
        if self.idle and self.pristine is not None:
            name = self.idle.pop()
            if reset(self.server, name, self.pristine):
                return name
            self.server.drop_database(name)
        else:
            self.made += 1
            name = f"terp_live_{self.made}"
        load(self.server, name, self.schema)
        if self.pristine is None:
            with self.server.admin(name) as cursor:
                self.pristine = snapshot(cursor, name)
        return name

    def give_back(self, name: str) -> None:
        """Return a database, in whatever state; it is set back when it is next taken."""
        self.idle.append(name)
