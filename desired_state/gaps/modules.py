"""Modules whose table is empty get a few rows about what is there: bills, samples, events, tasks and comments."""

import polars as pl

from desired_state import dates
from desired_state.gaps.frames import GAP_FILL, acting_user, nothing, number
from desired_state.rules.report import EXACT, alive, amount
from desired_state.tables.collaboration import CALENDAR_EVENTS, COMMENTS, TODO_LISTS, TODO_TASKS
from desired_state.tables.finance import BILLS
from desired_state.tables.inventory import SAMPLE_REQUESTS
from reconcile.dataset import KEY, Dataset, conform
from reconcile.fields import pick
from reconcile.spec import Profile
from reconcile.state import GapRule
from reconcile.values import dump_json

_BILLS, _SAMPLES, _EVENTS, _TASKS, _COMMENTS = 10, 15, 20, 20, 30
_LIST = "Open points"
_NUMBER_LENGTH = 50
_LONGEST_TITLE = 200
_TERM_DAYS = 30


def _days(profile: Profile, offset: pl.Expr) -> pl.Expr:
    """The workday that many days from as-of, or the next one."""
    return dates.to_workday_after(pl.lit(dates.number(profile.as_of), dtype=pl.Int64) + offset)


def _first(dataset: Dataset, table: str, count: int, rows: pl.Expr | None = None) -> pl.DataFrame:
    """Give the first rows of *table* by key, those that are not deleted, with their place `i`."""
    standing = alive(dataset, table)
    wanted = standing if rows is None else standing.filter(rows)
    return wanted.sort(KEY).head(count).with_columns(i=pl.int_range(pl.len(), dtype=pl.Int64))


def _open_orders(dataset: Dataset, count: int) -> pl.DataFrame:
    return _first(dataset, "orders", count, ~pl.col("is_draft") & pl.col("saleStatus").ne_missing("CANCELLED"))


def _calendars(dataset: Dataset) -> pl.Series:
    """Give the keys of the calendars, the default one first."""
    return dataset["calendars"].sort(~pl.col("is_default"), KEY)[KEY]


def bills(dataset: Dataset, profile: Profile) -> pl.DataFrame:
    """Give bills for lots with stock: what is on hand of each, at cost, from the client that supplied it."""
    user = acting_user(dataset)
    sellers = alive(dataset, "clients").sort(~pl.col("is_seller").fill_null(value=False), KEY)
    if dataset["bills"].height or user is None or sellers.is_empty():
        return nothing(dataset, "bills")
    worth = (
        alive(dataset, "batches")
        .group_by("lotId")
        .agg(worth=(amount("onHandQty") * amount("unitCogs").fill_null(0)).sum().cast(EXACT))
        .filter(pl.col("worth") > 0)
    )
    lots = alive(dataset, "lots").join(worth, left_on=KEY, right_on="lotId").sort(KEY).head(_BILLS)
    supplier = pl.col("supplier_client_id").is_in(sellers[KEY].implode())
    billed = pl.col("date").dt.date()
    total = pl.col("worth").round(2, mode="half_away_from_zero")
    rows = lots.select(
        billNumber=number("BILL-", pl.col("code"), pl.lit(""), _NUMBER_LENGTH),
        vendorId=pl.when(supplier).then("supplier_client_id").otherwise(pl.lit(sellers[KEY][0])),
        billDate=billed,
        dueDate=billed + pl.duration(days=_TERM_DAYS),
        subtotal=total,
        totalAmount=total,
        amountDue=total,
        status=pl.lit("PENDING"),
        paymentTerms=pl.lit(f"NET_{_TERM_DAYS}"),
        referenceType=pl.lit("LOT"),
        referenceId=KEY,
        createdBy=pl.lit(user),
        createdAt="date",
        updatedAt="date",
    )
    return conform(BILLS, rows, step=GAP_FILL)


def samples(dataset: Dataset, profile: Profile) -> pl.DataFrame:
    """Give sample requests of clients, each for one product; pending, handed out and cancelled in turn."""
    user, products = acting_user(dataset), alive(dataset, "products")[KEY].sort()
    if dataset["sampleRequests"].height or user is None or products.is_empty():
        return nothing(dataset, "sampleRequests")
    documents = [dump_json([{"productId": product, "quantity": "1"}]) for product in products.head(_SAMPLES)]
    status = pick(pl.col("i") % 3, ("PENDING", "FULFILLED", "CANCELLED"))
    is_done, is_off = status == "FULFILLED", status == "CANCELLED"
    asked = dates.as_moment(_days(profile, -20 - pl.col("i")), 10 * 3_600)
    closed = asked.dt.offset_by("2d")
    rows = _first(dataset, "clients", _SAMPLES).select(
        clientId=KEY,
        requestedBy=pl.lit(user),
        requestDate=asked,
        products=pick(pl.col("i") % len(documents), documents),
        sampleRequestStatus=status,
        fulfilledDate=pl.when(is_done).then(closed),
        fulfilledBy=pl.when(is_done).then(pl.lit(user)),
        cancelledDate=pl.when(is_off).then(closed),
        cancelledBy=pl.when(is_off).then(pl.lit(user)),
        createdAt=asked,
        updatedAt=asked,
    )
    return conform(SAMPLE_REQUESTS, rows, step=GAP_FILL)


