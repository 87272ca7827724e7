"""One apply: lock, read again, refuse a stale plan, write, verify what was written, commit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl
from sqlalchemy import Connection, Engine, MetaData

from reconcile.apply.execute import Progress, StillLocked, execute, texts_of
from reconcile.apply.journal import Entry
from reconcile.apply.proof import still_named, unsettled
from reconcile.apply.row_locks import lock_rows, refuse_stale
from reconcile.apply.severed import is_severed, line, unknown_end
from reconcile.apply.undisturbed import undisturbed
from reconcile.apply.wire import MissingParent
from reconcile.checks.verify import failed, introduced, verify
from reconcile.dataset import ID, KEY, Dataset
from reconcile.decide import Goal, Mode, TablePlan, decide
from reconcile.diff import Action
from reconcile.errors import ExitCode, Finding, ReconcileError
from reconcile.guard import Dependents, dependents_in_plan, refuse_dependents, refuse_lockout
from reconcile.inverse import leaves_nobody
from reconcile.live.connect import snapshot, transaction
from reconcile.live.introspect import LiveSchema
from reconcile.live.resolve import LiveState
from reconcile.live.state import dependents, read_again
from reconcile.live.tables import metadata
from reconcile.live.target import Target
from reconcile.outcome import whole
from reconcile.plan import Plan
from reconcile.spec import TableSpec
from reconcile.state import Access, Rule, Verdict

_LONGEST_WHY = 160
"""Characters of one violating row that a finding shows."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What an apply did: the live state as committed, and the verdicts on it.

    `introduced` is what a top-up's new rows violate together with rows that a top-up may not change.
    """

    live: LiveState
    verdicts: Sequence[Verdict]
    introduced: Sequence[Verdict] = ()


def apply(
    *,
    target: Target,
    engine: Engine,
    plan: Plan,
    goal: Goal | None,
    live: LiveState,
    schema: LiveSchema,
    specs: Mapping[str, TableSpec],
    rules: Sequence[Rule],
    progress: Progress,
    secrets: Mapping[str, str],
    still_locked: StillLocked,
    missing: MetaData | None = None,
    access: Access | None = None,
    is_saved: bool = False,
    entry: Entry | None = None,
    is_last: bool = True,
    stored: Mapping[str, pl.DataFrame] | None = None,
) -> Outcome:
    """
    Carry out *plan* in one transaction: all of it is committed, or nothing.

    *live* is the state that the plan was made from with *goal*: the plan's tables, what they refer to and what the
    rules need; *specs* are all the tables that the desired state knows, *secrets* the values behind their names.
    Before the commit the rows are read again: they must be as planned, and a reset may violate no rule that held
    before; with *access*, somebody must be left to administer what somebody administered. Without a *goal* only the
    rows that the plan names must be as planned, whatever others do to the rest; the same holds for a plan that
    *is_saved*. *missing* are the tables to create first, in an SQLite file that has none: there DDL is part of the
    transaction. Source: SQLite manual, "Transactions".
    With an *entry* the journal tells of the run in the same transaction; it is done with the last batch. *stored* is
    the very text of cells that come back, as `execute` takes it.

    Raises:
        ReconcileError: stale plan (exit code 4), a new violation (3), the run lock was lost or the server refused (1);
            all rolled back.

    """
    tables = metadata({part.spec.name: part.spec for part in plan.tables}, engine.dialect.name)
    outcome: Outcome | None = None

    entry = entry or Entry(target, None, plan)

    def work(connection: Connection, entry: Entry) -> Outcome:
        if missing is not None:
            missing.create_all(connection, checkfirst=False)
        entry.begin(connection)
        lock_rows(connection, plan)
        now = read_again(connection, schema, live)
        if now is not live:
            refuse_stale(plan, now.dataset)
            if goal is not None and not is_saved:
                _refuse_newcomers(target, plan, goal, now.dataset)
        _refuse_dependents([*dependents_in_plan(plan, now.dataset), *dependents(connection, plan, specs)])
        try:
            execute(connection, plan, now.dataset, tables, secrets, progress, still_locked, stored or {})
        except MissingParent as error:
            raise _unexpected(target, "a row refers to one that does not exist", str(error)) from error
        after = read_again(connection, schema, live)
        _refuse_difference(target, plan, goal, after.dataset, is_saved=is_saved)
        _refuse_lockout(access, plan, specs, now.dataset, after.dataset)
        verdicts = verify(rules, after.dataset)
        broken = failed(verdicts)
        new = introduced(verify(rules, now.dataset), broken) if broken else []
        if plan.mode not in {Mode.TOP_UP, Mode.ROLLBACK}:
            refuse_violations(new)
        entry.note(connection, plan, now, after, texts=texts_of(plan, now.dataset), is_last=is_last)
        still_locked(connection)
        return Outcome(after, verdicts, new)

    with undisturbed() as hold_signals:
        try:
            with line(target, engine) as watched, transaction(target, engine) as connection:
                watched.note(connection)
                outcome = work(connection, entry)
                hold_signals()
        except ReconcileError as error:
            if outcome is None or not is_severed(error):
                raise
            _require_committed(target, engine, plan, outcome, schema, error)
        entry.committed()
    return outcome


def _require_committed(
    target: Target, engine: Engine, plan: Plan, outcome: Outcome, schema: LiveSchema, error: ReconcileError
) -> None:
    """Look whether the rows are as planned although the server's answer to the commit was lost; else raise *error*."""
    try:
        with snapshot(target, engine) as connection:
            now = read_again(connection, schema, outcome.live)
    except ReconcileError as unreachable:
        raise unknown_end(target, error) from unreachable
    if unsettled(plan, now.dataset):
        raise error


