"""Calendars, tasks, comments and inboxes tell of rows that exist, in an order that time allows, and rules say so."""

from collections.abc import Callable
from datetime import date, datetime

import polars as pl
import pytest

from desired_state import STATE
from desired_state.desk import EVERYBODY
from desired_state.rules.collaboration import RULES, dangling
from reconcile.dataset import KEY, Dataset, MissingTable
from reconcile.spec import Profile, Size
from reconcile.state import Rule

AS_OF = date(2026, 1, 5)
NOW = datetime(2026, 1, 5)
GONE = "\\#99"
"""A reference to a row that does not exist, as the live side reads it."""

COUNTS = {
    Size.LIGHT: {
        "calendars": 5,
        "appointment_types": 25,
        "calendar_availability": 30,
        "calendar_events": 40,
        "todo_lists": 8,
        "todo_tasks": 30,
        "comments": 50,
        "comment_mentions": 5,
        "inbox_items": 15,
    },
    Size.FULL: {
        "calendars": 5,
        "appointment_types": 25,
        "calendar_availability": 30,
        "calendar_events": 100,
        "todo_lists": 20,
        "todo_tasks": 80,
        "comments": 150,
        "comment_mentions": 17,
        "inbox_items": 50,
    },
}
PEOPLE = {
    "calendars": ("owner_id",),
    "calendar_events": ("created_by", "assigned_to"),
    "todo_lists": ("owner_id",),
    "todo_tasks": ("created_by", "assigned_to", "completed_by"),
    "comments": ("user_id", "resolved_by"),
    "comment_mentions": ("mentioned_user_id", "mentioned_by_user_id"),
    "inbox_items": ("user_id",),
}


@pytest.mark.parametrize("size", list(Size))
def test_tables_have_the_rows_of_the_profile(size: Size) -> None:
    """Counts are those of the replaced tool; one mention per inbox item that tells of one."""
    frames = STATE.rows(Profile(AS_OF, size)).frames

    assert COUNTS[size] == {name: frames[name].height for name in COUNTS[size]}


def test_only_the_users_of_the_dataset_act(full: Dataset) -> None:
    """Accounts of other steps take no part, so they move no cell."""
    acting = pl.concat([full[table][column] for table, columns in PEOPLE.items() for column in columns])

    assert set(EVERYBODY) == set(acting.drop_nulls())


def test_the_first_calendar_is_the_default(full: Dataset) -> None:
    """Five calendars, each with five kinds of appointments and six days of opening hours."""
    assert full["calendars"].filter("is_default")["name"].to_list() == ["Office Calendar"]
    for table, rows in (("appointment_types", 5), ("calendar_availability", 6)):
        assert full[table]["calendar_id"].value_counts()["count"].to_list() == [rows] * 5


def test_events_are_done_when_they_lie_in_the_past(full: Dataset) -> None:
    """COMPLETED is before as-of, everything else within the sixty days ahead; all are noted on an earlier day."""
    events = full["calendar_events"].with_columns(ahead=(pl.col("start_date") - AS_OF).dt.total_days())

    assert events.filter((pl.col("status") == "COMPLETED") != (pl.col("ahead") < 0)).height == 0
    assert events.filter(pl.col("ahead") > 60).height == 0
    assert events.filter(pl.col("created_at") >= pl.col("start_date")).height == 0
    assert events["created_at"].max() < NOW  # type: ignore[operator]
    assert set(events["status"]) == {"SCHEDULED", "COMPLETED", "CANCELLED"}


