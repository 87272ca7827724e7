"""What each command can be told. argparse-dataclass reads these classes: `Optional[X]`, never `X | None`.

The classes inherit because the parser knows flat dataclasses only, and commands share most of their flags.
"""

import datetime
from argparse import SUPPRESS
from dataclasses import dataclass, field
from typing import Optional

from reconcile.cli.arguments import actions, checksum, count, date, limit, positive, seconds, shard
from reconcile.limits import Limit
from reconcile.shard import Shard

FORMATS = ("text", "json")
REPORT_FORMATS = (*FORMATS, "jsonl", "md")
PLAN_FORMATS = (*REPORT_FORMATS, "html")
RBAC_MODES = ("add-only", "exact", "report")
AUTO, ROWS, CHECKSUMS = "auto", "rows", "checksums"
SHORT_SKIPS = {
    "skip_accounts": ("qa-accounts", "test-accounts"),
    "skip_qa_data": ("qa-data",),
    "skip_augment": ("augment",),
    "skip_validation": ("quality", "integrity"),
}
"""The flags of the replaced tool and the steps that each leaves out."""


def _many(*flags: str, metavar: str, text: str) -> list[str]:
    """Declare a flag that may be given several times; each use adds one value."""
    return field(
        default_factory=list, metadata={"args": list(flags), "nargs": 1, "type": str, "metavar": metavar, "help": text}
    )


@dataclass
class TargetOptions:
    """Options of every command."""

    database_url: Optional[str] = field(
        default=None,
        metadata={
            "metavar": "URL",
            "help": "the target, e.g. mysql://USER:PASSWORD@HOST:PORT/DB?ssl-mode=REQUIRED or sqlite:///FILE; default: "
            "RECONCILE_DATABASE_URL, then DATABASE_URL (environment, then .env), then sqlite:///terp.db",
        },
    )
    format: str = field(default="text", metadata={"choices": FORMATS, "help": "output format (default: text)"})
    quiet: bool = field(
        default=False, metadata={"args": ["-q", "--quiet"], "help": "no progress and no warnings on stderr"}
    )
    verbose: bool = field(
        default=False, metadata={"args": ["-v", "--verbose"], "help": "log what is done, with durations, on stderr"}
    )
    color: str = field(
        default="auto", metadata={"choices": ("auto", "always", "never"), "help": "colour the output (default: auto)"}
    )
    state: str = field(
        default="desired_state", metadata={"metavar": "PACKAGE", "help": "the package that declares the desired state"}
    )


@dataclass
class JournalOptions(TargetOptions):
    """Where the target keeps its journal."""

    journal: Optional[str] = field(
        default=None,
        metadata={
            "metavar": "PREFIX",
            "help": "the journal is the tables PREFIX_runs and PREFIX_changes; default: RECONCILE_JOURNAL, else "
            "reconcile",
        },
    )


@dataclass
class LimitOptions(JournalOptions):
    """What a plan may do to existing rows; a plan that would do more is refused when it is applied."""

    max_update: Optional[Limit] = field(
        default=None,
        metadata={
            "type": limit,
            "metavar": "N|P%",
            "help": "refuse to update more rows of a table, or more percent of a table above 10 rows (default: 30%%; "
            "a reset has no default)",
        },
    )
    max_delete: Optional[Limit] = field(
        default=None,
        metadata={
            "type": limit,
            "metavar": "N|P%",
            "help": "refuse to delete more rows of a table, or more percent of a table above 10 rows (default: 30%%; "
            "a reset and a clear have no default)",
        },
    )
    allow_cascade: bool = field(
        default=False,
        metadata={
            "help": "delete rows outside the run that depend on deleted ones, or take the reference away, as the plan "
            "shows"
        },
    )


@dataclass
class GuardOptions(LimitOptions):
    """What a command that writes can be told about its guards and its lock."""

    force: bool = field(default=False, metadata={"help": "answer yes to the prompt; lifts no guard"})
    confirm: Optional[str] = field(
        default=None,
        metadata={
            "metavar": "DBNAME",
            "help": "the name of the database that is meant; a protected target asks for it, even with --force",
        },
    )
    lock_timeout: float = field(
        default=30.0,
        metadata={
            "type": seconds,
            "metavar": "TIME",
            "help": "wait this long for another run to end: 30s, 500ms, 5m (default: 30s)",
        },
    )
    no_journal: bool = field(default=False, metadata={"help": "keep no journal of this run: it cannot be rolled back"})
    keep_runs: Optional[int] = field(
        default=None,
        metadata={
            "type": positive,
            "metavar": "N",
            "help": "runs that the journal keeps; default: RECONCILE_KEEP_RUNS, else 100",
        },
    )
    health_url: Optional[str] = field(
        default=None,
        metadata={
            "metavar": "URL",
            "help": "ask the application with GET at the end and report what it answers within 10 s; a bad answer is a "
            "warning and no error, since the rows are committed; default: RECONCILE_HEALTH_URL",
        },
    )


