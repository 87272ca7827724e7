"""Laws of the desired state that hold for every as-of, seed and scale."""

import itertools
from datetime import date

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from desired_state import STATE
from reconcile.dataset import KEY, Dataset, check
from reconcile.spec import Profile, Size
from reconcile.values import dtype

AHEAD = {
    "dueDate",
    "due_date",
    "valid_until",
    "endDate",
    "start_date",
    "end_date",
    "needed_by",
    "expires_at",
    "available_until",
    "expirationDate",
    "next_generation_date",
    "payment_due_date",
}

profiles = st.builds(
    Profile,
    as_of=st.dates(date(2021, 1, 1), date(2037, 12, 31)),
    size=st.sampled_from(Size),
    scale=st.integers(1, 3),
    seed=st.integers(0, 2**31),
)


def whole(dataset: Dataset) -> Dataset:
    """Add the tables that no step fills yet, without rows."""
    empty = {
        name: pl.DataFrame(schema={column.name: dtype(column.kind) for column in spec.declared} | {KEY: pl.String})
        for name, spec in STATE.specs.items()
    }
    return Dataset(STATE.specs, empty | dict(dataset.frames))


@settings(max_examples=15, deadline=None)
@given(profile=profiles)
def test_rows_are_sound_and_break_no_rule(profile: Profile) -> None:
    """Keys are unique, references resolve, and all rules hold but those that ask for tables not built yet."""
    dataset = STATE.rows(profile)
    broken = [rule.id for rule in STATE.rules if rule.violations(whole(dataset)).height]

    assert check(dataset) == []
    assert [identifier for identifier in broken if not identifier.startswith("filled-")] == []


@settings(max_examples=10, deadline=None)
@given(profile=profiles)
def test_nothing_happens_after_as_of(profile: Profile) -> None:
    """As-of at midnight is now; only what is due or valid lies ahead."""
    now = pl.lit(profile.as_of).cast(pl.Datetime("us"))
    late = [
        f"{name}.{column}"
        for name, frame in STATE.rows(profile).frames.items()
        for column, kind in frame.schema.items()
        if kind in (pl.Date, pl.Datetime("us")) and column not in AHEAD
        if frame.select((pl.col(column).cast(pl.Datetime("us")) > now).any()).item()
    ]

    assert late == []


@settings(max_examples=5, deadline=None)
@given(profile=profiles)
def test_larger_datasets_repeat_every_cell_of_smaller_ones(profile: Profile) -> None:
    """Light lies in full and full in any scale, cell by cell."""
    chain = [
        STATE.rows(Profile(profile.as_of, size, scale, profile.seed))
        for size, scale in ((Size.LIGHT, 1), (Size.FULL, 1), (Size.FULL, 3))
    ]
    lost = [
        name
        for smaller, larger in itertools.pairwise(chain)
        for name, frame in smaller.frames.items()
        if frame.join(larger[name], on=frame.columns, how="anti", nulls_equal=True).height
    ]

    assert lost == []


@settings(max_examples=5, deadline=None)
@given(profile=profiles)
def test_the_same_profile_gives_the_same_rows(profile: Profile) -> None:
    """Order of rows included."""
    first, second = STATE.rows(profile), STATE.rows(profile)

    assert all(frame.equals(second[name]) for name, frame in first.frames.items())
