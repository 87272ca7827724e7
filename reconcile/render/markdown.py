"""The plan, the verdicts and an outcome as Markdown for a ticket or a pull request: counts first, then the rows."""

import re
from collections.abc import Iterable, Sequence

import polars as pl

from reconcile.diff import Action
from reconcile.endpoint import Answer
from reconcile.errors import Finding
from reconcile.plan import Plan, only
from reconcile.render import text
from reconcile.render.cells import visible
from reconcile.render.effects import render_effects
from reconcile.render.finding import render_finding
from reconcile.render.radius import render_radius
from reconcile.state import Verdict

_SPECIAL = re.compile(r"([\\`*_\[\]#|~>@])")


def escape(content: str) -> str:
    """Give a text that Markdown shows as it is, on one line, in a table too."""
    plain = visible(content).replace("&", "&amp;").replace("<", "&lt;")
    return _SPECIAL.sub(r"\\\1", plain)


def fenced(content: str, language: str = "text") -> str:
    """Give *content* as a block of code whose fence is longer than any in it."""
    longest = max((len(run) for run in re.findall("`+", content)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{content}\n{fence}"


def table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Give a table: the first column is text, the others are figures."""
    lines = [names, ["---", *["---:"] * (len(names) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def render_plan(
    plan: Plan,
    *,
    shows_rows: bool,
    limit: int | None,
    actions: Sequence[Action] = tuple(Action),
    effects: pl.DataFrame | None = None,
) -> str:
    """Give the plan: what it is for, counts by table, effects, the rows as a listing, and what it warns of."""
    sections = [_head(plan)]
    if effects is not None and not effects.is_empty():
        sections.append(fenced(render_effects(effects, limit=limit)))
    if plan.radius is not None and plan.radius.tables:
        sections.append(fenced(render_radius(plan.radius)))
    if rows := list(_counts(plan)):
        sections.append(table(["table", *Action, "keep"], rows))
    if shows_rows:
        shown = only(plan, actions)
        told = [text.render_rows(part, limit) for part in shown.tables if part.height]
        if told:
            sections.append(fenced("\n\n".join(told), "diff"))
    if plan.findings:
        sections.append(_findings("Warnings", plan.findings))
    return "\n\n".join([*sections, f"**{text.render_total(plan)}**"])


def _head(plan: Plan) -> str:
    profile = plan.profile
    scale = f", scale {profile.scale}" if profile.scale > 1 else ""
    chosen = [escape(step.id) for step in plan.steps if step.id in plan.chosen]
    lines = [
        f"### Plan for {escape(plan.target)}",
        "",
        f"- desired state {escape(plan.state)}, {profile.size}{scale}, as of {profile.as_of}, mode {plan.mode}",
        f"- checksum `{plan.checksum}`",
        f"- steps: {', '.join(chosen) or 'none'}",
    ]
    if plan.unchanged is not None:
        lines.append(f"- {escape(text.render_unchanged(plan.unchanged))}")
    lines += [f"- left out: {escape(step)}, {escape(why)}" for step, why in plan.left_out.items()]
    return "\n".join(lines)


def _counts(plan: Plan) -> Iterable[list[str]]:
    for part in plan.tables:
        if part.height or part.written:
            counts = [f"{part.counts[action]:,}" for action in Action]
            yield [escape(part.spec.name), *counts, f"{part.kept:,}"]


def _findings(title: str, findings: Sequence[Finding]) -> str:
    told = "\n\n".join(render_finding(finding) for finding in findings)
    return f"#### {title}\n\n{fenced(told)}"


def render_outcome(
    plan: Plan,
    *,
    verdicts: Sequence[Verdict],
    duration_s: float,
    errors: Sequence[Finding] = (),
    health: Answer | None = None,
) -> str:
    """Give what an apply did: counts by table, checks, the application's health, and what failed after the commit."""
    sections = [f"### Applied to {escape(plan.target)}\n\n- checksum `{plan.checksum}`"]
    if rows := list(_counts(plan)):
        sections.append(table(["table", *Action, "keep"], rows))
    if verdicts:
        sections.append(text.render_verdict_total(verdicts))
    if health is not None:
        sections.append(escape(text.render_health(health)))
    if errors:
        sections.append(_findings("Errors", errors))
    return "\n\n".join([*sections, f"**{text.render_outcome(plan, duration_s)}**"])


def render_verdicts(verdicts: Sequence[Verdict], *, target: str, limit: int | None) -> str:
    """Give the checks by group: a table, then the rows that violate them."""
    sections = [f"### Checks of {escape(target)}"]
    groups = dict.fromkeys(verdict.rule.group for verdict in verdicts)
    rows = [
        [escape(group), f"{len(found) - len(broken):,}", f"{len(broken):,}"]
        for group in groups
        for found in [[verdict for verdict in verdicts if verdict.rule.group == group]]
        for broken in [[verdict for verdict in found if not verdict.has_passed]]
    ]
    if rows:
        sections.append(table(["checks", "passed", "failed"], rows))
    if broken := [verdict for verdict in verdicts if not verdict.has_passed]:
        sections.append(fenced(text.render_verdicts(broken, limit=limit).rpartition("\n")[0]))
    return "\n\n".join([*sections, f"**{text.render_verdict_total(verdicts)}**"])
