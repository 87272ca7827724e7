"""Calendar events: what has to be done about the documents of the trade, and when; some lie ahead of as-of."""

import polars as pl

from desired_state import calendars, dates, desk, subjects, themes
from desired_state.blocks import expand
from desired_state.people import staff
from desired_state.tables.collaboration import CALENDAR_EVENTS
from reconcile.dataset import conform, with_hash
from reconcile.fields import Draw, pick
from reconcile.spec import Profile

_SCHEDULED_PERCENT = 80
_REST = ("SCHEDULED", "COMPLETED", "CANCELLED")
_PRIORITIES = (("LOW", 3), ("MEDIUM", 5), ("HIGH", 2))
_FIRST_HOUR, _HALF_HOURS = 9, 14
_MINUTES_PER_HOUR = 60

_FACTS = (
    (themes.RECEIVABLE, calendars.COLLECTIONS, "ACCOUNTING", "AR_COLLECTION", "By phone", 30, 1, 12),
    (themes.PAYABLE, calendars.ACCOUNTING, "ACCOUNTING", "AP_PAYMENT", "Office", 30, 1, 10),
    (themes.CLIENT, calendars.SALES, "CLIENTS", "MEETING", "At the client's", 60, 2, 58),
    (themes.DELIVERY, calendars.SALES, "ORDERS", "DELIVERY", "Loading dock", 60, 1, 5),
    (themes.INTAKE, calendars.INTAKE, "INVENTORY", "INTAKE", "Loading dock", 120, 1, 4),
    (themes.PHOTOGRAPHY, calendars.INTAKE, "INVENTORY", "PHOTOGRAPHY", "Photo corner", 90, 2, 7),
    (themes.SAMPLES, calendars.SALES, "SAMPLES", "FOLLOW_UP", "By phone", 30, 1, 30),
    (themes.VENDOR, calendars.INTAKE, "VENDORS", "MEETING", "At the grower's", 60, 3, 58),
    (themes.COMPLIANCE, calendars.OFFICE, "COMPLIANCE", "AUDIT", "Warehouse", 120, 3, 50),
    (themes.QUOTE, calendars.SALES, "ORDERS", "DEADLINE", None, None, 1, 20),
)
"""Per theme: calendar, module, type, place, minutes (null: the whole day) and how many days ahead."""
_TEXTS = (
    (
        themes.RECEIVABLE,
        "Collect {subject} from {party}",
        "Ask when the rest of {subject} will be paid",
        "The rest of {subject} came in",
    ),
    (themes.PAYABLE, "Pay {subject} for goods of {party}", "Release what is open on {subject}", "{subject} is paid"),
    (
        themes.CLIENT,
        "Review the account of {party}",
        "Go through orders and terms of {subject}",
        "Orders and terms of {subject} were gone through",
    ),
    (
        themes.DELIVERY,
        "Deliver {subject} to {party}",
        "Call ahead before {subject} leaves",
        "{subject} was handed over",
    ),
    (
        themes.INTAKE,
        "Receive {subject} from {party}",
        "Weigh and check {subject} on arrival",
        "{subject} was weighed and checked",
    ),
    (
        themes.PHOTOGRAPHY,
        "Photograph {subject}",
        "Take the shop pictures of {party}",
        "The shop pictures of {party} are done",
    ),
    (themes.SAMPLES, "Ask what clients think of {subject}", "Hear who tried {party}", "Opinions on {party} are noted"),
    (
        themes.VENDOR,
        "Supply talk with {party}",
        "Next harvests, quantities and prices",
        "Quantities of the next harvests are agreed",
    ),
    (
        themes.COMPLIANCE,
        "Check papers and labels of {subject}",
        "Compare {subject} with its lab report",
        "{subject} and its papers agree",
    ),
    (
        themes.QUOTE,
        "Decision on {subject} for {party}",
        "Last workday on which {subject} holds",
        "{subject} was accepted",
    ),
)
"""Per theme: title, what is to be done, and what was done."""
_CALLED_OFF = "Called off; another day is to be agreed"


