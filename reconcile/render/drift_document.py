"""Drift as JSON for programs, as one document or line by line; `drift.schema.json` describes it."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice

from reconcile.acceptance import Acceptance
from reconcile.diff import CHANGED, Action
from reconcile.drift import ACCEPTED_BY, FIRST_SEEN, LABEL, MOVER, STANDING, Drift, Standing
from reconcile.errors import Finding
from reconcile.plan import only
from reconcile.render.cells import shown_rows
from reconcile.render.drift import render_closing, render_failure
from reconcile.render.json import errors_document, head

MOMENT = "%Y-%m-%dT%H:%M:%SZ"


def render_drift(
    drift: Drift, now: datetime, *, tool_version: str, shows_rows: bool, limit: int | None, actions: Sequence[Action]
) -> str:
    """Give the drift as one JSON document."""
    rows = list(_rows(drift, now, limit, actions)) if shows_rows else []
    return json.dumps(drift_document(drift, now, tool_version) | {"drift": rows}, ensure_ascii=False, indent=2)


def render_lines(
    drift: Drift, now: datetime, *, tool_version: str, shows_rows: bool, limit: int | None, actions: Sequence[Action]
) -> str:
    """Give a line of JSON for the comparison and one for each row; together they are the document."""
    lines = [{"type": "drift", **drift_document(drift, now, tool_version)}]
    if shows_rows:
        lines += [{"type": "row", **row} for row in _rows(drift, now, limit, actions)]
    return "\n".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) for line in lines)


def render_summary(drift: Drift, now: datetime, *, tool_version: str, shows_rows: bool) -> str:
    """Give what a webhook is sent: the closing line as `text`, the counts, and the rows only where asked for."""
    document: dict[str, object] = {"text": f"{render_closing(drift)} ({drift.plan.target})", "success": True}
    document |= drift_document(drift, now, tool_version)
    if shows_rows:
        document["drift"] = list(_rows(drift, now, None, tuple(Action)))
    return json.dumps(document, ensure_ascii=False)


def render_failed(findings: Sequence[Finding], *, tool_version: str, target: str) -> str:
    """Give what a webhook is sent when the comparison failed."""
    told = f"{render_failure([finding.what for finding in findings])} ({target})"
    document = {"text": told, "success": False, "target": target}
    return json.dumps(document | errors_document(findings, tool_version=tool_version), ensure_ascii=False)


def drift_document(drift: Drift, now: datetime, tool_version: str) -> dict[str, object]:
    """Give all of the document but the rows."""
    plan = drift.plan
    totals = {standing.value: drift.rows(standing) + drift.moves(standing) for standing in Standing}
    return {
        **head(tool_version),
        "checksum": plan.checksum,
        "target": plan.target,
        "engine": plan.engine,
        "state": plan.state,
        "mode": plan.mode.value,
        "profile": {"size": plan.profile.size.value, "scale": plan.profile.scale, "seed": plan.profile.seed},
        "as_of": plan.profile.as_of.isoformat(),
        "checked_at": now.strftime(MOMENT),
        "has_drift": drift.is_open,
        "totals": {**totals, "keep": plan.kept},
        "oldest": _moment(drift.oldest),
        "summary": {standing.value: _counts(drift, standing) for standing in Standing},
        "schema": [
            {
                "table": move.table,
                "what": move.finding.what,
                "why": move.finding.why,
                "fix": move.finding.fix,
                "standing": move.standing.value,
                "accepted": _acceptance(move.accepted_by),
                "first_seen": _moment(move.first_seen),
            }
            for move in drift.schema
        ],
        "not_compared": list(drift.not_compared),
        "baseline": {
            "expired": [_entry(entry) for entry in drift.expired],
            "unused": [_entry(entry) for entry in drift.unused],
        },
        "findings": errors_document(plan.findings, tool_version=tool_version)["errors"],
    }


def _counts(drift: Drift, standing: Standing) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (name, label), rows in drift.counts(standing).items():
        found.setdefault(name, {})[label.value] = rows
    return found


def _rows(drift: Drift, now: datetime, limit: int | None, actions: Sequence[Action]) -> Iterator[dict[str, object]]:
    for part in only(drift.plan, actions).tables:
        facts = part.rows.select(LABEL, MOVER, STANDING, ACCEPTED_BY, FIRST_SEEN, CHANGED).iter_rows()
        for row, (label, mover, standing, place, first, changed) in zip(
            shown_rows(part, limit), islice(facts, limit), strict=True
        ):
            yield {
                "step": row.step,
                "table": part.spec.name,
                "key": row.key,
                "action": row.action.value,
                "label": label,
                "moved_by": mover,
                "standing": standing,
                "columns": sorted(changed),
                "before": row.before,
                "after": row.after,
                "reason": row.reason,
                "why": row.why,
                "accepted": None if place is None else _acceptance(drift.acceptances[place]),
                "first_seen": _moment(first),
                "last_seen": None if first is None else _moment(now),
            }


def _acceptance(entry: Acceptance | None) -> dict[str, str] | None:
    return None if entry is None else {"reason": entry.reason, "expires": entry.expires.isoformat()}


def _entry(entry: Acceptance) -> dict[str, object]:
    return {
        "table": entry.table,
        "key": entry.key,
        "columns": list(entry.columns),
        "labels": list(entry.labels),
        "reason": entry.reason,
        "expires": entry.expires.isoformat(),
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime(MOMENT)
