"""May this account do what is asked of it: the verbs that reading, a plan and the journal need, table by table."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from reconcile.diff import ACTION, AFTER, Action
from reconcile.errors import Finding
from reconcile.live.rights import Rights
from reconcile.live.settings import Settings
from reconcile.plan import Plan
from reconcile.table_plan import TablePlan
from reconcile.values import Text

TEMPORARY = "CREATE TEMPORARY TABLES"
_VERB_ORDER = ("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "REFERENCES", TEMPORARY)
_PAST_READ_ONLY = ("SUPER", "CONNECTION_ADMIN", "CONNECTION ADMIN", "READ_ONLY ADMIN", "READ ONLY ADMIN")


@dataclass(frozen=True, slots=True)
class Need:
    """A verb that is needed on a table; without a table, on the database."""

    verb: str
    table: str | None = None


def needs_of(plan: Plan) -> list[Need]:
    """
    Give the rights that carrying out exactly this plan needs, beyond reading.

    Rows are updated and deleted through a temporary table; references in circles and unique values that move are
    updates as well.
    """
    needs = [Need(verb, part.spec.name) for part in plan.tables for verb in _verbs(part, plan.deferred)]
    if any(need.verb in {"UPDATE", "DELETE"} for need in needs):
        needs.append(Need(TEMPORARY))
    return needs


def _verbs(part: TablePlan, deferred: Collection[tuple[str, str]]) -> Iterator[str]:
    spec, counts = part.spec, part.counts
    circular = [column.name for column in spec.columns if (spec.name, column.name) in deferred]
    moving = {name for unique in spec.unique if unique != spec.key for name in unique}
    parks = any(column.name in moving and isinstance(column.kind, Text) for column in spec.columns)
    if counts[Action.CREATE]:
        yield "INSERT"
    if counts[Action.UPDATE] or (counts[Action.DELETE] and (circular or parks)) or _waits(part, circular):
        yield "UPDATE"
    if counts[Action.DELETE]:
        yield "DELETE"


def _waits(part: TablePlan, circular: Collection[str]) -> bool:
    """Say whether a created row refers to one that is created after it."""
    known = [name for name in circular if name in {column.name for column in part.spec.declared}]
    if not known or not part.counts[Action.CREATE]:
        return False
    waits = pl.any_horizontal(pl.col(AFTER).struct.field(name).is_not_null() for name in known)
    return any(piece.filter((pl.col(ACTION) == Action.CREATE) & waits).height for piece in part.pieces())


def journal_needs(
    runs: str, changes: str, *, exists: bool, is_full: bool = False, is_mariadb: bool = False
) -> list[Need]:
    """Give the rights that journaling a run needs; *is_full* when it makes the oldest run go."""
    needs = [Need("SELECT", runs), Need("INSERT", runs), Need("UPDATE", runs), Need("INSERT", changes)]
    if is_full:
        needs.append(Need("DELETE", runs))
    if not exists:
        needs += [Need("CREATE", runs), Need("CREATE", changes)]
        # MySQL asks for a right on the table that a foreign key refers to. Source: MySQL manual, "FOREIGN KEY
        # Constraints"; MariaDB documentation, "GRANT" (REFERENCES is unused).
        needs += [] if is_mariadb else [Need("REFERENCES", runs)]
    return needs


def missing(rights: Rights, needs: Iterable[Need], database: str) -> dict[tuple[str, ...], list[str]]:
    """
    Give the verbs that the account lacks, with the tables that lack just these; "" stands for the database.

    Nothing when its rights could not be read.
    """
    if not rights.is_known:
        return {}
    lacking: dict[str, list[str]] = defaultdict(list)
    for need in dict.fromkeys(needs):
        if not rights.allow(need.verb, database, need.table):
            lacking[need.table or ""].append(need.verb)
    found: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for table, verbs in lacking.items():
        found[tuple(sorted(verbs, key=_VERB_ORDER.index))].append(table)
    return dict(found)


def refuse_missing(rights: Rights, needs: Iterable[Need], settings: Settings) -> list[Finding]:
    """Say which verbs the account may not use on which tables."""
    return [
        Finding(
            what=f"the account may not {', '.join(verbs)}" + (f" on {_tables(tables)}" if tables != [""] else ""),
            where=f"account {settings.account}, database {settings.database}",
            why="the run needs the right and SHOW GRANTS does not show it",
            fix=grant(verbs, tables, settings) + ", or use an account that may",
        )
        for verbs, tables in missing(rights, needs, settings.database).items()
    ]


def grant(verbs: Sequence[str], tables: Sequence[str], settings: Settings) -> str:
    """
    Give the statement that an administrator would run; of many tables, for the first.

    All verbs at once: on a table that is not there yet none can be granted without CREATE.
    Source: MySQL manual, "GRANT Statement".
    """
    user, _, host = settings.account.rpartition("@")
    where = f"`{settings.database}`." + (f"`{tables[0]}`" if tables[0] else "*")
    more = f" (and so for {len(tables) - 1:,} more)" if len(tables) > 1 else ""
    return f"GRANT {', '.join(verbs)} ON {where} TO '{user}'@'{host}'{more}"


def refuse_read_only(rights: Rights, settings: Settings) -> list[Finding]:
    """
    Refuse a server that takes no writes, from this account at least.

    Source: MySQL manual, "Server System Variables" (read_only, super_read_only); MariaDB documentation, "read_only".
    """
    switches = [name for name in ("super_read_only", "innodb_read_only") if settings.is_on(name)]
    if not switches and settings.is_on("read_only") and not rights.allow_anywhere(*_PAST_READ_ONLY):
        switches = ["read_only"]
    if not switches:
        return []
    return [
        Finding(
            what="the server is read-only",
            where=f"account {settings.account}, database {settings.database}",
            why=f"{', '.join(switches)} is on: a replica, or a server under maintenance",
            fix="use the primary server, or have read_only switched off",
        )
    ]


def _tables(tables: Sequence[str]) -> str:
    return (
        ", ".join(tables) if len(tables) <= _SHOWN else f"{', '.join(tables[:_SHOWN])} and {len(tables) - _SHOWN} more"
    )


_SHOWN = 12
