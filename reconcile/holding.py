"""Which rows of an inverse stay although the run wrote them: taking them back would leave something dangling or clash.

Reaches no database.
"""

from collections.abc import Mapping

import polars as pl

from reconcile.dataset import ID, KEY, UNRESOLVED, Dataset, repeats_key
from reconcile.diff import ACTION, AFTER, CHANGED, REASON, WHY, Action, Reason, counts
from reconcile.outcome import after
from reconcile.spec import Column, TableSpec
from reconcile.table_plan import TablePlan
from reconcile.values import Json, PolymorphicReference, Secret, members_of


def hold(rows: pl.DataFrame, held: Mapping[int, str]) -> pl.DataFrame:
    """Keep deletes of rows that rows elsewhere refer to."""
    why = pl.col(ID).replace_strict(list(held), list(held.values()), default=None, return_dtype=pl.String)
    return _keep(rows, (pl.col(ACTION) == Action.DELETE) & why.is_not_null(), why)


def _keep(rows: pl.DataFrame, condition: pl.Expr, why: pl.Expr) -> pl.DataFrame:
    """Turn changes into skips where *condition* holds."""
    hit = condition.fill_null(value=False) & (pl.col(ACTION) != Action.SKIP)
    return rows.with_columns(
        pl.when(hit).then(pl.lit(Action.SKIP)).otherwise(pl.col(ACTION)).alias(ACTION),
        pl.when(hit).then(pl.lit(Reason.HELD)).otherwise(pl.col(REASON)).alias(REASON),
        pl.when(hit).then(why).otherwise(pl.col(WHY)).alias(WHY),
        pl.when(hit).then(pl.lit([], dtype=pl.List(pl.String))).otherwise(pl.col(CHANGED)).alias(CHANGED),
    )


def settle(
    specs: Mapping[str, TableSpec], rows: Mapping[str, pl.DataFrame], live: Dataset, *, cascades: bool
) -> dict[str, pl.DataFrame]:
    """Keep what cannot go or come back, and what hangs on that, until nothing more has to be kept."""
    result = {name: _unnamed(table) for name, table in rows.items()}
    while True:
        parts = [TablePlan(specs[name], table, counts(table), {}) for name, table in result.items()]
        then = after(parts, live)
        moved = False
        for name, table in list(result.items()):
            kept = _lacking(specs[name], table, then)
            kept = _taken(specs[name], kept, then)
            if not cascades:
                kept = _referred(name, kept, then)
            moved |= not kept[ACTION].equals(table[ACTION])
            result[name] = kept
        if not moved:
            return result


def _unnamed(rows: pl.DataFrame) -> pl.DataFrame:
    """Keep out a row that only its old id told apart and that would get another one."""
    has_no_name = pl.col(KEY).str.starts_with(UNRESOLVED) | repeats_key()
    lost = (pl.col(ACTION) == Action.CREATE) & pl.col(ID).is_null() & has_no_name
    return _keep(rows, lost, pl.lit("another row has its id, and nothing else tells it apart"))


def _lacking(spec: TableSpec, rows: pl.DataFrame, then: Dataset) -> pl.DataFrame:
    """Keep out rows that would come back to refer to a row that is not there, or that need a secret."""
    written = rows.filter(pl.col(ACTION).is_in([Action.CREATE, Action.UPDATE])).select(
        KEY, pl.col(AFTER).struct.unnest()
    )
    for column, target in spec.references():
        if target not in then or written.is_empty():
            continue
        named = names_in(written, column, target)
        lost = named.filter(~pl.col("_name").is_in(then[target][KEY].implode())).unique(KEY)
        if lost.height:
            writes = pl.col(ACTION).is_in([Action.CREATE, Action.UPDATE]) & pl.col(KEY).is_in(lost[KEY].implode())
            names = dict(lost.select(KEY, "_name").iter_rows())
            which = pl.col(KEY).replace_strict(list(names), list(names.values()), default="", return_dtype=pl.String)
            rows = _keep(rows, writes, pl.format(f"it needs {target} [{{}}], which is not there", which))
    for column in spec.declared:
        if isinstance(column.kind, Secret) and not column.nullable:
            why = f"its {column.name} is a secret, which the journal does not hold"
            rows = _keep(rows, pl.col(ACTION) == Action.CREATE, pl.lit(why))
    return rows


def _taken(spec: TableSpec, rows: pl.DataFrame, then: Dataset) -> pl.DataFrame:
    """Keep out rows whose unique value another row has by now."""
    for unique in spec.unique:
        if not set(unique) <= {column.name for column in spec.declared}:
            continue
        shared = then[spec.name].drop_nulls(unique).filter(pl.struct(unique).is_duplicated())[KEY]
        if len(shared):
            writes = pl.col(ACTION).is_in([Action.CREATE, Action.UPDATE]) & pl.col(KEY).is_in(shared.implode())
            rows = _keep(rows, writes, pl.lit(f"another row has its {', '.join(unique)}"))
    return rows


def _referred(name: str, rows: pl.DataFrame, then: Dataset) -> pl.DataFrame:
    """Keep rows to be deleted that rows which stay refer to."""
    doomed = rows.filter(pl.col(ACTION) == Action.DELETE)[KEY]
    if doomed.is_empty():
        return rows
    for child, frame in then.frames.items():
        for column, target in then.specs[child].references():
            if target != name or column.name not in frame.columns:
                continue
            named = names_in(frame, column, target)
            hit = named.filter(pl.col("_name").is_in(doomed.implode())).unique("_name")
            if hit.height:
                by = dict(hit.select("_name", KEY).iter_rows())
                who = pl.col(KEY).replace_strict(list(by), list(by.values()), default=None, return_dtype=pl.String)
                goes = (pl.col(ACTION) == Action.DELETE) & who.is_not_null()
                rows = _keep(rows, goes, pl.format(f"{child} [{{}}] refers to it", who))
    return rows


def names_in(frame: pl.DataFrame, column: Column, target: str) -> pl.DataFrame:
    """List (`_key`, `_name`): which rows of *target* the rows name in *column*, ids that nothing has left out."""
    cell = pl.col(column.name)
    match column.kind:
        case PolymorphicReference(discriminator, tables):
            cell = pl.when(pl.col(discriminator).is_in([value for value, name in tables if name == target])).then(cell)
        case Json(references):
            members = [member for member, name in references if name == target]
            items = cell.map_elements(lambda document: _items(document, members), return_dtype=pl.List(pl.String))
            named = frame.select(KEY, items.alias("_name")).drop_nulls().explode("_name", empty_as_null=False)
            return named.filter(~pl.col("_name").str.starts_with(UNRESOLVED))
        case _:
            pass
    return frame.select(KEY, cell.alias("_name")).drop_nulls().filter(~pl.col("_name").str.starts_with(UNRESOLVED))


def _items(document: str, members: list[str]) -> list[str]:
    try:
        return [item for _, item in members_of(document, members) if isinstance(item, str)]
    except ValueError:  # a text that is no JSON names nothing
        return []