def _refuse_dependents(found: Sequence[Dependents]) -> None:
    """Refuse rows that others attached, after the plan was made, to what it deletes; the locks keep out more."""
    if found:
        raise ReconcileError(refuse_dependents(found), ExitCode.REFUSED)


def _refuse_lockout(
    access: Access | None, plan: Plan, specs: Mapping[str, TableSpec], before: Dataset, after: Dataset
) -> None:
    """Ask again of the rows themselves what was asked of the plan: others may have changed who administers."""
    if access is None or not any(part.written and part.spec.name in access.tables for part in plan.tables):
        return
    then = whole(specs, access.tables, after)
    findings = refuse_lockout(access, whole(specs, access.tables, before), then)
    if findings and not leaves_nobody(plan, access, then):
        raise ReconcileError(findings, ExitCode.REFUSED)


def remaining(goal: Goal, live: Dataset) -> list[TablePlan]:
    """Plan again for the same goal, and give the tables that still have something to do."""
    return [part for part in decide(goal, live).values() if part.written]


def _refuse_newcomers(target: Target, plan: Plan, goal: Goal, now: Dataset) -> None:
    """Refuse when rows that the plan does not name would go too, with the parent that a foreign key ties them to."""
    known = {part.spec.name: part.of(Action.DELETE) for part in plan.tables}
    findings = [
        Finding(
            what="the plan is stale",
            where=f"{part.spec.name} [{key}], {target}",
            why="the row was created by somebody else after the plan was made",
            fix="run `reconcile plan` again and review the new plan",
        )
        for part in remaining(goal, now)
        for key in part.of(Action.DELETE).join(known[part.spec.name], on=ID, how="anti")[KEY]
    ]
    if findings:
        raise ReconcileError(findings, ExitCode.REFUSED)


def _refuse_difference(target: Target, plan: Plan, goal: Goal | None, after: Dataset, *, is_saved: bool) -> None:
    if goal is None or (is_saved and plan.mode is not Mode.TOP_UP):
        _refuse_unsettled(target, plan, after)
        return
    findings = [
        Finding(
            what=f"{part.spec.name} is not as planned after the write",
            where=f"{target}, first {part.rows['_key'][0]}",
            why=f"{part.rows.height} rows differ from what was sent: {', '.join(part.rows['changed'][0]) or 'the row'}",
            fix="look for a trigger, a generated column or another session; everything was rolled back",
        )
        for part in (still_named(plan, remaining(goal, after)) if is_saved else remaining(goal, after))
    ]
    if findings:
        raise ReconcileError(findings)


def _refuse_unsettled(target: Target, plan: Plan, after: Dataset) -> None:
    findings = [
        Finding(
            what=f"{name} is not as planned after the write",
            where=f"{target}, first {keys[0]}",
            why=f"{len(keys)} rows differ from what was sent",
            fix="look for a trigger, a generated column or another session; everything was rolled back",
        )
        for name, keys in unsettled(plan, after).items()
    ]
    if findings:
        raise ReconcileError(findings)


def refuse_violations(verdicts: Sequence[Verdict]) -> None:
    """
    Refuse what would break a rule that held before.

    Raises:
        ReconcileError: each rule with the first rows that break it; exit code 3.

    """
    if verdicts:
        raise ReconcileError([violation(verdict) for verdict in verdicts], ExitCode.VIOLATIONS)


def violation(verdict: Verdict) -> Finding:
    """Say what a failed rule found, as a finding."""
    rows = verdict.violations
    shown = (f"{key}: {why}" for key, why in rows.select("key", "why").head(3).iter_rows())
    first = "; ".join(text if len(text) <= _LONGEST_WHY else text[: _LONGEST_WHY - 1] + "…" for text in shown)
    return Finding(
        what=f"{verdict.rule.title} does not hold",
        where=f"rule {verdict.rule.id}, tables {', '.join(verdict.rule.tables)}",
        why=verdict.missing or f"{rows.height} rows, {first}",
        fix="see all of them with `reconcile verify`",
        severity=verdict.rule.severity,
    )


def _unexpected(target: Target, what: str, why: str) -> ReconcileError:
    return ReconcileError(
        [Finding(what=what, where=str(target), why=why, fix="run `reconcile plan` again; nothing was changed")]
    )
