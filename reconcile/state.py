"""What an application hands to the engine: steps, table specs, a function to its rows, and its rules.

A rule is a function from Dataset to violating rows, so the same rule runs on desired and on live rows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from reconcile.dataset import Dataset
from reconcile.errors import Severity
from reconcile.spec import Profile, Step, TableSpec


@dataclass(frozen=True, slots=True)
class Rule:
    """
    One condition on the rows: `violations` gives a frame with the String columns `key` and `why`, a row for each
    row that breaks it and none when it holds. `group` is the list the rule belongs to (data-quality, integrity,
    invariants). A table or column that the rule names and the dataset lacks makes the rule fail.
    """

    id: str
    title: str
    group: str
    severity: Severity
    tables: tuple[str, ...]
    violations: Callable[[Dataset], pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    What became of one rule: `violations` (String columns `key` and `why`) is empty when it holds.

    `missing` says what the rule could not find; such a rule has failed whatever its violations.
    """

    rule: Rule
    violations: pl.DataFrame
    missing: str | None = None

    @property
    def has_passed(self) -> bool:
        """True when the rule was asked and nothing violates it."""
        return self.missing is None and self.violations.is_empty()


@dataclass(frozen=True, slots=True)
class DesiredState:
    """
    A whole application: `specs` has every table it knows of, `rows` the canonical frames of those it fills.

    The engine loads it by package name: the package's attribute `STATE`.
    """

    name: str
    steps: tuple[Step, ...]
    specs: Mapping[str, TableSpec]
    rows: Callable[[Profile], Dataset]
    rules: tuple[Rule, ...]
