"""Run rules on a dataset: each one holds, is violated by rows it can name, or could not be asked and has failed."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import polars as pl
from polars.exceptions import ColumnNotFoundError

from reconcile.dataset import Dataset, MissingTable
from reconcile.errors import Severity
from reconcile.spec import TableSpec
from reconcile.state import Rule, Verdict

_NO_ROWS = pl.DataFrame(schema={"key": pl.String, "why": pl.String})


MANY_RULES = 8
"""So many are asked in two threads: each leaves the interpreter to the other while it is among the rows."""


def verify(rules: Iterable[Rule], dataset: Dataset) -> list[Verdict]:
    """Ask every rule, in the order given; a table or column it needs and *dataset* lacks is a failure."""
    asked = list(rules)
    if len(asked) < MANY_RULES:
        return [_ask(rule, dataset) for rule in asked]
    with ThreadPoolExecutor(2) as threads:
        return list(threads.map(_ask, asked, repeat(dataset)))


def _ask(rule: Rule, dataset: Dataset) -> Verdict:
    absent = [table for table in rule.tables if table not in dataset]
    if absent:
        return Verdict(rule, _NO_ROWS, f"table {', '.join(absent)} is missing")
    try:
        return Verdict(rule, rule.violations(dataset))
    except MissingTable as error:
        return Verdict(rule, _NO_ROWS, f"table {error.args[0]} is missing")
    except ColumnNotFoundError as error:
        return Verdict(rule, _NO_ROWS, f"column {str(error).splitlines()[0]} is missing")


def tables_of(rules: Iterable[Rule], specs: Mapping[str, TableSpec]) -> dict[str, TableSpec]:
    """Give the specs of the tables that *rules* read."""
    names = {table for rule in rules for table in rule.tables}
    return {name: spec for name, spec in specs.items() if name in names}


def failed(verdicts: Iterable[Verdict], *, is_strict: bool = False) -> list[Verdict]:
    """Give the verdicts that make a run fail: the critical ones, with *is_strict* the warnings too."""
    return [v for v in verdicts if not v.has_passed and (is_strict or v.rule.severity is Severity.CRITICAL)]


def together(asked: Iterable[Sequence[Verdict]]) -> list[Verdict]:
    """Give what the rules found that were asked of several parts of the rows: one verdict a rule, on all of them."""
    found: dict[str, list[Verdict]] = {}
    for verdict in (verdict for verdicts in asked for verdict in verdicts):
        found.setdefault(verdict.rule.id, []).append(verdict)
    return [_joined(verdicts) for verdicts in found.values()]


def _joined(verdicts: Sequence[Verdict]) -> Verdict:
    if len(verdicts) == 1:
        return verdicts[0]
    missing = next((verdict.missing for verdict in verdicts if verdict.missing), None)
    rows = [verdict.violations.select("key", "why") for verdict in verdicts]
    return Verdict(verdicts[0].rule, pl.concat(rows), missing)


def introduced(before: Iterable[Verdict], after: Iterable[Verdict]) -> list[Verdict]:
    """
    Give what *after* violates and *before* did not, rule by rule and key by key.

    A run may not add a violation; one that others left in their own rows is not the run's to stop for.
    """
    known = {v.rule.id: (v.missing, set(v.violations["key"].to_list())) for v in before}
    new = []
    for verdict in after:
        missing, keys = known.get(verdict.rule.id, (None, set()))
        rows = verdict.violations.filter(~pl.col("key").is_in(list(keys)))
        if rows.height or (verdict.missing and verdict.missing != missing):
            new.append(Verdict(verdict.rule, rows, verdict.missing))
    return new
