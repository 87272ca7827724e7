"""The plan and the verdicts as JSON for programs; `plan.schema.json` and `verify.schema.json` describe them."""

import json
from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from reconcile.diff import Action
from reconcile.errors import Finding
from reconcile.plan import Plan
from reconcile.render.cells import shown_rows
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
    return _dump(
        {
            **_head(tool_version),
            "plan_id": plan.checksum[:12],
            "checksum": plan.checksum,
            "target": plan.target,
            "engine": plan.engine,
            "state": plan.state,
            "mode": plan.mode.value,
            "profile": {"size": plan.profile.size.value, "scale": plan.profile.scale, "seed": plan.profile.seed},
            "as_of": plan.profile.as_of.isoformat(),
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
            "changes": [
                {
                    "step": row.step,
                    "table": table.spec.name,
                    "key": row.key,
                    "action": row.action.value,
                    "before": row.before,
                    "after": row.after,
                    "reason": row.reason,
                    "why": row.why,
                }
                for table in plan.tables
                if shows_rows
                for row in shown_rows(table, limit)
            ],
            **({} if effects is None else {"effects": effects.select("role", "gains", "loses", "users").to_dicts()}),
            "findings": _findings(plan.findings),
        }
    )


def render_verdicts(verdicts: Sequence[Verdict], *, tool_version: str, target: str) -> str:
    """Give the verdicts as one JSON document, every violating row included."""
    return _dump(
        {
            **_head(tool_version),
            "target": target,
            "checks": [
                {
                    "id": v.rule.id,
                    "title": v.rule.title,
                    "group": v.rule.group,
                    "severity": v.rule.severity.value,
                    "passed": v.has_passed,
                    "missing": v.missing,
                    "violations": v.violations.select("key", "why").to_dicts(),
                }
                for v in verdicts
            ],
        }
    )


def render_outcome(
    plan: Plan, *, tool_version: str, verdicts: Sequence[Verdict], duration_s: float, errors: Sequence[Finding] = ()
) -> str:
    """Give what an apply did as one JSON document; *errors* are what failed after the commit."""
    totals: Mapping[Action, int] = plan.totals
    return _dump(
        {
            **_head(tool_version),
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
        }
    )


def render_errors(findings: Iterable[Finding], *, tool_version: str) -> str:
    """Give the findings that stopped a command: a failure is valid JSON too."""
    return _dump({**_head(tool_version), "errors": _findings(findings)})


def _head(tool_version: str) -> dict[str, str]:
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
