"""Which tables and steps a run is about, by their names."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from fnmatch import fnmatchcase

from reconcile.errors import ExitCode, Finding, ReconcileError
from reconcile.spec import Step


@dataclass(frozen=True, slots=True)
class Selection:
    """Which tables a run is about: step ids and table name patterns, in and out; empty means all."""

    steps: tuple[str, ...] = ()
    skipped_steps: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    excluded_tables: tuple[str, ...] = ()

    @property
    def is_everything(self) -> bool:
        """True when nothing is left out."""
        return not (self.steps or self.skipped_steps or self.tables or self.excluded_tables)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The names of the tables that a selection leaves, and the ids of the steps that check or write them."""

    tables: tuple[str, ...]
    steps: frozenset[str]


def select(selection: Selection, steps: Sequence[Step], owners: Mapping[str, Set[str]]) -> Chosen:
    """
    Apply *selection* to the tables of *owners*, each with the steps that write rows of it; tables keep their order.

    Steps that check are part of every run that does not leave them out by name, or name some of them.

    Raises:
        ReconcileError: a step or a pattern that names nothing; exit code 64, all of them at once.

    """
    findings = _unknown(selection, [step.id for step in steps], owners)
    if findings:
        raise ReconcileError(findings, ExitCode.USAGE)
    names_checks = any(step.checks and step.id in selection.steps for step in steps)
    chosen = frozenset(
        step.id
        for step in steps
        if (not selection.steps or step.id in selection.steps or (step.checks and not names_checks))
        and step.id not in selection.skipped_steps
    )
    names = [
        name
        for name, of_table in owners.items()
        if of_table & chosen
        and (not selection.tables or _matches(name, selection.tables))
        and not _matches(name, selection.excluded_tables)
    ]
    working = {step for name in names for step in owners[name]}
    return Chosen(tuple(names), frozenset(step.id for step in steps if step.checks or step.id in working) & chosen)


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _unknown(selection: Selection, known: Sequence[str], tables: Iterable[str]) -> list[Finding]:
    findings = [
        Finding(
            what=f"there is no step {step!r}",
            where="--step or --skip",
            why=f"the steps are {', '.join(known)}",
            fix="use one of them",
        )
        for step in (*selection.steps, *selection.skipped_steps)
        if step not in known
    ]
    findings += [
        Finding(
            what=f"no table matches {pattern!r}",
            where="--table or --exclude-table",
            why="patterns are compared with the names of the managed tables, * stands for anything",
            fix="see the names with `reconcile query tables`",
        )
        for pattern in (*selection.tables, *selection.excluded_tables)
        if not any(fnmatchcase(name, pattern) for name in tables)
    ]
    return findings
