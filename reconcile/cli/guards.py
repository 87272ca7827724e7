"""The guards that a plan passes before it is carried out, whatever made it: no flag but their own lifts one."""

import sys
from dataclasses import replace
from datetime import UTC, datetime

from reconcile.cli.option_groups import GuardOptions, LimitOptions
from reconcile.cli.passwords import needed_secrets
from reconcile.cli.planned import Planned
from reconcile.cli.protection import read_protection, refuse_unconfirmed
from reconcile.cli.session import Session
from reconcile.errors import ExitCode, Finding, ReconcileError, Severity
from reconcile.limits import Limits
from reconcile.plan import Plan
from reconcile.radius import measure, refuse_radius
from reconcile.render import text


def measured(planned: Planned) -> Planned:
    """Give what was planned with its blast radius, where nobody has measured it yet: as for a plan from a file."""
    if planned.plan.radius is not None:
        return planned
    now = datetime.now(UTC).replace(tzinfo=None)
    return replace(planned, plan=replace(planned.plan, radius=measure(planned.plan, planned.live.dataset, now)))


def warned(planned: Planned, options: LimitOptions) -> Planned:
    """Give what was planned, to be shown only, with a warning for each table that its apply would refuse."""
    warnings = [replace(finding, severity=Severity.WARNING) for finding in over_limits(planned, options)]
    return replace(planned, plan=replace(planned.plan, findings=(*planned.plan.findings, *warnings)))


def require_guards(planned: Planned, session: Session, options: GuardOptions) -> None:
    """
    Let what was planned be carried out only when every guard allows it.

    A plan that writes nothing needs no leave; a --confirm that names another database stops it all the same.

    Raises:
        ReconcileError: all that the guards refuse, at once; exit code 4, nothing written.

    """
    if planned.plan.is_empty:
        findings = refuse_unconfirmed(session, options, None)
    else:
        protection = read_protection(session)
        findings = [
            *over_limits(planned, options),
            *refuse_unconfirmed(session, options, protection),
            *_refuse_made_up(planned, session, protection),
            *_refuse_unattended(options),
        ]
    if findings:
        raise ReconcileError(findings, ExitCode.REFUSED)


def over_limits(planned: Planned, options: LimitOptions) -> list[Finding]:
    """Say of which tables the plan updates or deletes more rows than the options allow."""
    return refuse_radius(measured(planned).plan, Limits(options.max_update, options.max_delete))


def _refuse_made_up(planned: Planned, session: Session, protection: str | None) -> list[Finding]:
    """Refuse accounts of a protected target that would get a password that nobody has chosen."""
    unknown = needed_secrets(planned.plan) - set(planned.passwords)
    if protection is None or not unknown:
        return []
    variables = [password.variable for password in session.state.passwords if password.name in unknown]
    return [
        Finding(
            what="accounts would be created with a made-up password",
            where=str(session.target),
            why=f"the target is protected ({protection}) and no password was supplied for these accounts",
            fix=f"set {', '.join(variables)} or use --password-file, or leave the accounts out with --skip-accounts",
        )
    ]


def _refuse_unattended(options: GuardOptions) -> list[Finding]:
    if options.force or sys.stdin.isatty():
        return []
    return [_unconfirmed("there is no terminal to confirm on", "add --force to run without a prompt")]


def tell_stakes(plan: Plan, session: Session) -> None:
    """Say on stderr where the plan would write and what would be lost, before anybody is asked."""
    losses = text.render_losses(plan)
    sys.stderr.write(f"\nThis writes to {session.target} (chosen by: {session.target.origin}).\n")
    sys.stderr.writelines(f"  {line}\n" for line in losses or ["No existing row is changed or deleted."])


def confirm(session: Session) -> None:
    """
    Ask for a yes.

    Raises:
        ReconcileError: any other answer; exit code 4, nothing written.

    """
    sys.stderr.write(f"Type yes to write to {session.target.database}: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() != "yes":
        finding = _unconfirmed("the answer was not yes", "run the command again and type yes")
        raise ReconcileError([finding], ExitCode.REFUSED)


def _unconfirmed(why: str, fix: str) -> Finding:
    """Say that nobody has said yes."""
    return Finding(what="not applied, nothing was changed", where="the confirmation", why=why, fix=fix)