def events(dataset: Dataset, profile: Profile) -> pl.DataFrame:
    """Give events of the next weeks: a call to a client and a delivery of an order in turn."""
    user, calendars = acting_user(dataset), _calendars(dataset)
    if dataset["calendar_events"].height or user is None:
        return nothing(dataset, "calendar_events")
    calls = _first(dataset, "clients", _EVENTS // 2).select(
        title=pl.format("Call {}", pl.col("teri_code")),
        module=pl.lit("CLIENTS"),
        event_type=pl.lit("FOLLOW_UP"),
        day=pl.col("i") * 2 + 1,
        client_id=KEY,
        entity_type=pl.lit("client"),
        entity_id=KEY,
    )
    deliveries = _open_orders(dataset, _EVENTS // 2).select(
        title=pl.format("Deliver order {}", pl.col("order_number")),
        module=pl.lit("ORDERS"),
        event_type=pl.lit("DELIVERY"),
        day=pl.col("i") * 2 + 2,
        client_id="client_id",
        entity_type=pl.lit("order"),
        entity_id=KEY,
    )
    day, created = dates.as_date(_days(profile, pl.col("day"))), dates.midnight(profile.as_of)
    rows = (
        pl.concat([calls, deliveries])
        .with_columns(start_date=day, end_date=day)
        .with_columns(
            start_time=pl.lit("10:00:00"),
            end_time=pl.lit("11:00:00"),
            calendar_id=pl.lit(calendars[0] if len(calendars) else None, dtype=pl.String),
            created_by=pl.lit(user),
            created_at=created,
            updated_at=created,
        )
    )
    return conform(CALENDAR_EVENTS, rows.drop("day"), step=GAP_FILL)


def task_lists(dataset: Dataset, profile: Profile) -> pl.DataFrame:
    """Give one list of tasks where there is none."""
    user = acting_user(dataset)
    if dataset["todo_lists"].height or user is None:
        return nothing(dataset, "todo_lists")
    created = dates.midnight(profile.as_of)
    rows = pl.DataFrame({"name": [_LIST], "description": ["What to look after next"]}).with_columns(
        owner_id=pl.lit(user), is_shared=pl.lit(value=True), created_at=created, updated_at=created
    )
    return conform(TODO_LISTS, rows, step=GAP_FILL)


def tasks(dataset: Dataset, profile: Profile) -> pl.DataFrame:
    """Give tasks about orders, in the first list, to do and in progress in turn."""
    user, lists = acting_user(dataset), dataset["todo_lists"][KEY].sort()
    if dataset["todo_tasks"].height or user is None or lists.is_empty():
        return nothing(dataset, "todo_tasks")
    created = dates.midnight(profile.as_of)
    rows = _open_orders(dataset, _TASKS).select(
        list_id=pl.lit(lists[0]),
        title=pl.format("Check order {}", pl.col("order_number")).str.slice(0, _LONGEST_TITLE),
        status=pick(pl.col("i") % 2, ("todo", "in_progress")),
        priority=pick(pl.col("i") % 3, ("low", "medium", "high")),
        due_date=dates.as_moment(_days(profile, pl.col("i") + 1), 12 * 3_600),
        assigned_to=pl.lit(user),
        created_by=pl.lit(user),
        position="i",
        created_at=created,
        updated_at=created,
    )
    return conform(TODO_TASKS, rows, step=GAP_FILL)


def comments(dataset: Dataset, profile: Profile) -> pl.DataFrame:
    """Give comments on orders, clients and batches."""
    user = acting_user(dataset)
    if dataset["comments"].height or user is None:
        return nothing(dataset, "comments")
    each = _COMMENTS // 3
    about = pl.concat(
        rows.select(commentable_type=pl.lit(kind), commentable_id=KEY, content=pl.lit(content))
        for kind, content, rows in (
            ("order", "Checked against what the client asked for", _open_orders(dataset, each)),
            ("client", "Terms and contact are up to date", _first(dataset, "clients", each)),
            ("batch", "Count agrees with what is on the shelf", _first(dataset, "batches", each)),
        )
    )
    created = dates.midnight(profile.as_of)
    rows = about.with_columns(user_id=pl.lit(user), created_at=created, updated_at=created)
    return conform(COMMENTS, rows, step=GAP_FILL)


BILLS_RULE = GapRule(
    "empty-bills",
    "Where there are no bills, lots with stock are billed",
    GAP_FILL,
    "bills",
    (),
    ("bills", "lots", "batches", "clients", "users"),
    bills,
)
RULES = (
    GapRule(
        "empty-samples",
        "Where there are no sample requests, clients ask for some",
        GAP_FILL,
        "sampleRequests",
        (),
        ("sampleRequests", "clients", "products", "users"),
        samples,
        mends=("filled-sampleRequests",),
    ),
    GapRule(
        "empty-events",
        "Where there are no calendar events, calls and deliveries are planned",
        GAP_FILL,
        "calendar_events",
        (),
        ("calendar_events", "calendars", "clients", "orders", "users"),
        events,
        mends=("filled-calendar_events",),
    ),
    GapRule(
        "empty-lists",
        "Where there is no list of tasks, one is begun",
        GAP_FILL,
        "todo_lists",
        (),
        ("todo_lists", "users"),
        task_lists,
        mends=("filled-todo_lists",),
    ),
    GapRule(
        "empty-tasks",
        "Where there are no tasks, orders are to be checked",
        GAP_FILL,
        "todo_tasks",
        (),
        ("todo_tasks", "todo_lists", "orders", "users"),
        tasks,
    ),
    GapRule(
        "empty-comments",
        "Where there are no comments, orders, clients and batches get some",
        GAP_FILL,
        "comments",
        (),
        ("comments", "orders", "clients", "batches", "users"),
        comments,
        mends=("filled-comments",),
    ),
)
