"""What a look at a target gives: one check after another, good or bad, and each setting with its origin. Facts only."""

from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    """How a check went: well, in a way that somebody should know of, or so that nothing will work."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: what was found, and what to do about it unless all is well."""

    id: str
    mark: Mark
    told: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting, its value as it may be shown, and where it comes from."""

    name: str
    value: str
    origin: str
