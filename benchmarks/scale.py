"""
Time `reconcile` on large tables as whole processes, beside what the server and its own client need for the same rows.

Run it with `.venv/bin/python -m benchmarks.scale [--engine mariadb|mysql] [--scale N …] [--runs N] [--only WORK …]
[--plot FILE.svg]`. A scale of 1 is 10,000 rows: orders, their lines, and customers; 1000 is ten million. Each line is
the median of the runs, its ratio to the baseline measured in the same run, and the highest peak memory of the
processes; of statements alone it is what they take for a row. `--plot` needs the extra `bench`.
"""

import argparse
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.bench import CHANGED_PER_MILLE, DATABASE, TABLES, Bench, Figure, measure, report
from benchmarks.others import others
from benchmarks.plot import write_plot
from tests.servers.installation import find
from tests.servers.server import launch

IDS_PER_RANGE = 10_000


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures of one run for each scale."""
    parser = argparse.ArgumentParser(description="large tables beside the server's own limits")
    parser.add_argument("--engine", choices=("mariadb", "mysql"), default="mariadb")
    parser.add_argument("--scale", type=int, nargs="+", default=[1, 10, 100])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=tuple(WORKS), default=list(WORKS))
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw seconds and memory by rows")
    options = parser.parse_args(arguments)
    found: dict[int, list[Figure]] = {}
    server = launch(find(options.engine, Path(__file__).parents[1]))
    try:
        server.execute(f"SET GLOBAL innodb_buffer_pool_size = {1 << 30}")
        for scale in options.scale:
            with tempfile.TemporaryDirectory() as folder:
                bench = Bench(server, scale, options.runs, Path(folder))
                # What plans remember is this benchmark's alone.
                os.environ["XDG_CACHE_HOME"] = folder
                found[scale] = [figure for name in options.only for figure in WORKS[name](bench)]
                report(bench, found[scale])
    finally:
        server.close()
    if options.plot:
        write_plot(options.plot, found)


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
    by_checksums = "plan: nothing to do, by checksums"

    plan = ("plan", "--detailed-exitcode", "--summary")
    for _ in range(2):
        bench.reconcile(*plan)
    figures = measure(
        bench,
        {
            baseline: (None, lambda: None, lambda: bench.client(*scan)),
            nothing: (baseline, lambda: None, lambda: bench.reconcile(*plan, "--compare", "rows")),
            by_checksums: (baseline, lambda: None, lambda: bench.reconcile(*plan)),
        },
    )
    bench.changed()
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
    nothing, updates, deletes = "apply: nothing to do", f"apply: {rows:,} updates", f"apply: {rows:,} deletes"
    updating: list[float] = []
    deleting: list[float] = []
    figures = measure(
        bench,
        {
            nothing: (None, lambda: None, lambda: bench.reconcile(*apply)),
            updates: (nothing, edit, lambda: bench.writing(*apply, log=updating)),
            deletes: (nothing, add, lambda: bench.writing(*apply, log=deleting)),
        },
    )
    return [
        *figures,
        Figure(f"{updates}, the statements alone", rows=rows, seconds=updating),
        Figure(f"{deletes}, the statements alone", rows=rows, seconds=deleting),
    ]


WORKS: dict[str, Callable[[Bench], list[Figure]]] = {
    "creates": creates, "plans": plans, "changes": changes, "others": others,
}  # fmt: skip

if __name__ == "__main__":
    main()
