"""What the server would refuse of a plan: references that nothing meets and unique values that are taken."""

import polars as pl

from reconcile.dataset import KEY, Dataset
from reconcile.diff import ACTION, AFTER, Action
from reconcile.errors import Finding
from reconcile.plan import Plan
from reconcile.values import Json, PolymorphicReference, Reference, TextReference


def unmet_references(plan: Plan, live: Dataset) -> list[Finding]:
    """
    Find references of rows to be written that neither the live tables nor the plan's own creates can meet.

    That happens when a run leaves a table out that its rows need; one finding per reference column.
    """
    planned = {table.spec.name: table for table in plan.tables}
    findings: list[Finding] = []
    for table in plan.tables:
        rows = table.rows.filter(pl.col(ACTION).is_in([Action.CREATE, Action.UPDATE])).select(KEY, AFTER)
        for column, target in table.spec.references():
            if rows.is_empty() or isinstance(column.kind, Json):
                continue
            wanted = pl.col(AFTER).struct.field(column.name)
            needed = rows.filter(wanted.is_not_null())
            match column.kind:
                case PolymorphicReference(discriminator, tables):
                    selected = [value for value, name in tables if name == target]
                    needed = needed.filter(pl.col(AFTER).struct.field(discriminator).is_in(selected))
                case Reference() | TextReference():
                    pass
            there = [live.frames[target][KEY]] if target in live else []
            if target in planned:
                there.append(planned[target].of(Action.CREATE)[KEY])
            present = pl.concat(there) if there else pl.Series(KEY, [], dtype=pl.String)
            unmet = needed.filter(~wanted.is_in(present.implode()))
            if unmet.height:
                first = unmet.select(wanted).to_series()[0]
                findings.append(
                    Finding(
                        what=f"{unmet.height} rows refer to rows of {target} that do not exist",
                        where=f"{table.spec.name}.{column.name}, first {unmet[KEY][0]} → {first}",
                        why=f"{target} is not part of this run and the database does not have them",
                        fix=f"include {target} (drop --table, --exclude-table, --step or --skip), or apply it first",
                    )
                )
    return findings


def taken_values(plan: Plan, live: Dataset) -> list[Finding]:
    """
    Find unique values that a row to be written would share with a row that stays: the server would refuse it.

    Only keys besides the natural one are looked at; a null shares its value with nobody.
    """
    findings: list[Finding] = []
    for table in plan.tables:
        for unique in table.spec.unique:
            changes = table.rows.filter(pl.col(ACTION) != Action.SKIP)
            if unique == table.spec.key or changes.is_empty() or table.spec.name not in live:
                continue
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
