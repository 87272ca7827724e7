"""The plan and the verdicts as JSON for programs; `plan.schema.json` and `verify.schema.json` describe them."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

import polars as pl

from reconcile.diff import Action
from reconcile.endpoint import Answer
from reconcile.errors import Finding
from reconcile.plan import Plan, Unchanged
from reconcile.render.cells import shown_rows
from reconcile.render.radius import radius_document
from reconcile.state import Verdict

FORMAT_VERSION = "1.0"


def render_plan(
    plan: Plan,
    *,
    tool_version: str,
    shows_rows: bool = True,
    limit: int | None = None,
    effects: pl.DataFrame | None = None,
) -> str:
    """
    Give the plan as one JSON document; *limit* is the number of rows per table, None for all.

    *effects* says which roles gain and lose what; a plan that is not about that has none.
    """
    changes = list(plan_changes(plan, limit)) if shows_rows else []
    return _dump(plan_document(plan, changes, tool_version=tool_version, effects=effects))


def plan_document(
    plan: Plan, changes: Sequence[Mapping[str, object]], *, tool_version: str, effects: pl.DataFrame | None = None
) -> dict[str, object]:
    """Give the plan as `plan.schema.json` describes it, with *changes* as its rows."""
    return {
        **head(tool_version),
        "plan_id": plan.checksum[:12],
        "checksum": plan.checksum,
        "target": plan.target,
        "engine": plan.engine,
        "state": plan.state,
        "mode": plan.mode.value,
        "profile": {"size": plan.profile.size.value, "scale": plan.profile.scale, "seed": plan.profile.seed},
        "as_of": plan.profile.as_of.isoformat(),
        **({"blast_radius": radius_document(plan.radius)} if plan.radius and plan.radius.tables else {}),
        "compared": _compared(plan.unchanged),
        "fingerprints": dict(plan.fingerprints),
        "steps": [
            {
                "id": step.id,
                "title": step.title,
                "chosen": step.id in plan.chosen,
                "left_out": plan.left_out.get(step.id),
            }
            for step in plan.steps
        ],
        "summary": {
            table.spec.name: {**{action.value: count for action, count in table.counts.items()}, "keep": table.kept}
            for table in plan.tables
        },
        "changes": changes,
        **({} if effects is None else {"effects": effects.select("role", "gains", "loses", "users").to_dicts()}),
        "findings": _findings(plan.findings),
    }


def _compared(unchanged: Unchanged | None) -> dict[str, object]:
    if unchanged is None:
        return {"by": "rows"}
    return {"by": "checksums", "rows": unchanged.rows, "since": f"{unchanged.since:%Y-%m-%dT%H:%M:%SZ}"}


def plan_changes(plan: Plan, limit: int | None = None) -> Iterator[dict[str, object]]:
    """Give the planned rows, of each table the first *limit*, as the members of `changes`."""
    for table in plan.tables:
        for row in shown_rows(table, limit):
            yield {
                "step": row.step,
                "table": table.spec.name,
                "key": row.key,
                "action": row.action.value,
                "before": row.before,
                "after": row.after,
                "reason": row.reason,
                "why": row.why,
            }


def render_verdicts(verdicts: Sequence[Verdict], *, tool_version: str, target: str) -> str:
    """Give the verdicts as one JSON document, every violating row included."""
    return _dump({**head(tool_version), "target": target, "checks": [check_document(v) for v in verdicts]})


def check_document(verdict: Verdict) -> dict[str, object]:
    """Give one verdict as `verify.schema.json` describes it."""
    rule = verdict.rule
    return {
        "id": rule.id,
        "title": rule.title,
        "group": rule.group,
        "severity": rule.severity.value,
        "passed": verdict.has_passed,
        "missing": verdict.missing,
        "violations": verdict.violations.select("key", "why").to_dicts(),
    }


def render_outcome(
    plan: Plan,
    *,
    tool_version: str,
    verdicts: Sequence[Verdict],
    duration_s: float,
    errors: Sequence[Finding] = (),
    health: Answer | None = None,
) -> str:
    """
    Give what an apply did as one JSON document.

    *errors* are what failed after the commit, *health* is what the application answered where it was asked.
    """
    return _dump(
        outcome_document(
            plan, tool_version=tool_version, verdicts=verdicts, duration_s=duration_s, errors=errors, health=health
        )
    )


def outcome_document(
    plan: Plan,
    *,
    tool_version: str,
    verdicts: Sequence[Verdict],
    duration_s: float,
    errors: Sequence[Finding] = (),
    health: Answer | None = None,
) -> dict[str, object]:
    """Give what an apply did as `outcome.schema.json` describes it."""
    totals: Mapping[Action, int] = plan.totals
    return {
        **head(tool_version),
        "plan_id": plan.checksum[:12],
        "checksum": plan.checksum,
        "target": plan.target,
        "mode": plan.mode.value,
        "created": totals[Action.CREATE],
        "updated": totals[Action.UPDATE],
        "deleted": totals[Action.DELETE],
        "skipped": totals[Action.SKIP],
        "kept": plan.kept,
        "duration_s": round(duration_s, 3),
        "failed_checks": [v.rule.id for v in verdicts if not v.has_passed],
        "errors": _findings(errors),
        **({} if health is None else {"health": _health(health)}),
    }


def _health(answer: Answer) -> dict[str, object]:
    return {
        "url": answer.url,
        "healthy": answer.is_healthy,
        "status": answer.status,
        "seconds": round(answer.seconds, 3),
        "why": answer.why,
    }


def render_errors(findings: Iterable[Finding], *, tool_version: str) -> str:
    """Give the findings that stopped a command: a failure is valid JSON too."""
    return _dump(errors_document(findings, tool_version=tool_version))


def errors_document(findings: Iterable[Finding], *, tool_version: str) -> dict[str, object]:
    """Give the findings that stopped a command as `errors.schema.json` describes them."""
    return {**head(tool_version), "errors": _findings(findings)}


def head(tool_version: str) -> dict[str, str]:
    """Give the members that every document begins with."""
    return {"format_version": FORMAT_VERSION, "tool_version": tool_version}


def _findings(findings: Iterable[Finding]) -> list[dict[str, str]]:
    return [
        {
            "what": finding.what,
            "where": finding.where,
            "why": finding.why,
            "fix": finding.fix,
            "severity": finding.severity.value,
        }
        for finding in findings
    ]


def _dump(document: object) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2)