def _plan_format() -> str:
    """Declare the output format of a command that shows a plan."""
    return field(default="text", metadata={"choices": PLAN_FORMATS, "help": "output format (default: text)"})


@dataclass
class RunOptions(LimitOptions):
    """Options that shape a run: the dataset, the mode and the tables."""

    format: str = _plan_format()
    light: bool = field(default=False, metadata={"help": "the smaller dataset (default: full)"})
    scale: int = field(default=1, metadata={"type": positive, "metavar": "N", "help": "multiply the business tables"})
    as_of: Optional[datetime.date] = field(
        default=None,
        metadata={
            "type": date,
            "metavar": "DATE",
            "help": "anchor of every date; default: that of the journal's last apply, else this week's Monday (UTC)",
        },
    )
    seed: int = field(default=1, metadata={"type": count, "metavar": "N", "help": "seed of the dataset (default: 1)"})
    no_clear: bool = field(
        default=False,
        metadata={
            "args": ["--no-clear"],
            "help": "top-up: add what is missing and fill gaps; existing rows change by gap rules only",
        },
    )
    step: list[str] = _many("--step", metavar="ID", text="only the rows of this step; the checks stay; repeatable")
    skip: list[str] = _many("--skip", metavar="ID", text="leave out the rows of this step; repeatable")
    table: list[str] = _many("-t", "--table", metavar="GLOB", text="only tables with this name; repeatable")
    exclude_table: list[str] = _many(
        "-x", "--exclude-table", metavar="GLOB", text="leave out tables with this name; repeatable"
    )
    skip_accounts: bool = field(default=False, metadata={"help": "leave out the QA and E2E accounts"})
    skip_qa_data: bool = field(default=False, metadata={"help": "leave out the QA fixtures"})
    skip_augment: bool = field(
        default=False, metadata={"help": "leave out the realism step: rows it would mend stay as they are"}
    )
    skip_validation: bool = field(default=False, metadata={"help": "ask no check, even before the commit of a reset"})
    continue_on_error: bool = field(
        default=False, metadata={"help": "leave out an optional step whose tables the schema lacks, with a warning"}
    )
    password_file: Optional[str] = field(
        default=None,
        metadata={
            "metavar": "FILE",
            "help": "the accounts' password, on the first line; default: RECONCILE_QA_PASSWORD, else made up and "
            "printed once (never for a protected target)",
        },
    )
    summary: bool = field(default=False, metadata={"help": "counts only, no rows"})
    only: Optional[tuple[str, ...]] = field(
        default=None,
        metadata={"type": actions, "metavar": "ACTIONS", "help": "show only these: create,update,delete,skip"},
    )
    limit: int = field(
        default=10, metadata={"type": count, "metavar": "N", "help": "rows shown per table, 0 for all (default: 10)"}
    )


@dataclass
class ShardOptions(RunOptions):
    """What a run over a part of the key space can be told."""

    shard: Optional[Shard] = field(
        default=None,
        metadata={
            "type": shard,
            "metavar": "I/N",
            "help": "only part I of N of the tables that the desired state gives in spans; the others with part 1",
        },
    )


@dataclass
class ComparingOptions(ShardOptions):
    """How a command that only looks compares rows."""

    compare: str = field(
        default=AUTO,
        metadata={
            "choices": (AUTO, ROWS, CHECKSUMS),
            "help": "rows: read and compare every row; auto: where nothing was to do the last two times, ask the "
            "server for checksums instead, and compare rows only when one has changed (default); checksums: as auto, "
            "and say why rows were compared",
        },
    )


@dataclass
class PlanOptions(ComparingOptions):
    """Show what apply would do. Never writes."""

    detailed_exitcode: bool = field(
        default=False, metadata={"help": "exit 2 when there are changes, 0 when there are none"}
    )
    out: Optional[str] = field(
        default=None,
        metadata={"metavar": "FILE", "help": "save the plan to FILE, for `reconcile show` and `reconcile apply FILE`"},
    )


