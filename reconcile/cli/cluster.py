"""`reconcile apply --cluster`: the shards of a run as tasks of a Dask cluster, and what is left by a run of its own.

Retries, what works where and what failed are the scheduler's business. A shard that is run again finds what it has
committed and goes on. Workers take the database from their own environment: no password travels to them.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from reconcile.cli.guards import confirm, measured, require_guards, tell_stakes
from reconcile.cli.health import health_url
from reconcile.cli.interrupts import Terminated
from reconcile.cli.locking import locked
from reconcile.cli.options import ApplyOptions
from reconcile.cli.output import Output
from reconcile.cli.plan import note_anchor, render
from reconcile.cli.planned import Planned
from reconcile.cli.rendering import require_report
from reconcile.cli.session import Session, choose_target
from reconcile.errors import ExitCode, Finding, ReconcileError
from reconcile.live.connect import open_engine, snapshot
from reconcile.live.identity import database_of, server_of
from reconcile.shard import MOST_SHARDS, Shard

if TYPE_CHECKING:
    from distributed import Client

RETRIES = 3
"""How often a shard that failed is tried again."""

CONNECT_TIMEOUT_S = 20
_SHARDS_A_THREAD = 2
"""More shards than threads: one that takes longer does not keep all others waiting at the end."""

_PROGRAM = "import sys; from reconcile.cli.main import main; sys.exit(main(sys.argv[1:]))"

Identity = tuple[str, str]
"""The server and the database, as they call themselves."""


def _require_cluster(options: ApplyOptions, session: Session) -> None:
    """
    Refuse what a cluster cannot carry out.

    Raises:
        ReconcileError: all of it at once; exit code 64.

    """
    why = {
        "a saved plan is carried out by one run": options.plan_file is not None,
        "the cluster has all shards": options.shard is not None,
        "--batch-size cuts a run in its own way": options.batch_size is not None,
        "passwords are neither sent to workers nor told by them": bool(session.state.passwords),
        "a file has one writer, and other machines do not have it": session.target.is_sqlite,
    }
    findings = [
        Finding("this cannot be done on a cluster", f"--cluster {options.cluster}", reason, "leave --cluster out")
        for reason, holds in why.items()
        if holds
    ]
    if findings:
        raise ReconcileError(findings, ExitCode.USAGE)


def run_shards(plan: Callable[[], Planned], session: Session, options: ApplyOptions, output: Output) -> None:
    """
    Plan, ask, and have the shards carried out; what they leave, and the proof, is the caller's next run.

    The run lock is held until somebody has said yes: each shard then holds its own. What that next run would refuse
    of *options* is refused before anything is written.

    Raises:
        ReconcileError: whatever stops a plan or a run; the run has no shards (exit code 64); no cluster answers, or a
            shard failed again and again (1), while others may have committed.

    """
    _require_cluster(options, session)
    require_report(options.format)
    health_url(options.health_url, session.settings)
    with _client(options) as client:
        with locked("apply", session, options, output):
            planned = measured(plan())
            if planned.plan.is_empty:
                return
            if planned.spanned is None:
                raise ReconcileError([_no_shards(options)], ExitCode.USAGE)
            _approve(planned, session, options, output)
            with snapshot(session.target, session.engine) as connection:
                where = server_of(connection), database_of(connection, session.target)
        of = min(MOST_SHARDS, len(planned.spanned.ranges), max(sum(client.nthreads().values()), 1) * _SHARDS_A_THREAD)
        written = _carry_out(client, _words(options, planned), where, of, output)
    output.note(f"All {of} shards: {_told(written)}; now what they leave, and the proof")


def _approve(planned: Planned, session: Session, options: ApplyOptions, output: Output) -> None:
    """Show what was planned, and ask the guards and whoever sits there."""
    note_anchor(planned, output)
    if options.format == "text":
        output.result(render(planned, replace(options, summary=options.summary or options.force)))
    output.findings(planned.plan.findings)
    if not options.force:
        tell_stakes(planned.plan, session)
    require_guards(planned, session, options)
    if not options.force:
        confirm(session)


@contextmanager
def _client(options: ApplyOptions) -> Iterator["Client"]:
    try:
        from distributed import Client
    except ImportError as error:
        fix = "pip install 'terp-reconcile[dask]'"
        finding = Finding("Dask is not installed", f"--cluster {options.cluster}", str(error), fix)
        raise ReconcileError([finding], ExitCode.USAGE) from error
    try:
        client = Client(options.cluster, timeout=CONNECT_TIMEOUT_S, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        fix = "name the scheduler as it says when it starts, tcp://HOST:8786, and see that it can be reached"
        finding = Finding("no Dask scheduler answers", f"--cluster {options.cluster}", str(error), fix)
        raise ReconcileError([finding]) from error
    with client:
        yield client


def _words(options: ApplyOptions, planned: Planned) -> list[str]:
    """Give the command line of a shard's run but for the shard: the options that shape or guard it, as they stand."""
    profile = planned.plan.profile
    words = [
        f"--state={options.state}",
        f"--as-of={profile.as_of}",
        f"--scale={profile.scale}",
        f"--seed={profile.seed}",
    ]
    words += [
        f"--{name.replace('_', '-')}"
        for name in ("light", "no_clear", "skip_validation", "no_journal")
        if getattr(options, name)
    ]
    for name in ("journal", "keep_runs", "confirm", "max_update", "max_delete"):
        if getattr(options, name) is not None:
            words.append(f"--{name.replace('_', '-')}={getattr(options, name)}")
    return [*words, f"--lock-timeout={options.lock_timeout:g}s"]


