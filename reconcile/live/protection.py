"""The marker that makes a database a protected one, whatever the environment of whoever works on it."""

from sqlalchemy import ColumnClause, Connection, column, inspect, select, table
from sqlalchemy.exc import DBAPIError

from reconcile.live.server_errors import ACCESS_DENIED, error_number

MARKER_TABLE = "reconcile_protected"
"""A table that protects while it holds a row; its first column says why."""


def read_marker(connection: Connection) -> str | None:
    """
    Give what the marker says, None where there is none.

    Where the account has no right to the table, or the server does not tell it whether there is one, the database
    counts as marked. Source: MySQL manual, "DESCRIBE" and "SHOW COLUMNS Statement": columns show to whoever has some
    privilege for them.
    """
    try:
        inspector = inspect(connection)
        if not inspector.has_table(MARKER_TABLE):
            return None
        first = inspector.get_columns(MARKER_TABLE)[0]["name"]
        reason: ColumnClause[object] = column(first)
        row = connection.execute(select(reason).select_from(table(MARKER_TABLE)).limit(1)).first()
    except DBAPIError as error:
        if error_number(error) not in ACCESS_DENIED:
            raise
        return f"table {MARKER_TABLE} cannot be read"
    return None if row is None else f"table {MARKER_TABLE}: {'no reason given' if row[0] is None else row[0]}"
