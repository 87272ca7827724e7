"""The rows that the replaced tool's first step left in a database, made from the facts known about it.

`rows` gives them as the server holds them, with surrogate keys, so that a test can insert them; `live` gives what
reading them makes of them. Everything is drawn from a seed; nothing here is taken from the desired state.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import polars as pl

from reconcile.dataset import HASH, Dataset
from reconcile.fields import Draw, hash_column
from reconcile.live.collation import Collation
from reconcile.live.read import RawTable
from reconcile.live.resolve import resolve
from reconcile.spec import Owner, TableSpec
from reconcile.values import Timestamp

CATEGORIES = ("Flower", "Pre-Roll", "Concentrate", "Edible", "Vape", "Topical", "Tincture")
SLUGS = (
    "awaiting-intake", "in-photography", "photography-complete", "live", "on-hold", "quarantined", "sold-out",
    "closed",
)  # fmt: skip
STATUSES = ("AWAITING_INTAKE", "LIVE", "PHOTOGRAPHY_COMPLETE", "ON_HOLD", "SOLD_OUT")
"""The tool's list of batch statuses; it took a place in this list for a place in the table of workflow statuses."""

LIGHT = {"vendors": 10, "clients": 30, "products": 50, "lots": 100, "batches": 80, "orders": 150, "invoices": 120,
         "bills": 40, "events": 40, "lists": 8, "tasks": 30, "comments": 50, "portals": 15, "inbox": 15, "needs": 20,
         "supply": 15, "samples": 20, "intakes": 10, "recurring": 8, "referrals": 10}  # fmt: skip
FULL = {"vendors": 25, "clients": 100, "products": 150, "lots": 250, "batches": 300, "orders": 500, "invoices": 400,
        "bills": 100, "events": 100, "lists": 20, "tasks": 80, "comments": 150, "portals": 40, "inbox": 50, "needs": 60,
        "supply": 50, "samples": 60, "intakes": 30, "recurring": 20, "referrals": 30}  # fmt: skip


@dataclass(frozen=True, slots=True)
class OldTool:
    """
    One run of the tool: `as_of` is the Monday of its week, `prefix` stands before the numbers of its documents.

    `first_id` is where surrogate keys begin: its clean-up does not reset them. With `names_orders` an invoice names
    its order; with `texts_in_items` some numbers of an order's items are texts.
    """

    as_of: date
    counts: Mapping[str, int]
    seed: int = 7
    prefix: str = ""
    first_id: int = 501
    names_orders: bool = True
    texts_in_items: bool = True
    has_sellers: bool = True

    @property
    def now(self) -> datetime:
        """When the tool ran: on the Tuesday, in the afternoon."""
        return datetime.combine(self.as_of, time(15, 30)) + timedelta(days=1)

    def draw(self, table: str) -> Draw:
        """Give the source of the chances of one table."""
        return Draw(self.seed, f"old.{table}")

    def table(self, table: str, count: int) -> pl.DataFrame:
        """Give `i` (from 0), `id` and the hash of that many rows."""
        keys = pl.Series(HASH, [f"{table} {i}" for i in range(count)])
        return pl.DataFrame({"i": range(count)}, schema={"i": pl.Int64}).with_columns(
            hash_column(keys), id=pl.col("i") + self.first_id
        )

    def number(self, kind: str) -> pl.Expr:
        """Write the number of a document: `ORD-000001`."""
        return pl.concat_str(pl.lit(f"{self.prefix}{kind}-"), (pl.col("i") + 1).cast(pl.String).str.zfill(6))


def cents(units: pl.Expr, scale: int = 2) -> pl.Expr:
    """Turn whole units into a decimal of that scale."""
    return units.cast(pl.Decimal(38, scale)) / pl.lit(10**scale).cast(pl.Decimal(38, 0))


def as_text(rows: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Write every cell as the server prints it, null as null; what an INSERT takes."""
    return {name: frame.select(_printed(frame, column) for column in frame.columns) for name, frame in rows.items()}


def _printed(frame: pl.DataFrame, column: str) -> pl.Expr:
    match frame.schema[column]:
        case pl.Boolean():
            return pl.col(column).cast(pl.Int64).cast(pl.String)
        case pl.Datetime():
            return pl.col(column).dt.to_string("%Y-%m-%d %H:%M:%S")
        case _:
            return pl.col(column).cast(pl.String)


def live(rows: Mapping[str, pl.DataFrame], specs: Mapping[str, TableSpec], declared: Dataset, at: datetime) -> Dataset:
    """
    Give *rows* as reading them from a server gives them, with every other table of *specs* empty.

    Columns that a row leaves out hold the schema's default, a clock's being *at*.
    """
    printed = as_text(rows)
    raw = {name: _raw(spec, printed.get(name), at) for name, spec in specs.items() if spec.key}
    frames = {name: frame for name, frame in declared.frames.items() if name in raw}
    state = resolve(raw, frames, lambda _table, _column: Collation("utf8mb4_unicode_ci"), _no_server)
    return state.dataset


def _raw(spec: TableSpec, printed: pl.DataFrame | None, at: datetime) -> RawTable:
    names = tuple(column.name for column in spec.columns)
    if printed is None:
        return RawTable(spec, names, [])
    cells = []
    for column in spec.columns:
        moment = isinstance(column.kind, Timestamp) and column.is_clock_default
        default = f"{at:%Y-%m-%d %H:%M:%S}" if moment else column.default
        given = column.name in printed.columns
        cells.append(pl.col(column.name) if given else pl.lit(default, dtype=pl.String).alias(column.name))
        assert given or default is not None or column.nullable or column.owner is Owner.SERVER, (spec.name, column)
    return RawTable(spec, names, printed.select(cells).rows())


def _no_server(_collation: Collation, values: pl.Series) -> pl.Series:
    raise AssertionError(f"only ASCII is expected, not {values.to_list()[:3]}")


def document(value: object) -> str:
    """Write a JSON document with spaces and keys in any order, as an application does."""
    return json.dumps(value)
