"""Inboxes: mentions, new tasks and moving tasks in turn, told to whom they concern, and what became of it."""

import polars as pl

from desired_state import dates, desk
from desired_state.blocks import expand
from desired_state.tables.collaboration import INBOX_ITEMS
from desired_state.tasks import DONE, IN_PROGRESS, TODO
from reconcile.dataset import conform, key_text, with_hash
from reconcile.fields import Draw, pick
from reconcile.spec import Profile

MENTION, ASSIGNMENT, UPDATE = "mention", "task_assignment", "task_update"
UNREAD, SEEN, COMPLETED = "unread", "seen", "completed"
_STATUSES = (UNREAD, SEEN, COMPLETED)
_OF_TASKS = {TODO: UNREAD, IN_PROGRESS: SEEN, DONE: COMPLETED}
_ARCHIVED = 300
_COLUMNS = (
    "user", "source_type", "source", "reference_type", "reference", "title", "description", "status",
    "day", "second", "end_day", "end_second",
)  # fmt: skip


def inbox_items(
    profile: Profile, blocks: pl.DataFrame, comments: pl.DataFrame, tasks: pl.DataFrame, users: pl.DataFrame
) -> pl.DataFrame:
    """
    Give the inbox_items table.

    Every mention is told to the colleague mentioned; of the tasks of shared lists some are told to whom they were
    given, and some of those that moved to whom they come from. What has ended is completed.
    """
    draw = Draw(profile.seed, "inbox_items")
    frame = pl.concat(
        part.select(_COLUMNS)
        for part in (_mentions(comments, users), _assignments(blocks, tasks, users), _updates(blocks, tasks, users))
    )
    frame = with_hash(
        frame.with_columns(about=key_text([pl.col("user"), pl.col("source_type"), pl.col("source")])), "about"
    ).with_columns(
        seen_second=pl.col("second") + draw.integer("seen_at", 10 * 60, 50 * 60),
        is_completed=pl.col("status") == COMPLETED,
    )
    created = dates.as_moment(pl.col("day"), pl.col("second"))
    seen = pl.when(pl.col("status") != UNREAD).then(dates.as_moment(pl.col("day"), pl.col("seen_second")))
    at_once = dates.as_moment(pl.col("day"), pl.col("seen_second") + draw.integer("completed_at", 5 * 60, 20 * 60))
    ended = dates.as_moment(pl.col("end_day"), pl.col("end_second"))
    completed = pl.when("is_completed").then(pl.coalesce(ended, at_once))
    return conform(
        INBOX_ITEMS,
        frame.select(
            "source_type", "reference_type", "title", "description", "status",
            user_id="user",
            source_id="source",
            reference_id="reference",
            seen_at=seen,
            completed_at=completed,
            is_archived=pl.col("is_completed") & draw.chance("is_archived", _ARCHIVED),
            created_at=created,
            updated_at=pl.coalesce(completed, seen, created),
        ),
    )  # fmt: skip


def _mentions(comments: pl.DataFrame, users: pl.DataFrame) -> pl.DataFrame:
    return comments.filter(pl.col("mention").is_not_null()).with_columns(
        user="called",
        source_type=pl.lit(MENTION),
        source=key_text([pl.col("key"), pl.col("called")]),
        reference_type="type",
        reference="subject",
        title=pl.concat_str(desk.name(users, pl.col("user")), pl.lit(" mentioned you on "), "subject"),
        description="content",
        status=pl.when(pl.col("resolved_day").is_not_null())
        .then(pl.lit(COMPLETED))
        .otherwise(pick(pl.col("mention") % 2, (UNREAD, SEEN))),
        end_day="resolved_day",
        end_second="resolved_second",
    )


def _assignments(blocks: pl.DataFrame, tasks: pl.DataFrame, users: pl.DataFrame) -> pl.DataFrame:
    given = _chosen(blocks, tasks.filter("is_shared"), (pl.col("inbox_items_count") + 1) // 3)
    return _about_tasks(given, ASSIGNMENT).with_columns(
        user=desk.user(pl.col("assignee")),
        title=pl.concat_str(desk.name(users, desk.user(pl.col("owner"))), pl.lit(" gave you a task: "), "title"),
        status=pl.col("status").replace_strict(_OF_TASKS, return_dtype=pl.String),
        end_day="done_day",
        end_second="done_second",
    )


def _updates(blocks: pl.DataFrame, tasks: pl.DataFrame, users: pl.DataFrame) -> pl.DataFrame:
    moved = tasks.filter(pl.col("is_shared") & (pl.col("status") != TODO))
    chosen = _chosen(blocks, moved, pl.col("inbox_items_count") // 3)
    verb = pl.when("is_done").then(pl.lit(" has done: ")).otherwise(pl.lit(" works on: "))
    nothing = pl.lit(None, dtype=pl.Int64)
    return _about_tasks(chosen, UPDATE).with_columns(
        user=desk.user(pl.col("owner")),
        title=pl.concat_str(desk.name(users, desk.user(pl.col("assignee"))), verb, "title"),
        status=pick(pl.col("number") % len(_STATUSES), _STATUSES),
        day="moved_day",
        second="moved_second",
        end_day=nothing,
        end_second=nothing,
    )


def _about_tasks(tasks: pl.DataFrame, source_type: str) -> pl.DataFrame:
    return tasks.with_columns(
        source_type=pl.lit(source_type),
        source="key",
        reference_type=pl.lit("todo_task"),
        reference="key",
        description=pl.concat_str(pl.lit("On the list "), "list"),
    )


def _chosen(blocks: pl.DataFrame, tasks: pl.DataFrame, count: pl.Expr) -> pl.DataFrame:
    """Choose *count* tasks per block, spread evenly over those given; `number` counts them from 0."""
    ranked = tasks.with_columns(rank=pl.int_range(pl.len()).over("block"), size=pl.len().cast(pl.Int64).over("block"))
    sizes = ranked.group_by("block").agg(pl.col("size").first())
    wanted = expand(blocks.with_columns(told_count=count, told_first=pl.lit(0)), "told").join(
        sizes, on="block", how="left", maintain_order="left"
    )
    return wanted.select("block", number="index", rank=pl.col("index") * pl.col("size") // pl.col("told_count")).join(
        ranked, on=["block", "rank"], how="left", maintain_order="left"
    )
