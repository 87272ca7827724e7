"""The run lock as the commands that write take it: before planning, until after the last read."""

from collections.abc import Iterator
from contextlib import contextmanager

from reconcile.apply.run_lock import RunLock, run_lock
from reconcile.cli.journaling import journal_named
from reconcile.cli.option_groups import GuardOptions
from reconcile.cli.output import Output
from reconcile.cli.session import Session
from reconcile.cli.spanning import shard_of
from reconcile.sessions import Holder
from reconcile.shard import WHOLE


@contextmanager
def locked(command: str, session: Session, options: GuardOptions, output: Output) -> Iterator[RunLock]:
    """
    Hold the target's run lock for *command*; says on stderr whom it waits for.

    Raises:
        ReconcileError: another run holds it for longer than --lock-timeout; exit code 5, the holder is named.

    """

    def waiting(holder: Holder) -> None:
        output.note(f"Waiting up to {options.lock_timeout:g} s for the run lock, held by {holder}")

    journal = journal_named(session, options)
    shard = shard_of(options) or WHOLE
    with run_lock(session.target, command, options.lock_timeout, waiting, journal, shard) as lock:
        output.log("locked", connection_id=lock.connection_id)
        yield lock
    output.log("unlocked")
