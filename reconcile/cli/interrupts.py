"""What ends a command from outside, and what is said of it once rows are committed."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from reconcile.errors import ExitCode, Finding, ReconcileError


class Terminated(BaseException):
    """No Exception, as KeyboardInterrupt is none: SQLAlchemy then drops the connection instead of using it again."""


def heed_signals() -> None:
    """End like Ctrl-C when a service manager says so or the console closes, unless told to ignore it (nohup)."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _terminate)
    # polars hooks SIGINT so that system calls restart: without this, Ctrl-C waits until the server has answered.
    signal.siginterrupt(signal.SIGINT, True)


def _terminate(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Terminated


@contextmanager
def once_committed() -> Iterator[None]:
    """
    Say of an interruption in the block that it came too late to roll anything back.

    Raises:
        ReconcileError: the block was interrupted; exit code 6.

    """
    try:
        yield
    except (KeyboardInterrupt, Terminated) as interruption:
        raise too_late() from interruption


def too_late() -> ReconcileError:
    """Say that the run was committed before it was interrupted."""
    finding = Finding(
        what="interrupted after the commit: the rows are written",
        where="the end of the run",
        why="the signal came when nothing was left to roll back",
        fix="see with `reconcile plan` that nothing is left to do; take the run back with `reconcile rollback`",
    )
    return ReconcileError([finding], ExitCode.NOT_CONVERGED)
