"""Calendars, the appointments that can be booked in them and their opening hours: the same in every dataset."""

import polars as pl

from desired_state import dates
from desired_state.actors import ADMIN
from desired_state.tables.collaboration import APPOINTMENT_TYPES, CALENDAR_AVAILABILITY, CALENDARS
from reconcile.dataset import conform
from reconcile.spec import Profile

OFFICE, ACCOUNTING, SALES, INTAKE, COLLECTIONS = (
    "Office Calendar",
    "Accounting Calendar",
    "Sales Calendar",
    "Intake Calendar",
    "Collections Calendar",
)
_CALENDARS = (
    (OFFICE, "#3B82F6", "Dates that concern everybody", True),
    (ACCOUNTING, "#10B981", "Bills to pay and dates of the books", False),
    (SALES, "#F59E0B", "Visits, quotes and deliveries to clients", False),
    (INTAKE, "#8B5CF6", "Arriving lots, photographs and growers", False),
    (COLLECTIONS, "#EF4444", "Calls about invoices that are not paid", False),
)
_APPOINTMENTS = (
    ("Client Meeting", 60, 15, "#3B82F6", "Time with a client, in the office or by phone"),
    ("Payment Pickup", 30, 0, "#10B981", "A client brings or we collect a payment"),
    ("Product Demo", 45, 10, "#F59E0B", "New batches are shown and compared"),
    ("Intake Appointment", 120, 30, "#8B5CF6", "A lot is brought in, weighed and checked"),
    ("Quick Consultation", 15, 5, "#EC4899", "One question, answered at once"),
)
_HOURS = (*((day, "09:00:00", "17:00:00") for day in range(1, 6)), (6, "10:00:00", "14:00:00"))
"""Days of the week from Sunday 0, as the application counts them; closed on Sundays."""


def calendars(profile: Profile) -> pl.DataFrame:
    """Give the five calendars; the first is the default one."""
    frame = pl.DataFrame(_CALENDARS, schema=["name", "color", "description", "is_default"], orient="row")
    return conform(CALENDARS, _dated(frame.with_columns(owner_id=pl.lit(ADMIN)), profile))


def appointment_types(profile: Profile) -> pl.DataFrame:
    """Give the five kinds of appointments of every calendar, each with as much time before it as after."""
    frame = pl.DataFrame(
        _APPOINTMENTS, schema=["name", "duration", "buffer_before", "color", "description"], orient="row"
    ).with_columns(buffer_after="buffer_before")
    return conform(APPOINTMENT_TYPES, _dated(_per_calendar(frame), profile))


def availability(profile: Profile) -> pl.DataFrame:
    """Give the opening hours of every calendar, Monday to Saturday."""
    frame = pl.DataFrame(_HOURS, schema=["day_of_week", "start_time", "end_time"], orient="row")
    return conform(CALENDAR_AVAILABILITY, _dated(_per_calendar(frame), profile))


def _per_calendar(frame: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame({"calendar_id": [name for name, *_ in _CALENDARS]}).join(frame, how="cross")


def _dated(frame: pl.DataFrame, profile: Profile) -> pl.DataFrame:
    moment = dates.go_live(profile.as_of)
    return frame.with_columns(created_at=moment, updated_at=moment)
