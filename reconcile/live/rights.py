"""What an account may do, as SHOW GRANTS says it: its own rights, those of its roles and of everybody."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

_LINE = re.compile(
    r"(?P<kind>GRANT|REVOKE) (?P<verbs>.+?) ON (?:(?P<routine>FUNCTION|PROCEDURE|PACKAGE(?: BODY)?) |TABLE )?"
    r"(?P<database>\*|`(?:[^`]|``)*`)\.(?P<table>\*|`(?:[^`]|``)*`) (?:TO|FROM) "
)
_ROLE = re.compile(r"(?:GRANT [`'][^ ]+[`'](?:, ?[`'][^ ]+[`'])* TO |GRANT PROXY ON |SET DEFAULT ROLE )")
_VERB = re.compile(r"\s*(?P<verb>[A-Z][A-Z_ ]*[A-Z_])\s*(?:\((?P<columns>[^)]*)\))?\s*(?:,|$)")
_ALL = {"ALL PRIVILEGES", "ALL"}


@dataclass(frozen=True, slots=True)
class Grant:
    """Some verbs on one object: everything, a database (a pattern) or a table."""

    verbs: frozenset[str]
    database: str
    table: str

    def covers(self, verb: str, database: str, table: str | None) -> bool:
        """Say whether this line speaks of *verb* on the table, or on the whole database when *table* is None."""
        if not {verb, *_ALL} & self.verbs or (self.database != "*" and not _matches(self.database, database)):
            return False
        return self.table == "*" or (table is not None and self.table.lower() == table.lower())


@dataclass(frozen=True, slots=True)
class Rights:
    """
    What an account may do. A right on some columns counts as one on the table: the server has the last word.

    `is_known` is False when a line could not be read; then nothing may be concluded from what is missing.
    """

    grants: tuple[Grant, ...] = ()
    revokes: tuple[Grant, ...] = ()
    is_known: bool = True

    def allow(self, verb: str, database: str, table: str | None = None) -> bool:
        """Say whether the account has *verb* on a table, or without *table* on the database."""
        scoped = [grant for grant in self.grants if grant.covers(verb, database, table)]
        if any(revoke.covers(verb, database, table) for revoke in self.revokes):
            # A partial revoke takes from the global right alone. Source: MySQL manual, "Privilege Restriction
            # Using Partial Revokes".
            scoped = [grant for grant in scoped if grant.database != "*"]
        return bool(scoped)

    def allow_anywhere(self, *verbs: str) -> bool:
        """Say whether the account has one of *verbs* on the whole server."""
        return any(grant.database == "*" and {*verbs, *_ALL} & grant.verbs for grant in self.grants)


def read_rights(connection: Connection) -> Rights:
    """
    Read the rights of the current account with its active roles.

    Source: MySQL manual, "SHOW GRANTS Statement"; MariaDB documents the same.
    """
    try:
        return parse_grants(str(line) for (line,) in connection.exec_driver_sql("SHOW GRANTS"))
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        return Rights(is_known=False)


def parse_grants(lines: Iterable[str]) -> Rights:
    """Read the lines of SHOW GRANTS; those about roles, routines and proxies say nothing of tables."""
    grants: list[Grant] = []
    revokes: list[Grant] = []
    is_known = True
    for line in lines:
        found = _LINE.match(line)
        if _ROLE.match(line) or (found and found["routine"]):
            continue
        verbs = _verbs(found["verbs"]) if found else None
        if found is None or verbs is None:
            is_known = False
            continue
        grant = Grant(verbs, _name(found["database"]), _name(found["table"]))
        (grants if found["kind"] == "GRANT" else revokes).append(grant)
    return Rights(tuple(grants), tuple(revokes), is_known)


def _verbs(text: str) -> frozenset[str] | None:
    verbs, position = set(), 0
    while position < len(text):
        found = _VERB.match(text, position)
        if found is None:
            return None
        verbs.add(found["verb"])
        position = found.end()
    return frozenset(verbs)


def _name(quoted: str) -> str:
    return quoted if quoted == "*" else quoted[1:-1].replace("``", "`")


def _matches(pattern: str, database: str) -> bool:
    r"""Match a database as the server does: `%` and `_` stand for others, `\` takes that meaning from them."""
    expression, escaped = "", False
    for sign in pattern:
        if escaped or sign not in "\\%_":
            expression += re.escape(sign)
            escaped = False
        elif sign == "\\":
            escaped = True
        else:
            expression += ".*" if sign == "%" else "."
    return re.fullmatch(expression, database, re.IGNORECASE | re.DOTALL) is not None
