"""The plan and the verdicts as text for people: the sign in column one says what happens to a row."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from reconcile.decide import Mode
from reconcile.diff import Action
from reconcile.endpoint import Answer
from reconcile.plan import Plan, Unchanged, only
from reconcile.render.cells import ShownRow, shown_rows, visible
from reconcile.render.radius import render_radius
from reconcile.state import Verdict
from reconcile.table_plan import TablePlan

SIGNS = {Action.CREATE: "+", Action.UPDATE: "~", Action.DELETE: "-", Action.SKIP: "="}
FINGERPRINT_LENGTH = 12
_LONGEST_CELL = 60

_StepCounts = Mapping[str, tuple[int, int, int]]
"""Per step the rows that change, are kept and are skipped."""


def render_plan(plan: Plan, *, shows_rows: bool, limit: int | None, actions: Sequence[Action] = tuple(Action)) -> str:
    """
    Give the whole plan: header, steps, counts per table, rows (unless left out), recap and totals.

    *limit* is the number of rows shown per table, None for all; only rows of *actions* are shown.
    """
    sections = [_header(plan)]
    if plan.radius is not None and plan.radius.tables:
        sections.append(render_radius(plan.radius))
    counted = _step_counts(plan)
    sections.append(_steps(plan, counted))
    if any(table.height or table.kept for table in plan.tables):
        sections.append(_tables(plan))
    if shows_rows:
        shown = only(plan, actions)
        sections += [render_rows(table, limit) for table in shown.tables if table.height]
    sections += [_recap(plan, counted), render_total(plan)]
    return "\n\n".join(sections)


def _header(plan: Plan) -> str:
    profile = plan.profile
    scale = f", scale {profile.scale}" if profile.scale > 1 else ""
    declared = "nothing declared" if plan.mode is Mode.CLEAR else f"{profile.size}{scale}, as of {profile.as_of}"
    digests = {"fingerprint": plan.fingerprints.get("", ""), "checksum": plan.checksum}
    told = ", ".join(f"{name} {digest[:FINGERPRINT_LENGTH]}" for name, digest in digests.items() if digest)
    lines = [f"Plan for {plan.target}", f"  desired state {plan.state}, {declared}, mode {plan.mode}", f"  {told}"]
    return "\n".join(lines if plan.unchanged is None else [*lines, f"  {render_unchanged(plan.unchanged)}"])


def render_unchanged(unchanged: Unchanged) -> str:
    """Say that rows were compared by their checksums."""
    return (
        f"compared by checksums: {unchanged.rows:,} rows are as they were when they were compared one by one, "
        f"{unchanged.since:%Y-%m-%d %H:%M} UTC"
    )


def _steps(plan: Plan, counted: _StepCounts) -> str:
    lines = ["Steps"]
    for number, step in enumerate(plan.steps, start=1):
        changed, kept, skipped = counted[step.id]
        if step.id not in plan.chosen:
            state = "not part of this run" + (f": {plan.left_out[step.id]}" if step.id in plan.left_out else "")
        elif step.checks:
            state = "checked when applied, and by `reconcile verify`"
        else:
            state = f"{changed:,} to change, {kept:,} as declared" + (f", {skipped:,} skipped" if skipped else "")
        lines.append(f"  {number:>2} {step.id:<14} {step.title:<34} {state}")
    return "\n".join(lines)


def _step_counts(plan: Plan) -> _StepCounts:
    kept = Counter[str]()
    for table in plan.tables:
        kept.update(table.kept_by_step)
    changed, skipped = Counter[str](), Counter[str]()
    for table in plan.tables:
        for (step, action), count in table.by_step().items():
            (skipped if action == Action.SKIP else changed)[step] += count
    return {step.id: (changed[step.id], kept[step.id], skipped[step.id]) for step in plan.steps}


def _tables(plan: Plan) -> str:
    width = max(len(table.spec.name) for table in plan.tables)
    lines = [f"{'Tables':<{width + 2}}  {'create':>8} {'update':>8} {'delete':>8} {'skip':>8} {'keep':>8}  fingerprint"]
    for table in plan.tables:
        cells = " ".join(f"{table.counts[action]:>8,}" for action in Action)
        short = plan.fingerprints.get(table.spec.name, "")[:FINGERPRINT_LENGTH]
        lines.append(f"  {table.spec.name:<{width}}  {cells} {table.kept:>8,}  {short}")
    return "\n".join(lines)


def render_rows(table: TablePlan, limit: int | None) -> str:
    """Give the rows of one table, the first *limit* of them, under its name."""
    lines = [f"{table.spec.name}:"]
    for row in shown_rows(table, limit):
        lines += render_row(row)
    hidden = table.height - (table.height if limit is None else limit)
    if hidden > 0:
        lines.append(f"  … {hidden:,} more rows, see them with --limit 0")
    return "\n".join(lines)


def render_row(row: ShownRow) -> Iterator[str]:
    """Give a row's line, the sign of its action first, and below it the cells that it is about."""
    yield f"{SIGNS[row.action]} [{visible(row.key)}] {row.reason}: {visible(row.why)}"
    if row.before is not None and row.after is not None:
        for name, before in row.before.items():
            yield from _difference(name, before, row.after[name])
    elif row.after is not None:
        yield from _columns(row.after)
    elif row.before is not None and row.action is Action.DELETE:
        yield from _columns(row.before)