def test_collections_and_payments_follow_the_documents(full: Dataset) -> None:
    """An event ahead is about something open, of that client or of goods of that vendor; one that is done is not."""
    events = full["calendar_events"].select("event_type", "status", "entity_id", "client_id", "vendor_id")
    invoices = full["invoices"].select("customerId", "amountDue", entity_id=KEY)
    lots = full["lots"].select("vendorId", referenceId=KEY)
    bills = full["bills"].select("referenceId", "amountDue", entity_id=KEY).join(lots, on="referenceId")
    collections = events.filter(pl.col("event_type") == "AR_COLLECTION").join(invoices, on="entity_id")
    payments = events.filter(pl.col("event_type") == "AP_PAYMENT").join(bills, on="entity_id")
    is_settled = (pl.col("amountDue") == 0) == (pl.col("status") == "COMPLETED")

    assert (collections.height, payments.height) == (10, 10)
    assert collections.filter(is_settled & (pl.col("client_id") == pl.col("customerId"))).height == 10
    assert payments.filter(is_settled & (pl.col("vendor_id") == pl.col("vendorId"))).height == 10


def test_events_name_a_party_only_where_they_concern_one(full: Dataset) -> None:
    """Clients with meetings and collections, vendors with talks and payments."""
    events = full["calendar_events"]
    with_client = (pl.col("module") == "CLIENTS") | (pl.col("event_type") == "AR_COLLECTION")
    with_vendor = (pl.col("module") == "VENDORS") | (pl.col("event_type") == "AP_PAYMENT")

    assert events.filter(pl.col("client_id").is_not_null() != with_client).height == 0
    assert events.filter(pl.col("vendor_id").is_not_null() != with_vendor).height == 0


def test_tasks_move_forward_in_time(full: Dataset) -> None:
    """List, task, completion; due after the task was written; done by somebody exactly when done."""
    lists = full["todo_lists"].select(list_id=KEY, listed="created_at")
    tasks = full["todo_tasks"].join(lists, on="list_id")
    is_done = pl.col("status") == "done"

    assert tasks.filter(pl.col("listed") > pl.col("created_at")).height == 0
    assert tasks.filter(pl.col("completed_at") <= pl.col("created_at")).height == 0
    assert tasks.filter(pl.col("due_date") <= pl.col("created_at")).height == 0
    assert tasks.filter(is_done != pl.col("completed_by").is_not_null()).height == 0
    assert tasks["updated_at"].max() < NOW  # type: ignore[operator]
    assert tasks.filter(pl.struct("list_id", "position").is_duplicated()).height == 0


def test_comments_follow_what_they_are_about(full: Dataset) -> None:
    """The four types take turns; a comment is younger than its row and older than what resolved it."""
    comments = full["comments"]
    created = {"order": ("orders", "created_at"), "client": ("clients", "created_at")}
    created |= {"batch": ("batches", "createdAt"), "invoice": ("invoices", "createdAt")}
    rows = pl.concat(
        full[table].select(commentable_type=pl.lit(kind), commentable_id=KEY, began=column)
        for kind, (table, column) in created.items()
    )
    dated = comments.join(rows, on=["commentable_type", "commentable_id"])

    assert comments["commentable_type"].value_counts().sort("commentable_type").rows() == [
        ("batch", 37), ("client", 38), ("invoice", 37), ("order", 38),
    ]  # fmt: skip
    assert dated.filter(pl.col("began") < pl.col("created_at")).height == 150
    assert comments.filter(pl.col("resolved_at") <= pl.col("created_at")).height == 0
    assert comments.filter(pl.col("is_resolved") != pl.col("resolved_by").is_not_null()).height == 0
    assert 30 <= comments["is_resolved"].sum() <= 38
    assert comments["updated_at"].max() < NOW  # type: ignore[operator]


def test_a_mention_calls_by_name_and_is_told(full: Dataset) -> None:
    """The comment says the name, and the inbox of whom it names has it, about the same row."""
    names = full["users"].select("name", mentioned_user_id=KEY)
    comments = full["comments"].select("content", "commentable_type", "commentable_id", comment_id=KEY)
    told = full["inbox_items"].select("user_id", "reference_type", "reference_id", source_id="source_id")
    mentions = full["comment_mentions"].join(comments, on="comment_id").join(names, on="mentioned_user_id")
    inbox = mentions.join(told, left_on=[KEY, "mentioned_user_id"], right_on=["source_id", "user_id"])
    same = (pl.col("reference_type") == pl.col("commentable_type")) & (
        pl.col("reference_id") == pl.col("commentable_id")
    )

    assert mentions.filter(pl.col("content").str.contains(pl.format("@{},", "name"), literal=True)).height == 17
    assert mentions.filter(pl.col("mentioned_user_id") == pl.col("mentioned_by_user_id")).height == 0
    assert inbox.filter(same).height == 17
    assert full["comments"].filter(pl.col("content").str.contains("@")).height == 17


