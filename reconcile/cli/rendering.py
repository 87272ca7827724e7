"""A plan in the format that a command was asked for; the one place that knows them all."""

from collections.abc import Sequence
from typing import Protocol

import polars as pl

from reconcile.cli.option_groups import REPORT_FORMATS
from reconcile.cli.version import TOOL_VERSION
from reconcile.diff import Action
from reconcile.endpoint import Answer
from reconcile.errors import ExitCode, Finding, ReconcileError
from reconcile.plan import Plan, only
from reconcile.render import html, json, jsonl, markdown, text
from reconcile.render.effects import render_effects
from reconcile.state import Verdict


class Viewing(Protocol):
    """How somebody wants to see a plan: `limit` rows per table, 0 for all, only some actions, or counts alone."""

    format: str
    summary: bool
    only: tuple[str, ...] | None
    limit: int


def render_plan(plan: Plan, options: Viewing, effects: pl.DataFrame | None = None) -> str:
    """
    Give the plan in the format, with the rows, that the options ask for; *effects* says which roles gain or lose what.

    What programs read has every row, whatever the limit.
    """
    actions, limit, shows_rows = _chosen(options.only), options.limit or None, not options.summary
    match options.format:
        case "json":
            return json.render_plan(
                only(plan, actions), tool_version=TOOL_VERSION, shows_rows=shows_rows, effects=effects
            )
        case "jsonl":
            return jsonl.render_plan(
                only(plan, actions), tool_version=TOOL_VERSION, shows_rows=shows_rows, effects=effects
            )
        case "md":
            return markdown.render_plan(plan, shows_rows=shows_rows, limit=limit, actions=actions, effects=effects)
        case "html":
            return html.render_plan(
                plan, tool_version=TOOL_VERSION, shows_rows=shows_rows, limit=limit, actions=actions, effects=effects
            )
        case _:
            told = text.render_plan(plan, shows_rows=shows_rows, limit=limit, actions=actions)
            if effects is None or effects.is_empty():
                return told
            return f"{render_effects(effects, limit=limit)}\n\n{told}"


def require_report(wanted: str) -> None:
    """
    Refuse a format that has plans and nothing else.

    Raises:
        ReconcileError: no report comes in this format; exit code 64.

    """
    if wanted not in REPORT_FORMATS:
        finding = Finding(
            what=f"there is no {wanted} of what a run did",
            where=f"--format {wanted}",
            why="it shows a plan, not what became of it",
            fix=f"use {', '.join(REPORT_FORMATS)}, or look at the plan without writing",
        )
        raise ReconcileError([finding], ExitCode.USAGE)


def render_outcome(
    plan: Plan,
    wanted: str,
    verdicts: Sequence[Verdict],
    duration_s: float,
    errors: Sequence[Finding],
    health: Answer | None = None,
) -> str:
    """
    Give what a run did in the *wanted* format.

    *errors* are what failed after the commit, *health* is what the application answered where it was asked.
    """
    match wanted:
        case "json" | "jsonl":
            render = json.render_outcome if wanted == "json" else jsonl.render_outcome
            return render(
                plan, tool_version=TOOL_VERSION, verdicts=verdicts, duration_s=duration_s, errors=errors, health=health
            )
        case "md":
            return markdown.render_outcome(plan, verdicts=verdicts, duration_s=duration_s, errors=errors, health=health)
        case _:
            told = [text.render_verdict_total(verdicts)] if verdicts else []
            told += [] if health is None else [text.render_health(health)]
            return "\n".join([*told, text.render_outcome(plan, duration_s)])


def _chosen(actions: Sequence[str] | None) -> list[Action]:
    return [Action(name) for name in actions or Action]
