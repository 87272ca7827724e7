"""How the tables of spans hang together, what is said where they do not, and which rows are those of a span."""

from collections.abc import Sequence

import pytest
from sqlalchemy import create_engine, insert

from reconcile.errors import ReconcileError
from reconcile.live.introspect import introspect
from reconcile.live.read import read_chosen
from reconcile.live.spans import KeyRange, links_of, ranges_of, read_span
from reconcile.live.tables import metadata
from reconcile.spec import Profile
from reconcile.state import Spans
from tests.unit.tiny import STATE


def spans(*tables: str) -> Spans:
    def never(profile: Profile, span: int = 0) -> str:
        raise AssertionError

    return Spans(tables, count=never, first_key=never, shared=never, rows=never)  # type: ignore[arg-type]


SPECS = STATE.specs


def test_a_table_hangs_on_the_row_with_which_its_key_begins() -> None:
    links = links_of(spans("goods", "goods_tags"), SPECS)
    assert (links.root.name, links.parents) == ("goods", {"goods_tags": ("good", "goods")})


def test_all_that_does_not_hang_together_is_told_at_once() -> None:
    with pytest.raises(ReconcileError) as caught:
        links_of(spans("goods_tags", "makers", "goods"), SPECS)
    assert [finding.where for finding in caught.value.findings] == [
        "goods_tags (good, tag)",
        "makers (code)",
        "goods (sku)",
    ]


def test_the_first_and_the_last_range_are_without_end() -> None:
    assert [(found.low, found.high) for found in ranges_of(["a", "b", "c"])] == [(None, "b"), ("b", "c"), ("c", None)]


@pytest.mark.parametrize(
    ("ids", "is_range"),
    [
        pytest.param([1, 2, 3, 4, 5], True, id="without a gap"),
        pytest.param([1, 3, 4, 6, 7], True, id="with a gap"),
        pytest.param([1, 2, 4, 3, 5], False, id="with another row in it"),
        pytest.param([1, 2, 900, 1_000, 2_000], False, id="with more gaps than rows"),
    ],
)
def test_rows_of_a_span_are_read_whatever_their_ids(
    ids: Sequence[int], is_range: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goods A to C are the span, D and E are not; each has a tag. A range of ids is read without naming each."""
    ranges: list[bool] = []

    def noting(*arguments: object) -> object:
        ranges.append(isinstance(arguments[-1], range))
        return read_chosen(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("reconcile.live.spans.read_chosen", noting)
    tables = metadata(SPECS, "sqlite")
    with create_engine("sqlite://").begin() as connection:
        tables.create_all(connection)
        connection.execute(insert(tables.tables["makers"]), [{"id": 1, "code": "M"}])
        connection.execute(insert(tables.tables["tags"]), [{"id": 1, "code": "T"}])
        rows = [{"id": number, "sku": sku, "maker": 1} for number, sku in zip(ids, "ABCDE", strict=True)]
        connection.execute(insert(tables.tables["goods"]), rows)
        links = [{"good": number, "tag": 1} for number in ids]
        connection.execute(insert(tables.tables["goods_tags"]), links)

        schema = introspect(connection, SPECS)
        found = read_span(connection, links_of(spans("goods", "goods_tags"), SPECS), schema, KeyRange(None, "D"))

    assert sorted(found["goods"].frame()["sku"]) == ["A", "B", "C"]
    assert sorted(map(int, found["goods_tags"].frame()["good"])) == sorted(ids[:3])
    assert ranges[0] is is_range
