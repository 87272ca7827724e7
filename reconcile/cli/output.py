"""Where output goes: results to stdout, everything else to stderr; colour only where it is wanted."""

import logging
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from typing import TextIO

import structlog

from reconcile.cli.options import TargetOptions
from reconcile.errors import Finding
from reconcile.render import json, text

TOOL_VERSION = version("terp-reconcile")

_STYLES = {"+": "green", "~": "yellow", "-": "red", "=": "dim", "✗": "red", "✓": "green"}


@dataclass(frozen=True, slots=True)
class Output:
    """The streams of one command and how they are used."""

    format: str
    is_quiet: bool
    is_colored: bool

    def result(self, content: str) -> None:
        """Write a result to stdout, a line's colour by its sign."""
        if not self.is_colored or self.format != "text":
            sys.stdout.write(content + "\n")
            return
        from rich.console import Console
        from rich.text import Text

        console = Console(file=sys.stdout, force_terminal=True, soft_wrap=True, highlight=False)
        for line in content.split("\n"):
            sign = line.lstrip()[:1] if line[:1] == " " and line.lstrip()[:1] in "✗✓" else line[:1]
            console.print(Text(line, style=_STYLES.get(sign, "")))

    def note(self, content: str) -> None:
        """Write a remark to stderr."""
        if not self.is_quiet:
            sys.stderr.write(content + "\n")

    def findings(self, findings: Iterable[Finding]) -> None:
        """Write warnings to stderr."""
        for finding in findings:
            self.note(f"{finding.severity}: {text.render_finding(finding)}")

    def failure(self, findings: Iterable[Finding]) -> None:
        """Write what stopped the command: to stderr, and as JSON to stdout where JSON is asked for."""
        found = list(findings)
        if self.format == "json":
            sys.stdout.write(json.render_errors(found, tool_version=TOOL_VERSION) + "\n")
        for finding in found:
            sys.stderr.write(f"error: {text.render_finding(finding)}\n")


def open_output(options: TargetOptions) -> Output:
    """Set up streams and logging as the options and NO_COLOR ask."""
    _configure_logging(is_verbose=options.verbose, stream=sys.stderr)
    is_colored = options.color == "always" or (
        options.color == "auto" and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    )
    return Output(options.format, options.quiet, is_colored)


def _configure_logging(*, is_verbose: bool, stream: TextIO) -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(colors=False) if stream.isatty() else structlog.processors.LogfmtRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG if is_verbose else logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
