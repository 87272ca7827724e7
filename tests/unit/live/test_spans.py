"""How the tables of spans hang together, and what is said where they do not."""

import pytest

from reconcile.errors import ReconcileError
from reconcile.live.spans import links_of, ranges_of
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