def _difference(name: str, before: object, after: object) -> Iterator[str]:
    """Show one cell's change; inside a JSON document, only the places that changed."""
    if not (isinstance(before, dict | list) and isinstance(after, dict | list)):
        yield f"    {name}: {_short(before)} → {_short(after)}"
        return
    from deepdiff import DeepDiff

    changes = DeepDiff(before, after, view="tree")
    for change in sorted((c for found in changes.values() for c in found), key=lambda c: str(c.path())):
        place = str(change.path(root="")).replace("'", "")
        sides = [None if side.__class__.__name__ == "NotPresent" else side for side in (change.t1, change.t2)]
        yield f"    {name}{place}: {_short(sides[0])} → {_short(sides[1])}"


def _columns(cells: Mapping[str, object]) -> Iterator[str]:
    said = [f"{name}={_short(value)}" for name, value in cells.items() if value is not None]
    yield f"    {', '.join(said)}"


def _short(value: object) -> str:
    shown = visible(json.dumps(value, ensure_ascii=False))
    return shown if len(shown) <= _LONGEST_CELL else shown[: _LONGEST_CELL - 1] + "…"


def _recap(plan: Plan, counted: _StepCounts) -> str:
    lines = ["Recap"]
    for step in plan.steps:
        if step.id in plan.chosen and not step.checks:
            changed, kept, skipped = counted[step.id]
            lines.append(f"  {step.id:<14} ok={kept} changed={changed} skipped={skipped} failed=0")
    return "\n".join(lines)


def render_total(plan: Plan) -> str:
    """Say in one line what the plan comes to."""
    if plan.is_empty:
        return f"Nothing to do: {plan.kept:,} rows are as declared, {plan.totals[Action.SKIP]:,} skipped."
    totals = plan.totals
    return (
        f"Plan: {totals[Action.CREATE]:,} to create, {totals[Action.UPDATE]:,} to update, "
        f"{totals[Action.DELETE]:,} to delete; {totals[Action.SKIP]:,} skipped, {plan.kept:,} kept."
    )


def render_outcome(plan: Plan, duration_s: float) -> str:
    """Give an apply's closing line."""
    totals = plan.totals
    kept = plan.kept + totals[Action.SKIP]
    return (
        f"Apply complete: {totals[Action.CREATE]:,} created, {totals[Action.UPDATE]:,} updated, "
        f"{totals[Action.DELETE]:,} deleted, {kept:,} kept; 0 errors in {duration_s:.1f} s"
    )


def render_health(answer: Answer) -> str:
    """Give one line on what the application answered."""
    return f"Health: {answer}"


def render_losses(plan: Plan) -> list[str]:
    """Say per table how many rows would be lost; empty when none is."""
    return [
        f"{table.spec.name}: {table.counts[Action.DELETE]:,} rows deleted, {table.counts[Action.UPDATE]:,} overwritten"
        for table in plan.tables
        if table.counts[Action.DELETE] or table.counts[Action.UPDATE]
    ]


def render_verdicts(verdicts: Sequence[Verdict], *, limit: int | None) -> str:
    """Give one line per check, the rows that violate it below, and the totals."""
    lines: list[str] = []
    for group in dict.fromkeys(v.rule.group for v in verdicts):
        lines.append(f"{group}:")
        lines += [line for v in verdicts if v.rule.group == group for line in _verdict(v, limit)]
    lines.append(render_verdict_total(verdicts))
    return "\n".join(lines)


def _verdict(verdict: Verdict, limit: int | None) -> Iterator[str]:
    rule = verdict.rule
    if verdict.has_passed:
        yield f"  ✓ {rule.id:<28} {rule.title}"
        return
    count = verdict.missing or f"{verdict.violations.height:,} rows"
    yield f"  ✗ {rule.id:<28} {rule.title} ({rule.severity}): {count}"
    rows = verdict.violations if limit is None else verdict.violations.head(limit)
    for key, why in rows.select("key", "why").iter_rows():
        yield f"      [{visible(key)}] {visible(why)}"
    if rows.height < verdict.violations.height:
        yield f"      … {verdict.violations.height - rows.height:,} more, see them with --limit 0"


def render_verdict_total(verdicts: Iterable[Verdict]) -> str:
    """Say in one line how many checks passed, warned and failed."""
    found = list(verdicts)
    broken = [v for v in found if not v.has_passed]
    warnings = sum(v.rule.severity == "warning" for v in broken)
    return (
        f"Verify: {len(found) - len(broken)} of {len(found)} checks passed, "
        f"{warnings} warnings, {len(broken) - warnings} critical."
    )
