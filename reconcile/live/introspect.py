"""What the live schema is: tables, columns, keys and foreign keys, read from the server's own catalogue."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, column, func, select, table
from sqlalchemy.exc import DBAPIError

from reconcile.live import sqlite_catalogue
from reconcile.live.defaults import Spelling, is_clock, plain
from reconcile.live.schema import ForeignKey, LiveColumn, LiveKey, LiveSchema, LiveTable, quoted
from reconcile.live.server_errors import NOT_IN_CATALOGUE, error_number

__all__ = [
    "ForeignKey",
    "LiveColumn",
    "LiveKey",
    "LiveSchema",
    "LiveTable",
    "describe",
    "introspect",
    "read_foreign_keys",
]

_JSON_CHECK = re.compile(r"json_valid\(`((?:[^`]|``)+)`\)", re.IGNORECASE)
_CONSTRAINT = re.compile(
    r"^\s*CONSTRAINT `((?:[^`]|``)+)` FOREIGN KEY .*?(?: ON DELETE ([A-Z ]+?))?(?: ON UPDATE [A-Z ]+)?,?$", re.MULTILINE
)


def introspect(connection: Connection, tables: Collection[str] | None = None) -> LiveSchema:
    """Read the columns of *tables*, of all where none are named; a table that is not there is left out."""
    if connection.dialect.name == "sqlite":
        return LiveSchema(sqlite_catalogue.read_columns(connection, tables))
    return LiveSchema(_columns(connection, tables))


def read_foreign_keys(connection: Connection) -> tuple[ForeignKey, ...]:
    """Read every foreign key of the database."""
    if connection.dialect.name == "sqlite":
        return sqlite_catalogue.read_links(connection)
    return _foreign_keys(connection)


def describe(connection: Connection, tables: Collection[str] | None = None) -> dict[str, LiveTable]:
    """
    Read everything about *tables*, about all where none are named, by name; views are no tables.

    Takes a few statements more than `introspect`, however many tables there are.
    """
    columns = introspect(connection, tables).tables
    if connection.dialect.name == "sqlite":
        names, keys, json_columns = list(columns), sqlite_catalogue.read_keys(connection), set[tuple[str, str]]()
    else:
        names = [name for name in _base_tables(connection) if name in columns]
        keys, json_columns = _keys(connection), _json_columns(connection)
    links: dict[str, list[ForeignKey]] = defaultdict(list)
    for link in read_foreign_keys(connection):
        links[link.table].append(link)
    return {
        name: LiveTable(
            name,
            {c.name: replace(c, is_json=True) if (name, c.name) in json_columns else c for c in columns[name].values()},
            tuple(keys.get(name, ())),
            tuple(links.get(name, ())),
        )
        for name in names
    }


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
    # No statement tells how a catalogue spells defaults: the driver's word for the server has to do.
    spelling = Spelling.SQL if getattr(connection.dialect, "is_mariadb", False) else Spelling.BARE
    tables: dict[str, dict[str, LiveColumn]] = defaultdict(dict)
    for owner, name, *facts in connection.execute(query):
        tables[owner][name] = _column(name, spelling, *facts)
    return dict(tables)


def _column(
    name: str,
    spelling: Spelling,
    data_type: str,
    nullable: str,
    default: str | None,
    extra: str,
    length: int | None,
    precision: int | None,
    scale: int | None,
    column_type: str,
    collation: str | None,
) -> LiveColumn:
    told = extra.lower()
    is_expression = "default_generated" in told
    return LiveColumn(
        name=name,
        data_type=data_type.lower(),
        nullable=nullable == "YES",
        has_default=default is not None or extra != "",
        length=length,
        precision=precision,
        scale=scale,
        allowed=quoted(column_type) if data_type == "enum" else None,
        collation=collation,
        column_type=column_type,
        default=None if default is None else plain(default, spelling, is_generated=is_expression),
        is_clock_default=(is_expression or spelling is Spelling.SQL) and is_clock(default),
        is_clock_on_update="on update" in told,
        is_auto_increment="auto_increment" in told,
        is_generated=" generated" in told or "persistent" in told,
    )


def _foreign_keys(connection: Connection) -> tuple[ForeignKey, ...]:
    usage = table(
        "KEY_COLUMN_USAGE",
        *map(
            column,
            (
                "TABLE_NAME", "COLUMN_NAME", "REFERENCED_TABLE_NAME", "CONSTRAINT_NAME", "TABLE_SCHEMA",
                "REFERENCED_COLUMN_NAME", "REFERENCED_TABLE_SCHEMA",
            ),
        ),
        schema="information_schema",
    )  # fmt: skip
    rules = table(
        "REFERENTIAL_CONSTRAINTS",
        *map(column, ("TABLE_NAME", "CONSTRAINT_NAME", "CONSTRAINT_SCHEMA", "DELETE_RULE")),
        schema="information_schema",
    )
    actions = {
        (row.TABLE_NAME, row.CONSTRAINT_NAME): row.DELETE_RULE
        for row in connection.execute(select(*rules.c).where(func.database() == rules.c.CONSTRAINT_SCHEMA))
    }
    query = select(*usage.c).where(
        func.database() == usage.c.TABLE_SCHEMA, func.database() == usage.c.REFERENCED_TABLE_SCHEMA
    )
    rows = list(connection.execute(query))
    widths = Counter((row.TABLE_NAME, row.CONSTRAINT_NAME) for row in rows)
    if widths.keys() - actions.keys():
        actions |= _hidden_actions(connection, sorted({table_name for table_name, _ in widths.keys() - actions.keys()}))
    return tuple(
        ForeignKey(
            row.TABLE_NAME,
            row.COLUMN_NAME,
            row.REFERENCED_TABLE_NAME,
            actions[(row.TABLE_NAME, row.CONSTRAINT_NAME)],
            row.REFERENCED_COLUMN_NAME,
            is_composite=widths[(row.TABLE_NAME, row.CONSTRAINT_NAME)] > 1,
        )
        for row in rows
    )


def _hidden_actions(connection: Connection, tables: Iterable[str]) -> dict[tuple[str, str], str]:
    """
    Read what deleting a parent does from the tables' definitions, which the right to SELECT shows.

    MariaDB shows REFERENTIAL_CONSTRAINTS only to accounts with any other right, and RESTRICT goes without saying.
    """
    quoted = connection.dialect.identifier_preparer.quote_identifier
    definitions = {name: connection.exec_driver_sql(f"SHOW CREATE TABLE {quoted(name)}").one()[1] for name in tables}
    return {
        (name, match[1].replace("``", "`")): match[2] or "RESTRICT"
        for name, definition in definitions.items()
        for match in _CONSTRAINT.finditer(definition)
    }


def _base_tables(connection: Connection) -> list[str]:
    names = ("TABLE_NAME", "TABLE_TYPE", "TABLE_SCHEMA")
    source = table("TABLES", *map(column, names), schema="information_schema")
    query = select(source.c.TABLE_NAME).where(
        func.database() == source.c.TABLE_SCHEMA, source.c.TABLE_TYPE.in_(("BASE TABLE", "SYSTEM VERSIONED"))
    )
    return sorted(connection.execute(query).scalars())


def _keys(connection: Connection) -> dict[str, list[LiveKey]]:
    names = (
        "TABLE_NAME",
        "INDEX_NAME",
        "SEQ_IN_INDEX",
        "COLUMN_NAME",
        "NON_UNIQUE",
        "SUB_PART",
        "TABLE_SCHEMA",
        "INDEX_TYPE",
    )
    source = table("STATISTICS", *map(column, names), schema="information_schema")
    query = (
        select(*source.c)
        .where(func.database() == source.c.TABLE_SCHEMA)
        .order_by(source.c.TABLE_NAME, source.c.INDEX_NAME, source.c.SEQ_IN_INDEX)
    )
    found: dict[tuple[str, str], list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(query):
        found[(row.TABLE_NAME, row.INDEX_NAME)].append(row)
    keys: dict[str, list[LiveKey]] = defaultdict(list)
    for (owner, name), parts in found.items():
        is_whole = all(part.COLUMN_NAME is not None and part.SUB_PART is None for part in parts)
        if is_whole and parts[0].INDEX_TYPE in {"BTREE", "HASH"}:
            columns = tuple(part.COLUMN_NAME for part in parts)
            keys[owner].append(LiveKey(columns, not parts[0].NON_UNIQUE, name == "PRIMARY"))
    return keys


def _json_columns(connection: Connection) -> set[tuple[str, str]]:
    """
    Find the text columns that are checked to hold JSON, which is what MariaDB makes of the type JSON.

    A catalogue that does not name the table of a check belongs to a server that has the type, or no checks. Source:
    MariaDB manual, "JSON Data Type" and "Information Schema CHECK_CONSTRAINTS Table".
    """
    names = ("TABLE_NAME", "CHECK_CLAUSE", "CONSTRAINT_SCHEMA")
    source = table("CHECK_CONSTRAINTS", *map(column, names), schema="information_schema")
    query = select(source.c.TABLE_NAME, source.c.CHECK_CLAUSE).where(func.database() == source.c.CONSTRAINT_SCHEMA)
    try:
        checks = [(name, _JSON_CHECK.fullmatch(clause)) for name, clause in connection.execute(query)]
    except DBAPIError as error:
        if error_number(error) not in NOT_IN_CATALOGUE:
            raise
        return set()
    return {(name, match[1].replace("``", "`")) for name, match in checks if match}
