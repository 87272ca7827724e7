"""What SQLite says about its tables. Source: SQLite manual, "PRAGMA Statements", the table-valued ones."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection

from sqlalchemy import Connection, column, func, select, table, true

from reconcile.live.defaults import Spelling, is_clock, plain
from reconcile.live.schema import ForeignKey, LiveColumn, LiveKey, quoted

_CHECK = re.compile(r"CHECK \(\"?(\w+)\"? IN \(([^)]*)\)\)")
_WITHOUT_ROWID = re.compile(r"\)[^)]*WITHOUT\s+ROWID[^)]*$", re.IGNORECASE)
_TYPE = re.compile(r"^(\w+)(?:\((\d+)(?:,\s*(\d+))?\))?")


def read_columns(connection: Connection, wanted: Collection[str] | None) -> dict[str, dict[str, LiveColumn]]:
    """Give the columns of the *wanted* tables, of all where none are named, by table and name."""
    ddl = _tables(connection)
    return {name: _columns(connection, name, ddl[name]) for name in ddl if wanted is None or name in wanted}


def read_links(connection: Connection) -> tuple[ForeignKey, ...]:
    """Give every foreign key, column by column."""
    return tuple(link for name in _tables(connection) for link in _links(connection, name))


def _tables(connection: Connection) -> dict[str, str]:
    """Give the CREATE TABLE text of every table by name."""
    master = table("sqlite_master", column("name"), column("sql"), column("type"))
    query = select(master.c.name, master.c.sql).where(master.c.type == "table")
    return {name: ddl for name, ddl in connection.execute(query) if not name.startswith("sqlite_")}


def _columns(connection: Connection, name: str, ddl: str) -> dict[str, LiveColumn]:
    allowed = {match[1]: quoted(match[2]) for match in _CHECK.finditer(ddl)}
    names = ("name", "type", "notnull", "dflt_value", "pk")
    source = func.pragma_table_info(name).table_valued(*names)
    columns: dict[str, LiveColumn] = {}
    rows = list(connection.execute(select(*source.c)))
    has_rowid = sum(bool(row.pk) for row in rows) == 1 and not _WITHOUT_ROWID.search(ddl)
    for row in rows:
        match = _TYPE.match(row.type)
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
            column_type=row.type.lower(),
            default=plain(row.dflt_value, Spelling.STANDARD),
            is_clock_default=is_clock(row.dflt_value),
            is_auto_increment=bool(row.pk) and has_rowid and row.type.upper() == "INTEGER",
        )
    return columns


def _links(connection: Connection, name: str) -> list[ForeignKey]:
    keys = func.pragma_foreign_key_list(name).table_valued("table", "from", "on_delete", "to", "id")
    rows = list(connection.execute(select(keys.c.table, keys.c["from"], keys.c.on_delete, keys.c["to"], keys.c["id"])))
    widths = Counter(number for *_, number in rows)
    return [
        ForeignKey(name, child, parent, on_delete, to, is_composite=widths[number] > 1)
        for parent, child, on_delete, to, number in rows
    ]


def read_keys(connection: Connection) -> dict[str, list[LiveKey]]:
    """Read the keys of every table in one statement; the primary key of rows that are known by it has no index."""
    master = table("sqlite_master", column("name"), column("type"))
    index = func.pragma_index_list(master.c.name).table_valued("name", "unique", "origin", "partial")
    part = func.pragma_index_info(index.c.name).table_valued("seqno", "name")
    query = (
        select(master.c.name, index.c.name, index.c.unique, index.c.origin, part.c.name)
        .select_from(master.join(index, true()).join(part, true()))
        .where(master.c.type == "table", index.c.partial == 0)
        .order_by(master.c.name, index.c.name, part.c.seqno)
    )
    found: dict[tuple[str, str, bool, bool], list[str | None]] = defaultdict(list)
    for owner, name, is_unique, origin, part_name in connection.execute(query):
        found[(owner, name, bool(is_unique), origin == "pk")].append(part_name)
    keys: dict[str, list[LiveKey]] = defaultdict(list)
    for (owner, _, is_unique, is_primary), parts in found.items():
        columns = tuple(name for name in parts if name is not None)
        if len(columns) == len(parts):
            keys[owner].append(LiveKey(columns, is_unique, is_primary))
    return keys
