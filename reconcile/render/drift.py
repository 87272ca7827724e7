"""Drift as text for people and as Markdown for a ticket: what differs, who moved, since when, and what is accepted."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice

from reconcile.acceptance import Acceptance
from reconcile.diff import Action
from reconcile.drift import ACCEPTED_BY, FIRST_SEEN, LABEL, MOVER, STANDING, Drift, Label, Mover, SchemaMove, Standing
from reconcile.plan import only
from reconcile.render.cells import ShownRow, shown_rows, visible
from reconcile.render.markdown import escape, fenced, table
from reconcile.render.text import render_row
from reconcile.table_plan import TablePlan

_MOVED = {
    (Label.MISSING, Mover.LIVE): "deleted live",
    (Label.MISSING, Mover.DESIRED): "newly declared",
    (Label.MISSING, Mover.BOTH): "deleted live, and declared otherwise",
    (Label.EXTRA, Mover.LIVE): "added live",
    (Label.EXTRA, Mover.DESIRED): "no longer declared",
    (Label.EXTRA, Mover.BOTH): "no longer declared, and changed live",
}
SHORT = "%Y-%m-%d %H:%M"


def render_drift(drift: Drift, *, shows_rows: bool, limit: int | None, actions: Sequence[Action]) -> str:
    """Give the differences and the closing line; without any difference the closing line alone."""
    sections = []
    if drift.schema or any(part.height for part in drift.plan.tables):
        sections.append(_header(drift))
        if shows_rows:
            sections += _listings(drift, limit, actions)
    sections += list(_remarks(drift))
    return "\n\n".join([*sections, render_closing(drift)])


def render_markdown(drift: Drift, *, shows_rows: bool, limit: int | None, actions: Sequence[Action]) -> str:
    """Give the same for a ticket: counts by table and label, then the rows."""
    plan = drift.plan
    sections = [
        f"### Drift of {escape(plan.target)}\n\n- desired state {escape(plan.state)}, {plan.profile.size}, "
        f"as of {plan.profile.as_of}, mode {plan.mode}"
    ]
    if rows := list(_counts(drift)):
        sections.append(table(["table", *(escape(label) for label in _ROW_LABELS), "accepted", "left"], rows))
    if shows_rows:
        told = list(_listings(drift, limit, actions))
        if told:
            sections.append(fenced("\n\n".join(told), "diff"))
    sections += [escape(line) for remark in _remarks(drift) for line in [" ".join(remark.split())]]
    return "\n\n".join([*sections, f"**{escape(render_closing(drift))}**"])


_ROW_LABELS = [label for label in Label if label is not Label.SCHEMA_MOVED]


def _counts(drift: Drift) -> Iterator[list[str]]:
    counted = {standing: drift.counts(standing) for standing in Standing}
    for part in drift.plan.tables:
        if part.height:
            name = part.spec.name
            cells = [counted[Standing.OPEN].get((name, label), 0) for label in _ROW_LABELS]
            others = (counted[Standing.ACCEPTED], counted[Standing.LEFT])
            cells += [sum(rows for (of, _), rows in counts.items() if of == name) for counts in others]
            yield [escape(name), *(f"{count:,}" for count in cells)]


def _header(drift: Drift) -> str:
    plan = drift.plan
    scale = f", scale {plan.profile.scale}" if plan.profile.scale > 1 else ""
    return (
        f"Drift of {plan.target}\n"
        f"  desired state {plan.state}, {plan.profile.size}{scale}, as of {plan.profile.as_of}, mode {plan.mode}"
    )


def _listings(drift: Drift, limit: int | None, actions: Sequence[Action]) -> Iterator[str]:
    if drift.schema:
        yield "\n".join(["schema:", *(line for move in drift.schema for line in _schema_row(move))])
    for part in only(drift.plan, actions).tables:
        if part.height:
            yield "\n".join(_rows(drift, part, limit))


def _schema_row(move: SchemaMove) -> Iterator[str]:
    sign = "!" if move.standing is Standing.OPEN else "="
    facts = _facts(move.standing, move.accepted_by, move.first_seen)
    yield f"{sign} [{visible(move.table)}] {Label.SCHEMA_MOVED}: {visible(move.finding.what)}{facts}"
    yield f"    {visible(move.finding.why)}"


def _rows(drift: Drift, part: TablePlan, limit: int | None) -> Iterator[str]:
    yield f"{part.spec.name}:"
    for row in drifting_rows(drift, part, limit):
        yield from render_row(row)
    hidden = part.height - (part.height if limit is None else limit)
    if hidden > 0:
        yield f"  … {hidden:,} more rows, see them with --limit 0"


def drifting_rows(drift: Drift, part: TablePlan, limit: int | None) -> Iterator[ShownRow]:
    """Give rows as a plan shows them, with the label for a reason; one that does not count has the sign of a skip."""
    facts = part.rows.select(LABEL, MOVER, STANDING, ACCEPTED_BY, FIRST_SEEN).iter_rows()
    for row, (label, mover, standing, accepted_by, first_seen) in zip(
        shown_rows(part, limit), islice(facts, limit), strict=True
    ):
        moved = _MOVED.get((Label(label), Mover(mover)))
        entry = None if accepted_by is None else drift.acceptances[accepted_by]
        why = (row.why if moved is None else f"{moved}: {row.why}") + _facts(Standing(standing), entry, first_seen)
        yield replace(row, reason=label, why=why, action=row.action if standing == Standing.OPEN else Action.SKIP)


def _facts(standing: Standing, entry: Acceptance | None, first_seen: datetime | None) -> str:
    said = "" if first_seen is None else f"; since {first_seen:{SHORT}}"
    if standing is Standing.ACCEPTED and entry is not None:
        said += f"; accepted until {entry.expires}: {entry.reason}"
    return said


def _remarks(drift: Drift) -> Iterator[str]:
    """Say what was not compared, and which entries of the baseline are over or not needed."""
    if drift.not_compared:
        yield f"Not compared, the schema moved: {', '.join(drift.not_compared)}"
    for title, entries in (
        ("Accepted drift that has expired and counts again", drift.expired),
        ("Accepted drift that is not there any more; take it out of the baseline", drift.unused),
    ):
        if entries:
            yield "\n".join([f"{title}:", *(f"  {_entry(entry)}" for entry in entries)])


def _entry(entry: Acceptance) -> str:
    columns = f" ({', '.join(entry.columns)})" if entry.columns else ""
    return visible(f"{entry.table} [{entry.key}]{columns} until {entry.expires}: {entry.reason}")


def render_closing(drift: Drift) -> str:
    """Say in one line what the drift comes to."""
    is_accepted, is_left = drift.rows(Standing.ACCEPTED) + drift.moves(Standing.ACCEPTED), drift.rows(Standing.LEFT)
    others = [
        f"{count:,} {word}" for count, word in ((is_accepted, "accepted"), (is_left, "left as they are")) if count
    ]
    if not drift.is_open:
        return f"No drift: {', '.join([f'{drift.plan.kept:,} rows are as declared', *others])}."
    labels = Counter[Label]()
    counted = drift.counts()
    for (_, label), count in counted.items():
        labels[label] += count
    parts = [f"{labels[label]:,} {label}" for label in Label if labels[label]]
    rows, tables = sum(counted.values()), len({name for name, _ in counted})
    said = [f"{_number(rows, 'row')} in {_number(tables, 'table')} ({', '.join(parts)})"] if rows else []
    if moves := drift.moves(Standing.OPEN):
        said.append(f"the schema moved in {_number(moves, 'place')}")
    if drift.oldest is not None:
        others.append(f"the oldest since {drift.oldest:{SHORT}} UTC")
    return f"Drift: {'; '.join([', '.join(said), *others])}."


def _number(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def render_failure(findings: Sequence[str]) -> str:
    """Say in one line that nobody knows whether there is drift."""
    return f"Drift was not looked for: {'; '.join(findings)}"
