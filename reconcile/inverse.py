"""Turn what a run did round: its creates into deletes, its deletes into creates, its updates back. Reaches no database.

A row that somebody has edited since stays, and so does one that cannot go or come back without harm; each of them is a
skip of the plan that says why.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import polars as pl

from reconcile.dataset import ID, KEY, STEP, Dataset
from reconcile.decide import Mode, complete
from reconcile.diff import ACTION, AFTER, BEFORE, CHANGED, REASON, WHY, Action, Reason, counts
from reconcile.errors import Finding, Severity
from reconcile.holding import hold, settle
from reconcile.journal import STORED, Recorded
from reconcile.plan import Plan
from reconcile.spec import Column, Owner, Policy, TableSpec
from reconcile.state import Access
from reconcile.table_plan import TablePlan
from reconcile.values import Secret

_LIVE, _NOW, _LIVE_KEY, _OTHER, _DIFFERING = "_live", "_now", "_live_key", "_other", "_differing"

Held = Mapping[str, Mapping[int, str]]
"""By table the rows, by id, that rows of tables unknown here refer to, and which rows those are."""


@dataclass(frozen=True, slots=True)
class Inverse:
    """
    The inverse of a run: its tables' parts, what to tell of them, and by table the cells (`_key`, `column`, `written`,
    `stored`) that come back as they were spelt.
    """

    parts: Mapping[str, TablePlan]
    findings: tuple[Finding, ...]
    stored: Mapping[str, pl.DataFrame]


def restoring(spec: TableSpec, columns: Iterable[str]) -> TableSpec:
    """
    Give *spec* as a rollback writes it: every recorded column is compared and brought back, whoever owns it.

    A secret stays as it is, since nobody has read it; columns that were not recorded take no part.
    """
    known = set(columns)
    kept = tuple(_restored(c) for c in spec.columns if c.owner is Owner.SERVER or c.name in known)
    return replace(spec, columns=kept, policy=Policy.MANAGED, prunes=True, recognised_by=_within(spec, known))


def _restored(column: Column) -> Column:
    if column.owner is Owner.SERVER:
        return column
    return replace(column, owner=Owner.ONCE if isinstance(column.kind, Secret) else Owner.DESIRED)


def _within(spec: TableSpec, known: set[str]) -> tuple[str, ...]:
    return spec.recognised_by if known.issuperset(spec.recognised_by) else ()


def invert(
    run: int,
    recorded: Mapping[str, Recorded],
    live: Dataset,
    *,
    overwrites: bool = False,
    held: Held | None = None,
    cascades: bool = False,
) -> Inverse:
    """
    Plan the inverse of *run* against the *live* rows.

    With *overwrites* rows that were edited since come back too. *held* are rows that others refer to from tables that
    *live* lacks. Rows of the run that are referred to stay, unless the plan *cascades* to what refers to them.
    """
    rows = {name: _verdicts(run, table, live, overwrites=overwrites) for name, table in recorded.items()}
    specs = {name: table.spec for name, table in recorded.items()}
    if not cascades:
        rows = {name: hold(table, held.get(name, {})) for name, table in rows.items()} if held else rows
    rows = settle(specs, rows, live, cascades=cascades)
    parts = {name: _part(specs[name], table) for name, table in rows.items()}
    stored = {name: _spelt(recorded[name], part) for name, part in parts.items()}
    return Inverse(
        parts,
        tuple(finding for name, part in parts.items() for finding in _lost(recorded[name], part)),
        {name: cells for name, cells in stored.items() if cells.height},
    )


def leaves_nobody(plan: Plan, access: Access, then: Dataset) -> bool:
    """
    Say whether a rollback leaves, of all that decides who may do what, nothing but rows of the run that it takes back.

    Such a system was filled by that run: there is nobody who could be locked out.
    """
    if plan.mode is not Mode.ROLLBACK:
        return False
    parts = {part.spec.name: part.of(Action.SKIP).filter(pl.col(AFTER).is_null()) for part in plan.tables}
    others = [
        then[name].join(parts[name], on=ID, how="anti") if name in parts else then[name]
        for name in access.tables
        if name in then
    ]
    return all(rows.is_empty() for rows in others)


def _part(spec: TableSpec, rows: pl.DataFrame) -> TablePlan:
    return TablePlan(spec, rows, counts(rows), {})


def _verdicts(run: int, table: Recorded, live: Dataset, *, overwrites: bool) -> pl.DataFrame:
    """Say of each row of one table what becomes of it, looked at by itself."""
    spec = table.spec
    rows = _matched(table, live)
    done = pl.col(ACTION)
    is_there = pl.col(_LIVE).is_not_null()
    is_same = is_there & (pl.col(_LIVE) == pl.col(ID)) & (pl.col(_DIFFERING).list.len() == 0)
    takes_back = is_same | pl.lit(overwrites)
    names = [column.name for column in spec.declared]
    goes_back = pl.concat_list(
        pl.lit(None, dtype=pl.String), *(pl.when(_moves(spec.column(name))).then(pl.lit(name)) for name in names)
    ).list.drop_nulls()
    action = (
        pl.when((done == Action.CREATE) & is_there & takes_back).then(pl.lit(Action.DELETE))
        .when((done == Action.UPDATE) & is_there & takes_back).then(pl.lit(Action.UPDATE))
        .when((done == Action.UPDATE) & ~is_there & pl.lit(overwrites)).then(pl.lit(Action.CREATE))
        .when((done == Action.DELETE) & ~is_there).then(pl.lit(Action.CREATE))
        .when((done == Action.DELETE) & is_there & pl.lit(overwrites)).then(pl.lit(Action.UPDATE))
        .otherwise(pl.lit(Action.SKIP))
    )  # fmt: skip
    verdicts = rows.with_columns(action.alias("_verdict"), goes_back.alias("_moved")).with_columns(
        _told(run).alias(WHY), _new_id().alias(ID)
    )
    as_before = (done != Action.CREATE) & is_there & (pl.col("_moved").list.len() == 0)
    already = as_before | ((done == Action.CREATE) & ~is_there)
    is_update = pl.col("_verdict") == Action.UPDATE
    is_undone = pl.col("_verdict") != Action.SKIP
    return verdicts.filter(~already).select(
        pl.when(pl.col(_LIVE).is_not_null()).then(pl.col(_LIVE_KEY)).otherwise(pl.col(KEY)).alias(KEY),
        ID,
        STEP,
        pl.col("_verdict").alias(ACTION),
        pl.when(is_undone).then(pl.lit(Reason.UNDONE)).otherwise(pl.lit(Reason.EDITED)).alias(REASON),
        pl.when(is_update).then(pl.col("_moved")).otherwise(pl.lit([], dtype=pl.List(pl.String))).alias(CHANGED),
        pl.when(is_there).then(pl.col(_NOW)).alias(BEFORE),
        pl.when(done != Action.CREATE).then(_back(spec)).alias(AFTER),
        WHY,
    )


def _matched(table: Recorded, live: Dataset) -> pl.DataFrame:
    """Put beside each recorded row the live one that it is: the one with its id, else the one with its key."""
    spec = table.spec
    names = [column.name for column in spec.declared]
    frame = complete(spec, live[spec.name])
    sides = frame.select(pl.col(ID).alias(_LIVE), pl.col(KEY).alias(_LIVE_KEY), pl.struct(names).alias(_NOW))
    by_key = sides.select(pl.col(_LIVE_KEY).alias(KEY), pl.col(_LIVE).alias(_OTHER))
    present = pl.col(ID).is_in(frame[ID].implode())
    is_gone = pl.col(ACTION) == Action.DELETE
    rows = table.rows.join(by_key, on=KEY, how="left").with_columns(
        pl.when(~is_gone & present).then(pl.col(ID)).otherwise(pl.col(_OTHER)).alias(_LIVE), present.alias("_is_taken")
    )
    wanted = pl.when(is_gone).then(pl.col(BEFORE)).otherwise(pl.col(AFTER))
    differing = pl.concat_list(
        pl.lit(None, dtype=pl.String),
        *(
            pl.when(pl.col(_NOW).struct.field(n).ne_missing(pl.col("_wanted").struct.field(n))).then(pl.lit(n))
            for n in names
        ),
    ).list.drop_nulls()
    return (
        rows.join(sides, on=_LIVE, how="left")
        .with_columns(wanted.alias("_wanted"))
        .with_columns(differing.alias(_DIFFERING))
    )


def _moves(column: Column) -> pl.Expr:
    """Say whether a cell must change to be as it was before; a secret can only be taken away again."""
    before, now = (pl.col(side).struct.field(column.name) for side in (BEFORE, _NOW))
    differs = before.ne_missing(now)
    return differs & before.is_null() if isinstance(column.kind, Secret) else differs


def _back(spec: TableSpec) -> pl.Expr:
    """Give the row as it was; in the place of a secret, which nobody has read, what is there now."""
    return pl.struct(
        (
            pl.when(pl.col(BEFORE).struct.field(c.name).is_not_null())
            .then(pl.col(_NOW).struct.field(c.name))
            .alias(c.name)
            if isinstance(c.kind, Secret)
            else pl.col(BEFORE).struct.field(c.name)
        )
        for c in spec.declared
    )


def _new_id() -> pl.Expr:
    """Give the id under which the row is written: the live one, or its old one where that is free."""
    free = pl.when(~pl.col("_is_taken")).then(pl.col(ID))
    return pl.when(pl.col(_LIVE).is_not_null()).then(pl.col(_LIVE)).otherwise(free)


def _told(run: int) -> pl.Expr:
    """Say of each row why it comes back, goes or stays."""
    done = {Action.CREATE: "created", Action.UPDATE: "changed", Action.DELETE: "deleted"}
    undone = pl.format(f"run {run} {{}} it", pl.col(ACTION).replace_strict({a.value: word for a, word in done.items()}))
    overwritten = pl.format("{}; edits since are lost: {}", undone, pl.col(_DIFFERING).list.join(", "))
    is_skip = pl.col("_verdict") == Action.SKIP
    is_there = pl.col(_LIVE).is_not_null()
    is_new = is_there & (pl.col(ACTION) == Action.DELETE)
    another = is_there & (pl.col(_LIVE) != pl.col(ID)) & (pl.col(ACTION) != Action.DELETE)
    edited = pl.format("edited since run {}: {}", pl.lit(run), pl.col(_DIFFERING).list.join(", "))
    return (
        pl.when(is_skip & is_new).then(pl.format("there is such a row again, with id {}", _LIVE))
        .when(is_skip & another).then(pl.format("it was made anew since run {}, with id {}", pl.lit(run), _LIVE))
        .when(is_skip & ~is_there).then(pl.lit(f"it was deleted since run {run}"))
        .when(is_skip).then(edited)
        .when(is_there & (pl.col(_DIFFERING).list.len() > 0) & ~is_new).then(overwritten)
        .when(is_new).then(pl.format("{}; the row made since is overwritten", undone))
        .otherwise(undone)
    )  # fmt: skip


def _spelt(table: Recorded, part: TablePlan) -> pl.DataFrame:
    """Give the cells that come back as they were spelt, by the keys that the plan has."""
    cells = table.rows.select(KEY, ID, STORED).drop_nulls(STORED)
    by_key = part.of(Action.CREATE).select(KEY).join(cells, on=KEY, how="inner").select(KEY, STORED)
    by_id = part.of(Action.UPDATE).select(KEY, ID).join(cells.drop(KEY), on=ID, how="inner").select(KEY, STORED)
    return pl.concat([by_key, by_id]).explode(STORED).select(KEY, pl.col(STORED).struct.unnest())


def _lost(table: Recorded, part: TablePlan) -> Iterator[Finding]:
    """Warn of what does not come back: secrets, and the ids that others have by now."""
    created = part.of(Action.CREATE)
    returning = table.rows.join(created, on=KEY, how="semi")
    for column in part.spec.declared:
        if isinstance(column.kind, Secret):
            bare = returning.filter(pl.col(BEFORE).struct.field(column.name).is_not_null())[KEY]
            if len(bare):
                yield _warning(
                    "rows come back without a secret",
                    f"{part.spec.name}.{column.name}, first {bare[0]}",
                    f"{len(bare)} rows had one, and a journal holds no secrets",
                    "have a new one set in the application, or restore the backup",
                )
    others = created.filter(pl.col(ID).is_null())[KEY]
    if len(others):
        yield _warning(
            "rows come back under another id",
            f"{part.spec.name}, first {others[0]}",
            f"{len(others)} rows whose id another row has by now",
            "correct what still refers to the old ids outside the managed tables",
        )


def _warning(what: str, where: str, why: str, fix: str) -> Finding:
    return Finding(what=what, where=where, why=why, fix=fix, severity=Severity.WARNING)
