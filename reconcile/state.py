"""What an application hands to the engine: steps, table specs, a function to its rows, its rules and gap rules.

A rule is a function from Dataset to violating rows, so the same rule runs on desired and on live rows. A gap rule
is a function from Dataset to the rows that fill a gap, so what it does is decided in the plan like any other change.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import polars as pl

from reconcile.dataset import Dataset
from reconcile.errors import Finding, Severity
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
class GapRule:
    """
    One thing that a top-up mends in rows that exist, or adds to them; `step` is the step it is part of.

    `propose` gives from all rows, as they would be so far, rows of `table`: with `columns`, the columns that the rule
    may change, `_key` and those columns of rows that exist; without, whole new rows in canonical form. It must be a
    function of its arguments and find nothing to do in its own result. `tables` are all that it reads, `mends` the
    ids of the rules that hold once it has run.
    """

    id: str
    title: str
    step: str
    table: str
    columns: tuple[str, ...]
    tables: tuple[str, ...]
    propose: Callable[[Dataset, Profile], pl.DataFrame]
    mends: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Password:
    """
    A password that the accounts of `steps` share: the secret called `name` is its bcrypt hash of that `cost`.

    It is taken from the environment `variable`; nothing is shipped.
    """

    name: str
    variable: str
    steps: tuple[str, ...]
    cost: int = 10


@dataclass(frozen=True, slots=True)
class Access:
    """
    Who may do what: `step` is the step whose rows are the roles and what they may do, `tables` all that is asked below.

    `effects` gives, for a dataset before and after a change, the roles that gain or lose a permission: a frame with
    `role`, `gains` and `loses` (lists of names) and `users`, how many people that touches. `administrators` gives the
    names of those who can let others in; a run never leaves a system that has some without any.
    """

    step: str
    tables: tuple[str, ...]
    effects: Callable[[Dataset, Dataset], pl.DataFrame]
    administrators: Callable[[Dataset], pl.Series]


@dataclass(frozen=True, slots=True)
class Spans:
    """
    The rows of the largest tables in spans that are computed, compared and written one after another, each alone.

    `tables` are a root, whose natural key is one column that is never null, and then tables whose key begins with a
    reference to one before them: their rows are of the span of the row they refer to. `count` says how many spans a
    profile has, `first_key` at which natural key a span begins, `rows` gives its rows. The keys of a span come after
    those of the one before, as text byte by byte and as the root's live collation sorts them. `shared` gives the rows
    of all other tables. All of them together are what `DesiredState.rows` gives.

    Rules are asked of one span and the shared tables at a time: a rule must hold for all rows when it holds for each.
    """

    tables: tuple[str, ...]
    count: Callable[[Profile], int]
    first_key: Callable[[Profile, int], str]
    shared: Callable[[Profile], Dataset]
    rows: Callable[[Profile, int], Dataset]


Fit: TypeAlias = Callable[[Dataset, Dataset], tuple[Dataset, tuple[Finding, ...]]]
"""Takes declared and live rows; gives the declared rows that a top-up may bring in, and what it leaves out and why."""


@dataclass(frozen=True, slots=True)
class DesiredState:
    """
    A whole application: `specs` has every table it knows of, `rows` the canonical frames of those it fills.

    `cleared` are the tables that a reset empties although nothing is declared in them; `registry_step` is the step
    whose rows `--registry` lists with their ids; `access` is what `reconcile rbac` is about. `fit` is asked
    before a top-up, `fit_reads` are the live tables that it looks at. The engine loads a state by package name: the
    package's attribute `STATE`. With `spans` a run needs no more memory than a span does, however many rows there are.
    """

    name: str
    steps: tuple[Step, ...]
    specs: Mapping[str, TableSpec]
    rows: Callable[[Profile], Dataset]
    rules: tuple[Rule, ...]
    gap_rules: tuple[GapRule, ...] = ()
    fit: Fit | None = None
    fit_reads: tuple[str, ...] = ()
    cleared: tuple[str, ...] = ()
    passwords: tuple[Password, ...] = ()
    registry_step: str | None = None
    access: Access | None = None
    spans: Spans | None = None
