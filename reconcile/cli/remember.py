"""Remember a plan that found nothing to do, so that the next one of the same kind can be answered by checksums."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import Connection

from reconcile.cli.comparisons import Answer, Comparison, Shown, forget, write
from reconcile.cli.journaling import journal_named
from reconcile.cli.option_groups import ComparingOptions, RunOptions
from reconcile.cli.recall import key_of, standing
from reconcile.cli.session import Session
from reconcile.cli.sources import Unknown, imported, places_of, signature
from reconcile.live.introspect import LiveColumn, introspect
from reconcile.live.protection import MARKER_TABLE
from reconcile.live.sums import Cell, Summed, Sums, Unsure, cell_of, gather
from reconcile.plan import Plan, Unchanged
from reconcile.spec import TableSpec
from reconcile.values import Secret


def sums_of(
    session: Session, options: RunOptions, connection: Connection, plan: Plan, specs: Mapping[str, TableSpec]
) -> Sums | None:
    """
    Take checksums of all that *plan* was made from, in its own snapshot: the tables of *specs*, as they were read.

    Only the second plan in a row that finds nothing to do takes them: they cost about a sixth of it. None for others.
    """
    asked = session.asked
    if asked is None or asked.key is None or not asked.was_seen or not is_settled(plan, options):
        return None
    unread = {MARKER_TABLE: None, journal_named(session, options).runs.name: "id"}
    schema = introspect(connection).tables
    rows = {part.spec.name: part.kept + part.height for part in plan.tables}
    tables = [_summed(spec, rows.get(name, 0), schema[name]) for name, spec in specs.items() if name in schema]
    tables += [
        Summed(name, key, tuple(cell_of(column) for column in schema[name].values()), 0)
        for name, key in unread.items()
        if name in schema and name not in specs
    ]
    others = sorted((set(session.state.cleared) & set(schema)) - set(specs))
    cursor = connection.connection.cursor()
    try:
        return gather(cursor, tables, others)
    except (connection.dialect.loaded_dbapi.Error, Unsure):
        return None  # such as a table that this account may not read
    finally:
        cursor.close()


def is_settled(plan: Plan, options: RunOptions) -> bool:
    """Say whether *plan* has nothing to do and nothing to warn of, and shows no row."""
    return plan.is_empty and not plan.findings and (options.summary or not any(part.height for part in plan.tables))


def remember(
    command: str,
    session: Session,
    options: ComparingOptions,
    plan: Plan,
    sums: Sums | None,
    show: Callable[[Plan], Shown],
) -> None:
    """
    Remember that *plan* has nothing to do, and with *sums* what *show* makes of it when they are as they were.

    A plan with anything else to tell takes the place of what was remembered.
    """
    asked = session.asked
    if asked is None or asked.key is None:
        return
    if not is_settled(plan, options):
        forget(asked.key)
        return
    variables = standing(session.settings, {password.variable: None for password in session.state.passwords})
    try:
        places = places_of(options.state)
        places += imported(places)
        found, newest = signature(places)
        key = key_of(command, options, session.target, session.settings)
    except Unknown:
        return
    # What changed since this run began may not be what it has imported, and a new .env is another question.
    if newest > asked.since or key != asked.key:
        return
    since = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    rows = plan.kept + sum(part.height for part in plan.tables)
    answer = None if sums is None else Answer(sums, show(replace(plan, unchanged=Unchanged(rows, since))))
    write(asked.key, Comparison(tuple(places), found, variables, answer))


def _summed(spec: TableSpec, rows: int, live: Mapping[str, LiveColumn]) -> Summed:
    """Give what is read of a table: the columns of its spec that it has."""
    cells = [
        Cell(column.name, "secret", nullable=True) if isinstance(column.kind, Secret) else cell_of(live[column.name])
        for column in spec.columns
        if column.name in live
    ]
    return Summed(spec.name, spec.surrogate_key, tuple(cells), rows)
