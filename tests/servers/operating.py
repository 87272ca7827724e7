"""What an operator does with a target: run a command, look at every row, start from a database that is filled."""

import gc
import io
import json
import signal
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pymysql
import pytest
from sqlalchemy import make_url
from sqlalchemy.engine import URL

from reconcile.apply.execute import Progress
from reconcile.apply.run import Outcome
from reconcile.apply.run import apply as run_apply
from reconcile.cli.main import main
from reconcile.cli.options import ApplyOptions
from reconcile.cli.passwords import needed_secrets
from reconcile.cli.planned import Planned
from reconcile.cli.planning import make_plan
from reconcile.cli.progress import NoProgress
from reconcile.cli.session import Session, open_session
from reconcile.dataset import KEY, Dataset
from reconcile.spec import Owner, Profile, Size, TableSpec
from reconcile.values import Reference, Secret
from tests.servers.cached_state import STATE
from tests.servers.server import Server
from tests.servers.target import Parameter, Target

AS_OF = "2025-06-02"
FULL = ("--as-of", AS_OF, "--state", "tests.servers.cached_state")
LIGHT = ("--light", *FULL)

Cells = Mapping[str, Any]
Dump = Mapping[str, Sequence[tuple[object, ...]]]


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """Its output as JSON."""
        document: dict[str, Any] = json.loads(self.out)
        return document


@dataclass(frozen=True, slots=True)
class Change:
    """One row of a plan, as `plan --format json` shows it."""

    step: str
    table: str
    key: str
    action: str
    reason: str
    why: str
    before: Cells | None
    after: Cells | None


def run(*words: str) -> Result:
    """Run one command in this process, as its console script would."""
    out, err = io.StringIO(), io.StringIO()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        with redirect_stdout(out), redirect_stderr(err):
            code = main(words)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        gc.unfreeze()  # a command that is all of a process lets its imports alone; here many follow each other
    return Result(int(code), out.getvalue(), err.getvalue())


def command(target: Target, name: str, *words: str) -> Result:
    """Run a command on *target*."""
    return run(name, *words, "--database-url", target.url)


def plan(target: Target, *words: str) -> Result:
    """Plan the light dataset."""
    return command(target, "plan", *LIGHT, "--detailed-exitcode", *words)


def apply(target: Target, *words: str) -> Result:
    """Apply the light dataset without a prompt."""
    return command(target, "apply", *LIGHT, "--force", *words)


def changes(target: Target, *words: str) -> list[Change]:
    """Give the rows of the plan for the light dataset; none when nothing differs."""
    result = plan(target, "--format", "json", *words)
    assert result.code in {0, 2}, result.err
    names = Change.__dataclass_fields__
    return [Change(**{name: change[name] for name in names}) for change in result.document["changes"]]


def assert_converged(target: Target, *words: str) -> None:
    """Hold that a plan finds nothing to do."""
    result = plan(target, *words)
    assert (result.code, result.out.splitlines()[-1].split(":")[0]) == (0, "Nothing to do"), result.out[-3000:]


def dump(target: Target, *, clocks: bool = True, secrets: bool = True) -> Dump:
    """
    Give every row of every table that has any but the journal's, all columns as they are stored, by table.

    Without *clocks* the columns that the server sets when a row changes are left out; without *secrets* those whose
    values no two runs share, since a hash has a salt of its own.
    """
    with _cursor(target) as cursor:
        rows = {}
        for table in _tables(target, cursor):
            cursor.execute(f"SELECT {_columns(table, clocks=clocks, secrets=secrets)} FROM `{table}` ORDER BY id")
            if found := cursor.fetchall():
                rows[table] = list(found)
        return rows


