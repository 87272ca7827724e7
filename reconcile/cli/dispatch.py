"""Runs one command on the session that it needs, and turns what went wrong into an exit code."""

import gc
import os
import sys
from importlib import import_module

from reconcile.cli.interrupts import Terminated, heed_signals
from reconcile.cli.options import TargetOptions
from reconcile.cli.output import Output, open_output
from reconcile.cli.session import open_session
from reconcile.cli.streams import unheeded
from reconcile.errors import ExitCode, Finding, ReconcileError, Severity

_SEEN = Finding(
    what="a password was on the command line",
    where="the process list",
    why="others on this machine could read it until it was taken out just now; the shell's history keeps it",
    fix="put the URL into RECONCILE_DATABASE_URL, in the environment or in .env",
    severity=Severity.WARNING,
)


def dispatch(name: str, options: TargetOptions, *, is_writing: bool, was_password_seen: bool) -> int:
    """Run the command *name*, whose module has its name, and give its exit code."""
    with unheeded(is_writing=is_writing):
        output = open_output(options)
        output.findings([_SEEN] if was_password_seen else [])
        try:
            return _run(name, options, output)
        except ReconcileError as error:
            output.failure(error.findings)
            return error.exit_code
        except KeyboardInterrupt:
            sys.stderr.write("interrupted, rolled back\n")
            return ExitCode.INTERRUPTED
        except Terminated:
            sys.stderr.write("terminated, rolled back\n")
            return ExitCode.TERMINATED
        except BrokenPipeError:
            # The reader of our output has gone (`| head`). Source: Python manual, "Note on SIGPIPE".
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return ExitCode.OK


def _run(name: str, options: TargetOptions, output: Output) -> int:
    command = import_module(f"reconcile.cli.{name}")
    heed_signals()
    # What the imports made lives as long as the process: the collector need not look at it again and again.
    gc.freeze()
    session = getattr(command, "open_for", open_session)(options)
    if session is not None:
        output.note(f"Target: {session.target} ({session.target.origin})")
        if session.target.ignored:
            output.note(f"Ignored in the URL: {', '.join(session.target.ignored)}")
    exit_code: int = command.run(options, session, output)
    sys.stdout.flush()
    return exit_code
