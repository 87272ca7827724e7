"""What several commands can be told. argparse-dataclass reads these classes: `Optional[X]`, never `X | None`.

The classes inherit because the parser knows flat dataclasses only, and commands share most of their flags.
"""

import datetime
from dataclasses import dataclass, field
from typing import Optional

from reconcile.cli.arguments import actions, count, date, limit, positive, seconds, shard
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


def many(*flags: str, metavar: str, text: str) -> list[str]:
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


def plan_format() -> str:
    """Declare the output format of a command that shows a plan."""
    return field(default="text", metadata={"choices": PLAN_FORMATS, "help": "output format (default: text)"})


@dataclass
class RunOptions(LimitOptions):
    """Options that shape a run: the dataset, the mode and the tables."""

    format: str = plan_format()
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
    step: list[str] = many("--step", metavar="ID", text="only the rows of this step; the checks stay; repeatable")
    skip: list[str] = many("--skip", metavar="ID", text="leave out the rows of this step; repeatable")
    table: list[str] = many("-t", "--table", metavar="GLOB", text="only tables with this name; repeatable")
    exclude_table: list[str] = many(
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
class LargeOptions(RunOptions):
    """What a run over large tables can be told: about which part of them it is, and how much it asks at once."""

    shard: Optional[Shard] = field(
        default=None,
        metadata={
            "type": shard,
            "metavar": "I/N",
            "help": "only part I of N of the tables that the desired state gives in spans; the others with part 1",
        },
    )
    connections: Optional[int] = field(
        default=None,
        metadata={
            "type": positive,
            "metavar": "N",
            "help": "ask for the checksums of large tables over so many connections (default: one for each processor, "
            "up to 4); rows are read over one, in one snapshot",
        },
    )


@dataclass
class ComparingOptions(LargeOptions):
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