def stored(target: Target, *tables: str) -> Mapping[str, Mapping[int, Cells]]:
    """Give every row as it is stored, by table and id, each as its cells by column; without *tables*, of them all."""
    with _cursor(target) as cursor:
        found: dict[str, dict[int, Cells]] = {}
        for table in tables or _tables(target, cursor):
            cursor.execute(f"SELECT * FROM `{table}`")
            names = [str(column[0]) for column in cursor.description]
            rows: list[Cells] = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
            if rows:
                found[table] = {int(row["id"]): row for row in rows}
        return found


def look(target: Target, *, no_clear: bool = False, is_light: bool = True) -> tuple[Session, Planned]:
    """Plan the dataset and give the plan with both its sides, as the commands have them in hand."""
    return look_with(
        target, ApplyOptions(light=is_light, as_of=date.fromisoformat(AS_OF), no_clear=no_clear, force=True)
    )


def look_with(target: Target, options: ApplyOptions) -> tuple[Session, Planned]:
    """Plan as a command with these *options* would."""
    chosen = replace(options, database_url=target.url)
    session = replace(open_session(chosen), state=STATE)
    return session, make_plan(session, chosen, reads_rules=True)


def carry_out(session: Session, planned: Planned, progress: "Progress | None" = None) -> Outcome:
    """Apply what was planned some time ago."""
    return run_apply(
        target=session.target,
        engine=session.engine,
        plan=planned.plan,
        pieces=planned.pieces,
        specs=session.state.specs,
        rules=planned.rules,
        progress=progress or NoProgress(),
        secrets=dict.fromkeys(needed_secrets(planned.plan), "a hash"),
        still_locked=lambda _: None,
    )


def declared_rows(target: Target) -> Mapping[str, Sequence[tuple[object, ...]]]:
    """
    Give the live rows of the filled tables by natural key, without ids, clocks and the rows of others.

    Two databases that say the same by different ids give the same.
    """
    _, planned = look(target)
    rows = {}
    for name, frame in planned.live.dataset.frames.items():
        if name in FILLED:
            spec = STATE.specs[name]
            ours = frame if spec.prunes else frame.filter(pl.col(KEY).is_in(desired()[name][KEY].implode()))
            rows[name] = ours.sort(KEY).select(KEY, *(column.name for column in spec.managed)).rows()
    return rows


def dangling(target: Target) -> Mapping[tuple[str, str], set[int]]:
    """Give, for each (table, reference column), the ids of rows that point to a row that is not there."""
    found = {}
    with _cursor(target) as cursor:
        for name, spec in specs().items():
            for column in spec.columns:
                match column.kind:
                    case Reference(parent) if parent in FILLED:
                        cursor.execute(
                            f"SELECT c.id FROM `{name}` c LEFT JOIN `{parent}` p ON p.id = c.`{column.name}` "
                            f"WHERE c.`{column.name}` IS NOT NULL AND p.id IS NULL"
                        )
                        if orphans := {int(number) for (number,) in cursor.fetchall()}:
                            found[name, column.name] = orphans
    return found


def next_ids(target: Target) -> Mapping[str, int]:
    """Give the id that each table but the journal's would give next, for tables that gave one."""
    return {table: number for table, number in _next_ids(target).items() if table not in JOURNAL}


def _next_ids(target: Target) -> Mapping[str, int]:
    with _cursor(target) as cursor:
        if target.server is None:
            cursor.execute("SELECT name, seq FROM sqlite_sequence")
            return dict(cursor.fetchall())
        if target.engine == "mysql":
            cursor.execute("SET SESSION information_schema_stats_expiry = 0")
        cursor.execute(
            "SELECT table_name, auto_increment FROM information_schema.tables "
            "WHERE table_schema = DATABASE() AND auto_increment > 1"
        )
        return dict(cursor.fetchall())


def statements_sent(server: Server) -> Mapping[str, int]:
    """Give how many statements of each kind that can write the server has run."""
    wanted = (
        "insert", "update", "delete", "replace", "load", "truncate", "create", "drop", "alter", "call", "rename",
    )  # fmt: skip
    counters = server.execute("SHOW GLOBAL STATUS LIKE 'Com\\_%'")
    return {str(name): int(str(count)) for name, count in counters if str(name).split("_")[1] in wanted}


