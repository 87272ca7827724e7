"""`reconcile locks`: the run lock, who waits for whom, what is stuck; `--kill` ends one session after a yes."""

import sys

from reconcile.apply.ending import PATIENCE_S, NotAllowedError, end_session
from reconcile.cli.journaling import journal_named
from reconcile.cli.option_groups import GuardOptions
from reconcile.cli.options import LocksOptions
from reconcile.cli.output import Output
from reconcile.cli.protection import require_confirmation
from reconcile.cli.session import Session
from reconcile.cli.version import TOOL_VERSION
from reconcile.errors import ExitCode, Finding, ReconcileError
from reconcile.live.connect import asking
from reconcile.live.holder import file_holder, lock_file, lock_name, server_holder
from reconcile.live.journal_tables import JournalTables
from reconcile.live.sessions import read_sessions
from reconcile.render.locks import NO_SESSIONS, Locks, render_locks, render_locks_json, render_session
from reconcile.sessions import ServerSession, Sessions


def run(options: LocksOptions, session: Session, output: Output) -> ExitCode:
    """Show what there is; with --kill end one session and check that it is gone."""
    if options.kill is not None:
        _kill(options.kill, options, session, output)
    found = _look(session, journal_named(session, options))
    if output.format == "json":
        output.result(render_locks_json(found, tool_version=TOOL_VERSION))
    else:
        output.result(render_locks(found))
    return ExitCode.OK


def _look(session: Session, journal: JournalTables) -> Locks:
    target = session.target
    if target.is_sqlite:
        file = lock_file(target)
        holder = file_holder(file) if file else None
        return Locks(str(target), str(file or target.database), holder, unseen=(NO_SESSIONS,))
    with asking(target, session.engine) as connection:
        holder = server_holder(connection, target.database, journal)
        sessions = read_sessions(connection)
    near = [found for found in sessions.on(target.database) if not found.process.is_system]
    working = [found for found in near if not found.is_idle]
    return Locks(
        target=str(target),
        name=lock_name(target.database),
        holder=holder,
        sessions=working,
        idle=len(near) - len(working),
        unseen=sessions.unseen,
    )


def _kill(identifier: int, options: LocksOptions, session: Session, output: Output) -> None:
    """
    End a session of the server, if it may be ended and somebody says so.

    Raises:
        ReconcileError: it is not there, is still there, or the account may not end it (exit code 1), or a guard
            refuses (4).

    """
    if session.target.is_sqlite:
        why = "an SQLite file has no sessions; what holds it is a process of this machine"
        raise _not_ended(identifier, why, "end the process that `reconcile locks` names", ExitCode.REFUSED)
    with asking(session.target, session.engine) as connection:
        chosen = choose(read_sessions(connection), identifier)
    require_confirmation(session, GuardOptions(confirm=options.confirm))
    if not options.force:
        _confirm(chosen, session)
    with asking(session.target, session.engine) as connection:
        sessions = read_sessions(connection)
        if identifier not in sessions.all:
            output.once(f"Connection {identifier} has ended by itself.")
            return
        _same(chosen, choose(sessions, identifier))
        try:
            is_gone = end_session(connection, identifier)
        except NotAllowedError as error:
            why = f"it belongs to {chosen.process.user}, and the account may not end sessions of others"
            fix = "use that account, one with CONNECTION_ADMIN (MariaDB: CONNECTION ADMIN), or your provider's console"
            raise _not_ended(identifier, why, fix) from error
    if not is_gone:
        why = f"it was told to end and is still there after {PATIENCE_S:g} s: it takes back what it has written"
        raise _not_ended(identifier, why, "wait, and look again with `reconcile locks`")
    output.once(f"Ended {render_session(chosen)}. It is gone.")


def choose(sessions: Sessions, identifier: int) -> ServerSession:
    """
    Give the session to be ended.

    Raises:
        ReconcileError: it is not there (exit code 1), or it is this command's own or the server's (4).

    """
    chosen = sessions.all.get(identifier)
    if chosen is None:
        why = "no session that this account may see has this connection id"
        raise _not_ended(identifier, why, "see `reconcile locks`; without the PROCESS right others are not visible")
    if identifier == sessions.own:
        raise _not_ended(identifier, "it is this command's own", "see `reconcile locks`", ExitCode.REFUSED)
    if chosen.process.is_system:
        why = f"it is a thread of the server itself ({chosen.process.user}, {chosen.process.command})"
        raise _not_ended(identifier, why, "leave it; choose a session of an account", ExitCode.REFUSED)
    return chosen


def _same(seen: ServerSession, now: ServerSession) -> None:
    if (seen.process.user, seen.process.host) != (now.process.user, now.process.host):
        why = f"it is no longer that of {seen.process.user}@{seen.process.host}: the server was started anew"
        raise _not_ended(seen.process.id, why, "look again with `reconcile locks`", ExitCode.REFUSED)


def _confirm(chosen: ServerSession, session: Session) -> None:
    sys.stderr.write(f"\nThis ends {render_session(chosen)}, on {session.target}.\n")
    if chosen.process.statement:
        sys.stderr.write(f"  {chosen.process.statement}\n")
    sys.stderr.write("  What it has not committed is rolled back.\n")
    identifier = chosen.process.id
    if not sys.stdin.isatty():
        why, fix = "there is no terminal to confirm on", "add --force to run without a prompt"
        raise _not_ended(identifier, why, fix, ExitCode.REFUSED)
    sys.stderr.write(f"Type yes to end connection {identifier}: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() != "yes":
        raise _not_ended(identifier, "the answer was not yes", "run the command again and type yes", ExitCode.REFUSED)


def _not_ended(identifier: int, why: str, fix: str, exit_code: ExitCode = ExitCode.ERROR) -> ReconcileError:
    finding = Finding(what=f"connection {identifier} was not ended", where="--kill", why=why, fix=fix)
    return ReconcileError([finding], exit_code)
