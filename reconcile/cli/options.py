"""What each command can be told, with the groups of options that it shares with others."""

import datetime
from argparse import SUPPRESS
from dataclasses import dataclass, field
from typing import Optional

from reconcile.cli.arguments import actions, checksum, count, date, positive
from reconcile.cli.option_groups import (
    FORMATS,
    RBAC_MODES,
    REPORT_FORMATS,
    ComparingOptions,
    GuardOptions,
    JournalOptions,
    LargeOptions,
    RunOptions,
    TargetOptions,
    many,
    plan_format,
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
class ApplyOptions(LargeOptions, GuardOptions):
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

    format: str = plan_format()
    table: list[str] = many("-t", "--table", metavar="GLOB", text="only tables with this name; repeatable")
    dry_run: bool = field(default=False, metadata={"help": "plan only, write nothing"})
    summary: bool = field(default=False, metadata={"help": "counts only, no rows"})
    limit: int = field(
        default=10, metadata={"type": count, "metavar": "N", "help": "rows shown per table, 0 for all (default: 10)"}
    )


@dataclass
class RbacOptions(GuardOptions):
    """Roles, permissions and who may do what, and nothing else. Writes only with --apply."""

    format: str = plan_format()
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
    format: str = plan_format()
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
    format: str = plan_format()
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
    table: list[str] = many("-t", "--table", metavar="GLOB", text="only tables with this name; repeatable")
    exclude_table: list[str] = many(
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
