"""
Time `reconcile` as whole processes beside LOAD DATA of the same rows, on a private server of each engine.

Run it with `.venv/bin/python -m benchmarks.core [--engine mariadb|mysql] [--runs N]`. It prints the median of each
command and its ratio to the baseline: the same rows, foreign keys included, loaded by the server from files, one LOAD
DATA statement a table and one commit.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pymysql
from pymysql.constants import CLIENT

from tests.facts import require_facts
from tests.servers.installation import find
from tests.servers.live_schema import load
from tests.servers.server import ADMIN, Server, launch

SCHEMAS = {"mariadb": "schema.sql", "mysql": "schema.mysql.sql"}
DATABASE = "benchmark"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures of one run."""
    parser = argparse.ArgumentParser(description="whole-process times beside LOAD DATA")
    parser.add_argument("--engine", choices=tuple(SCHEMAS), default="mariadb")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args(arguments)
    server = launch(find(options.engine, Path(__file__).parents[1]))
    try:
        _measure(server, options.engine, options.runs)
    finally:
        server.close()


def _measure(server: Server, engine: str, runs: int) -> None:
    schema = require_facts() / SCHEMAS[engine]

    def fresh() -> None:
        server.drop_database(DATABASE)
        load(server, DATABASE, schema)

    # As it is installed: with the bytecode of its modules beside them.
    installed = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}

    def reconcile(*words: str) -> None:
        command = [str(Path(sys.executable).with_name("reconcile")), *words, "--quiet", "--summary"]
        done = subprocess.run(
            [*command, "--database-url", server.url(DATABASE)],
            check=False,
            capture_output=True,
            text=True,
            env=installed,
        )
        assert done.returncode == 0, done.stderr

    fresh()
    apply_s = _median(runs, lambda: reconcile("apply", "--force"), before=fresh)
    plan_s = _median(runs, lambda: reconcile("plan", "--detailed-exitcode", "--compare", "rows"))
    with tempfile.TemporaryDirectory() as folder:
        # What plans remember is this benchmark's alone.
        os.environ["XDG_CACHE_HOME"] = folder
        for _ in range(2):
            reconcile("plan", "--detailed-exitcode")
        sums_s = _median(runs, lambda: reconcile("plan", "--detailed-exitcode"))
    with tempfile.TemporaryDirectory() as folder:
        rows, tables = _export(server, Path(folder))
        load_s = _median(runs, lambda: _load(server, Path(folder), tables), before=fresh)
    print(f"{engine}, full dataset, {rows:,} rows in {len(tables)} tables, median of {runs} runs")
    print(f"{'':<34} {'seconds':>8} {'ratio':>7}")
    print(f"{'LOAD DATA of the same rows':<34} {load_s:>8.2f} {1:>7.2f}")
    print(f"{'apply: plan, write, verify, replan':<34} {apply_s:>8.2f} {apply_s / load_s:>7.2f}")
    print(f"{'plan: nothing to do':<34} {plan_s:>8.2f} {plan_s / load_s:>7.2f}")
    print(f"{'plan: nothing to do, by checksums':<34} {sums_s:>8.2f} {sums_s / load_s:>7.2f}")


def _median(runs: int, action: Callable[[], None], before: Callable[[], None] = lambda: None) -> float:
    times = []
    for _ in range(runs):
        before()
        started = time.perf_counter()
        action()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def _export(server: Server, folder: Path) -> tuple[int, list[str]]:
    """Write each filled table as the text that LOAD DATA reads, and list the tables."""
    total, tables = 0, []
    for (table,) in server.execute(
        "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME NOT LIKE %s",
        DATABASE,
        "reconcile%",
    ):
        assert isinstance(table, str)
        rows = server.execute(f"SELECT * FROM `{table}`", database=DATABASE)  # noqa: S608 - a name from the catalogue
        if rows:
            tables.append(table)
            total += len(rows)
            lines = ("\t".join(map(_cell, row)) for row in rows)
            (folder / f"{table}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return total, tables


def _cell(value: object) -> str:
    if value is None:
        return "\\N"
    return str(value).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def _load(server: Server, folder: Path, tables: Sequence[str]) -> None:
    connection = pymysql.connect(
        host="127.0.0.1",
        port=server.port,
        user=ADMIN,
        password=server.admin_password,
        database=DATABASE,
        charset="utf8mb4",
        local_infile=True,
        client_flag=CLIENT.LOCAL_FILES,
    )
    with connection, connection.cursor() as cursor:
        # The files are in no order of dependence; the server still checks every unique key.
        cursor.execute("SET SESSION foreign_key_checks = 0")
        for table in tables:
            cursor.execute(
                f"LOAD DATA LOCAL INFILE %s INTO TABLE `{table}` CHARACTER SET utf8mb4", (str(folder / f"{table}.tsv"),)
            )
        connection.commit()


if __name__ == "__main__":
    main()
