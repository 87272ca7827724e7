"""Todo lists and their tasks: one theme per list, and each task about a document, batch or party of the trade."""

import polars as pl

from desired_state import dates, desk, subjects, themes
from desired_state.blocks import expand
from desired_state.tables.collaboration import TODO_LISTS, TODO_TASKS
from reconcile.dataset import conform, key_text, with_hash
from reconcile.fields import Draw, pick
from reconcile.spec import Profile

TODO, IN_PROGRESS, DONE = "todo", "in_progress", "done"
_STATUSES = (TODO, IN_PROGRESS, DONE)
_PRIORITIES = ("low", "medium", "high", "urgent")
_WITH_DUE_DATE = 700
_UNASSIGNED = 300
_SHARED_PLACES = (1, 3)
_SHARED_CYCLE = 5
"""Two of five lists are shared, by their place in the block."""
_LIST_DAYS = 300
_DUE_SECOND = 17 * 3_600

_LISTS = (
    ("Unpaid invoices", "Bills to settle", "Client care", "Orders to send out", "Lots on their way",
     "Pictures to take", "Samples", "Growers", "Batches to check", "Open quotes"),
    ("Second reminders", "Payables of the week", "Client files", "Packing bench", "Scales and intake",
     "Shop pages", "Tasting feedback", "Supply planning", "Labels and lab reports", "Quotes to follow up"),
)  # fmt: skip
"""The names of lists, each row in the order of the themes."""
_TEXTS = (
    (themes.RECEIVABLE, "Call {party} about {subject}", "Note the promised day on the invoice"),
    (themes.PAYABLE, "Release the payment of {subject}", "Compare with the lot of {party} first"),
    (themes.CLIENT, "Update the contacts of {party}", "Name, mail and phone of {subject}"),
    (themes.DELIVERY, "Get {subject} ready", "Goes to {party}"),
    (themes.INTAKE, "Make room for {subject}", "Comes from {party}; keep a shelf free"),
    (themes.PHOTOGRAPHY, "Write the shop page of {subject}", "Text and pictures of {party}"),
    (themes.SAMPLES, "Pack samples of {subject}", "{party}, for clients who asked"),
    (themes.VENDOR, "Ask {party} for the harvest list", "Quantities and days for the next lots"),
    (themes.COMPLIANCE, "Look through the lab report of {subject}", "{party}: numbers and label must agree"),
    (themes.QUOTE, "Ask {party} about {subject}", "Is anything missing in the quote?"),
)
"""Per theme: title and description of a task."""


def list_plan(blocks: pl.DataFrame) -> pl.DataFrame:
    """Give every list with block, index, name, theme, owner and whether it is shared."""
    names = tuple(name for row in _LISTS for name in row)
    series = pl.col("ordinal") // len(names)
    numbered = pl.when(series > 0).then(pl.concat_str(pl.lit(" "), series + 1)).otherwise(pl.lit(""))
    return expand(blocks, "todo_lists").select(
        "block", "index", "todo_tasks_count", "todo_lists_count",
        list=pl.concat_str(pick(pl.col("ordinal") % len(names), names), numbered),
        theme=pick(pl.col("ordinal") % len(themes.THEMES), themes.THEMES),
        owner=pl.col("ordinal") % len(desk.EVERYBODY),
        is_shared=(pl.col("index") % _SHARED_CYCLE).is_in(_SHARED_PLACES),
    )  # fmt: skip


def todo_lists(profile: Profile, plan: pl.DataFrame) -> pl.DataFrame:
    """Give the todo_lists table."""
    draw = Draw(profile.seed, "todo_lists")
    created = dates.as_moment(
        dates.to_workday_before(dates.number(profile.as_of) - _LIST_DAYS - draw.integer("created_at", 0, 90)),
        desk.office_second(draw, "created_at.second"),
    )
    shared = pl.when("is_shared").then(pl.lit("Shared with the team")).otherwise(pl.lit("Own list"))
    return conform(
        TODO_LISTS,
        with_hash(plan, "list").select(
            "is_shared",
            name="list",
            description=shared,
            owner_id=desk.user(pl.col("owner")),
            created_at=created,
            updated_at=created,
        ),
    )


