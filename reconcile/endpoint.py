"""What an application's health endpoint answered after a run. Facts only."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; `status` is None where there was none, `why` says what is wrong and is empty when all is well."""

    url: str
    """As it may be shown: without user, password and query."""
    status: int | None
    seconds: float
    why: str = ""

    @property
    def is_healthy(self) -> bool:
        """Whether the application said that all is well."""
        return not self.why

    def __str__(self) -> str:
        told = f"{self.status or 'no answer'} after {self.seconds:.1f} s"
        return told if self.is_healthy else f"{told}: {self.why}"