@pytest.mark.parametrize("size", list(Size))
def test_inboxes_agree_with_themselves(size: Size) -> None:
    """Three sources, three statuses, five kinds of reference; seen and completed exactly when the status says so."""
    inbox = STATE.rows(Profile(AS_OF, size))["inbox_items"]
    is_seen, is_completed = pl.col("status") != "unread", pl.col("status") == "completed"

    assert set(inbox["source_type"]) == {"mention", "task_assignment", "task_update"}
    assert set(inbox["status"]) == {"unread", "seen", "completed"}
    assert set(inbox["reference_type"]) == {"order", "client", "batch", "invoice", "todo_task"}
    assert inbox.filter(is_seen != pl.col("seen_at").is_not_null()).height == 0
    assert inbox.filter(is_completed != pl.col("completed_at").is_not_null()).height == 0
    assert inbox.filter(pl.col("seen_at") <= pl.col("created_at")).height == 0
    assert inbox.filter(pl.col("completed_at") <= pl.col("seen_at")).height == 0
    assert inbox["updated_at"].max() < NOW  # type: ignore[operator]


def test_tasks_are_told_to_whom_they_concern(full: Dataset) -> None:
    """An assignment to whom it was given, an update to whom the task comes from; neither to who did it."""
    tasks = full["todo_tasks"].select("assigned_to", "created_by", "status", source_id=KEY, task=KEY)
    told = full["inbox_items"].join(tasks, on="source_id", suffix="_of_task")
    is_given = pl.col("source_type") == "task_assignment"
    to = pl.when(is_given).then("assigned_to").otherwise("created_by")

    assert told.filter(pl.col("user_id") == to, pl.col("reference_id") == pl.col("task")).height == told.height == 33
    assert told.filter(pl.col("assigned_to") == pl.col("created_by")).height == 0
    assert told.filter(~is_given & (pl.col("status_of_task") == "todo")).height == 0


def test_a_new_week_adds_no_row() -> None:
    """No key holds a day, so a later top-up finds every row again."""
    weeks = [STATE.rows(Profile(day)) for day in (AS_OF, date(2026, 3, 2))]

    moved = [name for name in COUNTS[Size.FULL] if not weeks[0][name][KEY].equals(weeks[1][name][KEY])]
    assert moved == []


@pytest.mark.parametrize("seed", range(2, 6))
def test_any_seed_finds_subjects_for_all(seed: int) -> None:
    """However the trade goes, each event and task is about a row of its own."""
    dataset = STATE.rows(Profile(AS_OF, Size.LIGHT, seed=seed))

    assert [rule.id for rule in RULES if rule.violations(dataset).height] == []
    assert dataset["calendar_events"]["title"].is_duplicated().sum() == 0
    assert dataset["calendar_events"]["title"].null_count() == 0
    assert dataset["todo_tasks"]["title"].null_count() == 0


Mutation = Callable[[Dataset], tuple[Dataset, str]]


def setting(table: str, rows: pl.Expr | None = None, **values: object) -> Mutation:
    """Break the first row of *table* that meets a condition; the rule must report that row."""

    def mutate(dataset: Dataset) -> tuple[Dataset, str]:
        frame = dataset[table]
        key = str((frame if rows is None else frame.filter(rows))[KEY][0])
        changed = frame.with_columns(
            pl.when(pl.col(KEY) == key).then(pl.lit(value).cast(frame.schema[name])).otherwise(name).alias(name)
            for name, value in values.items()
        )
        return Dataset(dataset.specs, dict(dataset.frames) | {table: changed}), key

    return mutate


