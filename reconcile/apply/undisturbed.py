"""Lets a commit come to its end: signals that arrive meanwhile are answered right after it.

A commit that is interrupted half-way may have happened or not, and nobody could say which.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What ends a run in good order: Ctrl-C, a service manager, a console that closes."""


@contextmanager
def undisturbed() -> Iterator[Callable[[], None]]:
    """
    Hold signals back from the moment that the given function is called to the end of the block.

    Only the main thread has signals to answer. Source: Python manual, "Signals and threads".
    """
    held: list[int] = []
    handlers: dict[signal.Signals, signal.Handlers | Callable[..., object] | int | None] = {}

    def hold() -> None:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                handlers[number] = signal.signal(number, lambda arrived, _: held.append(arrived))

    try:
        yield hold
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    for arrived in held:
        signal.raise_signal(arrived)
