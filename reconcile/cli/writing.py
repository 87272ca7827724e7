"""Carry a plan out: in one transaction or batch after batch, each tried again when another session is in the way."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

from reconcile.apply.execute import Progress
from reconcile.apply.journal import Entry, journaled
from reconcile.apply.retry import retrying
from reconcile.apply.run import Outcome, apply, refuse_violations
from reconcile.apply.run_lock import RunLock
from reconcile.batches import head
from reconcile.checks.verify import failed, introduced, verify
from reconcile.cli.interrupts import Terminated, too_late
from reconcile.cli.journaling import journal_of
from reconcile.cli.options import ApplyOptions
from reconcile.cli.output import Output
from reconcile.cli.planned import Planned
from reconcile.cli.planning import make_plan
from reconcile.cli.progress import open_progress
from reconcile.cli.session import Session, is_absent, managed_tables
from reconcile.decide import Mode
from reconcile.errors import ExitCode, Finding, ReconcileError
from reconcile.outcome import after


def require_batches(options: ApplyOptions) -> None:
    """
    Refuse what cannot be done in batches.

    Raises:
        ReconcileError: exit code 64.

    """
    if options.batch_size is None:
        return
    why = {
        "a saved plan is carried out whole or not at all": options.plan_file is not None,
        "a top-up that stops between two batches is finished from its journal": options.no_clear and options.no_journal,
    }
    findings = [
        Finding("this cannot be done in batches", "--batch-size", reason, "leave --batch-size out")
        for reason, holds in why.items()
        if holds
    ]
    if findings:
        raise ReconcileError(findings, ExitCode.USAGE)


def carry_out(
    planned: Planned,
    session: Session,
    options: ApplyOptions,
    output: Output,
    lock: RunLock,
    *,
    secrets: Mapping[str, str],
    committed: Callable[[], None],
) -> tuple[Planned, Outcome]:
    """
    Write what was planned, and give the plan that was carried out last with what became of it.

    *committed* is told after each transaction. With --batch-size a run that would break a rule is refused before it
    writes, since half of it could not be taken back later.
    """
    batches = options.batch_size is not None and planned.plan.written > options.batch_size
    if batches:
        _refuse_outcome(planned)
    journal = journal_of(session, options, planned.command, lock, planned.undoes)
    done, writing_s = 0, 0.0
    with journaled(session.target, session.engine, journal, planned.plan) as entry, open_progress(output) as progress:
        for part, is_last in _parts(planned, session, options):
            before = entry.batches
            work = partial(_apply, part, session, lock, entry, progress, secrets, is_last=is_last)
            try:
                outcome = retrying(work, time.sleep, partial(_tell, output))
            except ReconcileError as error:
                raise _stopped(error, done) from error
            except (KeyboardInterrupt, Terminated) as interruption:
                if entry.batches > before:
                    committed()
                if entry.batches > before and is_last:
                    raise too_late() from interruption
                if entry.batches:
                    output.note("interrupted between two batches: what was committed stays, the next run goes on")
                raise
            committed()
            done += part.plan.written
            writing_s += outcome.writing_s
            if batches:
                output.note(f"Committed {done:,} of {planned.plan.written:,} rows")
    return part, replace(outcome, writing_s=writing_s)


def _parts(planned: Planned, session: Session, options: ApplyOptions) -> Iterator[tuple[Planned, bool]]:
    """Give what one transaction carries out, and whether it is the last; after each batch plan anew."""
    anchored = replace(options, as_of=planned.plan.profile.as_of)
    size = options.batch_size
    while size is not None and (batch := head(planned.plan, size)) is not planned.plan:
        yield replace(planned, plan=batch, rules=()), False
        planned = make_plan(session, anchored, reads_rules=True)
    yield planned, True


def _apply(
    planned: Planned,
    session: Session,
    lock: RunLock,
    entry: Entry,
    progress: Progress,
    secrets: Mapping[str, str],
    *,
    is_last: bool,
) -> Outcome:
    # A batch leaves out much of what the goal asks for.
    pieces = planned.pieces if is_last else lambda: [replace(piece, goal=None) for piece in planned.pieces()]
    outcome = apply(
        target=session.target,
        engine=session.engine,
        plan=planned.plan,
        pieces=pieces,
        specs=planned.goal.desired.specs,
        rules=planned.rules,
        progress=progress,
        secrets=secrets,
        still_locked=lock.check,
        missing=managed_tables(session) if is_absent(session.target) else None,
        access=session.state.access,
        is_saved=planned.is_saved,
        entry=entry,
        is_last=is_last,
        stored=planned.stored,
    )
    return planned.after(outcome)


def _refuse_outcome(planned: Planned) -> None:
    """Ask the rules of the rows as the whole plan would leave them."""
    if planned.plan.mode is Mode.TOP_UP:
        return
    live = planned.live.dataset
    broken = failed(verify(planned.rules, after(planned.plan.tables, live)))
    if broken:
        refuse_violations(introduced(verify(planned.rules, live), broken))


def _stopped(error: ReconcileError, done: int) -> ReconcileError:
    """Say besides what went wrong what is committed all the same."""
    if not done:
        return error
    committed = Finding(
        what=f"{done:,} rows are committed, the rest is not written",
        where="--batch-size",
        why="the run stopped between two batches",
        fix="run the same command again: it goes on from here; or take it back with `reconcile rollback`",
    )
    return ReconcileError([*error.findings, committed], error.exit_code)


def _tell(output: Output, what: str, pause_s: float) -> None:
    output.note(f"{what}: rolled back, trying again in {pause_s:.1f} s")
