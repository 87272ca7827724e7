"""Streams that a run outlives: whoever stops reading does not stop what is being written to the database."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import TextIO


class Unheeded:
    """A text stream that takes what is written whether or not somebody is left to read it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> object:
        """Be the stream in all else: encoding, terminal or not."""
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write, or drop the text when the reader is gone (EPIPE) or the terminal is (EIO)."""
        try:
            return self._stream.write(text)
        except OSError:
            self._drop()
            return len(text)

    def writelines(self, lines: Iterator[str]) -> None:
        """Write each of *lines*."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Flush, or drop what is left."""
        try:
            self._stream.flush()
        except OSError:
            self._drop()

    def _drop(self) -> None:
        """Let the interpreter flush into nothing at its end. Source: Python manual, "Note on SIGPIPE"."""
        with suppress(OSError, ValueError):
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, self._stream.fileno())
            os.close(nothing)


@contextmanager
def unheeded(*, is_writing: bool) -> Iterator[None]:
    """
    Make stderr such a stream for the block, and for a command that *is_writing* stdout as well.

    A command that only reads may as well end when nobody reads what it says.
    """
    with redirect_stderr(Unheeded(sys.stderr)):
        if not is_writing:
            yield
            return
        with redirect_stdout(Unheeded(sys.stdout)):
            yield