@dataclass
class DriftOptions(RunOptions):
    """Compare live with desired, for schedulers: who moved, since when; exit 2 on drift. Never writes."""

    format: str = field(default="text", metadata={"choices": REPORT_FORMATS, "help": "output format (default: text)"})
    baseline: Optional[str] = field(
        default=None,
        metadata={"metavar": "FILE", "help": "accepted drift, YAML or JSON: shown, and not counted until it expires"},
    )
    write_baseline: Optional[str] = field(
        default=None,
        metadata={
            "metavar": "FILE",
            "help": "accept all that drifts now: write it to FILE, after the entries of --baseline that still hold; "
            "asks for --expires and --reason",
        },
    )
    expires: Optional[datetime.date] = field(
        default=None, metadata={"type": date, "metavar": "DATE", "help": "last day of what --write-baseline accepts"}
    )
    reason: Optional[str] = field(default=None, metadata={"metavar": "TEXT", "help": "why --write-baseline accepts it"})
    history: Optional[str] = field(
        default=None,
        metadata={"metavar": "FILE", "help": "remember in FILE when each difference was first and last seen"},
    )
    metrics_file: Optional[str] = field(
        default=None,
        metadata={"metavar": "FILE", "help": "write metrics to FILE for Prometheus, also when the command fails"},
    )
    webhook: Optional[str] = field(
        default=None,
        metadata={
            "metavar": "URL",
            "help": "POST a summary as JSON there on drift or failure; default: RECONCILE_DRIFT_WEBHOOK, which keeps a "
            "token in the URL out of the process list",
        },
    )
    webhook_rows: bool = field(default=False, metadata={"help": "send the rows with the summary"})


@dataclass
class ApplyOptions(ShardOptions, GuardOptions):
    """Plan, confirm, write in one transaction, verify, and plan again."""

    plan_file: Optional[str] = field(
        default=None,
        metadata={
            "args": ["plan_file"],
            "nargs": "?",
            "type": str,
            "metavar": "PLANFILE",
            "help": "carry out exactly the plan that `reconcile plan --out` saved, or refuse it as stale",
        },
    )
    dry_run: bool = field(default=False, metadata={"help": "plan only, write nothing"})
    batch_size: Optional[int] = field(
        default=None,
        metadata={
            "type": positive,
            "metavar": "N",
            "help": "commit every N rows; a run that stops is continued by the next (default: one transaction)",
        },
    )
    cluster: Optional[str] = field(
        default=None,
        metadata={
            "metavar": "ADDRESS",
            "help": "carry out the shards of the run on the Dask cluster of this scheduler, tcp://HOST:PORT",
        },
    )
    checksum: Optional[str] = field(
        default=None,
        metadata={
            "type": checksum,
            "metavar": "HASH",
            "help": "go on only when the plan has this checksum, 12 digits or more",
        },
    )
    registry: Optional[str] = field(
        default=None, metadata={"metavar": "FILE", "help": "write the ids of the QA fixtures to FILE, as JSON"}
    )


@dataclass
class ClearOptions(GuardOptions):
    """Delete the rows of the managed tables, children first; accounts, roles and settings stay. Nothing is created."""

    format: str = _plan_format()
    table: list[str] = _many("-t", "--table", metavar="GLOB", text="only tables with this name; repeatable")
    dry_run: bool = field(default=False, metadata={"help": "plan only, write nothing"})
    summary: bool = field(default=False, metadata={"help": "counts only, no rows"})
    limit: int = field(
        default=10, metadata={"type": count, "metavar": "N", "help": "rows shown per table, 0 for all (default: 10)"}
    )


@dataclass
class RbacOptions(GuardOptions):
    """Roles, permissions and who may do what, and nothing else. Writes only with --apply."""

    format: str = _plan_format()
    mode: str = field(
        default="add-only",
        metadata={
            "choices": RBAC_MODES,
            "help": "add-only: add what is missing and keep every extra grant and changed text (default); exact: bring "
            "the declared roles back to what is declared; report: show what exact would do",
        },
    )
    apply: bool = field(default=False, metadata={"help": "write what is shown (default: show only)"})
    detailed_exitcode: bool = field(
        default=False, metadata={"help": "without --apply: exit 2 when there are changes, 0 when there are none"}
    )
    limit: int = field(
        default=10,
        metadata={"type": count, "metavar": "N", "help": "rows per table and names per role shown, 0 for all"},
    )


@dataclass
class ShowOptions(JournalOptions):
    """One saved plan or one run in any format. A saved plan is shown without reaching any database."""

    what: str = field(
        default="",
        metadata={
            "args": ["what"],
            "type": str,
            "metavar": "PLANFILE|RUN",
            "help": "a file that `reconcile plan --out` wrote, or the number of a run",
        },
    )
    format: str = _plan_format()
    summary: bool = field(default=False, metadata={"help": "counts only, no rows"})
    only: Optional[tuple[str, ...]] = field(
        default=None,
        metadata={"type": actions, "metavar": "ACTIONS", "help": "show only these: create,update,delete,skip"},
    )
    limit: int = field(
        default=10, metadata={"type": count, "metavar": "N", "help": "rows shown per table, 0 for all (default: 10)"}
    )