@contextmanager
def setting(server: Server, name: str, value: int) -> Iterator[None]:
    """Give new sessions another value of a server's variable."""
    before = int(str(server.execute(f"SELECT @@GLOBAL.{name}")[0][0]))
    server.execute(f"SET GLOBAL {name} = {value:d}")
    try:
        yield
    finally:
        server.execute(f"SET GLOBAL {name} = {before:d}")


def waiting_sessions(server: Server) -> list[int]:
    """
    Give the sessions that wait for a row, as soon as one does.

    Whoever asks more often than every 100 ms is told the same each time: the server refreshes the table only after it
    was left alone that long. Source: MySQL manual, 17.15.2.3 "Persistence and Consistency of InnoDB Transaction and
    Locking Information".
    """
    query = "SELECT trx_mysql_thread_id FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if waiting := [int(str(number)) for (number,) in server.execute(query)]:
            return waiting
        time.sleep(0.15)
    pytest.fail("no session waits for a row")


def edit(target: Target, *statements: str) -> None:
    """Run statements as somebody may who holds foreign keys for a nuisance; they commit together."""
    with _cursor(target) as cursor:
        cursor.execute("PRAGMA foreign_keys = OFF" if target.server is None else "SET foreign_key_checks = 0")
        cursor.execute("BEGIN")
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("COMMIT")


def set_cell(target: Target, row: tuple[str, str], column: str, value: "Parameter | Decimal") -> None:
    """Change one cell by hand; *row* is a table and a natural key of one column."""
    table, key = row
    shown = str(value) if isinstance(value, Decimal) else value
    key_column = STATE.specs[table].key[0]
    touched = target.execute(
        f"UPDATE `{table}` SET `{column}` = :value WHERE `{key_column}` = :key", {"value": shown, "key": key}
    )
    assert touched == 1, f"{table} [{key}].{column} was not changed"


def insert_like(target: Target, table: str, key: str, **cells: str | int) -> None:
    """Insert a copy of a row, with another id and other *cells*; without *key* a copy of the oldest row."""
    spec = STATE.specs[table]
    names = [column.name for column in spec.declared]
    values = [f":{name}" if name in cells else f"`{name}`" for name in names]
    where = f"WHERE `{spec.key[0]}` = :_key" if key else "ORDER BY id LIMIT 1"
    columns = ", ".join(f"`{name}`" for name in names)
    target.execute(
        f"INSERT INTO `{table}` ({columns}) SELECT {', '.join(values)} FROM `{table}` {where}",
        {**cells, **({"_key": key} if key else {})},
    )


def insert(target: Target, table: str, rows: pl.DataFrame) -> None:
    """Insert *rows*, whose cells are texts as the server prints them; the other columns take their defaults."""
    mark = "?" if target.server is None else "%s"
    names = ", ".join(f"`{name}`" for name in rows.columns)
    with _cursor(target) as cursor:
        cursor.execute("PRAGMA foreign_keys = OFF" if target.server is None else "SET foreign_key_checks = 0")
        cursor.execute("BEGIN")
        cursor.executemany(f"INSERT INTO `{table}` ({names}) VALUES ({', '.join([mark] * rows.width)})", rows.rows())
        cursor.execute("COMMIT")


def id_of(target: Target, table: str, key: str) -> int:
    """Give the surrogate key of the row with a natural key of one column."""
    (row,) = target.rows(f"SELECT id FROM `{table}` WHERE `{STATE.specs[table].key[0]}` = :key", {"key": key})
    return int(str(row[0]))


def desired(size: Size = Size.LIGHT) -> Dataset:
    """Give the dataset that the commands here plan for."""
    return STATE.rows(Profile(date.fromisoformat(AS_OF), size))


def specs() -> Mapping[str, TableSpec]:
    """Give the specs of the tables that a run fills."""
    return {name: spec for name, spec in STATE.specs.items() if name in FILLED}


