"""Comparisons that found nothing to do, remembered in files: what was asked, and what the database held then.

A file holds counts, sums, and names of tables and columns; no row, and nothing secret. One that is broken, foreign or
cannot be written is no error: rows are then compared as if it were not there.
"""

import hashlib
import json
import os
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from reconcile.live.sums import Cell, Range, Sums, TableSums

FORMAT = "reconcile comparison 1"
MOST_FILES = 100
_LARGEST = 16_000_000
"""Bytes of a file that is read."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a plan that is made by checksums shows: its `output`, the `note` on its date, and the rows it keeps."""

    output: str
    note: str | None
    kept: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What holds as long as the database has these `sums`: what is `shown`."""

    sums: Sums
    shown: Shown


@dataclass(frozen=True, slots=True)
class Comparison:
    """
    One comparison of all rows, which found nothing to do.

    `places` are those of the files that decided what was declared and `signature` their digest; `variables` are those
    whose being set or not counted. Without an `answer` the comparison is only known to have been asked for.
    """

    places: tuple[str, ...]
    signature: str
    variables: dict[str, bool]
    answer: Answer | None = None


def folder() -> Path:
    """Give the folder of the files. Source: XDG Base Directory Specification, XDG_CACHE_HOME."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(given) if Path(given).is_absolute() else Path.home() / ".cache"
    return base / "reconcile" / "comparisons"


def read(key: str) -> Comparison | None:
    """Give what is remembered under *key*; None where there is nothing, or nothing that can be read."""
    try:
        descriptor = os.open(_file(key), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:
            found = os.fstat(file.fileno())
            # Somebody else's word, or one that somebody else could write, does not count.
            if found.st_uid != os.getuid() or found.st_mode & 0o022:
                return None
            head, _, body = file.read(_LARGEST).partition(b"\n")
        if head.decode() != _head(key, body):
            return None
        return _comparison(json.loads(body))
    except (OSError, RuntimeError, ValueError, TypeError, KeyError, AttributeError):
        return None


def write(key: str, comparison: Comparison) -> bool:
    """Remember *comparison* under *key*, whole or not at all, and forget the oldest; say whether it was done."""
    body = json.dumps(asdict(comparison), separators=(",", ":")).encode()
    try:
        place = folder()
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        # mkstemp lets nobody but the owner read or write. Source: Python manual, "tempfile.mkstemp".
        descriptor, part = tempfile.mkstemp(prefix=".", suffix=".part", dir=place)
        try:
            with open(descriptor, "wb") as file:
                file.write(_head(key, body).encode() + b"\n" + body)
            os.replace(part, _file(key))
        except BaseException:
            os.unlink(part)
            raise
        _prune(place)
    except (OSError, RuntimeError):  # no home folder either
        return False
    return True


def forget(key: str) -> None:
    """Remember nothing under *key*."""
    with suppress(OSError, RuntimeError):
        os.unlink(_file(key))


def _prune(place: Path) -> None:
    with suppress(OSError):
        files = sorted(place.iterdir(), key=lambda file: file.stat().st_mtime, reverse=True)
        for file in files[MOST_FILES:]:
            file.unlink(missing_ok=True)


def _file(key: str) -> Path:
    return folder() / f"{key}.json"


def _head(key: str, body: bytes) -> str:
    return f"{FORMAT} {key} {hashlib.sha256(body).hexdigest()}"


def _comparison(document: dict[str, Any]) -> Comparison:
    answer = document["answer"]
    return Comparison(
        tuple(map(str, document["places"])),
        str(document["signature"]),
        {str(name): bool(is_set) for name, is_set in document["variables"].items()},
        None if answer is None else Answer(_sums(answer["sums"]), Shown(**answer["shown"])),
    )


def _sums(document: dict[str, Any]) -> Sums:
    return Sums(
        tuple(document["facts"]),
        tuple(
            TableSums(
                table["table"],
                table["key"],
                tuple(Cell(**cell) for cell in table["cells"]),
                table["rows"],
                table["total"],
                tuple(
                    Range(int(part["first"]), int(part["last"]), part["rows"], part["total"])
                    for part in table["ranges"]
                ),
            )
            for table in document["tables"]
        ),
        dict(document["filled"]),
    )
