"""`reconcile explain TABLE KEY`: why a row is created, kept, changed or blocked, from spec, plan and journal."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches

import polars as pl

from reconcile.cli.guards import over_limits
from reconcile.cli.journaling import journal_named
from reconcile.cli.options import ExplainOptions
from reconcile.cli.output import Output
from reconcile.cli.planned import Planned
from reconcile.cli.planning import make_plan
from reconcile.cli.session import Session, require_database
from reconcile.cli.version import TOOL_VERSION
from reconcile.dataset import ID, KEY, STEP, UNRESOLVED, Dataset
from reconcile.decide import Mode
from reconcile.diff import Action
from reconcile.errors import ExitCode, Finding, ReconcileError
from reconcile.holding import names_in
from reconcile.journal import STORED, Run
from reconcile.live.connect import snapshot
from reconcile.live.introspect import introspect
from reconcile.live.journal import read_changes, read_runs, recorded
from reconcile.live.journal_tables import JournalTables
from reconcile.live.state import needed, read_state
from reconcile.render.cells import ShownRow, shown_rows
from reconcile.render.explain import Explanation, Link, Past, render_explanation, render_explanation_json
from reconcile.spec import TableSpec
from reconcile.state import DesiredState
from reconcile.table_plan import TablePlan

_NEAR = 3
_LONGEST_CHOICE = 20_000
"""Keys that a near one is looked for among."""

_DONE = {Action.CREATE: "created", Action.UPDATE: "updated", Action.DELETE: "deleted", Action.SKIP: "left as it is"}


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a table: both sides, what a plan says of its rows, and what stops that plan."""

    spec: TableSpec
    live: Dataset
    desired: pl.DataFrame | None
    planned: Planned | None
    blocked: tuple[Finding, ...]

    @property
    def part(self) -> TablePlan | None:
        parts = () if self.planned is None else self.planned.plan.tables
        return next((part for part in parts if part.spec.name == self.spec.name), None)


def run(options: ExplainOptions, session: Session, output: Output) -> ExitCode:
    """Say all that is known of one row."""
    require_database(session)
    _require_table(options, session)
    known = _look(options, session)
    key, identifier = _row(options, known)
    tables = journal_named(session, options)
    history = list(_history(session, tables, known.spec, key))
    if not (identifier or history or key in _keys(known)):
        raise _no_row(options, known, _near(key, _keys(known)))
    told = _explain(options, session.state, known, key, identifier, history)
    if options.format == "json":
        output.result(render_explanation_json(told, tool_version=TOOL_VERSION, target=str(session.target)))
    else:
        output.result(render_explanation(told))
    return ExitCode.OK


def _require_table(options: ExplainOptions, session: Session) -> None:
    """
    Refuse a table that nothing is declared of.

    Raises:
        ReconcileError: the nearest names are given; exit code 64.

    """
    known = {*session.state.specs, *session.state.cleared}
    if options.table_name not in known:
        finding = Finding(
            what=f"there is no managed table {options.table_name!r}",
            where="TABLE",
            why=_near(options.table_name, known),
            fix="see the names with `reconcile query counts`",
        )
        raise ReconcileError([finding], ExitCode.USAGE)


def _look(options: ExplainOptions, session: Session) -> _Known:
    planned, blocked = _planned(options, session)
    name = options.table_name
    if planned is not None and name in planned.live.dataset:
        desired = planned.goal.desired
        spec = planned.live.dataset.specs[name]
        limits = [finding for finding in over_limits(planned, options) if name in f"{finding.what} {finding.where}"]
        return _Known(spec, planned.live.dataset, desired.frames.get(name), planned, (*blocked, *limits))
    if name not in session.state.specs:
        finding = Finding(
            what=f"nothing is known of the rows of {name}",
            where=f"table {name}",
            why="a reset empties it, and it holds no row or this run does not reach it",
            fix="ask without --no-clear and without a selection",
        )
        raise ReconcileError([*blocked, finding])
    with snapshot(session.target, session.engine) as connection:
        specs = needed(session.state.specs, [name])
        schema = introspect(connection, specs)
        live = read_state(connection, specs, schema, {}).dataset
    return _Known(session.state.specs[name], live, None, planned, blocked)


def _planned(options: ExplainOptions, session: Session) -> tuple[Planned | None, tuple[Finding, ...]]:
    """Plan as asked; what a guard refuses is told, and with its leave planned all the same where that is possible."""
    findings: tuple[Finding, ...] = ()
    for attempt in (options, replace(options, allow_cascade=True)):
        try:
            return make_plan(session, attempt, in_spans=False), findings
        except ReconcileError as error:
            if error.exit_code is ExitCode.USAGE:
                raise
            findings = findings or error.findings
    return None, findings


def _keys(known: _Known) -> list[str]:
    frames = [known.live.frames.get(known.spec.name), known.desired, None if known.part is None else known.part.rows]
    return list(dict.fromkeys(key for frame in frames if frame is not None for key in frame[KEY]))


