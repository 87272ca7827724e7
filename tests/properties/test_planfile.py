"""Laws of the plan file over random shops: what was saved comes back, and nothing else is ever read as a plan."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from reconcile.decide import Mode
from reconcile.errors import ReconcileError
from reconcile.planfile import SavedPlan, dump, load
from tests.properties.shops import shops
from tests.unit.test_planfile import ORIGIN, written
from tests.unit.tiny import Rows, declared, live, planned

laws = settings(max_examples=25, deadline=None)
CONTENT = written()


@laws
@given(desired=shops(), found=shops(), mode=st.sampled_from(Mode))
def test_saving_and_loading_gives_the_plan_back(desired: Rows, found: Rows, mode: Mode) -> None:
    plan = planned(declared(desired), live(found), mode)

    saved = load(io.BytesIO(b"".join(dump(SavedPlan(plan, ORIGIN)))), "some.plan")

    assert saved.plan.checksum == plan.checksum
    assert [part.spec for part in saved.plan.tables] == [part.spec for part in plan.tables]
    for before, after in zip(plan.tables, saved.plan.tables, strict=True):
        assert_frame_equal(before.rows, after.rows)
        assert (before.counts, before.kept_by_step) == (after.counts, after.kept_by_step)


@settings(max_examples=300, deadline=None)
@given(place=st.integers(0, len(CONTENT) - 1), flip=st.integers(1, 255))
def test_any_changed_byte_is_refused(place: int, flip: int) -> None:
    damaged = bytearray(CONTENT)
    damaged[place] ^= flip

    with pytest.raises(ReconcileError):
        load(io.BytesIO(damaged), "some.plan")


@settings(max_examples=100, deadline=None)
@given(length=st.integers(0, len(CONTENT) - 1))
def test_any_cut_is_refused(length: int) -> None:
    with pytest.raises(ReconcileError):
        load(io.BytesIO(CONTENT[:length]), "some.plan")
