"""A database that the replaced tool's first step filled: its settings, and its rows as text and as read.

The rows themselves are in `old_goods`, `old_trade` and `old_modules`, with surrogate keys as the server holds them, so
that a test can insert them. Everything is drawn from a seed; nothing is taken from the desired state.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import polars as pl

from reconcile.dataset import HASH, Dataset
from reconcile.fields import Draw, hash_column
from reconcile.live.collation import Collation, collation_named
from reconcile.live.raw import RawTable
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

_TABLES = (
    "vendors", "clients", "whales", "products", "lots", "batches", "orders", "invoices", "bills", "events", "lists",
    "tasks", "comments", "portals", "inbox", "needs", "supply", "samples", "intakes", "recurring", "referrals",
)  # fmt: skip
LIGHT = dict(
    zip(_TABLES, (10, 30, 5, 50, 100, 80, 150, 120, 40, 40, 8, 30, 50, 15, 15, 20, 15, 20, 10, 8, 10), strict=True)
)
FULL = dict(
    zip(
        _TABLES,
        (25, 100, 15, 150, 250, 300, 500, 400, 100, 100, 20, 80, 150, 40, 50, 60, 50, 60, 30, 20, 30),
        strict=True,
    )
)


@dataclass(frozen=True, slots=True)
class OldTool:
    """
    One run of the tool: `as_of` is the Monday of its week, `prefix` stands before the numbers of its documents.

    `first_id` is where surrogate keys begin: its clean-up does not reset them. With `names_orders` an invoice names
    its order; with `texts_in_items` some numbers of an order's items are texts. Of
    30 clients 15 % may be 4 or 5 whales: `counts` says.
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
    state = resolve(raw, frames, lambda _table, _column: collation_named("utf8mb4_unicode_ci"), _no_server)
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


def _no_server(_collation: Collation, texts: list[str]) -> list[str]:
    raise AssertionError(f"only ASCII is expected, not {texts[:3]}")
