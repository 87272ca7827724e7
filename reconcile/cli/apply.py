"""`reconcile apply`: plan, confirm, write in one transaction, verify, plan again."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial

from reconcile.apply.proof import unsettled
from reconcile.apply.run import Outcome, remaining, violation
from reconcile.apply.run_lock import RunLock
from reconcile.cli.guards import confirm, measured, require_guards, tell_stakes
from reconcile.cli.health import ask, health_url, warning
from reconcile.cli.interrupts import once_committed
from reconcile.cli.journaling import journal_of
from reconcile.cli.locking import locked
from reconcile.cli.options import ApplyOptions
from reconcile.cli.output import Output
from reconcile.cli.passwords import hashes, make_up, needed_secrets
from reconcile.cli.plan import note_anchor, render, show
from reconcile.cli.planned import Planned
from reconcile.cli.planning import make_plan
from reconcile.cli.readiness import require_readiness
from reconcile.cli.registry import check_registry, write_registry
from reconcile.cli.rendering import render_outcome, require_report
from reconcile.cli.saved_plan import open_saved_session, plan_again, refuse_checksum
from reconcile.cli.session import Session
from reconcile.cli.writing import carry_out, require_batches
from reconcile.dataset import Dataset
from reconcile.decide import Mode
from reconcile.errors import ExitCode, Finding, ReconcileError, Severity
from reconcile.live.connect import snapshot
from reconcile.live.spread import Spread
from reconcile.live.state import read_spread
from reconcile.state import Verdict


def open_for(options: ApplyOptions) -> Session:
    """Open the session; with a plan file, on the desired state that the plan was made from."""
    return open_saved_session(options)


def run(options: ApplyOptions, session: Session, output: Output) -> ExitCode:
    """Carry out what `reconcile plan` with the same options shows."""
    check_registry(options.registry, session)
    require_batches(options)
    if options.cluster is not None and not options.dry_run:
        # Imported only where it is asked for.
        from reconcile.cli.cluster import run_shards

        run_shards(lambda: _plan(options, session), session, options, output)
        options.force, options.checksum = True, None  # what is left was seen and answered for
    return carry("apply", lambda: _plan(options, session), session, options, output)


def _plan(options: ApplyOptions, session: Session) -> Planned:
    """Make the plan that the options ask for, or read it from their file; it has the checksum that they name."""
    if options.plan_file is None:
        planned = make_plan(session, options, reads_rules=not options.dry_run)
    else:
        planned = plan_again(options.plan_file, options, session)
    refuse_checksum(options.checksum, planned.plan)
    return planned


def carry(
    command: str, plan: Callable[[], Planned], session: Session, options: ApplyOptions, output: Output
) -> ExitCode:
    """
    Plan and write under the run lock, as every *command* does that writes rows; --dry-run shows the plan alone.

    Raises:
        ReconcileError: whatever stops a plan or an apply; a format that has no reports (exit code 64).

    """
    if options.dry_run:
        show(plan(), options, output)
        return ExitCode.OK
    require_report(options.format)
    with locked(command, session, options, output) as lock, ThreadPoolExecutor(1) as meanwhile:
        return _write(plan(), session, options, output, lock, meanwhile)


def _write(
    planned: Planned, session: Session, options: ApplyOptions, output: Output, lock: RunLock, meanwhile: Executor
) -> ExitCode:
    """Show what was planned, ask, and carry it out, all of it under the run *lock*."""
    health_url(options.health_url, session.settings)
    planned = measured(planned)
    secrets = _secrets(planned, session, meanwhile)
    output.log("planned", to_write=planned.plan.written, keep=planned.plan.kept)
    note_anchor(planned, output)
    if options.format == "text":
        # Whoever is asked sees the rows; a script that has said --force gets the counts.
        options.summary |= options.force
        output.result(render(planned, options))
    output.findings(planned.plan.findings)
    asks = not (options.force or planned.plan.is_empty)
    if asks:
        tell_stakes(planned.plan, session)
    require_guards(planned, session, options)
    if planned.plan.is_empty:
        verdicts = planned.verdicts()
        output.findings(_unmended(planned, session, verdicts).values())
        live = planned.live.dataset
        left = _left(planned, live) if planned.is_saved else {}
        return _end(planned, session, options, output, verdicts=verdicts, live=live, left=_told(planned, left))
    journal = journal_of(session, options, planned.command, lock, planned.undoes)
    require_readiness(planned.plan, session, journal, output)
    if asks:
        confirm(session)
    return _carry_out(planned, session, options, output, lock, secrets)


@dataclass(frozen=True, slots=True)
class _Secrets:
    """The passwords that a run made up, by secret, and what becomes the hashes of all that it needs."""

    made_up: Mapping[str, str] = field(repr=False)
    hashed: Future[dict[str, str]]


def _secrets(planned: Planned, session: Session, meanwhile: Executor) -> _Secrets:
    """Have the passwords hashed while the plan is shown and guarded: a hash takes its time on purpose."""
    required = needed_secrets(planned.plan)
    made_up = make_up(session, required - set(planned.passwords))
    words = {name: word for name, word in {**planned.passwords, **made_up}.items() if name in required}
    return _Secrets(made_up, meanwhile.submit(hashes, session, words))


def _carry_out(
    planned: Planned, session: Session, options: ApplyOptions, output: Output, lock: RunLock, secrets: _Secrets
) -> ExitCode:
    started, made_up = time.monotonic(), secrets.made_up
    untold = dict(made_up)

    def tell_passwords() -> None:
        # Committed: nobody could tell the passwords any more if something failed from here on.
        while untold:
            name, word = untold.popitem()
            whose = f" ({name})" if len(made_up) > 1 else ""
            output.once(f"Password of the new accounts{whose}, shown this once: {word}")

    last, outcome = carry_out(
        planned, session, options, output, lock, secrets=secrets.hashed.result(), committed=tell_passwords
    )
    with once_committed():
        return _look_again(planned, last, outcome, session, options, output, started=started)


def _look_again(
    planned: Planned,
    last: Planned,
    outcome: Outcome,
    session: Session,
    options: ApplyOptions,
    output: Output,
    *,
    started: float,
) -> ExitCode:
    """Read the rows once more after the commit, tell what became of them, and sum up."""
    unread: list[Finding] = []
    live, moved = outcome.live, dict[str, int]()
    try:
        look = partial(snapshot, session.target, session.engine)
        with look() as connection:
            asking = Spread(connection, look, options.connections, (ReconcileError,))
            live = read_spread(asking, last.schema, outcome.live)
            if last.spanned is not None:
                moved = last.spanned.moved(asking, last.goal, live.dataset, outcome.marks)
    except ReconcileError as error:
        unread = [_unread(finding) for finding in error.findings]
    unmended = _unmended(planned, session, outcome.verdicts)
    output.findings(
        replace(violation(verdict), severity=Severity.WARNING)
        for verdict in outcome.introduced
        if verdict.rule.id not in unmended
    )
    output.findings(unmended.values())
    duration_s = time.monotonic() - started
    rows, writing_s = planned.plan.written, outcome.writing_s
    output.log("applied", seconds=round(duration_s, 2), writing_seconds=round(writing_s, 3), rows=rows)
    left = moved if live is outcome.live and not planned.is_saved else moved | _left(last, live.dataset)
    return _end(
        planned,
        session,
        options,
        output,
        verdicts=outcome.verdicts,
        live=live.dataset,
        duration_s=duration_s,
        left=[*unread, *_told(planned, left)],
    )


def _unread(finding: Finding) -> Finding:
    return Finding(
        what="committed, but the rows could not be read again",
        where=finding.where,
        why=f"{finding.what}: {finding.why}",
        fix="see with `reconcile plan` that nothing is left to do",
    )


def _left(planned: Planned, live: Dataset) -> dict[str, int]:
    """Count by table the rows that are not as planned any more."""
    if planned.spanned is not None and not planned.spanned.is_whole:
        return {}  # a shard leaves much of what the goal asks for to others
    if planned.plan.mode is Mode.ROLLBACK:
        return {name: len(keys) for name, keys in unsettled(planned.plan, live).items()}
    return {part.spec.name: part.written for part in remaining(planned.goal, live)}


def _end(
    planned: Planned,
    session: Session,
    options: ApplyOptions,
    output: Output,
    *,
    verdicts: Sequence[Verdict],
    live: Dataset,
    duration_s: float = 0.0,
    left: Sequence[Finding] = (),
) -> ExitCode:
    """Write the registry, sum up, and say what went wrong after the commit."""
    errors = [*left]
    try:
        write_registry(options.registry, session, planned.goal.desired, live)
    except ReconcileError as error:
        errors += error.findings
    plan, url = planned.plan, health_url(options.health_url, session.settings)
    health = None if url is None else ask(url)
    output.result(render_outcome(plan, options.format, verdicts, duration_s, errors, health))
    output.errors(errors)
    if health is not None and not health.is_healthy:
        output.findings([warning(health)])
    if left:
        return ExitCode.NOT_CONVERGED
    return ExitCode.ERROR if errors else ExitCode.OK


def _unmended(planned: Planned, session: Session, verdicts: Sequence[Verdict]) -> dict[str, Finding]:
    """Say of each red check, by its id, which gap rules would have mended it, had their steps been part of the run."""
    if planned.plan.mode is not Mode.TOP_UP:
        return {}
    left_out = [rule for rule in session.state.gap_rules if rule.step not in planned.plan.chosen]
    menders = {
        verdict.rule.id: (verdict, rules)
        for verdict in verdicts
        if not verdict.has_passed and (rules := [rule for rule in left_out if verdict.rule.id in rule.mends])
    }
    return {
        identifier: replace(
            violation(verdict),
            fix=f"run with step {', '.join(sorted({rule.step for rule in rules}))}: "
            f"{', '.join(rule.id for rule in rules)} would mend it",
            severity=Severity.WARNING,
        )
        for identifier, (verdict, rules) in menders.items()
    }


def _told(planned: Planned, left: Mapping[str, int]) -> list[Finding]:
    """Say of each table how many of its rows are not as desired after the write."""
    return [(_not_named if planned.is_saved else _not_converged)(table, rows) for table, rows in left.items()]


def _not_named(table: str, rows: int) -> Finding:
    return Finding(
        what=f"the plan file does not bring {table} to the desired state",
        where=f"table {table}",
        why=f"{rows:,} rows differ that moved after the plan was made; the file does not name them and left them alone",
        fix="see them with `reconcile plan`",
    )


def _not_converged(table: str, rows: int) -> Finding:
    return Finding(
        what=f"committed, but {table} has changed again",
        where=f"table {table}",
        why=f"{rows} rows differ from the desired state right after the commit",
        fix="another session writes to the table; stop it and run `reconcile apply` again",
    )
