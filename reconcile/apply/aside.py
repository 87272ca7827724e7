"""Secrets on their way to a server: out of the statements that write rows, which others may see while they wait.

A statement with rows is in the process list for as long as it runs, in the slow log, and in what InnoDB tells of a
deadlock. One that sets a variable is over at once and waits for nobody. Source: MySQL manual, "User-Defined Variables",
"SHOW PROCESSLIST Statement" and "InnoDB Monitors".
"""

from collections.abc import Iterable, Mapping

import polars as pl
from sqlalchemy import Connection

from reconcile.apply.encode import literal


def put_aside(connection: Connection, secrets: Iterable[str]) -> dict[str, str]:
    """Set a variable of the session to each of *secrets* and give its name by the literal that it stands for."""
    hidden = sorted(set(secrets))
    if connection.dialect.name == "sqlite" or not hidden:
        return {}  # on SQLite values are bound, and nobody watches
    values = pl.DataFrame({"secret": hidden}, schema={"secret": pl.String})
    aside = {
        text: f"@reconcile_secret_{number}"
        for number, text in enumerate(values.select(literal("secret", pl.String()))["secret"])
    }
    for value, name in zip(values["secret"], aside.values(), strict=True):
        connection.exec_driver_sql(f"SET {name} = %s", (value,))
    return aside


def without_secrets(statement: str, aside: Mapping[str, str]) -> str:
    """Give *statement* with variables in the place of literals: it says the same."""
    for text, name in aside.items():
        statement = statement.replace(text, name)
    return statement
