"""Collaboration: calendars, tasks, comments and inboxes, all about what happens in the trade."""

from collections.abc import Mapping

import polars as pl

from desired_state import calendars, comments, events, inbox, subjects, tasks
from desired_state.trade import Trade
from reconcile.spec import Profile


def tables(profile: Profile, trade: Trade, core: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Give the tables of this area; *core* are the finished tables of the trade."""
    pool = subjects.subjects(profile, trade, core)
    lists = tasks.list_plan(trade.blocks)
    duties = tasks.task_plan(profile, lists, pool)
    discussion = comments.comment_plan(profile, trade, core["users"])
    return {
        "calendars": calendars.calendars(profile),
        "appointment_types": calendars.appointment_types(profile),
        "calendar_availability": calendars.availability(profile),
        "calendar_events": events.events(profile, trade.blocks, pool),
        "todo_lists": tasks.todo_lists(profile, lists),
        "todo_tasks": tasks.todo_tasks(duties),
        "comments": comments.comments(discussion),
        "comment_mentions": comments.mentions(discussion),
        "inbox_items": inbox.inbox_items(profile, trade.blocks, discussion, duties, core["users"]),
    }
