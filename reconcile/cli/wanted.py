"""What a run is asked for, before any live row is read: the dataset's parameters, its rows, and which of them count."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from reconcile.checks.preflight import check_rows
from reconcile.cli.journaling import last_anchor
from reconcile.cli.option_groups import SHORT_SKIPS, RunOptions
from reconcile.cli.scope import owners_of
from reconcile.cli.session import Session
from reconcile.dataset import Dataset, check, in_key_order
from reconcile.errors import ReconcileError
from reconcile.selection import Chosen, Selection, select
from reconcile.spec import Profile, Size, Step


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    The declared `rows` of a `profile`, and the tables and steps that are `chosen`; `is_everything` when all are.

    `anchored_by` is the run whose --as-of was taken over, where none was given.
    """

    profile: Profile
    rows: Dataset
    chosen: Chosen
    is_everything: bool
    anchored_by: int | None


def want(session: Session, options: RunOptions, today: date, rows_of: Callable[[Profile], Dataset]) -> Wanted:
    """
    Compute the declared rows that the options ask for, in the order of their keys; *rows_of* gives them for a profile.

    Raises:
        ReconcileError: the rows are unsound, all that is wrong at once (exit code 1), or the selection names
            nothing (64).

    """
    last, anchored_by = last_anchor(session, options) if options.as_of is None else (None, None)
    profile = profile_of(options, today, last)
    rows = in_key_order(rows_of(profile))
    if faults := [*check(rows), *check_rows(rows)]:
        raise ReconcileError(faults)
    selection = selection_of(options, session.state.steps)
    chosen = select(selection, session.state.steps, owners_of(rows, session.state))
    return Wanted(profile, rows, chosen, selection.is_everything, anchored_by)


def profile_of(options: RunOptions, today: date, last: date | None = None) -> Profile:
    """Give the dataset's parameters; without --as-of dates hang on *last*, else on the Monday of *today*'s week."""
    as_of = options.as_of or last or today - timedelta(days=today.weekday())
    return Profile(as_of, Size.LIGHT if options.light else Size.FULL, options.scale, options.seed)


def selection_of(options: RunOptions, steps: Iterable[Step]) -> Selection:
    """Give the steps and tables that the flags ask for, the short ones included."""
    # A short flag may name steps that another application does not have.
    known = {step.id for step in steps}
    short = (step for flag, named in SHORT_SKIPS.items() if getattr(options, flag) for step in named if step in known)
    return Selection(tuple(options.step), (*options.skip, *short), tuple(options.table), tuple(options.exclude_table))
