"""Orders, their invoices and the lines of these: rows that are parts of rows, for tests of what a run decides."""

from collections.abc import Callable

import polars as pl

from reconcile import values
from reconcile.dataset import ID, KEY, STEP, Dataset
from reconcile.decide import Goal, Mode
from reconcile.diff import ACTION, AFTER, Action
from reconcile.spec import Column, Owner, Profile, TableSpec
from reconcile.state import GapRule
from reconcile.table_plan import TablePlan
from reconcile.values import SET, Secret
from tests.unit.tiny import PROFILE, SURROGATE, Rows, declared, live

ORDERS = TableSpec(
    name="orders",
    columns=(
        SURROGATE,
        Column("number", values.Text(20)),
        Column("buyer", values.Text(20), default="Ann"),
        Column("total", values.Integer(), nullable=True),
        Column("token", values.Secret(60), nullable=True, owner=Owner.ONCE),
        Column("deleted_at", values.Timestamp(), nullable=True),
    ),
    key=("number",),
    step="core",
    soft_delete="deleted_at",
)

INVOICES = TableSpec(
    name="invoices",
    columns=(
        SURROGATE,
        Column("number", values.Text(20)),
        Column("order", values.Reference("orders", "RESTRICT"), is_part=True),
        Column("amount", values.Integer(), default="1"),
    ),
    key=("number",),
    step="core",
)

LINES = TableSpec(
    name="lines",
    columns=(
        SURROGATE,
        Column("code", values.Text(20)),
        Column("invoice", values.Reference("invoices", "RESTRICT"), is_part=True),
        Column("replaces", values.Reference("lines", "SET NULL"), nullable=True),
    ),
    key=("code",),
    step="core",
)

PAYMENTS = TableSpec(
    name="payments",
    columns=(SURROGATE, Column("code", values.Text(20)), Column("invoice", values.Reference("invoices", "RESTRICT"))),
    key=("code",),
    step="core",
    prunes=False,
)

GRANTS = TableSpec(
    name="grants",
    columns=(
        SURROGATE,
        Column("code", values.Text(20)),
        Column("order", values.Reference("orders", "RESTRICT"), is_part=True),
    ),
    key=("code",),
    step="core",
    prunes=False,
)

REMARKS = TableSpec(
    name="remarks",
    columns=(
        SURROGATE,
        Column("code", values.Text(20)),
        Column("about_type", values.Enumeration(("order", "invoice")), nullable=True),
        Column(
            "about",
            values.PolymorphicReference("about_type", (("order", "orders"), ("invoice", "invoices"))),
            nullable=True,
            is_part=True,
        ),
        Column("body", values.Json((("invoice_id", "invoices"),)), nullable=True),
    ),
    key=("code",),
    step="core",
)

ORDER_SPECS = {spec.name: spec for spec in (ORDERS, INVOICES, LINES, PAYMENTS, GRANTS, REMARKS)}
STEPS = frozenset({"core", "fixtures", "mend"})

Propose = Callable[[Dataset, Profile], pl.DataFrame]


def wanted(rows: Rows) -> Dataset:
    """Declare *rows*; tables that are not named are not declared."""
    return declared(rows, ORDER_SPECS)


def present(rows: Rows) -> Dataset:
    """Give *rows* as live ones; tables that are not named have none."""
    return live({name: rows.get(name, []) for name in ORDER_SPECS}, ORDER_SPECS)


def aim(
    desired: Dataset, mode: Mode = Mode.TOP_UP, *gap_rules: GapRule, steps: frozenset[str] | set[str] = STEPS
) -> Goal:
    """Give the goal of a run over all tables of *desired*."""
    return Goal(desired, tuple(desired.frames), frozenset(steps), mode, PROFILE, gap_rules)


def mends(propose: Propose, *columns: str, name: str = "total", table: str = "orders", step: str = "mend") -> GapRule:
    """Give a gap rule that changes *columns* of *table*."""
    return GapRule(name, f"{name} is mended", step, table, columns, (table,), propose)


def adds(propose: Propose, *tables: str, name: str = "added", table: str = "orders", step: str = "mend") -> GapRule:
    """Give a gap rule that adds rows to *table*, reading *tables* besides."""
    return GapRule(name, f"{name} is there", step, table, (), (table, *tables), propose)


def total_of(number: int) -> Propose:
    """Propose *number* as the total of every order that has none."""
    return lambda rows, _: (
        rows["orders"].filter(pl.col("total").is_null()).select(KEY, pl.lit(number, dtype=pl.Int64).alias("total"))
    )


def remark_on_orders(rows: Dataset, _: Profile) -> pl.DataFrame:
    """Propose a remark on each order that has none of this rule."""
    new = {"code": pl.format("auto-{}", KEY), "about_type": pl.lit("order"), "about": pl.col(KEY)}
    remarks = rows["orders"].select(**new, body=pl.lit(None, dtype=pl.String)).with_columns(pl.col("code").alias(KEY))
    return remarks.join(rows["remarks"], on=KEY, how="anti")


def carried_out(parts: dict[str, TablePlan], found: Dataset) -> Dataset:
    """Give the live rows once the changes of *parts* are made: new ids follow the highest, secrets read as set."""
    frames = dict(found.frames)
    for name, part in parts.items():
        gone = part.rows.filter(pl.col(ACTION).is_in([Action.UPDATE, Action.DELETE]))
        written = part.rows.filter(pl.col(ACTION).is_in([Action.CREATE, Action.UPDATE])).select(
            KEY, ID, pl.col(AFTER).struct.unnest()
        )
        secrets = [column.name for column in part.spec.declared if isinstance(column.kind, Secret)]
        highest = int(str(frames[name][ID].max() or 0))
        numbered = written.with_columns(
            pl.col(ID).fill_null(pl.int_range(pl.len()) + highest + 1),
            *(pl.when(pl.col(secret).is_not_null()).then(pl.lit(SET)).alias(secret) for secret in secrets),
        )
        kept = frames[name].join(gone, on=ID, how="anti")
        frames[name] = pl.concat([kept, numbered.select(kept.columns)])
    return Dataset(found.specs, frames)


def step_of(part: TablePlan) -> dict[str, str]:
    """Give the step of each row that a part lists, by key."""
    return dict(part.rows.select(KEY, STEP).iter_rows())
