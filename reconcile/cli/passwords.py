"""The passwords of accounts: from the environment or a file, else made up once; never shipped, never in a plan."""

import secrets
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from reconcile.cli.option_groups import RunOptions
from reconcile.cli.recall import LONGEST_PASSWORD, is_usable
from reconcile.cli.session import Session
from reconcile.diff import ACTION, AFTER, Action
from reconcile.errors import ExitCode, Finding, ReconcileError, Severity
from reconcile.plan import Plan
from reconcile.selection import Chosen
from reconcile.state import Password
from reconcile.values import SET, Secret

_RANDOM_BYTES = 15


def supplied(session: Session, options: RunOptions) -> dict[str, str]:
    """
    Give the passwords that somebody has chosen, by secret: --password-file before the environment.

    Raises:
        ReconcileError: a file that cannot be read, or a password that cannot be used; exit code 64.

    """
    file = options.password_file
    found: dict[str, str] = {}
    for password in session.state.passwords:
        if file is not None:
            found[password.name] = _usable(_read(file), f"--password-file {file}")
        elif session.settings.get(password.variable):
            found[password.name] = _usable(session.settings[password.variable], password.variable)
    return found


def _read(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8").split("\n", 1)[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable("the password file cannot be read", f"--password-file {file}", type(error).__name__) from error


def _usable(password: str, origin: str) -> str:
    if not is_usable(password):
        why = f"it must have 1 to {LONGEST_PASSWORD} bytes and hold no null character"
        raise _unusable("the password cannot be used", origin, why)
    return password


def _unusable(what: str, where: str, why: str) -> ReconcileError:
    finding = Finding(what=what, where=where, why=why, fix="put one password on the first line, or set the variable")
    return ReconcileError([finding], ExitCode.USAGE)


def without_password(
    session: Session, protection: str | None, known: Mapping[str, str], chosen: Chosen
) -> tuple[Chosen, dict[str, str], list[Finding]]:
    """
    Leave out the steps whose accounts have no password in *known* and would get a made-up one although *protection*
    says that the target is a protected one.

    Their tables stay: other steps may write them too.

    Returns:
        What is left, why by step, and one warning per password.

    """
    findings: list[Finding] = []
    left_out: dict[str, str] = {}
    for password in session.state.passwords:
        refused = [step for step in password.steps if step in chosen.steps]
        if protection and password.name not in known and refused:
            left_out |= dict.fromkeys(refused, "no password was supplied for its accounts on a protected target")
            findings.append(_refusal(session, protection, password, refused))
    return Chosen(chosen.tables, chosen.steps - set(left_out)), left_out, findings


def _refusal(session: Session, protection: str, password: Password, steps: list[str]) -> Finding:
    return Finding(
        what=f"left out: {', '.join(steps)}",
        where=str(session.target),
        why=f"the target is protected ({protection}) and no password was supplied for these accounts",
        fix=f"set {password.variable} or use --password-file, or leave the accounts out with --skip-accounts",
        severity=Severity.WARNING,
    )


def needed_secrets(plan: Plan) -> set[str]:
    """Name the secrets that rows to be written hold."""
    names: set[str] = set()
    for part in plan.tables:
        hidden = [column.name for column in part.spec.declared if isinstance(column.kind, Secret)]
        for piece in part.pieces() if hidden else ():
            rows = piece.filter(pl.col(ACTION).is_in([Action.CREATE, Action.UPDATE]))
            for name in hidden:
                names |= set(rows.select(pl.col(AFTER).struct.field(name)).to_series().drop_nulls())
    return names - {SET}


def make_up(session: Session, names: set[str]) -> dict[str, str]:
    """Give a random password for each secret of *names*."""
    return {
        password.name: secrets.token_urlsafe(_RANDOM_BYTES)
        for password in session.state.passwords
        if password.name in names
    }


def hashes(session: Session, passwords: Mapping[str, str]) -> dict[str, str]:
    """Give the bcrypt hash of each password, by secret; accounts that share a password share its hash."""
    import bcrypt

    costs = {password.name: password.cost for password in session.state.passwords}
    return {
        name: bcrypt.hashpw(password.encode(), bcrypt.gensalt(costs[name])).decode()
        for name, password in passwords.items()
    }
