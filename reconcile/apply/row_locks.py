"""Lock the rows that a plan changes, and refuse the plan when one of them is not as it was."""

from collections.abc import Iterator

import polars as pl
from sqlalchemy import Connection

from reconcile.apply.encode import value_lists
from reconcile.dataset import ID, KEY, Dataset
from reconcile.diff import ACTION, BEFORE, Action
from reconcile.errors import ExitCode, Finding, ReconcileError
from reconcile.plan import Plan
from reconcile.spec import TableSpec
from reconcile.table_plan import TablePlan

_IDS_PER_LOCK = 5_000
"""More, and a server may read the whole table instead. Source: MySQL manual, range_optimizer_max_mem_size."""


def lock_rows(connection: Connection, plan: Plan) -> None:
    """
    Lock every live row that *plan* updates or deletes; SQLite's transaction holds the whole file already.

    A locking read sees the newest committed row and comes before the transaction's snapshot is taken. It counts, so
    that no row travels. Source: MySQL manual, "InnoDB Locking Reads" and "Consistent Nonlocking Reads".
    """
    if connection.dialect.name == "sqlite":
        return
    quote = connection.dialect.identifier_preparer.quote
    for part in plan.tables:
        head = f"SELECT COUNT(*) FROM {quote(part.spec.name)} WHERE {quote(part.spec.surrogate_key)} IN ("  # noqa: S608
        for piece in part.pieces() if part.counts[Action.UPDATE] or part.counts[Action.DELETE] else ():
            ids = piece.filter(pl.col(ACTION).is_in([Action.UPDATE, Action.DELETE])).select(ID).sort(ID)
            for chunk in ids.iter_slices(_IDS_PER_LOCK):
                for _, numbers in value_lists(chunk):
                    connection.exec_driver_sql(f"{head}{numbers}) FOR UPDATE").scalar_one()


def refuse_stale(plan: Plan, live: Dataset) -> None:
    """
    Compare what the plan is about to change with the rows as they are now.

    Raises:
        ReconcileError: rows moved since the plan was made, all of them listed; exit code 4, nothing written.

    """
    findings = [finding for part in plan.tables for finding in _stale_rows(part, live)]
    if findings:
        raise ReconcileError(findings, ExitCode.REFUSED)


def _stale_rows(part: TablePlan, live: Dataset) -> Iterator[Finding]:
    spec = part.spec
    changes = part.rows.filter(pl.col("action").is_in([Action.UPDATE, Action.DELETE]))
    creates = part.of(Action.CREATE)
    if spec.name not in live or (changes.is_empty() and creates.is_empty()):
        return
    rows = live[spec.name]
    now = rows.select(KEY, ID, pl.struct(column.name for column in spec.declared).alias("now"))
    moved = changes.join(now, on=[KEY, ID], how="left").filter(
        pl.any_horizontal(
            pl.col("now").is_null(),
            *(pl.col("now").struct.field(c.name).ne_missing(pl.col(BEFORE).struct.field(c.name)) for c in spec.managed),
        )
    )
    for key in moved[KEY]:
        yield _stale(spec, key, "was changed or deleted after the plan was made")
    for key in creates.join(now, on=KEY, how="semi")[KEY]:
        yield _stale(spec, key, "was created by somebody else after the plan was made")


def _stale(spec: TableSpec, key: str, why: str) -> Finding:
    return Finding(
        what="the plan is stale",
        where=f"{spec.name} [{key}]",
        why=f"the row {why}",
        fix="run `reconcile plan` again and review the new plan",
    )
