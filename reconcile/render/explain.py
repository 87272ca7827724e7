"""Why a row is as it is, as text and JSON: what is declared of it, what a plan does to it, what runs did."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconcile.errors import Finding
from reconcile.journal import Run
from reconcile.render.cells import ShownRow, visible
from reconcile.render.finding import render_finding
from reconcile.render.json import FORMAT_VERSION
from reconcile.render.text import render_row
from reconcile.spec import Owner, Policy, TableSpec

_OWNERS = {
    Owner.DESIRED: "compared and written",
    Owner.ONCE: "written while the live value is null",
    Owner.CREATION: "written when the row is created, never compared",
    Owner.SERVER: "the server's own",
}
_POLICIES = {
    Policy.MANAGED: "rows are created and changed",
    Policy.CREATE_ONLY: "rows are created and never changed",
    Policy.READ_ONLY: "rows are only read",
}


@dataclass(frozen=True, slots=True)
class Link:
    """A reference between the row and others: by which column, of which table, to or from what."""

    table: str
    column: str
    what: str


@dataclass(frozen=True, slots=True)
class Past:
    """What one run did to the row."""

    run: Run
    change: ShownRow


@dataclass(frozen=True, slots=True)
class Explanation:
    """
    All that is known of one row.

    `fate` says what the plan does with it in a sentence, `change` how; `blocked` is what stops the plan, `gap_rules`
    are the rules that may change it in a top-up, each as id and title.
    """

    spec: TableSpec
    key: str
    id: int | None
    is_declared: bool
    step: str
    mode: str
    fate: str
    change: ShownRow | None
    blocked: Sequence[Finding]
    gap_rules: Sequence[tuple[str, str]]
    refers_to: Sequence[Link]
    referred_by: Sequence[Link]
    history: Sequence[Past]


def render_explanation(told: Explanation) -> str:
    """Give the explanation for people."""
    return "\n\n".join("\n".join(section) for section in _sections(told) if section)


def _sections(told: Explanation) -> Iterator[list[str]]:
    spec = told.spec
    live = "not in the database" if told.id is None else f"in the database with id {told.id}"
    declared = f"declared in step {told.step}" if told.is_declared else "not declared"
    yield [f"{spec.name} [{visible(told.key)}]: {live}, {declared}"]
    yield ["Table", *(f"  {line}" for line in _table(spec))]
    yield [f"Plan ({told.mode})", f"  {told.fate}", *(f"  {line}" for line in _change(told.change))]
    yield ["Blocked", *_indented(render_finding(finding) for finding in told.blocked)] if told.blocked else []
    rules = [f"  {identifier}: {title}" for identifier, title in told.gap_rules]
    yield ["Gap rules of a top-up that may change it", *rules] if rules else []
    yield ["Refers to", *(f"  {link.column}: {link.what}" for link in told.refers_to)] if told.refers_to else []
    by = [f"  {link.table}.{link.column}: {link.what}" for link in told.referred_by]
    yield ["Referred to by", *by] if by else []
    yield ["History", *_history(told.history)]


def _table(spec: TableSpec) -> Iterator[str]:
    extra = "a reset deletes rows that are not declared" if spec.prunes else "rows of others stay"
    yield f"step {spec.step}; {spec.policy}: {_POLICIES[spec.policy]}; {extra}"
    yield f"known by {', '.join(spec.key) or spec.surrogate_key}"
    for owner in Owner:
        names = [column.name for column in spec.columns if column.owner is owner]
        if names:
            yield f"{_OWNERS[owner]}: {', '.join(names)}"


def _change(change: ShownRow | None) -> Iterator[str]:
    if change is not None:
        yield from render_row(change)


def _history(history: Sequence[Past]) -> Iterator[str]:
    if not history:
        yield "  no run in the journal has written it"
    for past in history:
        run = past.run
        taken = f", taken back by run {run.undone_by}" if run.undone_by else ""
        yield f"  run {run.id}, {run.command}, {run.started_at:%Y-%m-%d %H:%M:%S} UTC{taken}"
        yield from (f"    {line}" for line in render_row(past.change))


def _indented(texts: Iterator[str]) -> Iterator[str]:
    for text in texts:
        yield from (f"  {line}" for line in text.split("\n"))


def render_explanation_json(told: Explanation, *, tool_version: str, target: str) -> str:
    """Give the explanation as one JSON document; `explain.schema.json` describes it."""
    spec = told.spec
    document = {
        "format_version": FORMAT_VERSION,
        "tool_version": tool_version,
        "target": target,
        "table": spec.name,
        "key": told.key,
        "id": told.id,
        "declared": told.is_declared,
        "step": told.step,
        "policy": spec.policy.value,
        "prunes": spec.prunes,
        "natural_key": list(spec.key),
        "columns": {column.name: column.owner.value for column in spec.columns},
        "mode": told.mode,
        "fate": told.fate,
        "change": None if told.change is None else _shown(told.change),
        "blocked": [_finding(finding) for finding in told.blocked],
        "gap_rules": [{"id": identifier, "title": title} for identifier, title in told.gap_rules],
        "refers_to": [_link(link) for link in told.refers_to],
        "referred_by": [_link(link) for link in told.referred_by],
        "history": [
            {
                "run": past.run.id,
                "command": past.run.command,
                "started_at": past.run.started_at.strftime("%Y-%m-%d %H:%M:%S"),
                "undone_by": past.run.undone_by,
                **_shown(past.change),
            }
            for past in told.history
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=2)


def _shown(row: ShownRow) -> dict[str, object]:
    return {"action": row.action.value, "reason": row.reason, "why": row.why, "before": row.before, "after": row.after}


def _finding(finding: Finding) -> dict[str, str]:
    return {"what": finding.what, "where": finding.where, "why": finding.why, "fix": finding.fix}


def _link(link: Link) -> dict[str, str]:
    return {"table": link.table, "column": link.column, "what": link.what}
