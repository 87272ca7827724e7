"""The plan, the verdicts and an outcome as lines of JSON, for programs that read row by row.

Each line is one object with its `type`. The lines of a plan, put together, are the document that `plan.schema.json`
describes: the first line is all of it but `changes`, which follow one a line.
"""

import json
from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from reconcile.endpoint import Answer
from reconcile.errors import Finding
from reconcile.plan import Plan
from reconcile.render.json import check_document, errors_document, head, outcome_document, plan_changes, plan_document
from reconcile.state import Verdict


def render_plan(
    plan: Plan,
    *,
    tool_version: str,
    shows_rows: bool = True,
    limit: int | None = None,
    effects: pl.DataFrame | None = None,
) -> str:
    """Give a line for the plan, one for each row (the first *limit* of each table) and one that counts."""
    document = plan_document(plan, [], tool_version=tool_version, effects=effects)
    del document["changes"]
    lines = [_line("plan", document)]
    if shows_rows:
        lines += [_line("change", change) for change in plan_changes(plan, limit)]
    totals = {action.value: rows for action, rows in plan.totals.items()}
    return "\n".join([*lines, _line("summary", {**totals, "keep": plan.kept})])


def render_verdicts(verdicts: Sequence[Verdict], *, tool_version: str, target: str) -> str:
    """Give a line for the database, one for each check and one that counts."""
    broken = [verdict for verdict in verdicts if not verdict.has_passed]
    warnings = sum(verdict.rule.severity == "warning" for verdict in broken)
    counted = {
        "passed": len(verdicts) - len(broken), "warnings": warnings, "critical": len(broken) - warnings,
    }  # fmt: skip
    return "\n".join(
        [
            _line("verify", {**head(tool_version), "target": target}),
            *(_line("check", check_document(verdict)) for verdict in verdicts),
            _line("summary", counted),
        ]
    )


def render_outcome(
    plan: Plan,
    *,
    tool_version: str,
    verdicts: Sequence[Verdict],
    duration_s: float,
    errors: Sequence[Finding] = (),
    health: Answer | None = None,
) -> str:
    """Give what an apply did as one line."""
    return _line(
        "outcome",
        outcome_document(
            plan, tool_version=tool_version, verdicts=verdicts, duration_s=duration_s, errors=errors, health=health
        ),
    )


def render_errors(findings: Iterable[Finding], *, tool_version: str) -> str:
    """Give the findings that stopped a command as one line."""
    return _line("errors", errors_document(findings, tool_version=tool_version))


def _line(kind: str, document: Mapping[str, object]) -> str:
    return json.dumps({"type": kind, **document}, ensure_ascii=False, separators=(",", ":"))
