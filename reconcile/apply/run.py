"""One apply: lock, read again, refuse a stale plan, write, verify what was written, commit."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain

import polars as pl
from sqlalchemy import Connection, Engine, MetaData

from reconcile.apply.ahead import Ahead, wire_ahead
from reconcile.apply.execute import NOT_AHEAD, Progress, StillLocked, execute
from reconcile.apply.in_pieces import InPieces
from reconcile.apply.journal import Entry
from reconcile.apply.piece import Highest, Piece
from reconcile.apply.proof import still_named, unsettled
from reconcile.apply.proving import Written, proving
from reconcile.apply.row_locks import lock_rows, refuse_stale
from reconcile.apply.severed import is_severed, line, unknown_end
from reconcile.apply.undisturbed import undisturbed
from reconcile.apply.wire import MissingParent
from reconcile.checks.verify import failed, introduced, together, verify
from reconcile.dataset import ID, KEY, Dataset
from reconcile.decide import Goal, Mode, decide
from reconcile.diff import Action
from reconcile.errors import ExitCode, Finding, ReconcileError
from reconcile.guard import Dependents, dependents_in_plan, refuse_dependents, refuse_lockout
from reconcile.inverse import leaves_nobody
from reconcile.journal import Chunk
from reconcile.live.connect import snapshot, transaction
from reconcile.live.resolve import LiveState
from reconcile.live.sent import Held, Sent
from reconcile.live.spans import digest
from reconcile.live.state import dependents
from reconcile.live.target import Target
from reconcile.outcome import whole
from reconcile.plan import Plan
from reconcile.prefetch import prefetched
from reconcile.spec import TableSpec
from reconcile.state import Access, Rule, Verdict
from reconcile.table_plan import TablePlan

Mark = bytes | tuple[Held, ...]
"""What tells whether rows have moved since: a digest of their text, or the rows that the server holds as sent."""

_LONGEST_WHY = 160
"""Characters of one violating row that a finding shows."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What an apply did: the live rows of its first piece as committed, all of them where there is but one, the marks of
    those that are spans, by number, and the verdicts.

    `introduced` is what a top-up's new rows violate together with rows that a top-up may not change. `writing_s` is how
    long rows were written, in seconds: without locks, reading, proof and journal.
    """

    live: LiveState
    verdicts: Sequence[Verdict]
    introduced: Sequence[Verdict] = ()
    marks: Mapping[int, Mark] = field(default_factory=dict)
    writing_s: float = 0.0


@dataclass(frozen=True, slots=True)
class _Proved:
    """A piece that is as planned: the verdicts, which of them are new, its digest, and what the journal is told."""

    verdicts: Sequence[Verdict]
    introduced: Sequence[Verdict]
    number: int | None
    mark: Mark
    chunks: Sequence[Chunk]


def apply(
    *,
    target: Target,
    engine: Engine,
    plan: Plan,
    pieces: Callable[[], Iterable[Piece]],
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
    Carry out *plan* in one transaction, in *pieces*: all of it is committed, or nothing.

    What a piece reads are its plan's tables, what they refer to and what the rules need; *specs* are all the tables
    that the desired state knows, *secrets* the values behind their names.
    Before the commit the rows are read again: they must be as planned, and a reset may violate no rule that held
    before; with *access*, somebody must be left to administer what somebody administered. Of a plan that *is_saved*
    only the rows that it names must be as planned, whatever others do to the rest. *missing* are the tables to create
    first, in an SQLite file that has none: there DDL is part of the transaction. Source: SQLite manual, "Transactions".
    With an *entry* the journal tells of the run in the same transaction; it is done with the last batch. *stored* is
    the very text of cells that come back, as `execute` takes it.

    Raises:
        ReconcileError: stale plan (exit code 4), a new violation (3), the run lock was lost or the server refused (1);
            all rolled back.

    """
    entry = entry or Entry(target, None, plan)
    run = _Run(
        target,
        engine,
        plan,
        specs,
        rules,
        secrets,
        still_locked,
        access,
        stored or {},
        is_saved=is_saved,
        notes_ids=entry.journal is not None,
    )
    outcome: Outcome | None = None

    def work(connection: Connection, entry: Entry) -> Outcome:
        if missing is not None:
            missing.create_all(connection, checkfirst=False)
        entry.begin(connection)
        lock_rows(connection, plan)
        outcome = _write(run, connection, pieces(), entry, InPieces(progress, plan))
        entry.end(connection, is_last=is_last)
        still_locked(connection)
        return outcome

    with undisturbed() as hold_signals:
        try:
            with line(target, engine) as watched, transaction(target, engine) as connection:
                watched.note(connection)
                outcome = work(connection, entry)
                hold_signals()
        except ReconcileError as error:
            if outcome is None or not is_severed(error):
                raise
            _require_committed(target, engine, pieces, error)
        entry.committed()
    return outcome


@dataclass(frozen=True, slots=True)
class _Run:
    """What holds for every piece of an apply."""

    target: Target
    engine: Engine
    plan: Plan
    specs: Mapping[str, TableSpec]
    rules: Sequence[Rule]
    secrets: Mapping[str, str] = field(repr=False)
    still_locked: StillLocked
    access: Access | None
    stored: Mapping[str, pl.DataFrame]
    is_saved: bool
    notes_ids: bool
    """Whether the journal is told which ids rows have got."""


