"""What the benchmarks share: a server, tables of a size, processes that are timed, figures beside a baseline."""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.server import ADMIN, Server

DATABASE = "trade"
TABLES = ("customers", "orders", "order_line_items")
STATE = ("--state", "benchmarks.trade")
AS_OF = "2026-01-05"
CHANGED_PER_MILLE = 1
BY_HAND = "by hand"
_EDITED = {"orders": "note", "order_line_items": "product"}
BESIDE = ", beside "
"""Between a piece of work and the tool whose figures it is timed again with."""

LONGEST_REASON = 2_000

Work = tuple[str | None, Callable[[], object], Callable[[], tuple[float, float]]]
"""The baseline of a piece of work, what prepares it, and what runs it and gives seconds and MB."""


@dataclass(slots=True)
class Figure:
    """
    What one piece of work took, run by run: seconds, and the peak memory in MB; or why it was not run. What is a part
    of another work is told by its `rows`, in µs for each.
    """

    work: str
    baseline: str | None = None
    not_run: str | None = None
    rows: int | None = None
    seconds: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The median of the runs in seconds."""
        return statistics.median(self.seconds)


@dataclass(frozen=True, slots=True)
class Bench:
    """A server, how large the tables are, and how often each piece of work is timed."""

    server: Server
    scale: int
    runs: int
    folder: Path

    def reconcile(self, *words: str, expected: int = 0) -> tuple[float, float]:
        """Run one command as a process, and give seconds and MB."""
        return timed(self._command(words), expected=expected)

    def writing(self, *words: str, log: list[float]) -> tuple[float, float]:
        """Run one command that writes, give seconds and MB, and add to *log* how long it says that it wrote rows."""
        seconds, memory, told = _run(self._command([*words, "--verbose"]))
        (written,) = re.findall(r"event=applied .*\bwriting_seconds=([\d.]+)", told)
        log.append(float(written))
        return seconds, memory

    def _command(self, words: Sequence[str]) -> list[str]:
        program = str(Path(sys.executable).with_name("reconcile"))
        size = [] if words[0] == "schema" else ["--as-of", AS_OF, "--scale", str(self.scale)]
        return [program, *words, *STATE, *size, "--quiet", "--database-url", self.server.url(DATABASE)]

    def client(self, *statements: str) -> tuple[float, float]:
        """Let the server's own client run statements, and give seconds and MB."""
        name = "mariadb" if shutil.which("mariadb") else "mysql"
        place = ["-h127.0.0.1", f"-P{self.server.port}", f"-u{ADMIN}", f"-p{self.server.admin_password}"]
        return timed([name, "--no-defaults", "--local-infile=1", *place, DATABASE, "-e", "; ".join(statements)])

    def changed(self) -> None:
        """Change a row of a thousand by hand."""
        for table, column in _EDITED.items():
            where = f"MOD(id, {1_000 // CHANGED_PER_MILLE}) = 7"
            edit = f"UPDATE `{table}` SET `{column}` = %s WHERE {where}"  # noqa: S608 - names of ours
            self.server.execute(edit, BY_HAND, database=DATABASE)

    def changed_rows(self) -> int:
        """Count the rows that are changed."""
        counts = [
            self.server.execute(f"SELECT COUNT(*) FROM `{table}` WHERE `{column}` = %s", BY_HAND, database=DATABASE)  # noqa: S608
            for table, column in _EDITED.items()
        ]
        return sum(int(str(rows[0][0])) for rows in counts)

    def fresh(self) -> None:
        """Make the tables anew, without rows."""
        self.server.drop_database(DATABASE)
        self.server.create_database(DATABASE)
        self.reconcile("schema", "create")

    def filled(self) -> None:
        """Make the tables hold the declared rows."""
        self.reconcile("apply", "--force", "--no-journal", "--summary")


_LAUNCH = """
import json, os, subprocess, sys, time
started = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=sys.stderr)
_, status, used = os.wait4(process.pid, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), time.perf_counter() - started, used.ru_maxrss / 1024]))
"""
"""Starts a process from a small one: a child's peak memory counts from that of its parent."""


def timed(command: Sequence[str], expected: int = 0) -> tuple[float, float]:
    """Run a process to its end, and give seconds and peak MB."""
    seconds, memory, _ = _run(command, expected)
    return seconds, memory


def _run(command: Sequence[str], expected: int = 0) -> tuple[float, float, str]:
    # As it is installed: with the bytecode of its modules beside them.
    installed = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    launch = [sys.executable, "-c", _LAUNCH, *command]
    done = subprocess.run(launch, capture_output=True, text=True, check=True, env=installed)
    code, seconds, memory = json.loads(done.stdout)
    assert code == expected, done.stderr[-LONGEST_REASON:]
    return seconds, memory, done.stderr


def report(bench: Bench, figures: Sequence[Figure]) -> None:
    """Print each figure beside its baseline."""
    print(f"\n{bench.server.engine}, {bench.scale * 10_000:,} rows, median of {bench.runs} runs", flush=True)
    print(f"{'':<52} {'seconds':>8} {'ratio':>7} {'MB':>6}")
    medians = {figure.work: figure.median for figure in figures if figure.seconds}
    for figure in figures:
        if figure.not_run:
            print(f"{figure.work:<52} not run: {figure.not_run}")
            continue
        if figure.rows:
            print(f"{figure.work:<52} {figure.median:>8.2f} {figure.median / figure.rows * 1e6:>7.2f} µs a row")
            continue
        ratio = f"{figure.median / medians[figure.baseline]:>7.2f}" if figure.baseline in medians else f"{1:>7.2f}"
        print(f"{figure.work:<52} {figure.median:>8.2f} {ratio} {max(figure.memory):>6.0f}")


def measure(bench: Bench, works: dict[str, Work]) -> list[Figure]:
    """Time each piece of work as often as the bench says, in turns, after what prepares it."""
    figures = {work: Figure(work, baseline) for work, (baseline, _, _) in works.items()}
    for _ in range(bench.runs):
        for work, (_, prepare, run) in works.items():
            prepare()
            seconds, memory = run()
            figures[work].seconds.append(seconds)
            figures[work].memory.append(memory)
    return list(figures.values())
