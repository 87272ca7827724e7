"""`reconcile apply`: plan, confirm, write in one transaction, verify, plan again."""

import sys
import time
from collections.abc import Sequence
from dataclasses import replace

from reconcile.apply.run import apply, remaining, violation
from reconcile.checks.verify import verify
from reconcile.cli.options import ApplyOptions
from reconcile.cli.output import TOOL_VERSION, Output
from reconcile.cli.passwords import hashes, make_up, needed_secrets
from reconcile.cli.plan import render, show
from reconcile.cli.planning import Planned, make_plan
from reconcile.cli.progress import open_progress
from reconcile.cli.registry import check_registry, write_registry
from reconcile.cli.session import Session, is_absent, managed_tables
from reconcile.dataset import Dataset
from reconcile.decide import Mode
from reconcile.errors import ExitCode, Finding, ReconcileError, Severity
from reconcile.live.connect import snapshot
from reconcile.live.state import read_again
from reconcile.plan import Plan
from reconcile.render import json, text
from reconcile.state import Verdict


def run(options: ApplyOptions, session: Session, output: Output) -> ExitCode:
    """Carry out what `reconcile plan` with the same options shows."""
    check_registry(options.registry, session)
    planned = make_plan(session, options, reads_rules=not options.dry_run)
    if options.dry_run:
        show(planned, options, output)
        return ExitCode.OK
    return write(planned, session, options, output)


def write(planned: Planned, session: Session, options: ApplyOptions, output: Output) -> ExitCode:
    """Show what was planned, ask, and carry it out."""
    output.log("planned", to_write=planned.plan.written, keep=planned.plan.kept)
    if options.format == "text":
        # Whoever is asked sees the rows; a script that has said --force gets the counts.
        options.summary |= options.force
        output.result(render(planned, options))
    output.findings(planned.plan.findings)
    if planned.plan.is_empty:
        verdicts = verify(planned.rules, planned.live.dataset)
        output.findings(_unmended(planned, session, verdicts).values())
        return _end(planned, session, options, output, verdicts=verdicts, live=planned.live.dataset)
    if not options.force:
        confirm(planned.plan, session, output)
    return _carry_out(planned, session, options, output)


def _carry_out(planned: Planned, session: Session, options: ApplyOptions, output: Output) -> ExitCode:
    plan, started = planned.plan, time.monotonic()
    required = needed_secrets(plan)
    made_up = make_up(session, required - set(planned.passwords))
    words = {name: word for name, word in {**planned.passwords, **made_up}.items() if name in required}
    with open_progress(output) as progress:
        outcome = apply(
            target=session.target,
            engine=session.engine,
            plan=plan,
            goal=planned.goal,
            live=planned.live,
            schema=planned.schema,
            specs=planned.goal.desired.specs,
            rules=planned.rules,
            progress=progress,
            secrets=hashes(session, words),
            missing=managed_tables(session) if is_absent(session.target) else None,
            access=session.state.access,
        )
    # Committed: nobody could tell the passwords any more if something below failed.
    for name, word in made_up.items():
        whose = f" ({name})" if len(made_up) > 1 else ""
        output.once(f"Password of the new accounts{whose}, shown this once: {word}")
    with snapshot(session.target, session.engine) as connection:
        live = read_again(connection, planned.schema, outcome.live)
    unmended = _unmended(planned, session, outcome.verdicts)
    output.findings(
        replace(violation(verdict), severity=Severity.WARNING)
        for verdict in outcome.introduced
        if verdict.rule.id not in unmended
    )
    output.findings(unmended.values())
    duration_s = time.monotonic() - started
    output.log("applied", seconds=round(duration_s, 2), rows=plan.written)
    left = [] if live is outcome.live else remaining(planned.goal, live.dataset)
    return _end(
        planned,
        session,
        options,
        output,
        verdicts=outcome.verdicts,
        live=live.dataset,
        duration_s=duration_s,
        left=[_not_converged(part.spec.name, part.written) for part in left],
    )


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
    plan = planned.plan
    if output.format == "json":
        output.result(
            json.render_outcome(
                plan, tool_version=TOOL_VERSION, verdicts=verdicts, duration_s=duration_s, errors=errors
            )
        )
    else:
        if verdicts:
            output.result(text.render_verdict_total(verdicts))
        output.result(text.render_outcome(plan, duration_s))
    output.errors(errors)
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


def confirm(plan: Plan, session: Session, output: Output) -> None:
    """
    Show what is at stake and ask for a yes.

    Raises:
        ReconcileError: no terminal to ask on, or any other answer; exit code 4, nothing written.

    """
    losses = text.render_losses(plan)
    sys.stderr.write(f"\nThis writes to {session.target} (chosen by: {session.target.origin}).\n")
    sys.stderr.writelines(f"  {line}\n" for line in losses or ["No existing row is changed or deleted."])
    if not sys.stdin.isatty():
        raise _refused("there is no terminal to confirm on", "add --force to run without a prompt")
    sys.stderr.write(f"Type yes to write to {session.target.database}: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() != "yes":
        raise _refused("the answer was not yes", "run the command again and type yes")


def _refused(why: str, fix: str) -> ReconcileError:
    return ReconcileError(
        [Finding(what="not applied, nothing was changed", where="the confirmation", why=why, fix=fix)], ExitCode.REFUSED
    )


def _not_converged(table: str, rows: int) -> Finding:
    return Finding(
        what=f"committed, but {table} has changed again",
        where=f"table {table}",
        why=f"{rows} rows differ from the desired state right after the commit",
        fix="another session writes to the table; stop it and run `reconcile apply` again",
    )
