"""A run goes on when nobody reads what it says."""

import os
import pty
import subprocess
import sys
from pathlib import Path

PROGRAM = [sys.executable, "-c", "import sys; from reconcile.cli.main import main; sys.exit(main())"]
TINY = ["--state", "tests.unit.tiny"]


def test_an_apply_whose_reader_is_gone_writes_all_the_same(tmp_path: Path) -> None:
    """As in `reconcile apply | head -1`; neither the plan nor the progress has a reader."""
    url = f"sqlite:///{tmp_path / 'terp.db'}"
    nobody, out = os.pipe()
    os.close(nobody)
    done = subprocess.run(
        [*PROGRAM, "apply", "--force", *TINY, "--database-url", url], stdout=out, stderr=out, check=False, timeout=60
    )
    os.close(out)
    again = subprocess.run(
        [*PROGRAM, "plan", *TINY, "--detailed-exitcode", "--database-url", url],
        stdout=subprocess.DEVNULL,
        check=False,
        timeout=60,
    )

    assert (done.returncode, again.returncode) == (0, 0)


def test_an_apply_whose_terminal_is_gone_writes_all_the_same(tmp_path: Path) -> None:
    """As under nohup, when the console closes: writing to the terminal is an error from then on."""
    terminal, end = pty.openpty()
    os.close(terminal)
    url = f"sqlite:///{tmp_path / 'terp.db'}"
    done = subprocess.run(
        ["nohup", *PROGRAM, "apply", "--force", *TINY, "--database-url", url],
        stdin=subprocess.DEVNULL,
        stdout=end,
        stderr=end,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        check=False,
        timeout=60,
    )
    os.close(end)

    assert done.returncode == 0


def test_a_plan_whose_reader_is_gone_just_ends(tmp_path: Path) -> None:
    nobody, out = os.pipe()
    os.close(nobody)
    url = f"sqlite:///{tmp_path / 'terp.db'}"
    done = subprocess.run(
        [*PROGRAM, "plan", *TINY, "--database-url", url], stdout=out, stderr=subprocess.PIPE, check=False, timeout=60
    )
    os.close(out)

    assert (done.returncode, b"Traceback" in done.stderr) == (0, False)
