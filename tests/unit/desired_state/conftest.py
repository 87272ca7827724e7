"""The datasets that the tests of this folder read; nobody may change them."""

from datetime import date

import polars as pl
import pytest

from desired_state import STATE
from reconcile.dataset import KEY, Dataset
from reconcile.spec import Profile, Size
from reconcile.values import dtype

AS_OF = date(2026, 1, 5)


def with_empty_tables(dataset: Dataset) -> Dataset:
    """Add the tables that no step fills yet, without rows, as an empty database would give them."""
    empty = {
        name: pl.DataFrame(schema={column.name: dtype(column.kind) for column in spec.declared} | {KEY: pl.String})
        for name, spec in STATE.specs.items()
    }
    return Dataset(STATE.specs, empty | dict(dataset.frames))


@pytest.fixture(scope="session")
def light() -> Dataset:
    return STATE.rows(Profile(AS_OF, Size.LIGHT))


@pytest.fixture(scope="session")
def full() -> Dataset:
    return STATE.rows(Profile(AS_OF))


@pytest.fixture(scope="session")
def whole(light: Dataset) -> Dataset:
    """The light dataset with every table that a rule may read."""
    return with_empty_tables(light)