def without_resolution(dataset: Dataset) -> tuple[Dataset, str]:
    return setting("comments", pl.col("is_resolved"), resolved_at=None)(dataset)


MUTATIONS: dict[str, Mutation] = {
    "event-ends": setting("calendar_events", end_date=date(2020, 1, 1)),
    "event-calendars": setting("calendar_events", calendar_id=GONE),
    "event-subjects": setting("calendar_events", entity_id=GONE),
    "task-completion": setting("todo_tasks", pl.col("status") == "done", status="todo"),
    "comment-resolution": without_resolution,
    "comment-targets": setting("comments", pl.col("commentable_type") == "invoice", commentable_id=GONE),
    "inbox-sources": setting("inbox_items", pl.col("source_type") == "mention", source_id=GONE),
    "inbox-references": setting("inbox_items", pl.col("reference_type") == "order", reference_id=GONE),
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_rule_holds_and_reports_the_row_that_breaks_it(rule: Rule, light: Dataset) -> None:
    """One broken cell, and the rule names its row and says why."""
    broken, key = MUTATIONS[rule.id](light)
    found = rule.violations(broken)

    assert rule in STATE.rules
    assert rule.violations(light).height == 0
    assert found["key"].to_list() == [key]
    assert dict(found.schema) == {"key": pl.String, "why": pl.String}
    assert found["why"].null_count() == 0


@pytest.mark.parametrize(
    ("rule", "table"),
    [(rule, table) for rule in RULES for table in rule.tables],
    ids=lambda value: value if isinstance(value, str) else value.id,
)
def test_rule_fails_without_its_tables(rule: Rule, table: str, light: Dataset) -> None:
    """A table that is missing is never taken for an empty one, and the rule declares all it reads."""
    declared = {name: light[name] for name in rule.tables}

    rule.violations(Dataset(light.specs, declared))
    with pytest.raises(MissingTable):
        rule.violations(Dataset(light.specs, {name: declared[name] for name in declared if name != table}))


@pytest.mark.parametrize(
    ("times", "is_broken"),
    [
        (("09:00:00", "08:59:59"), True),
        (("9:30", "10:00"), False),
        (("10:00", "9:30:00"), True),
        (("10:00:00", "10:00:00"), False),
        (("noon", "13:00:00"), True),
        (("10:00:00", None), False),
        ((None, None), False),
    ],
)
def test_on_one_day_the_times_decide(times: tuple[str | None, str | None], *, is_broken: bool, light: Dataset) -> None:
    """A time that cannot be read breaks the rule, one that is missing says nothing."""
    start, end = times
    broken, key = setting("calendar_events", start_time=start, end_time=end)(light)

    assert RULES[0].violations(broken)["key"].to_list() == ([key] if is_broken else [])


def test_over_two_days_the_times_do_not_count(light: Dataset) -> None:
    """An event may end earlier in the day than it started, on a later day."""
    later, _ = setting(
        "calendar_events",
        start_date=date(2026, 1, 6),
        end_date=date(2026, 1, 7),
        start_time="15:00:00",
        end_time="09:00:00",
    )(light)

    assert RULES[0].violations(later).height == 0


def test_deleted_events_break_no_rule(light: Dataset) -> None:
    """What nobody sees need not be right."""
    broken, _ = setting("calendar_events", deleted_at=NOW, end_date=date(2020, 1, 1), calendar_id=GONE)(light)

    assert [rule.id for rule in RULES if rule.violations(broken).height] == []


def test_a_type_of_the_application_is_left_alone(light: Dataset) -> None:
    """Nothing says which table an unknown type means; a type without id means nothing at all."""
    unknown, _ = setting("comments", commentable_type="recipe", commentable_id=GONE)(light)
    half, key = setting("comments", commentable_type="recipe", commentable_id=None)(light)

    assert dangling(unknown, "comments", "commentable_id").height == 0
    assert dangling(half, "comments", "commentable_id")[KEY].to_list() == [key]