def _carry_out(client: "Client", words: Sequence[str], where: Identity, of: int, output: Output) -> Counter[str]:
    """Have the first shard done, which brings what the others refer to, and then the others; give what they wrote."""
    from distributed import as_completed

    written = Counter[str]()
    shards = [Shard(number, of) for number in range(1, of + 1)]
    for begun in (shards[:1], shards[1:]):
        futures = {
            client.submit(work, [*words, f"--shard={shard}"], where, retries=RETRIES, pure=False): shard
            for shard in begun
        }
        failed: list[Finding] = []
        try:
            for future in as_completed(futures, loop=client.loop):
                if future.status == "finished":
                    written.update(future.result())
                    output.note(f"Shard {futures[future]}: {_told(future.result())}")
                else:
                    failed.append(_failed(futures[future], future.exception()))
        except (KeyboardInterrupt, Terminated):
            client.cancel(list(futures))
            output.note("interrupted: shards under way end by themselves, the others are not begun")
            raise
        if failed:
            raise ReconcileError(failed)
    return written


def _told(written: Mapping[str, int]) -> str:
    return ", ".join(f"{rows:,} {what}" for what, rows in written.items())


def _failed(shard: Shard, error: BaseException) -> Finding:
    return Finding(
        what=f"shard {shard} was not carried out",
        where="the Dask cluster",
        why=f"tried {RETRIES + 1} times: {error}",
        fix="mend the reason and run the same command again: what other shards committed stays and is not done again",
    )


def _no_shards(options: ApplyOptions) -> Finding:
    return Finding(
        what="the run cannot be cut into shards",
        where=f"--cluster {options.cluster}",
        why="it was planned whole: it selects tables, is no larger than one span, or the desired state gives no spans",
        fix="leave --cluster out",
    )


def work(words: Sequence[str], where: Identity) -> dict[str, int]:
    """
    Carry out one shard in a process of its own, as a worker does it; give how many rows it wrote, by what was done.

    Raises:
        RuntimeError: the worker reaches another database than *where*, or the run failed; what it said.

    """
    try:
        target, _ = choose_target(None)
        with snapshot(target, open_engine(target)) as connection:
            here = server_of(connection), database_of(connection, target)
    except ReconcileError as error:
        raise RuntimeError("; ".join(f"{found.what}: {found.why}" for found in error.findings)) from None
    if here != tuple(where):
        raise RuntimeError(f"the environment of the worker names another database: {target}")
    command = [sys.executable, "-c", _PROGRAM, "apply", *words, "--force", "--quiet", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    if done.returncode != ExitCode.OK:
        raise RuntimeError(done.stderr.strip() or f"it ended with exit code {done.returncode}")
    told = json.loads(done.stdout)
    return {what: int(told[what]) for what in ("created", "updated", "deleted")}
