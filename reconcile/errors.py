"""What can go wrong and how it is said: findings in four parts, one error that carries them, the exit codes.

Must never print, log or know a table of the application.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum


class ExitCode(IntEnum):
    """The process exit codes that scripts and schedules may rely on."""

    OK = 0
    ERROR = 1
    CHANGES = 2
    VIOLATIONS = 3
    REFUSED = 4
    LOCKED = 5
    NOT_CONVERGED = 6
    USAGE = 64
    INTERRUPTED = 130
    TERMINATED = 143


class Severity(StrEnum):
    """How much a finding weighs: a critical one stops the command, a warning is shown."""

    CRITICAL = "critical"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: what it is, where it stands, why it is wrong and how to fix it."""

    what: str
    where: str
    why: str
    fix: str
    severity: Severity = Severity.CRITICAL


class ReconcileError(Exception):
    """Stops a command for reasons the user can answer; carries every finding and the exit code."""

    def __init__(self, findings: Sequence[Finding], exit_code: ExitCode = ExitCode.ERROR) -> None:
        super().__init__("; ".join(finding.what for finding in findings))
        self.findings = tuple(findings)
        self.exit_code = exit_code
