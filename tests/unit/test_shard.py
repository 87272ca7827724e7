"""Shards: those of one cut have every span once, and two meet when they may have one in common."""

from hypothesis import given
from hypothesis import strategies as st

from reconcile.shard import MOST_SHARDS, WHOLE, Shard, meeting

SHARDS = st.integers(1, MOST_SHARDS).flatmap(lambda of: st.builds(Shard, st.integers(1, of), st.just(of)))


@given(st.integers(1, MOST_SHARDS), st.integers(0, 1_000))
def test_all_shards_together_have_every_span_once(of: int, count: int) -> None:
    assert [span for number in range(1, of + 1) for span in Shard(number, of).part(count)] == list(range(count))


@given(SHARDS, SHARDS, st.integers(0, 1_000))
def test_shards_that_do_not_meet_have_no_span_in_common(one: Shard, other: Shard, count: int) -> None:
    assert one.meets(other) == other.meets(one)
    if not one.meets(other):
        assert not set(one.part(count)) & set(other.part(count))


@given(SHARDS)
def test_whoever_could_be_in_the_way_is_asked_for(shard: Shard) -> None:
    assert (shard in meeting(shard)) == (shard != WHOLE)
    assert all(other.meets(shard) for other in meeting(shard))
    assert len(meeting(WHOLE)) == MOST_SHARDS * (MOST_SHARDS + 1) // 2 - 1
