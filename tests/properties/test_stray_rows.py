"""A law: the rows that are in no span are counted, whatever gaps there are between the ids of those that are."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine

from reconcile import values
from reconcile.live import spans
from reconcile.spec import Column, Owner, TableSpec

SPEC = TableSpec("t", (Column("id", values.Integer(), owner=Owner.SERVER),), key=("id",), step="t")


@given(
    parts=st.lists(st.sets(st.integers(-20, 60), max_size=12), max_size=5),
    others=st.sets(st.integers(-30, 70), max_size=4),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_in_no_span_are_counted(parts: list[set[int]], others: set[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Spans lie one behind the other, each with gaps or without; few ranges fit one statement."""
    monkeypatch.setattr(spans, "_MOST_RANGES", 2)
    found = [sorted(100 * place + number for number in part) for place, part in enumerate(parts) if part]
    inside = {number for ids in found for number in ids}
    strays = {100 * place + number for place in range(6) for number in others} - inside

    with create_engine("sqlite://").connect() as connection:
        connection.exec_driver_sql("CREATE TABLE t (id INTEGER PRIMARY KEY)")
        for number in inside | strays:
            connection.exec_driver_sql("INSERT INTO t VALUES (?)", (number,))

        ranges = [range(ids[0], ids[-1] + 1) for ids in found]
        assert spans.stray_rows(connection, SPEC, ranges, len(inside)) == len(strays)
        beside = {number for number in strays if not any(number in ids for ids in ranges)}
        assert spans.rows_beside(connection, SPEC, ranges) == len(beside)