def task_plan(profile: Profile, lists: pl.DataFrame, pool: pl.DataFrame) -> pl.DataFrame:
    """
    Give every task with its list, place, texts, people, status and days.

    The tasks of a block are dealt round to its lists. A task about something that the trade has settled is done on
    that day. In a shared list the owner hands tasks to others; in any other list they are the owner's own.
    """
    draw = Draw(profile.seed, "todo_tasks")
    today = dates.number(profile.as_of)
    frame = with_hash(_texts(_planned(lists, pool)), "key")
    handed = desk.colleague(draw, "assigned_to", pl.col("owner"))
    own = pl.when(~draw.chance("assigned_to.any", _UNASSIGNED)).then("owner")
    frame = frame.with_columns(
        assignee=pl.when("is_shared").then(handed).otherwise(own),
        status=pl.when("is_done")
        .then(pl.lit(DONE))
        .when(pl.col("planned") == TODO)
        .then(pl.lit(TODO))
        .otherwise(pl.lit(IN_PROGRESS)),
        done_day=subjects.done_day(profile, draw),
        done_second=desk.office_second(draw, "completed_at"),
        second=desk.evening_second(draw, "created_at.second"),
    )
    before = pl.coalesce("done_day", pl.lit(today, dtype=pl.Int64)) - draw.integer("created_at", 1, 10)
    frame = frame.with_columns(day=pl.max_horizontal("since_day", dates.to_workday_before(before)))
    next_day = dates.to_workday_after(pl.col("day") + 1)
    is_past = next_day < today
    started_second = pl.when(is_past).then(desk.office_second(draw, "started")).otherwise(pl.col("second") + 1_800)
    met = pl.when("is_done").then(pl.col("done_day") + draw.integer("due_date.done", -1, 3))
    due = pl.max_horizontal(pl.col("day") + 1, pl.coalesce(met, today + draw.integer("due_date", -3, 14)))
    return frame.with_columns(
        moved_day=pl.coalesce("done_day", pl.when(is_past).then(next_day), "day"),
        moved_second=pl.when("is_done").then("done_second").otherwise(started_second),
        due_day=pl.when(draw.chance("due_date.any", _WITH_DUE_DATE)).then(dates.to_workday_after(due)),
    )


def _planned(lists: pl.DataFrame, pool: pl.DataFrame) -> pl.DataFrame:
    # Of n tasks the list at place i of m has as many as there are numbers i, i + m, i + 2 m, ... below n.
    last = pl.col("todo_tasks_count") - 1 - pl.col("index")
    tasks = (
        lists.with_columns(position=pl.int_ranges(0, last // pl.col("todo_lists_count") + 1))
        .explode("position", empty_as_null=False)
        .with_columns(planned=pick((pl.col("position") + pl.col("index")) % len(_STATUSES), _STATUSES))
    )
    return subjects.take(tasks.with_columns(is_closed=pl.col("planned") == DONE), pool)


def _texts(tasks: pl.DataFrame) -> pl.DataFrame:
    texts = pl.DataFrame(_TEXTS, schema=["theme", "title_text", "description_text"], orient="row")
    return (
        tasks.join(texts, on="theme", how="left", maintain_order="left")
        .with_columns(title=subjects.fill("title_text"), description=subjects.fill("description_text"))
        .with_columns(key=key_text([pl.col("list"), pl.col("title")]))
    )


def todo_tasks(plan: pl.DataFrame) -> pl.DataFrame:
    """Give the todo_tasks table; what is done was completed by whom it was assigned to, else by the list's owner."""
    created = dates.as_moment(pl.col("day"), pl.col("second"))
    completed = dates.as_moment(pl.col("done_day"), pl.col("done_second"))
    moved = pl.when(pl.col("status") != TODO).then(dates.as_moment(pl.col("moved_day"), pl.col("moved_second")))
    place = (pl.col("position") + pl.col("index")) % len(_PRIORITIES)
    return conform(
        TODO_TASKS,
        plan.select(
            "title",
            "description",
            "status",
            "position",
            list_id="list",
            priority=pick(place, _PRIORITIES),
            due_date=dates.as_moment(pl.col("due_day"), _DUE_SECOND),
            assigned_to=desk.user(pl.col("assignee")),
            created_by=desk.user(pl.col("owner")),
            is_completed="is_done",
            completed_at=completed,
            completed_by=pl.when("is_done").then(desk.user(pl.coalesce("assignee", "owner"))),
            created_at=created,
            updated_at=pl.coalesce(moved, created),
        ),
    )
