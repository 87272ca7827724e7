"""What the application expects of calendars, tasks, comments and inboxes."""

import polars as pl

from desired_state.rules.report import Violations, alive, lacks, report, say
from desired_state.tables import SPECS
from reconcile.dataset import Dataset, dangles
from reconcile.errors import Severity
from reconcile.state import Rule
from reconcile.values import PolymorphicReference

_CLOCK = r"^(\d{1,2}):(\d{2})(?::(\d{2}))?$"
_SECONDS_PER_HOUR, _SECONDS_PER_MINUTE = 3_600, 60


def clock_second(column: str) -> pl.Expr:
    """Give the second of the day that a text such as `9:30` or `09:30:00` names; null where it names none."""
    parts = pl.col(column).str.extract_groups(_CLOCK)
    hour, minute, second = (parts.struct.field(name).cast(pl.Int64) for name in ("1", "2", "3"))
    return hour * _SECONDS_PER_HOUR + minute * _SECONDS_PER_MINUTE + second.fill_null(0)


def ends_early() -> pl.Expr:
    """
    Say whether a calendar event ends before it starts: by day, on one day by time.

    An event without one of the times has only days. Null where a day is missing or a time cannot be read.
    """
    has_times = pl.col("start_time").is_not_null() & pl.col("end_time").is_not_null()
    is_one_day = pl.col("start_date") == pl.col("end_date")
    return (pl.col("end_date") < pl.col("start_date")) | (
        is_one_day & has_times & (clock_second("end_time") < clock_second("start_time"))
    )


def dangling(dataset: Dataset, table: str, column: str) -> pl.DataFrame:
    """
    Give the rows of *table* whose polymorphic reference *column* names a row that does not exist.

    A type without id, or the other way round, names none. A type that the column does not list belongs to the
    application: whether its row exists cannot be known here.
    """
    kind = polymorphic(table, column)
    declared = SPECS[table].column(column)
    is_lost = pl.any_horizontal(dangles(dataset, declared, target).fill_null(value=False) for _, target in kind.tables)
    is_half = pl.col(kind.discriminator).is_null() != pl.col(column).is_null()
    return dataset[table].filter(is_lost | is_half)


def polymorphic(table: str, column: str) -> PolymorphicReference:
    """Give what the polymorphic reference *column* of *table* can name."""
    kind = SPECS[table].column(column).kind
    if not isinstance(kind, PolymorphicReference):
        raise TypeError(f"{table}.{column} is no polymorphic reference")
    return kind


def event_ends(dataset: Dataset) -> pl.DataFrame:
    """A calendar event ends no earlier than it starts."""
    return report(
        alive(dataset, "calendar_events"),
        ends_early(),
        say("starts {} {}, ends {} {}", "start_date", "start_time", "end_date", "end_time"),
    )


def event_calendars(dataset: Dataset) -> pl.DataFrame:
    """A calendar event that names a calendar names one that exists."""
    events = alive(dataset, "calendar_events").filter(pl.col("calendar_id").is_not_null())
    return report(events, lacks(dataset, "calendar_id", "calendars"), say("calendar {} is missing", "calendar_id"))


def task_completion(dataset: Dataset) -> pl.DataFrame:
    """A task is completed, and says when, exactly when its status is done."""
    is_done = pl.col("status") == "done"
    agrees = (is_done == pl.col("is_completed")) & (is_done == pl.col("completed_at").is_not_null())
    return report(
        dataset["todo_tasks"],
        ~agrees,
        say("status {}, completed {}, completed at {}", "status", "is_completed", "completed_at"),
    )


def comment_resolution(dataset: Dataset) -> pl.DataFrame:
    """A comment says when it was resolved exactly when it is."""
    return report(
        dataset["comments"],
        pl.col("is_resolved") != pl.col("resolved_at").is_not_null(),
        say("resolved {}, resolved at {}", "is_resolved", "resolved_at"),
    )


def _targets_exist(table: str, column: str) -> Violations:
    discriminator = polymorphic(table, column).discriminator

    def violations(dataset: Dataset) -> pl.DataFrame:
        rows = dangling(dataset, table, column)
        return report(rows, pl.lit(value=True), say("{} {} does not exist", discriminator, column))

    return violations


def _targets(table: str, column: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((table, *(target for _, target in polymorphic(table, column).tables))))


_TARGETS = (
    ("event-subjects", "Calendar events are about rows that exist", "calendar_events", "entity_id", Severity.WARNING),
    ("comment-targets", "Comments are on rows that exist", "comments", "commentable_id", Severity.CRITICAL),
    ("inbox-sources", "Inbox items come from rows that exist", "inbox_items", "source_id", Severity.CRITICAL),
    ("inbox-references", "Inbox items are about rows that exist", "inbox_items", "reference_id", Severity.CRITICAL),
)
_CHECKS = (
    ("event-ends", "Calendar events end no earlier than they start", event_ends, ("calendar_events",)),
    (
        "event-calendars",
        "Calendar events are in calendars that exist",
        event_calendars,
        ("calendar_events", "calendars"),
    ),
    ("task-completion", "Tasks are completed exactly when they are done", task_completion, ("todo_tasks",)),
    ("comment-resolution", "Comments say when they were resolved", comment_resolution, ("comments",)),
)
RULES = tuple(
    Rule(identifier, title, "invariants", Severity.CRITICAL, tables, check)
    for identifier, title, check, tables in _CHECKS
) + tuple(
    Rule(identifier, title, "invariants", severity, _targets(table, column), _targets_exist(table, column))
    for identifier, title, table, column, severity in _TARGETS
)