def _write(run: _Run, connection: Connection, pieces: Iterable[Piece], entry: Entry, progress: Progress) -> Outcome:
    """
    Write and prove piece after piece.

    While the server writes one, the next is computed and the one before is proved, each in a thread; the first piece is
    proved at once, since the others refer to its rows.
    """
    proved: list[_Proved] = []
    writing_s = 0.0

    def note(proof: _Proved) -> None:
        entry.note(connection, proof.chunks)
        proved.append(replace(proof, chunks=()))

    with ThreadPoolExecutor(1) as hashing, prefetched(pieces) as coming:
        first = next(coming, None)
        if first is None:
            raise ValueError("a run has at least one piece")
        written = _carry(run, connection, first, progress, None, hashing)
        base, writing_s = written.live(connection), written.writing_s
        note(_prove(run, entry, written, base))
        with prefetched((piece, _ahead(piece, base.dataset)) for piece in coming) as ready:
            second = next(ready, None)
            if second is not None:
                with proving(connection, run.target, run.engine, partial(_prove, run, entry)) as proofs:
                    for piece, ahead in chain([second], ready):
                        known = written.highest
                        written = _carry(run, connection, piece, progress, base.dataset, hashing, ahead, known)
                        writing_s += written.writing_s
                        for proof in proofs.then(written):
                            note(proof)
                    for proof in proofs.rest():
                        note(proof)
    marks = {proof.number: proof.mark for proof in proved if proof.number is not None}
    verdicts, new = together(p.verdicts for p in proved), together(p.introduced for p in proved)
    return Outcome(base, verdicts, new, marks, writing_s)


def _ahead(piece: Piece, base: Dataset) -> Ahead:
    """Bring what fills empty tables into wire form; *base* are the rows of the first piece."""
    is_new = all(part.counts[Action.CREATE] == part.height for part in piece.plan.tables)
    return wire_ahead(piece.plan, base) if piece.fill is not None and is_new else NOT_AHEAD


def _carry(
    run: _Run,
    connection: Connection,
    piece: Piece,
    progress: Progress,
    base: Dataset | None,
    meanwhile: Executor,
    ahead: Ahead = NOT_AHEAD,
    highest: Highest | None = None,
) -> Written:
    """
    Write one piece; what is sent to empty tables is hashed *meanwhile*, and may be in wire form *ahead*. The *highest*
    ids need not be asked for where they are known since the piece before.
    """
    plan, goal = piece.plan, piece.goal
    now = piece.read(connection, base)
    if not piece.is_as_planned(now):
        refuse_stale(plan, now.dataset)
        if goal is not None and not run.is_saved:
            _refuse_newcomers(run.target, plan, goal, now.dataset)
    _refuse_dependents([*dependents_in_plan(plan, now.dataset), *dependents(connection, plan, run.specs)])
    fill = piece.fill if piece.fill is not None and piece.fill.is_empty(now) else None
    before = {} if fill is None else highest or fill.highest(connection)
    hashes: dict[str, Future[Sent]] = {}

    def sending(table: str, values: pl.DataFrame) -> None:
        if fill is not None and not run.target.is_sqlite:
            hashes[table] = meanwhile.submit(fill.hash_rows, table, values)

    began = time.monotonic()
    try:
        known = NOT_AHEAD if fill is None or run.stored else ahead
        execute(
            connection, plan, now.dataset, run.secrets, progress, run.still_locked, run.stored, sending, known, before
        )
    except MissingParent as error:
        raise _unexpected(run.target, "a row refers to one that does not exist", str(error)) from error
    writing_s = time.monotonic() - began
    if fill is None:
        return Written(piece, now, lambda seen: piece.look(seen, base, now), writing_s)
    look, ids = fill.look, (before, fill.highest(connection))
    sent = {name: found.result() for name, found in hashes.items()}
    return Written(piece, now, lambda seen: look(seen, base, ids, sent, needs_ids=run.notes_ids), writing_s, ids[1])


def _prove(run: _Run, entry: Entry, written: Written, after: LiveState) -> _Proved:
    """Refuse rows that are not as planned, and violations that a reset brings; give what the journal is told."""
    piece, before = written.piece, written.before
    with ThreadPoolExecutor(1) as meanwhile:
        chunks = meanwhile.submit(entry.pack, piece.plan, before, after)
        _refuse_difference(run.target, piece.plan, piece.goal, after.dataset, is_saved=run.is_saved)
        _refuse_lockout(run.access, piece.plan, run.specs, before.dataset, after.dataset)
        rules = run.rules if piece.asks_rules else ()
        verdicts = verify(rules, after.dataset)
        broken = failed(verdicts)
        new = introduced(verify(rules, before.dataset), broken) if broken else []
        if run.plan.mode not in {Mode.TOP_UP, Mode.ROLLBACK}:
            refuse_violations(new)
    mark: Mark = b"" if piece.number is None else after.holds or digest(after.raw)
    return _Proved(verdicts, new, piece.number, mark, chunks.result())


def _require_committed(
    target: Target, engine: Engine, pieces: Callable[[], Iterable[Piece]], error: ReconcileError
) -> None:
    """Look whether the rows are as planned although the server's answer to the commit was lost; else raise *error*."""
    first: Dataset | None = None
    is_settled = True
    try:
        with snapshot(target, engine) as connection:
            for piece in pieces():
                now = piece.read(connection, first).dataset
                first = first or now
                is_settled &= not unsettled(piece.plan, now)
    except ReconcileError as unreachable:
        raise unknown_end(target, error) from unreachable
    if not is_settled:
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
