"""Other tools at the same rows: pt-table-sync finds differences, mydumper and myloader copy, drizzle-seed fills.

A tool that is not on the machine is a line that says so. Passwords are those of a private server that lives as long as
the run.
"""

import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from benchmarks.bench import CHANGED_PER_MILLE, DATABASE, TABLES, Bench, Figure, Work, measure, timed
from tests.servers.server import ADMIN

WANTED = "trade_wanted"
"""A copy of the tables as they are declared, beside those that differ."""

LEAST_FOUND = 0.95
DRIZZLE = Path(__file__).with_name("drizzle_seed.cjs")


def others(bench: Bench) -> list[Figure]:
    """Time what each tool that is here does, and the same piece of work of reconcile beside it."""
    bench.fresh()
    bench.filled()
    return [*copies(bench), *differences(bench), *seeds(bench)]


def copies(bench: Bench) -> list[Figure]:
    """Read all rows, and fill empty tables with them."""
    dump, load = "mydumper: all rows to files", "myloader: all rows from files"
    if missing := not_here("mydumper", "myloader"):
        return [Figure(work, not_run=missing) for work in (dump, load)]
    folder = bench.folder / "dump"
    place = ["-h", "127.0.0.1", "-P", str(bench.server.port), "-u", ADMIN, "-p", bench.server.admin_password]

    def dumped() -> tuple[float, float]:
        shutil.rmtree(folder, ignore_errors=True)
        return timed(["mydumper", *place, "-B", DATABASE, "-o", str(folder), "--trx-consistency-only"])

    figures = measure(
        bench,
        {
            dump: (None, _nothing, dumped),
            "plan: nothing to do, beside mydumper": (dump, _nothing, lambda: bench.reconcile("plan", "--summary")),
        },
    )
    works: dict[str, Work] = {
        load: (None, bench.fresh, lambda: timed(["myloader", *place, "-B", DATABASE, "-d", str(folder), "-o"])),
        "apply to empty tables, beside myloader": (
            load, bench.fresh, lambda: bench.reconcile("apply", "--force", "--no-journal", "--summary")
        ),
    }  # fmt: skip
    return figures + measure(bench, works)


def differences(bench: Bench) -> list[Figure]:
    """Find the rows that differ from a copy beside them, or from the declared ones."""
    share = f"{CHANGED_PER_MILLE} row of 1,000 differs"
    sync, plan = f"pt-table-sync --print: {share}", f"plan: {share}, beside pt-table-sync"
    if missing := not_here("pt-table-sync"):
        return [Figure(sync, not_run=missing)]
    copy(bench)
    bench.changed()
    require_found(bench)
    return measure(
        bench,
        {
            sync: (None, _nothing, lambda: timed(["sh", "-c", " && ".join(synced(bench, table) for table in TABLES)])),
            plan: (sync, _nothing, lambda: bench.reconcile("plan", "--detailed-exitcode", "--summary", expected=2)),
        },
    )


def require_found(bench: Bench) -> None:
    """
    See that the other tool does the work: it prints a statement for each row that was changed, or nearly.

    It joins the CRC32 of a chunk's rows by XOR, and two rows that were changed alike cancel each other: of a hundred
    it misses one or two. Source: Percona Toolkit documentation, "pt-table-sync", --function.
    """
    shell = "; ".join(synced(bench, table) for table in TABLES)
    printed = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True).stdout
    found = sum(line.startswith(("REPLACE", "UPDATE")) for line in printed.splitlines())
    changed = bench.changed_rows()
    assert LEAST_FOUND * changed <= found <= changed, f"pt-table-sync found {found} of {changed} rows"


def copy(bench: Bench) -> None:
    """Copy the tables as they are, keys included."""
    bench.server.drop_database(WANTED)
    bench.server.create_database(WANTED)
    for table in TABLES:
        bench.server.execute(f"CREATE TABLE `{table}` LIKE `{DATABASE}`.`{table}`", database=WANTED)
        bench.server.execute(f"INSERT INTO `{table}` SELECT * FROM `{DATABASE}`.`{table}`", database=WANTED)  # noqa: S608


def synced(bench: Bench, table: str) -> str:
    """
    Give the shell command that prints what would make a table like its copy.

    It ends with 2 where rows differ. Source: Percona Toolkit documentation, "pt-table-sync", EXIT STATUS.
    """
    login = f"h=127.0.0.1,P={bench.server.port},u={ADMIN},p={bench.server.admin_password},A=utf8mb4"
    command = ["pt-table-sync", "--print", f"{login},D={WANTED},t={table}", f"{login},D={DATABASE},t={table}"]
    return f"{{ {shlex.join(command)} || [ $? -eq 2 ]; }}"


def seeds(bench: Bench) -> list[Figure]:
    """Fill empty tables with as many made-up rows."""
    work = "drizzle-seed: as many rows, at random"
    if missing := not_here("node") or without_drizzle():
        return [Figure(work, not_run=missing)]
    url = bench.server.admin_url(DATABASE)
    run: Callable[[], tuple[float, float]] = lambda: timed(["node", str(DRIZZLE), url, str(bench.scale)])  # noqa: E731
    return measure(
        bench,
        {
            work: (None, bench.fresh, run),
            "apply to empty tables, beside drizzle-seed": (
                work, bench.fresh, lambda: bench.reconcile("apply", "--force", "--no-journal", "--summary")
            ),
        },
    )  # fmt: skip


def without_drizzle() -> str | None:
    """Say what is missing; None where node finds all of it, here or in NODE_PATH."""
    names = ("drizzle-seed", "drizzle-orm", "mysql2")
    script = ";".join(f"require.resolve('{name}')" for name in names)
    found = subprocess.run(["node", "-e", script], capture_output=True, check=False)
    return None if found.returncode == 0 else f"not installed: npm install {' '.join(names)}"


def not_here(*programs: str) -> str | None:
    """Say which of the programs are not on the path; None when all are."""
    missing = [program for program in programs if shutil.which(program) is None]
    return f"not installed: {', '.join(missing)}" if missing else None


def _nothing() -> None:
    """There is nothing to prepare."""
