"""Runs one command on the session that it needs, and turns what went wrong into an exit code."""

import gc
import os
import sys
from dataclasses import replace
from importlib import import_module

from reconcile.cli.interrupts import Terminated, heed_signals
from reconcile.cli.option_groups import TargetOptions
from reconcile.cli.options import PlanOptions
from reconcile.cli.output import Output, open_output
from reconcile.cli.recall import Recalled, is_wanted, recall
from reconcile.cli.streams import unheeded
from reconcile.errors import ExitCode, Finding, ReconcileError, Severity
from reconcile.live.target import Target

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
    asked = None
    if isinstance(options, PlanOptions):
        heed_signals()
        answer = recall(name, options)
        if isinstance(answer, Recalled):
            _note_target(answer.target, output)
            return _show(answer, output)
        asked = answer
    # SQLAlchemy and polars come with it: very many objects, and none of them garbage.
    gc.disable()
    command = import_module(f"reconcile.cli.{name}")
    from reconcile.cli.session import open_session

    heed_signals()
    # What the imports made lives as long as the process: the collector need not look at it again and again.
    gc.freeze()
    gc.enable()
    session = getattr(command, "open_for", open_session)(options)
    if session is not None:
        _note_target(session.target, output)
    if session is not None and asked is not None and isinstance(options, PlanOptions):
        session = replace(session, asked=asked)
        if is_wanted(options):
            output.note(f"Compared row by row: {asked.why}")
    exit_code: int = command.run(options, session, output)
    sys.stdout.flush()
    return exit_code


def _note_target(target: Target, output: Output) -> None:
    output.note(f"Target: {target} ({target.origin})")
    if target.ignored:
        output.note(f"Ignored in the URL: {', '.join(target.ignored)}")


def _show(recalled: Recalled, output: Output) -> ExitCode:
    """Show the plan that was made last: it has nothing to do, and all is as it was then."""
    shown = recalled.shown
    output.log("planned", to_write=0, keep=shown.kept)
    if shown.note is not None:
        output.note(shown.note)
    output.result(shown.output)
    sys.stdout.flush()
    return ExitCode.OK