JOURNAL = ("reconcile_runs", "reconcile_changes")
"""Where runs are recorded: rows about the database and none of its own."""

FILLED = (
    "accounts", "achievements", "appointment_types", "bankAccounts", "batch_status_history", "batches",
    "billLineItems", "bills", "brands", "calendar_availability", "calendar_events", "calendars", "client_activity",
    "client_needs", "client_transactions", "clients", "comment_mentions", "comments", "feature_flag_audit_logs",
    "feature_flags", "fiscalPeriods", "inbox_items", "intake_session_batches", "intake_sessions",
    "inventoryMovements", "invoiceLineItems", "invoices", "leaderboard_default_weights", "leaderboard_metric_cache",
    "ledgerEntries", "locations", "lots", "order_line_items", "orders", "overtime_rules", "payments", "permissions",
    "pricing_defaults", "products", "recurring_orders", "referral_credits", "referral_settings", "reward_catalog",
    "role_permissions", "roles", "rooms", "sampleRequests", "shift_templates", "sites", "storage_zones", "strains",
    "supplier_profiles", "tags", "todo_lists", "todo_tasks", "user_roles", "users", "vendor_supply", "vendors",
    "vip_portal_auth", "vip_portal_configurations", "vip_tiers", "workflow_statuses",
)  # fmt: skip
ADDITIVE = (
    "accounts", "achievements", "bankAccounts", "client_activity", "feature_flag_audit_logs", "feature_flags",
    "fiscalPeriods", "leaderboard_default_weights", "overtime_rules", "permissions", "referral_settings",
    "reward_catalog", "role_permissions", "roles", "rooms", "shift_templates", "sites", "storage_zones",
    "user_roles", "users",
)  # fmt: skip
"""Tables whose undeclared rows belong to others."""


def copy(source: Target, into: Target) -> None:
    """Make the rows of the filled tables of *into* exactly those of *source*, ids included; on SQLite, the file."""
    if source.server is None:
        with closing(sqlite3.connect(source.name)) as old, closing(sqlite3.connect(into.name)) as new:
            old.backup(new)
        return
    with source.server.admin(into.name) as cursor:
        cursor.execute("SET foreign_key_checks = 0, unique_checks = 0")
        cursor.execute("START TRANSACTION")
        for table in FILLED:
            cursor.execute(f"DELETE FROM `{table}`")
            cursor.execute(f"INSERT INTO `{table}` SELECT * FROM `{source.name}`.`{table}`")
        cursor.execute("COMMIT")


def sqlite_file(target: Target) -> bytes:
    """Give the bytes of a SQLite database."""
    return Path(target.name).read_bytes()


def driver_url(target: Target) -> URL:
    """Give the URL for SQLAlchemy, with pymysql as the driver."""
    url = make_url(target.url)
    return url if target.server is None else url.set(drivername="mysql+pymysql", query={"charset": "utf8mb4"})


def _columns(table: str, *, clocks: bool, secrets: bool) -> str:
    if table not in FILLED or (clocks and secrets):
        return "*"
    return ", ".join(
        f"`{column.name}`"
        for column in STATE.specs[table].columns
        if (clocks or column.owner is not Owner.CREATION) and (secrets or not isinstance(column.kind, Secret))
    )


@contextmanager
def _cursor(target: Target) -> Iterator[Any]:
    if target.server is None:
        with closing(sqlite3.connect(target.name, isolation_level=None)) as connection:
            yield connection.cursor()
    else:
        with target.server.admin(target.name) as cursor:
            yield cursor


def _tables(target: Target, cursor: "pymysql.cursors.Cursor | sqlite3.Cursor") -> list[str]:
    if target.server is None:
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'")
    else:
        cursor.execute("SHOW FULL TABLES WHERE Table_type <> 'VIEW'")
    return sorted(str(row[0]) for row in cursor.fetchall() if row[0] not in JOURNAL)
