"""What every command starts with: the target, its engine, the desired state, and the live state beside it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from pathlib import Path

from dotenv import dotenv_values
from sqlalchemy import Connection, Engine, MetaData, create_engine
from sqlalchemy.pool import StaticPool

from reconcile.checks.preflight import check_schema
from reconcile.checks.verify import tables_of
from reconcile.cli.options import RunOptions, TargetOptions
from reconcile.dataset import Dataset, check, fingerprints
from reconcile.diff import diff
from reconcile.errors import ExitCode, Finding, ReconcileError
from reconcile.guard import dependents_in_plan, refuse_dependents
from reconcile.live.connect import open_engine, server_errors, snapshot
from reconcile.live.introspect import LiveSchema, introspect
from reconcile.live.resolve import LiveState
from reconcile.live.state import dependents, needed, read_state
from reconcile.live.tables import metadata
from reconcile.live.target import Target, choose
from reconcile.plan import Mode, Plan, Selection, make, select, taken_values, unmet_references
from reconcile.spec import Profile, Size, TableSpec
from reconcile.state import DesiredState


@dataclass(frozen=True, slots=True)
class Session:
    """One command's target and desired state."""

    target: Target
    engine: Engine
    state: DesiredState


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan together with both sides it was made from."""

    plan: Plan
    desired: Dataset
    live: LiveState
    schema: LiveSchema


def open_session(options: TargetOptions) -> Session:
    """
    Choose the target and load the desired state; nothing is contacted yet.

    Raises:
        ReconcileError: a URL or package that cannot be used; exit code 64.

    """
    dotenv = {name: value for name, value in dotenv_values(Path.cwd() / ".env").items() if value}
    target = choose(options.database_url, os.environ, dotenv)
    return Session(target, open_engine(target), load_state(options.state))


def load_state(package: str) -> DesiredState:
    """Import *package* and give its `STATE`."""
    try:
        state = import_module(package).STATE
    except (ImportError, AttributeError) as error:
        raise _no_state(package, str(error)) from error
    if not isinstance(state, DesiredState):
        raise _no_state(package, f"its STATE is a {type(state).__name__}")
    return state


def _no_state(package: str, why: str) -> ReconcileError:
    return ReconcileError(
        [
            Finding(
                what=f"{package} declares no desired state",
                where="--state",
                why=why,
                fix="name an importable package whose attribute STATE is a reconcile.state.DesiredState",
            )
        ],
        ExitCode.USAGE,
    )


def profile_of(options: RunOptions, today: date) -> Profile:
    """Give the dataset's parameters; without --as-of dates hang on the Monday of *today*'s week."""
    as_of = options.as_of or today - timedelta(days=today.weekday())
    return Profile(as_of, Size.LIGHT if options.light else Size.FULL, options.scale, options.seed)


def make_plan(session: Session, options: RunOptions, *, reads_rules: bool = False) -> Planned:
    """
    Compute the desired rows, read the live ones and plan; *reads_rules* reads what the rules need as well.

    Raises:
        ReconcileError: the schema does not fit, the rows are unsound or a reference cannot be met (exit code 1), a
            guard refuses (4), or the selection names nothing (64). Nothing is written.

    """
    if is_absent(session.target):
        session = stand_in(session)
    state, target = session.state, session.target
    profile = profile_of(options, datetime.now(UTC).date())
    everything = state.rows(profile)
    selection = Selection(tuple(options.step), tuple(options.skip), tuple(options.table), tuple(options.exclude_table))
    chosen = select(selection, state.steps, [state.specs[name] for name in everything.frames])
    desired = Dataset(state.specs, {name: everything[name] for name in chosen})
    _stop_on(check(everything))
    mode = Mode.TOP_UP if options.no_clear else Mode.RESET
    with snapshot(target, session.engine) as connection:
        schema = introspect(connection, state.specs)
        specs = needed(state.specs, chosen)
        checked = (state.specs if selection.is_everything else specs).values()
        if check_schema(checked, schema, desired):
            # The nearest name of a table that is missing may be any other table's.
            _stop_on(check_schema(checked, introspect(connection), desired))
        if reads_rules:
            specs |= tables_of(state.rules, state.specs)
        live = read_state(connection, specs, schema, everything.frames)
        plan = make(
            state=state.name,
            target=str(target),
            engine=session.engine.dialect.name,
            mode=mode,
            profile=profile,
            steps=state.steps,
            diffs=diff(desired, live.dataset, chosen),
            fingerprints=fingerprints(desired),
            findings=live.findings,
        )
        _stop_on([*unmet_references(plan, live.dataset), *taken_values(plan, live.dataset)])
        _guard(connection, plan, state.specs)
    return Planned(plan, desired, live, schema)


def _guard(connection: Connection, plan: Plan, specs: Mapping[str, TableSpec]) -> None:
    found = [*dependents_in_plan(plan), *dependents(connection, plan, specs)]
    if found:
        raise ReconcileError(refuse_dependents(found), ExitCode.REFUSED)


def _stop_on(findings: list[Finding]) -> None:
    if findings:
        raise ReconcileError(findings)


def is_absent(target: Target) -> bool:
    """Say whether the target is an SQLite file that is not there yet; the first apply makes it."""
    file = Path(target.database)
    return target.is_sqlite and not (file.exists() and file.stat().st_size)


def stand_in(session: Session) -> Session:
    """Give a session on empty tables in memory, to plan for a file that is not there yet without making it."""
    empty = replace(session, engine=create_engine("sqlite://", poolclass=StaticPool))
    create_tables(empty)
    return empty


def managed_tables(session: Session) -> MetaData:
    """Give the DDL of every table that the desired state knows."""
    return metadata(session.state.specs, session.engine.dialect.name)


def create_tables(session: Session) -> None:
    """Create the managed tables; the database must not have any of them."""
    with server_errors(session.target), session.engine.begin() as connection:
        managed_tables(session).create_all(connection, checkfirst=False)


def require_database(session: Session) -> None:
    """
    Refuse to read an SQLite file that is not there, before the driver would make an empty one.

    Raises:
        ReconcileError: there is no such file; exit code 1.

    """
    if is_absent(session.target):
        raise ReconcileError(
            [
                Finding(
                    what="the database file does not exist",
                    where=str(session.target),
                    why=f"chosen by: {session.target.origin}",
                    fix="run `reconcile apply` or `reconcile schema create` first, or set DATABASE_URL",
                )
            ]
        )
