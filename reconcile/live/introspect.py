"""What the live schema is: tables, columns, unique keys and foreign keys, read from the server's own catalogue."""

import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, column, func, select, table

_SQLITE_CHECK = re.compile(r"CHECK \(\"?(\w+)\"? IN \(([^)]*)\)\)")
_QUOTED = re.compile(r"'((?:[^']|'')*)'")
_SQLITE_TYPE = re.compile(r"^(\w+)(?:\((\d+)(?:,\s*(\d+))?\))?")


@dataclass(frozen=True, slots=True)
class LiveColumn:
    """
    One column as the server has it.

    `data_type` is the lower-case type name; `length` counts characters; `allowed` lists an enumeration's values.
    """

    name: str
    data_type: str
    nullable: bool
    has_default: bool
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    allowed: tuple[str, ...] | None = None
    collation: str | None = None


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A declared link of one column: deleting the parent does `on_delete` to the child."""

    table: str
    column: str
    parent: str
    on_delete: str


@dataclass(frozen=True, slots=True)
class LiveSchema:
    """The tables that were asked for and exist, by name, each with its columns by name."""

    tables: Mapping[str, Mapping[str, LiveColumn]]


def introspect(connection: Connection, tables: Collection[str] | None = None) -> LiveSchema:
    """Read the columns of *tables*, of all where none are named; a table that is not there is left out."""
    if connection.dialect.name == "sqlite":
        ddl = _sqlite_tables(connection)
        return LiveSchema(
            {name: _sqlite_columns(connection, name, ddl[name]) for name in ddl if tables is None or name in tables}
        )
    return LiveSchema(_columns(connection, tables))


def read_foreign_keys(connection: Connection) -> tuple[ForeignKey, ...]:
    """Read every foreign key of the database."""
    if connection.dialect.name == "sqlite":
        return tuple(key for name in _sqlite_tables(connection) for key in _sqlite_foreign_keys(connection, name))
    return _foreign_keys(connection)


def _columns(connection: Connection, wanted: Collection[str] | None) -> dict[str, dict[str, LiveColumn]]:
    names = (
        "TABLE_NAME", "COLUMN_NAME", "DATA_TYPE", "IS_NULLABLE", "COLUMN_DEFAULT", "EXTRA",
        "CHARACTER_MAXIMUM_LENGTH", "NUMERIC_PRECISION", "NUMERIC_SCALE", "COLUMN_TYPE", "COLLATION_NAME",
    )  # fmt: skip
    source = table("COLUMNS", *map(column, names), schema="information_schema")
    query = (
        select(*source.c)
        .where(column("TABLE_SCHEMA") == func.database())
        .order_by(column("TABLE_NAME"), column("ORDINAL_POSITION"))
    )
    if wanted is not None:
        query = query.where(column("TABLE_NAME").in_(wanted))
    tables: dict[str, dict[str, LiveColumn]] = defaultdict(dict)
    for row in connection.execute(query):
        is_enum = row.DATA_TYPE == "enum"
        tables[row.TABLE_NAME][row.COLUMN_NAME] = LiveColumn(
            name=row.COLUMN_NAME,
            data_type=row.DATA_TYPE.lower(),
            nullable=row.IS_NULLABLE == "YES",
            has_default=row.COLUMN_DEFAULT is not None or row.EXTRA != "",
            length=row.CHARACTER_MAXIMUM_LENGTH,
            precision=row.NUMERIC_PRECISION,
            scale=row.NUMERIC_SCALE,
            allowed=_quoted(row.COLUMN_TYPE) if is_enum else None,
            collation=row.COLLATION_NAME,
        )
    return dict(tables)


def _quoted(values: str) -> tuple[str, ...]:
    return tuple(value.replace("''", "'") for value in _QUOTED.findall(values))


def _foreign_keys(connection: Connection) -> tuple[ForeignKey, ...]:
    usage = table(
        "KEY_COLUMN_USAGE",
        *map(column, ("TABLE_NAME", "COLUMN_NAME", "REFERENCED_TABLE_NAME", "CONSTRAINT_NAME", "TABLE_SCHEMA")),
        schema="information_schema",
    )
    rules = table(
        "REFERENTIAL_CONSTRAINTS",
        *map(column, ("TABLE_NAME", "CONSTRAINT_NAME", "CONSTRAINT_SCHEMA", "DELETE_RULE")),
        schema="information_schema",
    )
    actions = {
        (row.TABLE_NAME, row.CONSTRAINT_NAME): row.DELETE_RULE
        for row in connection.execute(select(*rules.c).where(func.database() == rules.c.CONSTRAINT_SCHEMA))
    }
    query = select(*usage.c).where(func.database() == usage.c.TABLE_SCHEMA, usage.c.REFERENCED_TABLE_NAME.is_not(None))
    return tuple(
        ForeignKey(
            row.TABLE_NAME, row.COLUMN_NAME, row.REFERENCED_TABLE_NAME, actions[(row.TABLE_NAME, row.CONSTRAINT_NAME)]
        )
        for row in connection.execute(query)
    )


def _sqlite_tables(connection: Connection) -> dict[str, str]:
    """Give the CREATE TABLE text of every table by name."""
    master = table("sqlite_master", column("name"), column("sql"), column("type"))
    query = select(master.c.name, master.c.sql).where(master.c.type == "table")
    return {name: ddl for name, ddl in connection.execute(query) if not name.startswith("sqlite_")}


def _sqlite_columns(connection: Connection, name: str, ddl: str) -> dict[str, LiveColumn]:
    allowed = {match[1]: _quoted(match[2]) for match in _SQLITE_CHECK.finditer(ddl)}
    names = ("name", "type", "notnull", "dflt_value", "pk")
    source = func.pragma_table_info(name).table_valued(*names)
    columns: dict[str, LiveColumn] = {}
    for row in connection.execute(select(*source.c)):
        match = _SQLITE_TYPE.match(row.type)
        data_type, first, second = match.groups() if match else ("", None, None)
        is_number = data_type.upper() == "DECIMAL"
        columns[row.name] = LiveColumn(
            name=row.name,
            data_type=data_type.lower(),
            nullable=not row.notnull and not row.pk,
            has_default=row.dflt_value is not None or bool(row.pk),
            length=int(first) if first and not is_number else None,
            precision=int(first) if first and is_number else None,
            scale=int(second) if second and is_number else None,
            allowed=allowed.get(row.name),
        )
    return columns


def _sqlite_foreign_keys(connection: Connection, name: str) -> list[ForeignKey]:
    keys = func.pragma_foreign_key_list(name).table_valued("table", "from", "on_delete")
    return [
        ForeignKey(name, row[1], row[0], row[2])
        for row in connection.execute(select(keys.c.table, keys.c["from"], keys.c.on_delete))
    ]