def _row(options: ExplainOptions, known: _Known) -> tuple[str, int | None]:
    """
    Find the row that is meant, and its id where it is live.

    Raises:
        ReconcileError: no row has this id; exit code 64.

    """
    live = known.live.frames.get(known.spec.name)
    rows = dict[str, int]() if live is None else dict(live.select(KEY, ID).iter_rows())
    number = options.key.removeprefix("#")
    if options.key not in rows and options.key.startswith("#") and number.isdecimal():
        for key, identifier in rows.items():
            if identifier == int(number):
                return key, identifier
        ids = sorted(rows.values()) or [0]
        raise _no_row(options, known, f"its ids go from {ids[0]} to {ids[-1]}")
    return options.key, rows.get(options.key)


def _no_row(options: ExplainOptions, known: _Known, why: str) -> ReconcileError:
    key = ", ".join(known.spec.key) or known.spec.surrogate_key
    finding = Finding(
        what=f"there is no row {options.key!r}",
        where=f"table {known.spec.name}, known by {key}",
        why=f"it is neither live nor declared nor journaled; {why}",
        fix="write the key as a plan shows it between [ and ], parts joined by |, or #17 for the row with id 17",
    )
    return ReconcileError([finding], ExitCode.USAGE)


def _near(name: str, known: Iterable[str]) -> str:
    lowered = {candidate.lower(): candidate for candidate in list(known)[:_LONGEST_CHOICE]}
    near = get_close_matches(name.lower(), lowered, n=_NEAR, cutoff=0.5)
    return f"the nearest are {', '.join(lowered[word] for word in near)}" if near else "nothing is called like it"


def _explain(  # one argument per thing that is known
    options: ExplainOptions, state: DesiredState, known: _Known, key: str, identifier: int | None, history: list[Past]
) -> Explanation:
    spec, part = known.spec, known.part
    change = None if part is None else _change(part, key)
    declared = None if known.desired is None else known.desired.filter(pl.col(KEY) == key)
    step = declared[STEP][0] if declared is not None and declared.height else spec.step
    return Explanation(
        spec=spec,
        key=key,
        id=identifier,
        is_declared=declared is not None and bool(declared.height),
        step=step,
        mode=str(Mode.TOP_UP if options.no_clear else Mode.RESET),
        fate=_fate(known, change, step, identifier),
        change=change,
        blocked=known.blocked,
        gap_rules=[(rule.id, rule.title) for rule in state.gap_rules if rule.table == spec.name],
        refers_to=list(_refers_to(known, key)),
        referred_by=list(_referred_by(known, key)),
        history=history,
    )


def _change(part: TablePlan, key: str) -> ShownRow | None:
    return next(shown_rows(replace(part, held=part.rows.filter(pl.col(KEY) == key))), None)


def _fate(known: _Known, change: ShownRow | None, step: str, identifier: int | None) -> str:
    if known.planned is None:
        return "there is no plan: see what blocks it"
    if change is not None:
        return f"it would be {_DONE[change.action]}: {change.why}"
    if known.part is None:
        return "its table is not part of this run"
    if step not in known.planned.plan.chosen:
        return f"its step {step} is not part of this run"
    if identifier is None:
        return "it is neither live nor declared: nothing to do"
    return "it is as declared: nothing to do"


def _refers_to(known: _Known, key: str) -> Iterator[Link]:
    frame = known.live.frames.get(known.spec.name)
    row = None if frame is None else frame.filter(pl.col(KEY) == key)
    if row is None or row.is_empty():
        return
    for column, target in known.spec.references():
        if column.name not in row.columns:
            continue
        for name in names_in(row, column, target)["_name"].unique(maintain_order=True):
            there = "" if target not in known.live or name in known.live[target][KEY] else ", which is not there"
            yield Link(target, column.name, f"{target} [{name}]{there}")
        cell = row[column.name][0]
        if isinstance(cell, str) and cell.startswith(UNRESOLVED):
            yield Link(target, column.name, f"{target} with id {cell.removeprefix(UNRESOLVED)}, which is not there")


def _referred_by(known: _Known, key: str) -> Iterator[Link]:
    for name, frame in known.live.frames.items():
        for column, target in known.live.specs[name].references():
            if target == known.spec.name and column.name in frame.columns:
                rows = names_in(frame, column, target).filter(pl.col("_name") == key)
                if rows.height:
                    yield Link(name, column.name, f"{rows.height:,} rows, first [{rows[KEY][0]}]")


def _history(session: Session, tables: JournalTables, spec: TableSpec, key: str) -> Iterator[Past]:
    with snapshot(session.target, session.engine) as connection:
        for run in read_runs(connection, tables):
            if not run.has_changed_rows:
                continue
            for chunks in read_changes(connection, tables, run.id, (spec.name, key)).values():
                yield from _past(run, recorded(spec, run.id, chunks).rows, spec, key)


def _past(run: Run, rows: pl.DataFrame, spec: TableSpec, key: str) -> Iterator[Past]:
    found = rows.filter(pl.col(KEY) == key).drop(STORED)
    yield from (Past(run, row) for row in shown_rows(TablePlan(spec, found, {}, {})))
