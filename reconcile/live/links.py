"""Which rows of tables that a run does not read refer to rows of those it does, by the foreign keys of the schema."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, column, func, select, table

from reconcile.live.introspect import read_foreign_keys

_IDS_PER_STATEMENT = 5_000


def pointed_at(
    connection: Connection, rows: Mapping[str, Sequence[int]], known: Collection[str]
) -> dict[str, dict[int, str]]:
    """
    Give those of *rows*, ids by table, that rows of tables other than *known* refer to, and say which.

    Costs one statement per foreign key and 5,000 ids.
    """
    found: dict[str, dict[int, str]] = defaultdict(dict)
    for link in read_foreign_keys(connection):
        if link.parent not in rows or link.table in known:
            continue
        ids = rows[link.parent]
        source = table(link.table, column(link.column))
        cell = source.c[link.column]
        for start in range(0, len(ids), _IDS_PER_STATEMENT):
            chosen = select(cell, func.count()).where(cell.in_(ids[start : start + _IDS_PER_STATEMENT]))
            for number, count in connection.execute(chosen.group_by(cell)):
                found[link.parent][int(number)] = f"{count:,} rows of {link.table} refer to it by {link.column}"
    return dict(found)
