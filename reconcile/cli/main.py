"""The entry point: find the command, parse its options, run it, turn what went wrong into an exit code."""

import argparse
import gc
import io
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from argparse_dataclass import ArgumentParser

from reconcile.cli import (
    apply,
    clear,
    doctor,
    drift,
    explain,
    init,
    locks,
    plan,
    query,
    rbac,
    rollback,
    runs,
    schema,
    show,
    verify,
)
from reconcile.cli.interrupts import Terminated, heed_signals
from reconcile.cli.options import (
    ApplyOptions,
    ClearOptions,
    DoctorOptions,
    DriftOptions,
    ExplainOptions,
    InitOptions,
    LocksOptions,
    PlanOptions,
    QueryOptions,
    RbacOptions,
    RollbackOptions,
    RunsOptions,
    SchemaOptions,
    ShowOptions,
    TargetOptions,
    VerifyOptions,
)
from reconcile.cli.output import TOOL_VERSION, Output, open_output
from reconcile.cli.saved_plan import open_saved_session
from reconcile.cli.session import Session, open_session
from reconcile.cli.streams import unheeded
from reconcile.cli.title import hide_passwords
from reconcile.errors import ExitCode, Finding, ReconcileError, Severity
from reconcile.masking import without_passwords


@dataclass(frozen=True, slots=True)
class Command:
    """
    One command: its options class, whose docstring is its help, and what it runs on the session that `open` gives.

    A command that needs neither database nor desired state opens none. One that `writes` rows goes on when nobody
    reads what it says any more.
    """

    options: type[TargetOptions]
    run: Callable[[Any, Any, Output], ExitCode]
    open: Callable[[Any], Session | None] = open_session
    writes: bool = False


COMMANDS = {
    "plan": Command(PlanOptions, plan.run),
    "apply": Command(ApplyOptions, apply.run, open_saved_session, writes=True),
    "show": Command(ShowOptions, show.run, show.open_for),
    "drift": Command(DriftOptions, drift.run, drift.open_for),
    "verify": Command(VerifyOptions, verify.run),
    "clear": Command(ClearOptions, clear.run, writes=True),
    "rbac": Command(RbacOptions, rbac.run, writes=True),
    "rollback": Command(RollbackOptions, rollback.run, writes=True),
    "runs": Command(RunsOptions, runs.run),
    "explain": Command(ExplainOptions, explain.run),
    "query": Command(QueryOptions, query.run),
    "schema": Command(SchemaOptions, schema.run),
    "locks": Command(LocksOptions, locks.run),
    "doctor": Command(DoctorOptions, doctor.run),
    "init": Command(InitOptions, init.run),
}

COLLECT_EVERY = 100_000
"""Allocations between two looks for garbage: rows come and go in columns, which need none."""


class _Append(argparse.Action):
    """Store one value; for a flag declared with nargs=1, add to the values given so far."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,  # noqa: ANN401 - argparse's signature
        option_string: str | None = None,
    ) -> None:
        if self.nargs == 1:
            so_far = getattr(namespace, self.dest, None)
            values = [*(so_far if isinstance(so_far, list) else []), *values]
        setattr(namespace, self.dest, values)


class Parser(ArgumentParser[TargetOptions]):
    """argparse with our exit code for bad usage (its own 2 means changes here) and repeatable flags."""

    def register(self, registry_name: str, value: object, object: object) -> None:
        """Let argparse register what it likes but for the action of plain values."""
        super().register(registry_name, value, _Append if (registry_name, value) == ("action", None) else object)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the command line and exit with 64."""
        self.print_usage(sys.stderr)
        # A word that is out of place may be a URL.
        sys.stderr.write(f"error: {without_passwords(message)}\n  fix: see `{self.prog} --help`\n")
        raise SystemExit(ExitCode.USAGE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code."""
    # What the imports made lives as long as the process: the collector need not look at it again and again.
    gc.freeze()
    gc.set_threshold(COLLECT_EVERY)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that cannot show a sign shows a question mark; it does not stop a run.
            stream.reconfigure(errors="replace")
    words = list(sys.argv[1:] if arguments is None else arguments)
    was_hidden = arguments is None and hide_passwords()
    if not words or words[0] in {"-h", "--help", "help"}:
        sys.stdout.write(_help())
        return ExitCode.OK if words else ExitCode.USAGE
    if words[0] in {"-V", "--version", "version"}:
        sys.stdout.write(f"reconcile {TOOL_VERSION}\n")
        return ExitCode.OK
    command = COMMANDS.get(words[0])
    if command is None:
        told = without_passwords(words[0])
        sys.stderr.write(f"error: there is no command {told!r}\n  fix: use one of {', '.join(COMMANDS)}\n")
        return ExitCode.USAGE
    parser = Parser(command.options, prog=f"reconcile {words[0]}", description=command.options.__doc__)
    options = parser.parse_args(words[1:])
    with unheeded(is_writing=command.writes):
        return _run(command, options, _SEEN if was_hidden else [])


_SEEN = [
    Finding(
        what="a password was on the command line",
        where="the process list",
        why="others on this machine could read it until it was taken out just now; the shell's history keeps it",
        fix="put the URL into RECONCILE_DATABASE_URL, in the environment or in .env",
        severity=Severity.WARNING,
    )
]


def _run(command: Command, options: TargetOptions, warnings: Sequence[Finding]) -> int:
    output = open_output(options)
    output.findings(warnings)
    heed_signals()
    try:
        session = command.open(options)
        if session is not None:
            output.note(f"Target: {session.target} ({session.target.origin})")
            if session.target.ignored:
                output.note(f"Ignored in the URL: {', '.join(session.target.ignored)}")
        exit_code = command.run(options, session, output)
        sys.stdout.flush()
        return exit_code
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


def _help() -> str:
    lines = ["usage: reconcile COMMAND [OPTIONS]", "", "Plan and apply for the rows of a MySQL database.", ""]
    lines += [f"  {name:<8} {command.options.__doc__}" for name, command in COMMANDS.items()]
    lines += ["", "See `reconcile COMMAND --help` for a command's options.", ""]
    return "\n".join(lines)
