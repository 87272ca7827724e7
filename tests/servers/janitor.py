"""
A process that outlives the test run and cleans up after it, however it ended.

Finalisers and atexit do not run in a process that is killed; the closing of its pipes cannot be prevented. So
each server folder has a janitor that waits on a pipe from the tests, then kills the server named in the
folder's `server.pid` and removes the folder. Runs as a script and imports nothing of ours.
"""

import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

PATIENCE_S = 10.0


def clean(folder: Path) -> None:
    """Kill the server of *folder*, if one runs, with all that it started; then remove the folder."""
    with suppress(FileNotFoundError, ValueError):
        _kill(int((folder / "server.pid").read_text()))
    deadline = time.monotonic() + PATIENCE_S
    while folder.exists() and time.monotonic() < deadline:
        shutil.rmtree(folder, ignore_errors=True)


def _kill(leader: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    with suppress(ProcessLookupError):
        while time.monotonic() < deadline:
            os.killpg(leader, signal.SIGKILL)
            time.sleep(0.05)


if __name__ == "__main__":
    sys.stdin.buffer.read()
    clean(Path(sys.argv[1]))
