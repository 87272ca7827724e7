"""The history of runs as text and JSON."""

import json
from collections.abc import Iterator, Sequence

from reconcile.journal import Run
from reconcile.render.cells import visible
from reconcile.render.json import FORMAT_VERSION

_TIME = "%Y-%m-%d %H:%M:%S"


def render_runs(runs: Sequence[Run]) -> str:
    """Give one line per run, newest first."""
    if not runs:
        return "No run is journaled here."
    head = f"{'Run':>6}  {'started (UTC)':<19}  {'command':<8}  {'status':<11}  {'mode':<8}  "
    lines = [f"{head}{'created':>9} {'updated':>9} {'deleted':>9}  by"]
    for run in runs:
        lines.append(
            f"{run.id:>6}  {run.started_at.strftime(_TIME)}  {run.command:<8}  {run.status:<11}  {run.mode:<8}  "
            f"{run.created:>9,} {run.updated:>9,} {run.deleted:>9,}  {_who(run)}"
        )
        lines += [f"        {remark}" for remark in _remarks(run)]
    return "\n".join(lines)


def _who(run: Run) -> str:
    return visible(f"{run.user_name}@{run.host}")


def _remarks(run: Run) -> Iterator[str]:
    if run.undoes is not None:
        yield f"takes back run {run.undoes}"
    if run.undone_by is not None:
        yield f"taken back by run {run.undone_by}"
    if run.error:
        yield f"error: {visible(run.error)}"


def render_run(run: Run) -> str:
    """Give the facts of one run."""
    scale = f", scale {run.scale}" if run.scale > 1 else ""
    ended = f", ended {run.finished_at.strftime(_TIME)}" if run.finished_at else ""
    lines = [
        f"Run {run.id}: {run.command}, {run.status}",
        f"  started {run.started_at.strftime(_TIME)}{ended} (UTC), by {_who(run)}, pid {run.pid}, "
        f"version {run.tool_version}",
        f"  desired state {visible(run.state)}, {run.size}{scale}, seed {run.seed}, as of {run.as_of}, mode {run.mode}",
        f"  {run.created:,} created, {run.updated:,} updated, {run.deleted:,} deleted; plan {run.plan_id}",
    ]
    return "\n".join([*lines, *(f"  {remark}" for remark in _remarks(run))])


def render_runs_json(runs: Sequence[Run], *, tool_version: str, target: str) -> str:
    """Give the runs as one JSON document; `runs.schema.json` describes it."""
    document = {
        "format_version": FORMAT_VERSION,
        "tool_version": tool_version,
        "target": target,
        "runs": [facts(run) for run in runs],
    }
    return json.dumps(document, ensure_ascii=False, indent=2)


def facts(run: Run) -> dict[str, object]:
    """Give one run as JSON can hold it; times are UTC."""
    return {
        "id": run.id,
        "command": run.command,
        "status": run.status,
        "started_at": run.started_at.strftime(_TIME),
        "finished_at": run.finished_at.strftime(_TIME) if run.finished_at else None,
        "user": run.user_name,
        "host": run.host,
        "pid": run.pid,
        "tool_version": run.tool_version,
        "state": run.state,
        "mode": run.mode,
        "profile": {"size": run.size, "scale": run.scale, "seed": run.seed},
        "as_of": run.as_of.isoformat(),
        "plan_id": run.plan_id,
        "checksum": run.checksum,
        "fingerprint": run.fingerprint,
        "created": run.created,
        "updated": run.updated,
        "deleted": run.deleted,
        "undoes": run.undoes,
        "undone_by": run.undone_by,
        "error": run.error,
    }
