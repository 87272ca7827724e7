"""A law: many moments are written as each of them alone."""

from datetime import datetime

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconcile import values
from reconcile.values import TIMESTAMP_FORMAT, text

_MOMENTS = st.datetimes(min_value=datetime(1000, 1, 1), max_value=datetime(9999, 12, 31, 23, 59, 59))
_OF_A_YEAR = st.datetimes(min_value=datetime(1969, 7, 1), max_value=datetime(1970, 6, 30))


@given(moments=st.lists(_OF_A_YEAR | st.none(), max_size=500) | st.lists(_MOMENTS | st.none(), max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_many_moments_are_written_as_each_alone(
    moments: list[datetime | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(values, "_MANY_MOMENTS", 0)
    whole = [moment and moment.replace(microsecond=0) for moment in moments]
    column = pl.Series("moment", whole, dtype=pl.Datetime("us"))

    written = column.to_frame().select(text(values.Timestamp(), pl.col("moment"))).to_series()

    assert written.to_list() == [moment and moment.strftime(TIMESTAMP_FORMAT) for moment in whole]
