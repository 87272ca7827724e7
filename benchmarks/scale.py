"""
Time `reconcile` on large tables as whole processes, beside what the server and its own client need for the same rows.

Run it with `.venv/bin/python -m benchmarks.scale [--engine mariadb|mysql] [--scale N …] [--runs N] [--only WORK …]`.
A scale of 1 is 10,000 rows: orders, their lines, and customers. Each line is the median of the runs, its ratio to the
baseline measured in the same run, and the highest peak memory of the processes.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.installation import find
from tests.servers.server import ADMIN, Server, launch

DATABASE = "trade"
TABLES = ("customers", "orders", "order_line_items")
STATE = ("--state", "benchmarks.trade")
AS_OF = "2026-01-05"
CHANGED_PER_MILLE = 1
IDS_PER_RANGE = 10_000


@dataclass(slots=True)
class Figure:
    """What one piece of work took, run by run: seconds, and the peak memory in MB."""

    work: str
    baseline: str | None = None
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
        program = str(Path(sys.executable).with_name("reconcile"))
        size = [] if words[0] == "schema" else ["--as-of", AS_OF, "--scale", str(self.scale)]
        command = [program, *words, *STATE, *size, "--quiet"]
        return timed([*command, "--database-url", self.server.url(DATABASE)], expected=expected)

    def client(self, *statements: str) -> tuple[float, float]:
        """Let the server's own client run statements, and give seconds and MB."""
        name = "mariadb" if shutil.which("mariadb") else "mysql"
        place = ["-h127.0.0.1", f"-P{self.server.port}", f"-u{ADMIN}", f"-p{self.server.admin_password}"]
        return timed([name, "--no-defaults", "--local-infile=1", *place, DATABASE, "-e", "; ".join(statements)])

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
    done = subprocess.run([sys.executable, "-c", _LAUNCH, *command], capture_output=True, text=True, check=True)
    code, seconds, memory = json.loads(done.stdout)
    assert code == expected, done.stderr
    return seconds, memory


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures of one run for each scale."""
    parser = argparse.ArgumentParser(description="large tables beside the server's own limits")
    parser.add_argument("--engine", choices=("mariadb", "mysql"), default="mariadb")
    parser.add_argument("--scale", type=int, nargs="+", default=[1, 10, 100])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=tuple(WORKS), default=list(WORKS))
    options = parser.parse_args(arguments)
    server = launch(find(options.engine, Path(__file__).parents[1]))
    try:
        server.execute(f"SET GLOBAL innodb_buffer_pool_size = {1 << 30}")
        for scale in options.scale:
            with tempfile.TemporaryDirectory() as folder:
                bench = Bench(server, scale, options.runs, Path(folder))
                report(bench, [figure for name in options.only for figure in WORKS[name](bench)])
    finally:
        server.close()


def report(bench: Bench, figures: Sequence[Figure]) -> None:
    """Print each figure beside its baseline."""
    print(f"\n{bench.server.engine}, {bench.scale * 10_000:,} rows, median of {bench.runs} runs", flush=True)
    print(f"{'':<52} {'seconds':>8} {'ratio':>7} {'MB':>6}")
    medians = {figure.work: figure.median for figure in figures}
    for figure in figures:
        ratio = f"{figure.median / medians[figure.baseline]:>7.2f}" if figure.baseline else f"{1:>7.2f}"
        print(f"{figure.work:<52} {figure.median:>8.2f} {ratio} {max(figure.memory):>6.0f}")


def measure(
    bench: Bench, works: dict[str, tuple[str | None, Callable[[], object], Callable[[], tuple[float, float]]]]
) -> list[Figure]:
    """Time each piece of work as often as the bench says, in turns, after what prepares it."""
    figures = {work: Figure(work, baseline) for work, (baseline, _, _) in works.items()}
    for _ in range(bench.runs):
        for work, (_, prepare, run) in works.items():
            prepare()
            seconds, memory = run()
            figures[work].seconds.append(seconds)
            figures[work].memory.append(memory)
    return list(figures.values())


def creates(bench: Bench) -> list[Figure]:
    """Fill empty tables."""
    bench.fresh()
    bench.filled()
    loads = export(bench)

    def without_loading() -> None:
        bench.fresh()
        bench.server.execute("SET GLOBAL local_infile = 0")

    def inserted() -> tuple[float, float]:
        try:
            return bench.reconcile("apply", "--force", "--no-journal", "--summary")
        finally:
            bench.server.execute("SET GLOBAL local_infile = 1")

    baseline = "LOAD DATA by the client, from files"
    return measure(
        bench,
        {
            baseline: (None, bench.fresh, lambda: bench.client("SET autocommit = 0", *loads, "COMMIT")),
            "apply to empty tables": (
                baseline, bench.fresh, lambda: bench.reconcile("apply", "--force", "--no-journal", "--summary")
            ),
            "apply to empty tables, with journal": (
                baseline, bench.fresh, lambda: bench.reconcile("apply", "--force", "--summary")
            ),
            "apply to empty tables, local_infile off": (baseline, without_loading, inserted),
        },
    )  # fmt: skip


def export(bench: Bench) -> list[str]:
    """Write each table as the text that LOAD DATA reads, and give the statements that load it."""
    statements = []
    for table in TABLES:
        file = bench.folder / f"{table}.tsv"
        rows = bench.server.execute(f"SELECT * FROM `{table}`", database=DATABASE)  # noqa: S608 - a name of ours
        file.write_text("".join("\t".join(map(_cell, row)) + "\n" for row in rows), encoding="utf-8")
        statements.append(f"LOAD DATA LOCAL INFILE '{file}' INTO TABLE `{table}` CHARACTER SET utf8mb4")
    return statements


def _cell(value: object) -> str:
    return "\\N" if value is None else str(value).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def plans(bench: Bench) -> list[Figure]:
    """Compare tables that are as declared, and such in which a row of a thousand differs."""
    bench.fresh()
    bench.filled()
    scan = scans(bench)
    baseline, nothing = "SUM(CRC32) of all rows, in ranges", "plan: nothing to do"

    def edit() -> None:
        for table, column in (("orders", "note"), ("order_line_items", "product")):
            where = f"MOD(id, {1_000 // CHANGED_PER_MILLE}) = 7"
            bench.server.execute(f"UPDATE `{table}` SET `{column}` = 'by hand' WHERE {where}", database=DATABASE)  # noqa: S608

    plan = ("plan", "--detailed-exitcode", "--summary")
    figures = measure(
        bench,
        {
            baseline: (None, lambda: None, lambda: bench.client(*scan)),
            nothing: (baseline, lambda: None, lambda: bench.reconcile(*plan)),
        },
    )
    edit()
    changed = f"plan: {CHANGED_PER_MILLE} row of 1,000 differs"
    return figures + measure(bench, {changed: (nothing, lambda: None, lambda: bench.reconcile(*plan, expected=2))})


def scans(bench: Bench) -> list[str]:
    """Give the statements that read every row of every table on the server."""
    statements = []
    for table in TABLES:
        columns = bench.server.execute(
            "SELECT GROUP_CONCAT(CONCAT('`', COLUMN_NAME, '`') ORDER BY ORDINAL_POSITION) "
            "FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s",
            DATABASE, table,
        )[0][0]  # fmt: skip
        assert isinstance(columns, str)
        highest = int(str(bench.server.execute(f"SELECT MAX(id) FROM `{table}`", database=DATABASE)[0][0]))  # noqa: S608
        statements += [
            f"SELECT COUNT(*), SUM(CRC32(CONCAT_WS('#', {columns}))) FROM `{table}` "  # noqa: S608 - names of ours
            f"WHERE id BETWEEN {first} AND {first + IDS_PER_RANGE - 1}"
            for first in range(1, highest + 1, IDS_PER_RANGE)
        ]
    return statements


def changes(bench: Bench) -> list[Figure]:
    """Write back what somebody has changed in every order, and delete what somebody has added."""
    bench.fresh()
    bench.filled()
    rows = bench.scale * 2_475

    def edit() -> None:
        bench.server.execute("UPDATE orders SET note = 'by hand'", database=DATABASE)

    def add() -> None:
        bench.server.execute(
            "INSERT INTO orders (order_number, customer_id, status, total, note, ordered_at) "
            "SELECT CONCAT('X', order_number), customer_id, status, total, note, ordered_at FROM orders",
            database=DATABASE,
        )

    apply = ("apply", "--force", "--no-journal", "--summary", "--max-update", "100%", "--max-delete", "100%")
    nothing = "apply: nothing to do"
    return measure(
        bench,
        {
            nothing: (None, lambda: None, lambda: bench.reconcile(*apply)),
            f"apply: {rows:,} updates": (nothing, edit, lambda: bench.reconcile(*apply)),
            f"apply: {rows:,} deletes": (nothing, add, lambda: bench.reconcile(*apply)),
        },
    )


WORKS: dict[str, Callable[[Bench], list[Figure]]] = {"creates": creates, "plans": plans, "changes": changes}

if __name__ == "__main__":
    main()
