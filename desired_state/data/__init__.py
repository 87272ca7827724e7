"""Long lists of facts, as CSV files beside this module: keys, names and numbers. Must never depend on a profile."""

from importlib.resources import files

import polars as pl

from reconcile.spec import TableSpec
from reconcile.values import parse


def listed(name: str, spec: TableSpec) -> pl.DataFrame:
    """
    Give the rows of `<name>.csv` in their order: columns that *spec* declares in its kinds, any other as text.

    An empty cell is null; cells are in the text form of their kind, so true is 1 and numbers are exact.
    """
    rows = pl.read_csv(files(__name__).joinpath(f"{name}.csv").read_bytes(), infer_schema=False)
    kinds = {column.name: column.kind for column in spec.declared}
    return rows.with_columns(parse(kinds[name], pl.col(name)).alias(name) for name in rows.columns if name in kinds)
