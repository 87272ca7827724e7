"""Where output goes: results to stdout, everything else to stderr; colour only where it is wanted.

What only some output needs is imported when it comes to it.
"""

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from reconcile.cli.option_groups import TargetOptions
from reconcile.errors import Finding
from reconcile.masking import without_passwords
from reconcile.render.finding import render_finding

_STYLES = {"+": "green", "~": "yellow", "-": "red", "=": "dim", "✗": "red", "✓": "green"}


@dataclass(frozen=True, slots=True)
class Output:
    """The streams of one command and how they are used."""

    format: str
    is_quiet: bool
    is_verbose: bool
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

    def once(self, content: str) -> None:
        """Write to stderr what is said only here, however quiet the command."""
        sys.stderr.write(content + "\n")

    def log(self, event: str, **facts: object) -> None:
        """Log what is done, on stderr, where --verbose asks for it; never a row and never a secret."""
        if not self.is_verbose:
            return
        import structlog

        structlog.configure(
            processors=[
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.LogfmtRenderer(key_order=["timestamp", "event"]),
            ],
            logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        )
        structlog.get_logger().info(event, **facts)

    def findings(self, findings: Iterable[Finding]) -> None:
        """Write warnings to stderr."""
        for finding in findings:
            self.note(f"{finding.severity}: {render_finding(_safe(finding))}")

    def failure(self, findings: Iterable[Finding]) -> None:
        """Write what stopped the command: to stderr, and as JSON to stdout where JSON is asked for."""
        from reconcile.cli.version import TOOL_VERSION
        from reconcile.render import json, jsonl

        found = [_safe(finding) for finding in findings]
        if self.format == "json":
            sys.stdout.write(json.render_errors(found, tool_version=TOOL_VERSION) + "\n")
        elif self.format == "jsonl":
            sys.stdout.write(jsonl.render_errors(found, tool_version=TOOL_VERSION) + "\n")
        self.errors(found)

    def errors(self, findings: Iterable[Finding]) -> None:
        """Write what went wrong to stderr."""
        for finding in findings:
            sys.stderr.write(f"error: {render_finding(_safe(finding))}\n")


def _safe(finding: Finding) -> Finding:
    """Give *finding* without passwords: what it repeats of somebody's words may be a URL."""
    what, where, why, fix = map(without_passwords, (finding.what, finding.where, finding.why, finding.fix))
    return Finding(what, where, why, fix, finding.severity)


def open_output(options: TargetOptions) -> Output:
    """Set up the streams as the options and NO_COLOR ask."""
    is_colored = options.color == "always" or (
        options.color == "auto" and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    )
    return Output(options.format, options.quiet, options.verbose, is_colored)
