"""What the journal's two tables are made of, the same on every engine."""

import re
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.mysql import LONGBLOB, LONGTEXT

from reconcile.errors import ExitCode, Finding, ReconcileError

DEFAULT_PREFIX = "reconcile"
_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,49}")


@dataclass(frozen=True, slots=True)
class JournalTables:
    """The two tables, each a run or a chunk of changes a row."""

    runs: Table
    changes: Table

    @property
    def names(self) -> tuple[str, str]:
        """Their names in the database."""
        return self.runs.name, self.changes.name


def journal_tables(prefix: str) -> JournalTables:
    """
    Give the tables that *prefix* names.

    Raises:
        ReconcileError: no name for a table; exit code 64.

    """
    if not _PREFIX.fullmatch(prefix):
        finding = Finding(
            what=f"{prefix!r} cannot begin the names of the journal's tables",
            where="--journal or RECONCILE_JOURNAL",
            why="it must be a letter followed by at most 49 letters, digits or underscores",
            fix=f"leave it out for {DEFAULT_PREFIX}_runs and {DEFAULT_PREFIX}_changes",
        )
        raise ReconcileError([finding], ExitCode.USAGE)
    collection = MetaData()
    return JournalTables(_runs(prefix, collection), _changes(prefix, collection))


def _runs(prefix: str, collection: MetaData) -> Table:
    return Table(
        f"{prefix}_runs",
        collection,
        Column("id", Integer, primary_key=True, autoincrement=True),
        Column("command", String(64), nullable=False),
        Column("status", String(16), nullable=False),
        Column("batches", Integer(), nullable=False),
        Column("started_at", DateTime, nullable=False),
        Column("finished_at", DateTime),
        Column("user_name", String(255), nullable=False),
        Column("host", String(255), nullable=False),
        Column("pid", Integer, nullable=False),
        Column("connection_id", BigInteger),
        Column("tool_version", String(64), nullable=False),
        Column("state", String(255), nullable=False),
        Column("mode", String(16), nullable=False),
        Column("size", String(16), nullable=False),
        Column("scale", Integer, nullable=False),
        Column("seed", BigInteger, nullable=False),
        Column("as_of", Date, nullable=False),
        Column("plan_id", String(64), nullable=False),
        Column("checksum", String(64), nullable=False),
        Column("fingerprint", String(64), nullable=False),
        Column("fingerprints", Text().with_variant(LONGTEXT(), "mysql"), nullable=False),
        Column("created", Integer, nullable=False),
        Column("updated", Integer, nullable=False),
        Column("deleted", Integer, nullable=False),
        Column("undoes", Integer),
        Column("error", Text),
        mysql_engine="InnoDB",
        mysql_default_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        sqlite_autoincrement=True,
    )


def _changes(prefix: str, collection: MetaData) -> Table:
    big = BigInteger().with_variant(Integer, "sqlite")
    return Table(
        f"{prefix}_changes",
        collection,
        Column("id", big, primary_key=True, autoincrement=True),
        Column("run_id", Integer, ForeignKey(f"{prefix}_runs.id", ondelete="CASCADE"), nullable=False),
        Column("seq", Integer, nullable=False),
        Column("table_name", String(64), nullable=False),
        Column("action", String(16), nullable=False),
        Column("row_count", Integer, nullable=False),
        Column("first_key", Text, nullable=False),
        Column("last_key", Text, nullable=False),
        Column("payload", LargeBinary().with_variant(LONGBLOB(), "mysql"), nullable=False),
        UniqueConstraint("run_id", "seq", name=f"{prefix}_changes_run_id_seq"),
        mysql_engine="InnoDB",
        mysql_default_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        sqlite_autoincrement=True,
    )
