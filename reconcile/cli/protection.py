"""Protected targets: what makes one, and the name that has to be given before something is written to it."""

from pathlib import Path

from sqlalchemy import Connection

from reconcile.cli.option_groups import GuardOptions
from reconcile.cli.session import Session, is_absent
from reconcile.errors import ExitCode, Finding, ReconcileError
from reconcile.live.connect import snapshot
from reconcile.live.protection import read_marker
from reconcile.live.target import Target


def protection_of(session: Session, connection: Connection) -> str | None:
    """Say what makes the target a protected one, the environment or its marker; None when nothing does."""
    return session.protection or read_marker(connection)


def read_protection(session: Session) -> str | None:
    """Say the same over a connection of its own; a file that is not there yet has no marker."""
    if session.protection or is_absent(session.target):
        return session.protection
    with snapshot(session.target, session.engine) as connection:
        return protection_of(session, connection)


def database_name(target: Target) -> str:
    """Give the name that --confirm must repeat: the database's, for a file its name without the folder."""
    return Path(target.database).name if target.is_sqlite else target.database


def require_confirmation(session: Session, options: GuardOptions) -> None:
    """
    Let nothing happen to a protected target unless --confirm names it, nor to any other than the one it names.

    Raises:
        ReconcileError: the name is missing or another; exit code 4, nothing done.

    """
    if findings := refuse_unconfirmed(session, options, read_protection(session)):
        raise ReconcileError(findings, ExitCode.REFUSED)


def refuse_unconfirmed(session: Session, options: GuardOptions, protection: str | None) -> list[Finding]:
    """Give what `require_confirmation` refuses, to be told together with what other guards refuse."""
    target, name = session.target, database_name(session.target)
    if options.confirm is None and protection is not None:
        why = f"the target is protected ({protection}), and --force does not lift that"
        return [_refused(session, why, f"if {target} is the database that you mean, add --confirm {name}")]
    if options.confirm not in {None, name}:
        why = f"--confirm names {options.confirm}, and the target is {name}"
        return [_refused(session, why, f"if {target} is the database that you mean, give --confirm {name}")]
    return []


def _refused(session: Session, why: str, fix: str) -> Finding:
    return Finding(
        what="refused, nothing was changed",
        where=f"{session.target} (chosen by: {session.target.origin})",
        why=why,
        fix=fix,
    )
