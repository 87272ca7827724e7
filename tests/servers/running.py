"""`reconcile` in a process of its own, with a terminal that a test types on."""

import os
import pty
import select
import subprocess
import sys
import time

from tests.servers.target import Target

PATIENCE_S = 30.0


class Running:
    """`reconcile` in a process of its own, with a terminal that a test types on."""

    def __init__(self, target: Target, *words: str) -> None:
        self.terminal, inner = pty.openpty()
        code = "import sys; from reconcile.cli.main import main; sys.exit(main())"
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *words, "--database-url", target.url],
            stdin=inner,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
        os.close(inner)
        self.told = ""

    def wait_for(self, text: str) -> None:
        """Wait until the process has said *text* on stderr."""
        assert self.process.stderr is not None
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.told:
            ready, _, _ = select.select([self.process.stderr], [], [], max(0.0, deadline - time.monotonic()))
            piece = os.read(self.process.stderr.fileno(), 65536) if ready else b""
            assert piece, f"{text!r} was never said; instead: {self.told}"
            self.told += piece.decode()

    def type(self, line: str) -> None:
        os.write(self.terminal, f"{line}\n".encode())

    def end(self) -> int:
        """Wait for the end and give the exit code, with the rest of what was said."""
        _, rest = self.process.communicate(timeout=PATIENCE_S)
        self.told += rest.decode()
        return self.process.returncode

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        os.close(self.terminal)
