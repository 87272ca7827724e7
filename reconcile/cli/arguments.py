"""What stands after a flag, read from the command line: each gives the value or says what to write instead."""

import datetime
import re
from argparse import ArgumentTypeError

from reconcile.limits import Limit
from reconcile.shard import MOST_SHARDS, Shard

ACTIONS = ("create", "update", "delete", "skip")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def date(text: str) -> datetime.date:
    """Read a date as YYYY-MM-DD."""
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a date; write YYYY-MM-DD") from None


def checksum(text: str) -> str:
    """Read a plan's checksum, or at least the first 12 digits of it."""
    if not re.fullmatch(r"[0-9a-f]{12,64}", text.lower()):
        raise ArgumentTypeError(f"{text!r} is not a checksum; write 12 to 64 of its hexadecimal digits")
    return text.lower()


def positive(text: str) -> int:
    """Read a whole number from 1 up."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)


def count(text: str) -> int:
    """Read a whole number from 0 up."""
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is not a whole number from 0 up")
    return int(text)


def limit(text: str) -> Limit:
    """Read a number of rows, or a part of a table as in 30%."""
    number = text.removesuffix("%")
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", number) or (number == text and not text.isdecimal()):
        raise ArgumentTypeError(f"{text!r} is neither a number of rows nor a percentage such as 30%")
    return Limit(float(number), number != text)


def shard(text: str) -> Shard:
    """Read a shard as in 2/4."""
    found = re.fullmatch(r"([0-9]+)/([0-9]+)", text)
    chosen = Shard(int(found[1]), int(found[2])) if found else None
    if chosen is None or not 1 <= chosen.number <= chosen.of <= MOST_SHARDS:
        raise ArgumentTypeError(f"{text!r} is not a shard; write 2/4 for the second of four, of {MOST_SHARDS} at most")
    return chosen


def seconds(text: str) -> float:
    """Read a duration such as 30s, 500ms, 5m or 1h; a bare number is seconds."""
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)?", text)
    if found is None:
        raise ArgumentTypeError(f"{text!r} is not a duration; write 30s, 500ms or 5m")
    return float(found[1]) * _SECONDS[found[2] or "s"]


def actions(text: str) -> tuple[str, ...]:
    """Read a comma-separated list of actions."""
    chosen = tuple(text.split(","))
    unknown = sorted(set(chosen) - set(ACTIONS))
    if unknown:
        raise ArgumentTypeError(f"{', '.join(unknown)} is not an action; choose from {', '.join(ACTIONS)}")
    return chosen
