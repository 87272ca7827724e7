"""The plan as one HTML page for review and for paper: nothing is loaded from elsewhere and no script runs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import polars as pl

from reconcile.diff import Action
from reconcile.plan import Plan, only
from reconcile.render.cells import shown_rows, visible
from reconcile.render.effects import render_effects
from reconcile.render.radius import render_radius
from reconcile.render.text import SIGNS, render_row, render_total, render_unchanged
from reconcile.table_plan import TablePlan

if TYPE_CHECKING:
    from jinja2 import Template


@dataclass(frozen=True, slots=True)
class _Row:
    sign: str
    action: str
    key: str
    reason: str
    why: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Listing:
    """The rows of one table that the page shows, and how many it does not."""

    name: str
    rows: tuple[_Row, ...]
    hidden: int


@cache
def _template() -> "Template":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("reconcile", "render"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("plan.html.j2")


def render_plan(
    plan: Plan,
    *,
    tool_version: str,
    shows_rows: bool,
    limit: int | None,
    actions: Sequence[Action] = tuple(Action),
    effects: pl.DataFrame | None = None,
) -> str:
    """Give the page: what the plan is for, effects, blast radius, counts, steps, the rows and what it warns of."""
    shown = only(plan, actions)
    return _template().render(
        plan=plan,
        actions=list(Action),
        tool_version=tool_version,
        effects=None if effects is None or effects.is_empty() else render_effects(effects, limit=limit),
        radius=render_radius(plan.radius) if plan.radius is not None and plan.radius.tables else None,
        total=render_total(plan),
        unchanged=None if plan.unchanged is None else render_unchanged(plan.unchanged),
        listings=list(_listings(shown.tables, limit)) if shows_rows else [],
        visible=visible,
    )


def _listings(tables: Sequence[TablePlan], limit: int | None) -> Iterator[_Listing]:
    for part in tables:
        rows = tuple(
            _Row(
                SIGNS[row.action],
                row.action.value,
                visible(row.key),
                row.reason,
                visible(row.why),
                tuple(line.strip() for line in list(render_row(row))[1:]),
            )
            for row in shown_rows(part, limit)
        )
        if rows:
            yield _Listing(part.spec.name, rows, part.height - len(rows))
