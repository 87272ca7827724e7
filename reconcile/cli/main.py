"""The entry point: find the command, parse its options, run it, turn what went wrong into an exit code."""

import argparse
import gc
import io
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from argparse_dataclass import ArgumentParser

from reconcile.cli.option_groups import TargetOptions
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
    VerifyOptions,
)
from reconcile.cli.title import hide_passwords
from reconcile.errors import ExitCode
from reconcile.masking import without_passwords


@dataclass(frozen=True, slots=True)
class Command:
    """
    One command: its options class, whose docstring is its help. What it does is the module of its name.

    That module is imported once the command line is read: help needs no database driver. It has a function `run` of
    options, session and output, and `open_for`, which gives the session, where it is not the usual one. A command
    that `writes` rows goes on when nobody reads what it says any more.
    """

    options: type[TargetOptions]
    writes: bool = False


COMMANDS = {
    "plan": Command(PlanOptions),
    "apply": Command(ApplyOptions, writes=True),
    "show": Command(ShowOptions),
    "drift": Command(DriftOptions),
    "verify": Command(VerifyOptions),
    "clear": Command(ClearOptions, writes=True),
    "rbac": Command(RbacOptions, writes=True),
    "rollback": Command(RollbackOptions, writes=True),
    "runs": Command(RunsOptions),
    "explain": Command(ExplainOptions),
    "query": Command(QueryOptions),
    "schema": Command(SchemaOptions),
    "locks": Command(LocksOptions),
    "doctor": Command(DoctorOptions),
    "init": Command(InitOptions),
}

COLLECT_EVERY = 100_000
"""Allocations between two looks for garbage."""

MOST_THREADS = 4
"""That share the work on one frame, unless POLARS_MAX_THREADS says another number; more wait for each other."""


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
        from reconcile.cli.version import TOOL_VERSION

        sys.stdout.write(f"reconcile {TOOL_VERSION}\n")
        return ExitCode.OK
    command = COMMANDS.get(words[0])
    if command is None:
        told = without_passwords(words[0])
        sys.stderr.write(f"error: there is no command {told!r}\n  fix: use one of {', '.join(COMMANDS)}\n")
        return ExitCode.USAGE
    parser = Parser(command.options, prog=f"reconcile {words[0]}", description=command.options.__doc__)
    options = parser.parse_args(words[1:])
    # Rows come and go in columns, and imports stay: neither leaves much garbage.
    gc.set_threshold(COLLECT_EVERY)
    os.environ.setdefault("POLARS_MAX_THREADS", str(_threads(os.cpu_count() or 1)))
    from reconcile.cli.dispatch import dispatch

    return dispatch(words[0], options, is_writing=command.writes, was_password_seen=was_hidden)


def _threads(cores: int) -> int:
    """
    Give how many threads share the work on one frame: half of the *cores* at most, since several frames are worked on
    at a time, and the server may be on the same machine. Source: polars API reference, "thread_pool_size".
    """
    return max(min(cores // 2, MOST_THREADS), 1)


def _help() -> str:
    lines = ["usage: reconcile COMMAND [OPTIONS]", "", "Plan and apply for the rows of a MySQL database.", ""]
    lines += [f"  {name:<8} {command.options.__doc__}" for name, command in COMMANDS.items()]
    lines += ["", "See `reconcile COMMAND --help` for a command's options.", ""]
    return "\n".join(lines)
