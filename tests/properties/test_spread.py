"""Laws of what is shared out among connections."""

from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile.live.spread import shared_out

laws = settings(max_examples=50, deadline=None)
SIZES = st.dictionaries(st.text(max_size=3), st.integers(0, 1_000), max_size=12)


@laws
@given(sizes=SIZES, most=st.integers(1, 5))
def test_everything_is_shared_out_once_and_no_part_is_larger_by_more_than_one_thing(
    sizes: dict[str, int], most: int
) -> None:
    parts = shared_out(sizes, most)

    assert sorted(name for part in parts for name in part) == sorted(sizes)
    assert len(parts) == min(most, len(sizes))
    filled = [sum(sizes[name] for name in part) for part in parts]
    assert max(filled, default=0) - min(filled, default=0) <= max(sizes.values(), default=0)
