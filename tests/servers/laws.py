"""What holds of every run, whatever was done before: a second one writes nothing, a top-up moves only what it says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconcile.cli.planned import Planned
from reconcile.dataset import ID
from reconcile.diff import CHANGED, REASON, Action, Reason
from reconcile.spec import Owner
from tests.servers.cached_state import STATE
from tests.servers.operating import Dump, Result, command, dump, next_ids, sqlite_file, statements_sent, stored
from tests.servers.target import Target

Row = Mapping[str, object]
Rows = Mapping[str, Mapping[int, Row]]
"""Stored rows by table and id."""

GAP_COLUMNS = {
    table: {column for rule in STATE.gap_rules if rule.table == table for column in rule.columns}
    for table in {rule.table for rule in STATE.gap_rules}
}
"""The columns that gap rules declare, by table: all that a top-up may ever change of a row."""

REFERENCES = {name: {column.name for column, _ in spec.references()} for name, spec in STATE.specs.items()}
"""The columns that name other rows, by table."""


@dataclass(frozen=True, slots=True)
class Trace:
    """All that a write would leave a trace in: rows, ids, the file's bytes, the server's counters of statements."""

    rows: Dump
    ids: Mapping[str, int]
    file: bytes
    statements: Mapping[str, int]


def trace(target: Target) -> Trace:
    """Look at everything that a write moves."""
    server = target.server
    statements = {} if server is None else statements_sent(server)
    return Trace(dump(target), next_ids(target), b"" if server else sqlite_file(target), statements)


def assert_nothing_to_do(target: Target, shape: Sequence[str]) -> None:
    """Hold that a plan finds nothing to do, that an apply writes nothing, and that neither leaves a trace."""
    before = trace(target)

    planned = command(target, "plan", "--detailed-exitcode", *shape)
    again = command(target, "apply", "--force", *shape)

    assert (planned.code, planned.out.splitlines()[-1].split(":")[0]) == (0, "Nothing to do"), planned.out[-3000:]
    assert again.code == 0, again.err
    assert "0 created, 0 updated, 0 deleted" in again.out.splitlines()[-1]
    assert trace(target) == before


def assert_strictly_sound(target: Target) -> None:
    """Hold that every rule was asked and none fails, not even one that only warns."""
    result = verify(target)

    assert failed_checks(result) == {}
    assert (result.code, len(result.document["checks"])) == (0, len(STATE.rules))


def verify(target: Target) -> Result:
    """Ask every rule, warnings included."""
    return command(target, "verify", "--strict-module", "--format", "json", "--state", "tests.servers.cached_state")


def failed_checks(verified: Result) -> Mapping[str, Sequence[str]]:
    """Give the rules that do not hold, each with the keys that break it or with what is missing."""
    return {
        check["id"]: [check["missing"]] if check["missing"] else [row["key"] for row in check["violations"]]
        for check in verified.document["checks"]
        if not check["passed"]
    }


def moved(before: Rows, after: Rows) -> Mapping[tuple[str, int], set[str]]:
    """Give the columns that differ, by table and id, of the rows that were there and are; the server's clocks apart."""
    return {
        (table, number): columns
        for table, rows in before.items()
        for number, row in rows.items()
        if (now := after.get(table, {}).get(number)) is not None and row != now
        if (columns := {name for name in row if row[name] != now[name]} - _clocks(table))
    }


def _clocks(table: str) -> set[str]:
    if table not in STATE.specs:
        return set()
    return {c.name for c in STATE.specs[table].columns if c.owner is Owner.CREATION and c.is_clock_on_update}


def assert_done_as_planned(before: Rows, planned: Planned, target: Target) -> None:
    """
    Hold that rows which were *before* are now as *planned* says, row by row and column by column.

    What the plan does not name is as it was, in every table of the database; a row that it updates differs in the
    columns that it shows and in no other.
    """
    after = stored(target)
    parts = {part.spec.name: part for part in planned.plan.tables}
    shown = {
        (name, int(number)): set(columns)
        for name, part in parts.items()
        for number, columns in part.of(Action.UPDATE).select(ID, CHANGED).iter_rows()
    }
    deleted = {(name, int(number)) for name, part in parts.items() for number in part.of(Action.DELETE)[ID]}
    created = {name: part.counts[Action.CREATE] for name, part in parts.items()}
    found = moved(before, after)

    assert {(name, n) for name, rows in before.items() for n in rows.keys() - after.get(name, {}).keys()} == deleted
    assert {
        name: count for name, rows in after.items() if (count := len(rows.keys() - before.get(name, {}).keys()))
    } == {name: count for name, count in created.items() if count}
    assert {where: columns for where, columns in found.items() if columns - shown.get(where, set())} == {}
    # A number that led nowhere may be the very one that a row created now gets: then the cell stays as it is.
    still = {where: columns - found.get(where, set()) - REFERENCES[where[0]] for where, columns in shown.items()}
    assert {where: columns for where, columns in still.items() if columns} == {}


def assert_topped_up(before: Rows, planned: Planned, target: Target) -> None:
    """Hold that a top-up did what *planned* says: it deleted nothing and changed only what gap rules declare."""
    assert_done_as_planned(before, planned, target)
    for part in planned.plan.tables:
        updates = part.of(Action.UPDATE)
        assert part.counts[Action.DELETE] == 0
        assert set(updates[REASON]) <= {Reason.GAP}
        assert set(updates[CHANGED].explode(empty_as_null=False)) <= GAP_COLUMNS.get(part.spec.name, set())
