"""Laws of a whole run on a real file: plan, apply and plan again, from any live state to any desired one."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings

from reconcile.apply.run import apply
from reconcile.cli.option_groups import RunOptions
from reconcile.cli.planned import Planned
from reconcile.cli.planning import make_plan
from reconcile.cli.progress import NoProgress
from reconcile.cli.session import Session, create_tables
from reconcile.diff import Action
from reconcile.errors import ReconcileError
from reconcile.live.connect import open_engine
from reconcile.live.target import parse
from tests.properties.shops import FEW, shops, tables
from tests.unit.tiny import SPECS, Rows, declared, state_of

Tables = Mapping[str, Sequence[Mapping[str, object]]]
Content = dict[str, dict[int, tuple[object, ...]]]


def open_shop(folder: str, desired: Rows, found: Tables) -> Session:
    """Make a database that holds *found*, and the session of a run towards *desired*."""
    target = parse(f"sqlite:///{folder}/shop.db", "the test")
    session = Session(target, open_engine(target), state_of(declared(desired)))
    create_tables(session)
    with closing(sqlite3.connect(target.database)) as connection, connection:
        for name, rows in found.items():
            for row in rows:
                holes = ", ".join(f":{column}" for column in row)
                connection.execute(f"INSERT INTO {name} ({', '.join(row)}) VALUES ({holes})", dict(row))
    return session


def content(session: Session) -> Content:
    """Read every row by table and id, as the file has it."""
    with closing(sqlite3.connect(Path(session.target.database))) as connection:
        return {name: {row[0]: row for row in connection.execute(f"SELECT * FROM {name}")} for name in SPECS}


def broken_links(session: Session) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(Path(session.target.database))) as connection:
        return connection.execute("PRAGMA foreign_key_check").fetchall()


def carry_out(session: Session, options: RunOptions) -> Planned:
    planned = make_plan(session, options, reads_rules=True)
    apply(
        target=session.target,
        engine=session.engine,
        plan=planned.plan,
        pieces=planned.pieces,
        specs=session.state.specs,
        rules=planned.rules,
        progress=NoProgress(),
        secrets={},
        still_locked=lambda _: None,
    )
    return planned


def attempt(session: Session, options: RunOptions) -> tuple[Planned | None, ReconcileError | None]:
    """Carry a run out, or give what refused it."""
    try:
        return carry_out(session, options), None
    except ReconcileError as error:
        return None, error


@settings(max_examples=25, deadline=None)
@given(desired=shops(FEW), found=tables())
def test_after_a_reset_there_is_nothing_to_do(desired: Rows, found: Tables) -> None:
    """From any live state: repeated keys, swapped barcodes, circles of references, dangling polymorphic ones."""
    with TemporaryDirectory() as folder:
        session = open_shop(folder, desired, found)
        carry_out(session, RunOptions())
        done = content(session)
        again = carry_out(session, RunOptions())

        assert again.plan.is_empty
        assert done == content(session)
        assert broken_links(session) == []
        assert {
            name: sum(len(rows) for rows in (desired[name],)) for name in ("makers", "goods", "goods_tags", "notes")
        } == {name: len(done[name]) for name in ("makers", "goods", "goods_tags", "notes")}


@settings(max_examples=15, deadline=None)
@given(desired=shops(FEW), found=tables())
def test_a_reset_never_touches_the_rows_of_others(desired: Rows, found: Tables) -> None:
    """Tables that keep them: a row is as it was unless the plan named it as an update."""
    with TemporaryDirectory() as folder:
        session = open_shop(folder, desired, found)
        before = content(session)
        planned = carry_out(session, RunOptions())
        after = content(session)

        for part in planned.plan.tables:
            if not part.spec.prunes:
                updated = set(part.of(Action.UPDATE)["_id"].to_list())
                rows = before[part.spec.name]
                assert [
                    number for number in rows if number not in updated and rows[number] != after[part.spec.name][number]
                ] == []


@settings(max_examples=25, deadline=None)
@given(desired=shops(FEW), found=tables())
def test_a_top_up_only_adds(desired: Rows, found: Tables) -> None:
    """Every row that was there stays as it was; a unique value that is taken stops the run before any write."""
    with TemporaryDirectory() as folder:
        session = open_shop(folder, desired, found)
        before = content(session)
        planned, error = attempt(session, RunOptions(no_clear=True))
        if planned is None:
            assert error is not None
            assert {"a unique value is taken by another row"} == {finding.what for finding in error.findings}
            assert before == content(session)
            return
        after = content(session)

        assert {name: {number: after[name][number] for number in rows} for name, rows in before.items()} == before
        assert {part.spec.name: part.counts[Action.CREATE] for part in planned.plan.tables} == {
            name: len(after[name]) - len(before[name]) for name in after
        }
        assert make_plan(session, RunOptions(no_clear=True)).plan.is_empty


@settings(max_examples=15, deadline=None)
@given(desired=shops(), other=shops())
def test_an_empty_database_takes_any_desired_state(desired: Rows, other: Rows) -> None:
    """And any other after it, whatever characters its keys have."""
    with TemporaryDirectory() as folder:
        session = open_shop(folder, desired, {})
        carry_out(session, RunOptions())
        assert make_plan(session, RunOptions()).plan.is_empty

        moved = Session(session.target, session.engine, state_of(declared(other)))
        carry_out(moved, RunOptions())
        assert make_plan(moved, RunOptions()).plan.is_empty