def events(profile: Profile, blocks: pl.DataFrame, pool: pl.DataFrame) -> pl.DataFrame:
    """
    Give the calendar_events table.

    The themes take turns. What is settled lies in the past and is COMPLETED, everything else lies ahead. A client
    is named only by meetings with clients and by collections, a vendor only by talks with vendors and by payments.
    """
    draw = Draw(profile.seed, "calendar_events")
    frame = with_hash(_planned(blocks, pool), "title")
    frame = frame.with_columns(day=_day(profile, draw), second=desk.evening_second(draw, "created_at.second"))
    today = dates.number(profile.as_of)
    first_noted = dates.to_workday_before(
        pl.min_horizontal("day", pl.lit(today, dtype=pl.Int64)) - draw.integer("created_at", 1, 10)
    )
    created = dates.as_moment(pl.max_horizontal("since_day", first_noted), pl.col("second"))
    start = pl.when(pl.col("minutes").is_not_null()).then(
        _FIRST_HOUR * _MINUTES_PER_HOUR + draw.integer("start_time", 0, _HALF_HOURS) * (_MINUTES_PER_HOUR // 2)
    )
    return conform(
        CALENDAR_EVENTS,
        frame.select(
            "title", "description", "location", "module", "event_type", "status", "calendar_id",
            start_date=dates.as_date(pl.col("day")),
            end_date=dates.as_date(_last_day()),
            start_time=_clock(start),
            end_time=_clock(start + pl.col("minutes")),
            timezone=pl.lit("UTC"),
            priority=pl.when(pl.col("is_urgent") & (pl.col("status") == "SCHEDULED"))
            .then(pl.lit("HIGH"))
            .otherwise(draw.weighted("priority", _PRIORITIES)),
            entity_type="subject_type",
            entity_id="subject",
            client_id=pl.when(pl.col("theme").is_in([themes.RECEIVABLE, themes.CLIENT])).then("client"),
            vendor_id=pl.when(pl.col("theme").is_in([themes.PAYABLE, themes.VENDOR])).then("vendor"),
            created_by=staff(draw, "created_by"),
            assigned_to=staff(draw, "assigned_to"),
            created_at=created,
            updated_at=pl.when("is_done").then(dates.as_moment(pl.col("day"), pl.col("second"))).otherwise(created),
        ),
    )  # fmt: skip


def _planned(blocks: pl.DataFrame, pool: pl.DataFrame) -> pl.DataFrame:
    """Give every event with theme, subject, status and texts."""
    percent = pl.col("index") * 100 // pl.col("events_count")
    planned = (
        pl.when(percent < _SCHEDULED_PERCENT)
        .then(pl.lit("SCHEDULED"))
        .otherwise(pick(pl.col("index") % len(_REST), _REST))
    )
    wanted = expand(blocks, "events").select(
        "block", theme=pick(pl.col("index") % len(themes.THEMES), themes.THEMES), planned=planned
    )
    frame = subjects.take(wanted.with_columns(is_closed=pl.col("planned") == "COMPLETED"), pool)
    status = pl.when("is_done").then(pl.lit("COMPLETED")).when(pl.col("is_closed")).then(pl.lit("SCHEDULED"))
    frame = frame.with_columns(status=status.otherwise("planned")).join(
        _facts(), on="theme", how="left", maintain_order="left"
    )
    description = (
        pl.when(pl.col("status") == "CANCELLED")
        .then(pl.lit(_CALLED_OFF))
        .when(pl.col("status") == "COMPLETED")
        .then(subjects.fill("done_text"))
        .otherwise(subjects.fill("open_text"))
    )
    return frame.with_columns(title=subjects.fill("title_text"), description=description)


def _facts() -> pl.DataFrame:
    columns = ["theme", "calendar_id", "module", "event_type", "location", "minutes", "nearest", "farthest"]
    texts = pl.DataFrame(_TEXTS, schema=["theme", "title_text", "open_text", "done_text"], orient="row")
    return pl.DataFrame(_FACTS, schema=columns, orient="row").join(texts, on="theme", how="left")


def _day(profile: Profile, draw: Draw) -> pl.Expr:
    """The first day: the one the document names where it lies ahead, else a day soon."""
    today = dates.number(profile.as_of)
    soon = today + draw.integer("start_date", pl.col("nearest"), pl.col("farthest"))
    ahead = pl.when(pl.col("due_day") > today).then("due_day").otherwise(soon)
    return pl.coalesce(subjects.done_day(profile, draw), dates.to_workday_after(ahead))


def _last_day() -> pl.Expr:
    # An audit that lies ahead takes two workdays, everything else one.
    is_long = (pl.col("theme") == themes.COMPLIANCE) & ~pl.col("is_done")
    return pl.when(is_long).then(dates.to_workday_after(pl.col("day") + 1)).otherwise("day")


def _clock(minute: pl.Expr) -> pl.Expr:
    """Write a minute of the day as `14:30:00`."""
    hours, minutes = minute // _MINUTES_PER_HOUR, minute % _MINUTES_PER_HOUR
    padded = (part.cast(pl.String).str.zfill(2) for part in (hours, minutes))
    return pl.concat_str(*padded, pl.lit("00"), separator=":")
