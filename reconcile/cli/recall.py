"""Answer by checksums: when the same was asked before and nothing was to do, ask the server whether all is as it was.

Runs before polars and SQLAlchemy are imported, and imports neither. When in any doubt it answers nothing, and the rows
are compared one by one.
"""

import hashlib
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from reconcile.cli.comparisons import Answer, Comparison, Shown, read
from reconcile.cli.option_groups import CHECKSUMS, ROWS, ComparingOptions
from reconcile.cli.options import PlanOptions
from reconcile.cli.sources import Unknown, allow_current_folder, installation, places_of, signature
from reconcile.errors import ReconcileError
from reconcile.live.spread import Spread
from reconcile.live.target import Target, choose

DECIDING = ("NODE_ENV", "RECONCILE_ENV", "RECONCILE_JOURNAL", "RECONCILE_DRIVER")
"""The variables that decide a plan, besides the target's; of the passwords' only counts whether they are set."""

_NOT_DECIDING = frozenset(
    {
        "database_url", "quiet", "verbose", "color", "compare", "connections", "detailed_exitcode", "max_update",
        "max_delete",
    }
)  # fmt: skip
"""Options that a plan which finds nothing to do is the same with."""

LONGEST_PASSWORD = 72
"""Bytes of a password that bcrypt takes. Source: the bcrypt package's description, "Maximum Password Length"."""


@dataclass(frozen=True, slots=True)
class Asked:
    """
    What a command was asked for, as a `key`, and `since` when it runs.

    `was_seen` says that the last time nothing was to do; `why` says why checksums have not answered it. Without a
    `key` nothing is remembered.
    """

    key: str | None
    since: float
    was_seen: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class Recalled:
    """What is shown, since all is as it was when it was compared, and the target it was asked of."""

    shown: Shown
    target: Target


def read_dotenv() -> dict[str, str]:
    """Give the variables of `.env` in the current folder that have a value."""
    file = Path.cwd() / ".env"
    if not file.exists():
        return {}
    from dotenv import dotenv_values

    return {name: value for name, value in dotenv_values(file).items() if value}


def is_usable(password: str) -> bool:
    """Say whether a password can be one: it has some bytes, not more than bcrypt takes, and no null character."""
    try:
        return 0 < len(password.encode()) <= LONGEST_PASSWORD and "\0" not in password
    except UnicodeEncodeError:
        return False


def recall(command: str, options: ComparingOptions) -> Recalled | Asked:
    """Give the last comparison, if it was asked for the same and nothing has changed since; else what is asked."""
    since = time.time()
    if options.compare == ROWS:
        return Asked(None, since, why="--compare rows")
    dotenv = read_dotenv()
    settings = dotenv | os.environ
    try:
        target = choose(options.database_url, os.environ, dotenv)
        key = key_of(command, options, target, settings)
    except (ReconcileError, Unknown, OSError) as error:
        return Asked(None, since, why=_first(error))
    if key is None:
        return Asked(None, since, why=_left_out(options, target))
    comparison = read(key)
    if comparison is None:
        return Asked(key, since, why="the same was not asked before, or something was to do then")
    why = _moved(comparison, settings)
    if why is not None:
        return Asked(key, since, why=why)
    if comparison.answer is None:
        return Asked(key, since, was_seen=True, why="the same was asked once before; checksums are taken now")
    why = _asked(target, comparison.answer, options.connections)
    return Recalled(comparison.answer.shown, target) if why is None else Asked(key, since, why=why)


def key_of(command: str, options: ComparingOptions, target: Target, settings: Mapping[str, str]) -> str | None:
    """
    Give the name of what is asked: equal when all is equal that decides a plan, but for files and the database.

    None for what is not remembered: a file that is written or read by the way, and SQLite.

    Raises:
        Unknown: the desired state's files are not found.

    """
    if _left_out(options, target):
        return None
    allow_current_folder()
    url = target.url
    asked = {field.name: getattr(options, field.name) for field in fields(options) if field.name not in _NOT_DECIDING}
    today = datetime.now(UTC).date()
    facts = [
        command,
        installation(),
        places_of(options.state),
        [url.username, url.host, url.port, url.database],
        sorted((name, repr(value)) for name, value in asked.items()),
        # Without --as-of dates may hang on the week.
        None if options.as_of else (today - timedelta(days=today.weekday())).isoformat(),
        [settings.get(name) for name in DECIDING],
    ]
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def _left_out(options: ComparingOptions, target: Target) -> str:
    """Say why what is asked is not remembered; empty when it is."""
    if target.is_sqlite:
        return "the target is an SQLite file"
    if options.password_file is not None:
        return "--password-file is given"
    if options.shard is not None:
        return "--shard is given"
    if isinstance(options, PlanOptions) and options.out is not None:
        return "--out is given"
    return ""


def standing(settings: Mapping[str, str], variables: Mapping[str, object]) -> dict[str, bool]:
    """Say which of the passwords' *variables* are set."""
    return {name: bool(settings.get(name)) for name in variables}


def _moved(comparison: Comparison, settings: Mapping[str, str]) -> str | None:
    """Say what else than the database is not as it was."""
    passwords = standing(settings, comparison.variables)
    if passwords != comparison.variables or any(
        is_set and not is_usable(settings[name]) for name, is_set in passwords.items()
    ):
        return "another password is set"
    try:
        found, _ = signature(comparison.places)
    except Unknown as error:
        return str(error)
    return None if found == comparison.signature else "files of the desired state or of reconcile have changed"


def _asked(target: Target, answer: Answer, connections: int | None) -> str | None:
    """Ask the server; what goes wrong is said by the full comparison, which meets it again."""
    from pymysql.err import Error

    from reconcile.live.pymysql import plain_snapshot
    from reconcile.live.sums import Asking, first_difference

    refusals = Error, OSError, ReconcileError
    try:
        with plain_snapshot(target) as cursor:
            asking: Spread[Asking] = Spread(cursor, partial(plain_snapshot, target), connections, refusals)
            return first_difference(asking, answer.sums)
    except (Error, OSError, ValueError, TypeError, ReconcileError) as error:
        return f"the server did not answer: {type(error).__name__}"


def _first(error: Exception) -> str:
    return error.findings[0].what if isinstance(error, ReconcileError) else str(error)


def is_wanted(options: ComparingOptions) -> bool:
    """Say whether somebody wants to know why checksums were not enough."""
    return options.compare == CHECKSUMS
