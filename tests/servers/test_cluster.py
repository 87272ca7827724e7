"""A run on a Dask cluster: its shards together equal one run, also when a worker is killed half-way."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from reconcile.cli import cluster as cluster_module
from tests.servers.running import Running
from tests.servers.slow_spans_state import PAUSE_S
from tests.servers.target import Target
from tests.servers.test_spans import SHAPE, SPANNED, WHOLE, act, rows, trades

__all__ = ["trades"]

SLOW = "tests.servers.slow_spans_state"
ROOT = Path(__file__).parents[2]
PATIENCE_S = 60


@dataclass(frozen=True, slots=True)
class Cluster:
    """A scheduler with two workers, each in a process of its own."""

    file: Path
    workers: "subprocess.Popen[bytes]"

    @property
    def address(self) -> str:
        return str(json.loads(self.file.read_text())["address"])

    def working_on(self, word: str) -> list[psutil.Process]:
        """Give the worker that carries out a command with *word* in it, and that command's process."""
        for process in psutil.Process(self.workers.pid).children(recursive=True):
            try:
                if any(argument.startswith(word) for argument in process.cmdline()):
                    return [process.parent() or process, process]
            except psutil.NoSuchProcess:
                continue
        return []


@pytest.fixture
def cluster(trades: tuple[Target, Target], tmp_path: Path) -> Iterator[Cluster]:
    """A cluster whose workers know the first database."""
    file = tmp_path / "scheduler.json"
    environment = os.environ | {"RECONCILE_DATABASE_URL": trades[0].url, "PYTHONPATH": str(ROOT)}
    program = [sys.executable, "-m", "dask"]
    place = ["--scheduler-file", str(file)]
    with subprocess.Popen(
        [*program, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", *place],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as scheduler:
        until(file.exists)
        shape = ["--nworkers", "2", "--nthreads", "1", "--no-dashboard", "--local-directory", str(tmp_path)]
        with subprocess.Popen(
            [*program, "worker", *shape, *place], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as workers:
            try:
                yield Cluster(file, workers)
            finally:
                for process in (workers, scheduler):
                    process.terminate()
                    process.wait(PATIENCE_S)


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@contextmanager
def applying(target: Target, state: str, cluster: Cluster, *more: str) -> Iterator[Running]:
    words = ("apply", "--force", "--state", state, *SHAPE, "--lock-timeout", "60s", "--cluster", cluster.address)
    running = Running(target, *words, *more)
    try:
        yield running
    finally:
        running.close()


@pytest.mark.on_servers
def test_a_cluster_does_what_one_run_does(trades: tuple[Target, Target], cluster: Cluster) -> None:
    target, other = trades

    checksum = json.loads(act(target, SPANNED, "plan", "--format", "json").out)["checksum"]
    with applying(target, SPANNED, cluster, "--checksum", checksum) as running:
        assert running.end() == 0, running.told

    told = re.findall(r"^Shard (\d+)/(\d+): (\d+) created, 0 updated, 0 deleted$", running.told, re.MULTILINE)
    assert {int(number) for number, _, _ in told} == set(range(1, int(told[0][1]) + 1))
    assert sum(int(created) for _, _, created in told) == 260
    assert "shards: 260 created, 0 updated, 0 deleted" in running.told
    assert act(other, WHOLE, "apply", "--force").code == 0
    assert rows(target) == rows(other)


@pytest.mark.on_servers
def test_a_worker_that_is_killed_half_way_costs_nothing(trades: tuple[Target, Target], cluster: Cluster) -> None:
    """Its machine dies with the run that it carries out; another worker does the shard again."""
    target, other = trades

    with applying(target, SLOW, cluster) as running:
        running.wait_for("Shard 1/")
        until(lambda: cluster.working_on("--shard=2/"))
        time.sleep(PAUSE_S)
        killed = cluster.working_on("--shard=2/")
        for process in killed:
            process.kill()
        assert running.end() == 0, running.told

    assert len(killed) == 2
    assert act(other, WHOLE, "apply", "--force").code == 0
    assert rows(target) == rows(other)


@pytest.mark.on_mariadb
def test_a_worker_of_another_database_does_nothing(trades: tuple[Target, Target], cluster: Cluster) -> None:
    """The workers know the first database; this run is about the second."""
    _, other = trades

    with applying(other, SPANNED, cluster) as running:
        assert running.end() == 1

    assert "names another database" in running.told
    assert "was not carried out" in running.told
    assert other.rows("SELECT COUNT(*) FROM customers") == [(0,)]


@pytest.mark.on_mariadb
def test_no_cluster_is_one_clear_error(trades: tuple[Target, Target], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "CONNECT_TIMEOUT_S", 1)
    target, _ = trades

    result = act(target, SPANNED, "apply", "--force", "--cluster", "tcp://127.0.0.1:1")

    assert (result.code, "error: no Dask scheduler answers" in result.err) == (1, True), result.err


@pytest.mark.on_mariadb
@pytest.mark.parametrize("words", [("--format", "html"), ("--health-url", "ftp://here")])
def test_what_the_last_run_would_refuse_is_refused_before_anything_is_written(
    trades: tuple[Target, Target], cluster: Cluster, words: tuple[str, ...]
) -> None:
    target, _ = trades
    with applying(target, SPANNED, cluster, *words) as running:
        assert running.end() == 64, running.told
    assert target.rows("SELECT COUNT(*) FROM customers") == [(0,)]


@pytest.mark.on_mariadb
def test_another_plan_than_asked_for_is_not_begun(trades: tuple[Target, Target], cluster: Cluster) -> None:
    target, _ = trades
    with applying(target, SPANNED, cluster, "--checksum", "0" * 12) as running:
        assert running.end() == 4, running.told
    assert target.rows("SELECT COUNT(*) FROM customers") == [(0,)]


@pytest.mark.on_mariadb
def test_a_state_with_passwords_is_not_for_a_cluster(trades: tuple[Target, Target]) -> None:
    target, _ = trades
    result = act(target, "tests.unit.cli.club", "apply", "--force", "--cluster", "tcp://127.0.0.1:1")
    assert (result.code, "passwords are neither sent" in result.err) == (64, True), result.err


@pytest.mark.on_mariadb
@pytest.mark.parametrize("words", [("--shard", "1/2"), ("--batch-size", "5")])
def test_what_a_cluster_cannot_do_is_refused(trades: tuple[Target, Target], words: tuple[str, ...]) -> None:
    target, _ = trades
    result = act(target, SPANNED, "apply", "--force", "--cluster", "tcp://127.0.0.1:1", *words)
    assert (result.code, "this cannot be done on a cluster" in result.err) == (64, True)
