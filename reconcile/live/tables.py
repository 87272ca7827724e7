"""SQLAlchemy tables made from specs: the DDL of `schema create` and the columns that statements name.

Values travel in their text form, so the column types here carry DDL and convert nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    TableClause,
    UniqueConstraint,
    text,
)
from sqlalchemy import Column as SqlColumn
from sqlalchemy import column as sql_column
from sqlalchemy import table as sql_table
from sqlalchemy.sql.elements import TextClause
from sqlalchemy.types import TypeEngine, UserDefinedType

from reconcile import values
from reconcile.spec import Column, TableSpec
from reconcile.values import Kind

LONGEST_IDENTIFIER = 64
SMALL_BITS, INT_BITS = 16, 32


class ColumnType(UserDefinedType[str]):
    """A column type as the server spells it; binds and results pass through unchanged."""

    cache_ok = True

    def __init__(self, ddl: str) -> None:
        self.ddl = ddl

    def get_col_spec(self, **_options: object) -> str:
        """Give the type as it stands in CREATE TABLE."""
        return self.ddl


def metadata(specs: Mapping[str, TableSpec], dialect: str) -> MetaData:
    """Build the SQLAlchemy tables of *specs*, with keys, indexes and the foreign keys among them."""
    collection = MetaData()
    for spec in specs.values():
        Table(
            spec.name,
            collection,
            *(_column(spec, column, dialect) for column in spec.columns),
            PrimaryKeyConstraint(spec.surrogate_key),
            *(UniqueConstraint(*names, name=_name(spec, names, "unique")) for names in spec.unique),
            *(Index(_name(spec, names, "index"), *names) for names in spec.indexes),
            *_foreign_keys(spec, specs),
            *(_allowed_values(spec) if dialect == "sqlite" else ()),
            mysql_engine="InnoDB",
            mysql_default_charset="utf8mb4",
            sqlite_autoincrement=True,
        )
    return collection


def named(spec: TableSpec) -> TableClause:
    """Give a table as statements name it: the names of its columns, in the order of the spec, and no more."""
    names = dict.fromkeys([spec.surrogate_key, *(column.name for column in spec.columns)])
    return sql_table(spec.name, *map(sql_column, names))


def _name(spec: TableSpec, names: Iterable[str], suffix: str) -> str:
    # Index names are unique per database in SQLite and at most 64 characters long in MySQL.
    return f"{spec.name}_{'_'.join(names)}_{suffix}"[-LONGEST_IDENTIFIER:]


def _column(spec: TableSpec, column: Column, dialect: str) -> "SqlColumn[Any]":
    is_surrogate_key = column.name == spec.surrogate_key
    return SqlColumn(
        column.name,
        Integer() if is_surrogate_key else ddl_type(column.kind, dialect, column.nullable),
        nullable=column.nullable,
        server_default=_server_default(column, dialect),
        autoincrement=is_surrogate_key,
    )


def _server_default(column: Column, dialect: str) -> TextClause | str | None:
    if column.is_clock_on_update and dialect != "sqlite":
        return text("CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP")
    if column.is_clock_default:
        return text("CURRENT_TIMESTAMP")
    if column.default is not None and isinstance(column.kind, values.Json) and dialect != "sqlite":
        # Only an expression may be a JSON column's default. Source: MySQL manual, "Data Type Default Values".
        return text("('" + column.default.replace("'", "''") + "')")
    return column.default


def _foreign_keys(spec: TableSpec, specs: Mapping[str, TableSpec]) -> Iterator[ForeignKeyConstraint]:
    for column in spec.columns:
        match column.kind:
            case values.Reference(table, str(on_delete)) if table in specs:
                yield ForeignKeyConstraint(
                    [column.name],
                    [f"{table}.{specs[table].surrogate_key}"],
                    name=_name(spec, [column.name], "fk"),
                    ondelete=on_delete,
                )


def _allowed_values(spec: TableSpec) -> Iterator[CheckConstraint]:
    """Stand in for ENUM, which SQLite lacks."""
    for column in spec.columns:
        match column.kind:
            case values.Enumeration(allowed):
                probe: SqlColumn[str] = SqlColumn(column.name)
                yield CheckConstraint(probe.in_(allowed), name=_name(spec, [column.name], "values"))


def ddl_type(kind: Kind, dialect: str, nullable: bool = True) -> TypeEngine[Any]:
    """Spell *kind* for a server: the live schema's own types on MySQL and MariaDB, their nearest on SQLite."""
    match kind:
        case values.Integer(bits) if dialect != "sqlite":
            return ColumnType("SMALLINT" if bits <= SMALL_BITS else "INT" if bits <= INT_BITS else "BIGINT")
        case values.Reference() | values.PolymorphicReference() if dialect != "sqlite":
            return ColumnType("INT")
        case values.Integer() | values.Reference() | values.PolymorphicReference():
            return ColumnType("INTEGER")
        case values.Boolean():
            return ColumnType("BOOLEAN" if dialect == "sqlite" else "TINYINT(1)")
        case values.Decimal(precision, scale):
            return ColumnType(f"DECIMAL({precision},{scale})")
        case values.Text(None):
            return ColumnType("TEXT")
        case values.Text(length) | values.Secret(length) | values.TextReference(max_length=length):
            return ColumnType(f"VARCHAR({length})")
        case values.Date():
            return ColumnType("DATE")
        case values.Timestamp():
            if dialect == "sqlite":
                return ColumnType("DATETIME")
            # Older servers read a bare TIMESTAMP as NOT NULL.
            return ColumnType("TIMESTAMP NULL" if nullable else "TIMESTAMP")
        case values.Json():
            return ColumnType("JSON")
        case values.Enumeration(allowed) if dialect == "sqlite":
            return ColumnType(f"VARCHAR({max(map(len, allowed))})")
        case values.Enumeration(allowed):
            quoted = ",".join("'" + value.replace("'", "''") + "'" for value in allowed)
            return ColumnType(f"ENUM({quoted})")
