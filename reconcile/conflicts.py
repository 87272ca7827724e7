"""What the server would refuse of a plan: references that nothing meets and unique values that are taken."""

import polars as pl

from reconcile.dataset import KEY, UNRESOLVED, Dataset
from reconcile.diff import ACTION, AFTER, Action
from reconcile.errors import Finding
from reconcile.plan import Plan
from reconcile.spec import Column, TableSpec
from reconcile.values import Json, PolymorphicReference, Reference, TextReference, members_of

_NAMED = "_named"


def unmet_references(plan: Plan, live: Dataset, *, is_everything: bool = False) -> list[Finding]:
    """
    Find references of rows to be written that neither the live tables nor the plan's own creates can meet.

    That happens when a run leaves a table out that its rows need; one finding per reference column and table. Where the
    plan is about everything that is declared, and sound, each declared row of a table is there or comes.
    """
    planned = {table.spec.name: table for table in plan.tables}
    present: dict[str, pl.DataFrame] = {}
    findings: list[Finding] = []
    for table in plan.tables:
        if not (table.counts[Action.CREATE] or table.counts[Action.UPDATE]):
            continue
        rows = pl.concat([table.of(Action.CREATE), table.of(Action.UPDATE)])
        cells = rows[AFTER].struct.unnest()
        for column, target in table.spec.references():
            part = planned.get(target)
            is_whole = part is not None and not part.counts[Action.SKIP]
            if is_whole and (is_everything or isinstance(column.kind, Json)):
                continue  # every declared row of the target is there or comes
            if target not in present:
                present[target] = _present(plan, live, target)
            if _all_met(cells, column, present[target]):
                continue
            unmet = (
                _named(rows.lazy(), column, target)
                .join(present[target].lazy(), on=_NAMED, how="anti", maintain_order="left")
                .collect()
            )
            if unmet.height:
                findings.append(_unmet(table.spec, column, target, unmet))
    return findings


def _all_met(cells: pl.DataFrame, column: Column, present: pl.DataFrame) -> bool:
    """Say whether each row that a plain reference names is present; of one in another form nothing is said."""
    match column.kind:
        case Reference() | TextReference():
            named = cells[column.name]
            return bool((named.is_null() | named.is_in(present[_NAMED].implode())).all())
        case _:
            return False


def _present(plan: Plan, live: Dataset, target: str) -> pl.DataFrame:
    """List (`_named`) the rows of *target* that are there or come."""
    created = [part.of(Action.CREATE)[KEY] for part in plan.tables if part.spec.name == target]
    there = [live[target][KEY]] if target in live else []
    return pl.concat([*there, *created, pl.Series(KEY, [], dtype=pl.String)]).alias(_NAMED).to_frame()


def _named(rows: pl.LazyFrame, column: Column, target: str) -> pl.LazyFrame:
    """List (`_key`, `_named`): which rows of *target* the rows name in *column*, ids that nothing has left out."""
    cell = pl.col(AFTER).struct.field(column.name)
    match column.kind:
        case PolymorphicReference(discriminator, tables):
            selected = [value for value, name in tables if name == target]
            rows = rows.filter(pl.col(AFTER).struct.field(discriminator).is_in(selected))
        case Json(references):
            members = [member for member, name in references if name == target]
            cell = cell.map_elements(lambda document: _items(document, members), return_dtype=pl.List(pl.String))
            named = rows.select(KEY, cell.alias(_NAMED)).drop_nulls().explode(_NAMED, empty_as_null=False)
            return named.filter(~pl.col(_NAMED).str.starts_with(UNRESOLVED))
        case _:
            pass
    named = rows.select(KEY, cell.alias(_NAMED)).drop_nulls(_NAMED)
    return named.filter(~pl.col(_NAMED).str.starts_with(UNRESOLVED))


def _items(document: str, members: list[str]) -> list[str]:
    return [item for _, item in members_of(document, members) if isinstance(item, str)]


def _unmet(spec: TableSpec, column: Column, target: str, rows: pl.DataFrame) -> Finding:
    key, named = rows.row(0)
    return Finding(
        what=f"{rows[KEY].n_unique()} rows refer to rows of {target} that do not exist",
        where=f"{spec.name}.{column.name}, first {key} → {named}",
        why=f"{target} is not part of this run and the database does not have them",
        fix=f"include {target} (drop --table, --exclude-table, --step or --skip), or apply it first",
    )


def taken_values(plan: Plan, live: Dataset) -> list[Finding]:
    """
    Find unique values that a row to be written would share with a row that stays: the server would refuse it.

    Only keys besides the natural one are looked at; a null shares its value with nobody.
    """
    findings: list[Finding] = []
    for table in plan.tables:
        for unique in table.spec.unique:
            if unique == table.spec.key or not table.written or table.spec.name not in live:
                continue
            changes = table.rows.filter(pl.col(ACTION) != Action.SKIP)
            stays = live[table.spec.name].join(changes, on=KEY, how="anti").select(KEY, *unique)
            written = (
                changes.filter(pl.col(ACTION) != Action.DELETE)
                .select(KEY, *(pl.col(AFTER).struct.field(name) for name in unique))
                .drop_nulls(unique)
            )
            clash = written.join(stays, on=list(unique), how="inner", suffix="_holder")
            findings += [
                Finding(
                    what="a unique value is taken by another row",
                    where=f"{table.spec.name} ({', '.join(unique)})",
                    why=f"{row[KEY]} needs the value that {row[f'{KEY}_holder']} has",
                    fix="change or remove the other row, or run a reset",
                )
                for row in clash.iter_rows(named=True)
            ]
    return findings
