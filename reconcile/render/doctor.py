"""What `reconcile doctor` found: as text for people, as JSON for programs."""

import json
from collections import Counter
from collections.abc import Sequence

from reconcile.health import Check, Mark, Setting
from reconcile.render.cells import visible
from reconcile.render.json import FORMAT_VERSION

_SIGNS = {Mark.OK: "✓", Mark.WARN: "!", Mark.FAIL: "✗"}


def render_doctor(target: str, checks: Sequence[Check], settings: Sequence[Setting]) -> str:
    """Give a line per check with what to do about it, the settings with their origins, and the totals."""
    lines = [f"Doctor for {target}"]
    for check in checks:
        lines.append(f"  {_SIGNS[check.mark]} {check.mark:<4}  {check.id:<15} {visible(check.told)}")
        if check.mark is not Mark.OK and check.fix:
            lines.append(f"{'fix:':>30} {visible(check.fix)}")
    width = max((len(setting.name) for setting in settings), default=0)
    lines += ["", "Settings"]
    lines += [f"  {s.name:<{width}}  {visible(s.value)}  ({s.origin})" for s in settings]
    counts = Counter(check.mark for check in checks)
    total = ", ".join(f"{counts[mark]:,} {mark}" for mark in Mark)
    return "\n".join([*lines, "", f"Doctor: {total}."])


def render_doctor_json(target: str, checks: Sequence[Check], settings: Sequence[Setting], *, tool_version: str) -> str:
    """Give the same as one JSON document; `doctor.schema.json` describes it."""
    counts = Counter(check.mark for check in checks)
    document = {
        "format_version": FORMAT_VERSION,
        "tool_version": tool_version,
        "target": target,
        "marks": {mark.value: counts[mark] for mark in Mark},
        "checks": [
            {"id": check.id, "mark": check.mark.value, "told": check.told, "fix": check.fix or None} for check in checks
        ],
        "settings": [{"name": s.name, "value": s.value, "origin": s.origin} for s in settings],
    }
    return json.dumps(document, ensure_ascii=False, indent=2)