@dataclass
class RunsOptions(JournalOptions):
    """The history of runs: when, who, what, and how it ended. Never writes."""

    limit: int = field(
        default=20, metadata={"type": count, "metavar": "N", "help": "runs shown, newest first, 0 for all (default 20)"}
    )


@dataclass
class RollbackOptions(GuardOptions):
    """Undo a run from the journal: shows the inverse plan, asks, and writes it in one transaction."""

    run: Optional[int] = field(
        default=None,
        metadata={
            "args": ["run"],
            "nargs": "?",
            "type": positive,
            "metavar": "RUN",
            "help": "the number of the run; default: the last one that changed rows and is not rolled back",
        },
    )
    format: str = _plan_format()
    overwrite: bool = field(
        default=False, metadata={"help": "bring back rows that somebody has edited since, too; their edits are lost"}
    )
    dry_run: bool = field(default=False, metadata={"help": "show the inverse plan only, write nothing"})
    summary: bool = field(default=False, metadata={"help": "counts only, no rows"})
    only: Optional[tuple[str, ...]] = field(
        default=None,
        metadata={"type": actions, "metavar": "ACTIONS", "help": "show only these: create,update,delete,skip"},
    )
    limit: int = field(
        default=10, metadata={"type": count, "metavar": "N", "help": "rows shown per table, 0 for all (default: 10)"}
    )


@dataclass
class ExplainOptions(RunOptions):
    """Why a row is created, kept, changed or blocked: what is declared, planned and journaled of it. Never writes."""

    format: str = field(default="text", metadata={"choices": FORMATS, "help": "output format (default: text)"})
    table_name: str = field(
        default="", metadata={"args": ["table_name"], "type": str, "metavar": "TABLE", "help": "the table of the row"}
    )
    key: str = field(
        default="",
        metadata={
            "args": ["key"],
            "type": str,
            "metavar": "KEY",
            "help": "the row: its natural key as plans show it, parts joined by |, or #17 for the row with id 17",
        },
    )


@dataclass
class VerifyOptions(TargetOptions):
    """Check the live rows: data quality, relational integrity, business invariants. Never writes."""

    format: str = field(default="text", metadata={"choices": REPORT_FORMATS, "help": "output format (default: text)"})
    strict_module: bool = field(default=False, metadata={"help": "warnings fail too"})
    limit: int = field(
        default=10,
        metadata={"type": count, "metavar": "N", "help": "violating rows shown per check, 0 for all (default: 10)"},
    )


@dataclass
class QueryOptions(TargetOptions):
    """Row counts, tables, or one read-only statement. Never writes: the server refuses it."""

    query: str = field(
        default="counts",
        metadata={
            "args": ["query"],
            "nargs": "?",
            "type": str,
            "metavar": "counts|tables|SQL",
            "help": "counts: rows per managed table (default); tables: the tables of the database; else one statement",
        },
    )


@dataclass
class SchemaOptions(TargetOptions):
    """Make the managed tables in an empty database, compare them with the live schema, or print their DDL."""

    what: str = field(
        default="check",
        metadata={
            "args": ["what"],
            "type": str,
            "nargs": "?",
            "choices": ("create", "check", "sql"),
            "help": "create: make the tables; check: compare (default); sql: print CREATE TABLE statements",
        },
    )


@dataclass
class InitOptions(TargetOptions):
    """Write a package that declares a desired state, taken from the live schema. Changes no database."""

    package: str = field(
        default="",
        metadata={"args": ["package"], "type": str, "metavar": "PACKAGE", "help": "the folder to make, in this one"},
    )
    table: list[str] = _many("-t", "--table", metavar="GLOB", text="only tables with this name; repeatable")
    exclude_table: list[str] = _many(
        "-x", "--exclude-table", metavar="GLOB", text="leave out tables with this name; repeatable"
    )
    rows: bool = field(
        default=False, metadata={"help": "declare the rows that the tables hold now, at most 1,000 a table"}
    )
    state: str = field(default="reconcile.cli.init", metadata={"help": SUPPRESS})


@dataclass
class LocksOptions(JournalOptions):
    """Who holds the run lock, who waits for whom, and what is stuck. Changes no row; --kill ends a session."""

    kill: Optional[int] = field(
        default=None,
        metadata={"type": positive, "metavar": "ID", "help": "end the session with this connection id, after a yes"},
    )
    force: bool = field(default=False, metadata={"help": "answer yes to the prompt; lifts no guard"})
    confirm: Optional[str] = field(
        default=None,
        metadata={
            "metavar": "DBNAME",
            "help": "with --kill: the name of the database that is meant; a protected target asks for it",
        },
    )


@dataclass
class DoctorOptions(JournalOptions):
    """Connection, server, rights, schema, other sessions and settings: every finding at once. Never writes."""
