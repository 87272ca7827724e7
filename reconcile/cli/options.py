"""What each command can be told. argparse-dataclass reads these classes: `Optional[X]`, never `X | None`.

The classes inherit because the parser knows flat dataclasses only, and commands share most of their flags.
"""

import datetime
from argparse import SUPPRESS, ArgumentTypeError
from dataclasses import dataclass, field
from typing import Optional

FORMATS = ("text", "json")
ACTIONS = ("create", "update", "delete", "skip")
RBAC_MODES = ("add-only", "exact", "report")
SHORT_SKIPS = {
    "skip_accounts": ("qa-accounts", "test-accounts"),
    "skip_qa_data": ("qa-data",),
    "skip_augment": ("augment",),
    "skip_validation": ("quality", "integrity"),
}
"""The flags of the replaced tool and the steps that each leaves out."""


def date(text: str) -> datetime.date:
    """Read a date as YYYY-MM-DD."""
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a date; write YYYY-MM-DD") from None


def positive(text: str) -> int:
    """Read a whole number from 1 up."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)


def count(text: str) -> int:
    """Read a whole number from 0 up."""
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is not a whole number from 0 up")
    return int(text)


def actions(text: str) -> tuple[str, ...]:
    """Read a comma-separated list of actions."""
    chosen = tuple(text.split(","))
    unknown = sorted(set(chosen) - set(ACTIONS))
    if unknown:
        raise ArgumentTypeError(f"{', '.join(unknown)} is not an action; choose from {', '.join(ACTIONS)}")
    return chosen


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
class RunOptions(TargetOptions):
    """Options that shape a run: the dataset, the mode and the tables."""

    light: bool = field(default=False, metadata={"help": "the smaller dataset (default: full)"})
    scale: int = field(default=1, metadata={"type": positive, "metavar": "N", "help": "multiply the business tables"})
    as_of: Optional[datetime.date] = field(
        default=None,
        metadata={"type": date, "metavar": "DATE", "help": "anchor of every date; default: this week's Monday (UTC)"},
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
    allow_cascade: bool = field(
        default=False,
        metadata={
            "help": "delete rows outside the run that depend on deleted ones, or take the reference away, as the plan "
            "shows"
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
class PlanOptions(RunOptions):
    """Show what apply would do. Never writes."""

    detailed_exitcode: bool = field(
        default=False, metadata={"help": "exit 2 when there are changes, 0 when there are none"}
    )


@dataclass
class ApplyOptions(RunOptions):
    """Plan, confirm, write in one transaction, verify, and plan again."""

    dry_run: bool = field(default=False, metadata={"help": "plan only, write nothing"})
    force: bool = field(default=False, metadata={"help": "answer yes to the prompt; lifts no guard"})
    registry: Optional[str] = field(
        default=None, metadata={"metavar": "FILE", "help": "write the ids of the QA fixtures to FILE, as JSON"}
    )


@dataclass
class RbacOptions(TargetOptions):
    """Roles, permissions and who may do what, and nothing else. Writes only with --apply."""

    mode: str = field(
        default="add-only",
        metadata={
            "choices": RBAC_MODES,
            "help": "add-only: add what is missing and keep every extra grant and changed text (default); exact: bring "
            "the declared roles back to what is declared; report: show what exact would do",
        },
    )
    apply: bool = field(default=False, metadata={"help": "write what is shown (default: show only)"})
    force: bool = field(default=False, metadata={"help": "answer yes to the prompt; lifts no guard"})
    detailed_exitcode: bool = field(
        default=False, metadata={"help": "without --apply: exit 2 when there are changes, 0 when there are none"}
    )
    limit: int = field(
        default=10,
        metadata={"type": count, "metavar": "N", "help": "rows per table and names per role shown, 0 for all"},
    )


@dataclass
class VerifyOptions(TargetOptions):
    """Check the live rows: data quality, relational integrity, business invariants. Never writes."""

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
