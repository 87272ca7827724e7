"""Which database this is, whatever it is called by, and a digest of its tables: what a saved plan was made for."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict
from pathlib import Path

from sqlalchemy import Connection

from reconcile.live.introspect import introspect, read_foreign_keys
from reconcile.live.target import Target

_SERVER_NAMES = "'server_uuid', 'server_uid', 'hostname', 'port'"


def server_of(connection: Connection) -> str:
    """
    Name the server by the identity that it gave itself, else by host and port; the same whoever asks, and no secret.

    Source: MySQL manual, "Replication and Binary Logging Options and Variables" (server_uuid); MariaDB manual, "Server
    System Variables" (server_uid, which older versions lack).
    """
    if connection.dialect.name == "sqlite":
        return "sqlite"
    told = connection.exec_driver_sql(f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({_SERVER_NAMES})")
    return name_of({str(name).lower(): str(value) for name, value in told})


def name_of(variables: Mapping[str, str]) -> str:
    """Give the name that a server with these *variables* goes by."""
    for name in ("server_uuid", "server_uid"):
        if variables.get(name):
            return f"{name} {variables[name]}"
    return f"host {variables.get('hostname')}:{variables.get('port')}"


def database_of(connection: Connection, target: Target) -> str:
    """Name the database within its server; for SQLite the file, by its path without links."""
    if target.is_sqlite:
        return str(Path(target.database).resolve())
    return str(connection.exec_driver_sql("SELECT DATABASE()").scalar_one())


def schema_digest(connection: Connection, tables: Collection[str]) -> str:
    """Give the SHA-256 of all that the catalogue says of the columns and foreign keys of *tables*."""
    columns = introspect(connection, tables).tables
    links = sorted(str(asdict(key)) for key in read_foreign_keys(connection) if {key.table, key.parent} & set(tables))
    facts = {name: [asdict(column) for column in columns.get(name, {}).values()] for name in sorted(tables)}
    return hashlib.sha256(json.dumps([facts, links]).encode()).hexdigest()
