"""One apply: lock, read again, refuse a stale plan, write, verify what was written, commit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, MetaData

from reconcile.apply.execute import Progress, execute, lock, refuse_stale
from reconcile.apply.wire import MissingParent
from reconcile.checks.verify import failed, introduced, verify
from reconcile.dataset import ID, KEY, Dataset
from reconcile.decide import Goal, Mode, TablePlan, decide
from reconcile.diff import Action
from reconcile.errors import ExitCode, Finding, ReconcileError
from reconcile.guard import Dependents, dependents_in_plan, refuse_dependents, refuse_lockout
from reconcile.live.connect import transaction
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
    goal: Goal,
    live: LiveState,
    schema: LiveSchema,
    specs: Mapping[str, TableSpec],
    rules: Sequence[Rule],
    progress: Progress,
    secrets: Mapping[str, str],
    missing: MetaData | None = None,
    access: Access | None = None,
) -> Outcome:
    """
    Carry out *plan* in one transaction: all of it is committed, or nothing.

    *live* is the state that the plan was made from with *goal*: the plan's tables, what they refer to and what the
    rules need; *specs* are all the tables that the desired state knows, *secrets* the values behind their names.
    Before the commit the rows are read again: they must be as planned, and a reset may violate no rule that held
    before; with *access*, somebody must be left to administer what somebody administered. *missing* are the tables
    to create first, in an SQLite file that has none: there DDL is part of the transaction. Source: SQLite manual,
    "Transactions".

    Raises:
        ReconcileError: stale plan (exit code 4), a new violation (3), or the server refused (1); all rolled back.

    """
    tables = metadata({part.spec.name: part.spec for part in plan.tables}, engine.dialect.name)

    with transaction(target, engine) as connection:
        if missing is not None:
            missing.create_all(connection, checkfirst=False)
        lock(connection, plan, tables)
        now = read_again(connection, schema, live)
        if now is not live:
            refuse_stale(plan, now.dataset)
            _refuse_newcomers(target, plan, goal, now.dataset)
        _refuse_dependents([*dependents_in_plan(plan, now.dataset), *dependents(connection, plan, specs)])
        try:
            execute(connection, plan, now.dataset, tables, secrets, progress)
        except MissingParent as error:
            raise _unexpected(target, "a row refers to one that does not exist", str(error)) from error
        after = read_again(connection, schema, live)
        _refuse_difference(target, goal, after.dataset)
        _refuse_lockout(access, plan, specs, now.dataset, after.dataset)
        verdicts = verify(rules, after.dataset)
        broken = failed(verdicts)
        new = introduced(verify(rules, now.dataset), broken) if broken else []
        if plan.mode is not Mode.TOP_UP:
            _refuse_violations(new)
    return Outcome(after, verdicts, new)


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
    findings = refuse_lockout(access, *(whole(specs, access.tables, rows) for rows in (before, after)))
    if findings:
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


def _refuse_difference(target: Target, goal: Goal, after: Dataset) -> None:
    findings = [
        Finding(
            what=f"{part.spec.name} is not as planned after the write",
            where=f"{target}, first {part.rows['_key'][0]}",
            why=f"{part.rows.height} rows differ from what was sent: {', '.join(part.rows['changed'][0]) or 'the row'}",
            fix="look for a trigger, a generated column or another session; everything was rolled back",
        )
        for part in remaining(goal, after)
    ]
    if findings:
        raise ReconcileError(findings)


def _refuse_violations(verdicts: Sequence[Verdict]) -> None:
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
