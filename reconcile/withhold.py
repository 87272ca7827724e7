"""Leaves out what cannot stand: missing parts of rows that are not as declared, and what refers to rows left out."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import polars as pl

from reconcile.dataset import KEY
from reconcile.diff import ACTION, AFTER, REASON, WHY, Action, Reason
from reconcile.spec import Column, TableSpec
from reconcile.values import Json, PolymorphicReference, Reference, TextReference, members_of


def withhold(specs: Mapping[str, TableSpec], rows: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """
    Leave out missing parts of rows that are not as declared, and whatever refers to a row that is left out.

    The lines of an order that somebody has changed would contradict it. Additive tables hold rows that stand for
    themselves, such as grants.
    """
    result = dict(rows)
    if not any(table.filter(pl.col(REASON) == Reason.DIFFERS).height for table in rows.values()):
        return result
    moved = True
    while moved:
        moved = False
        for name, table in result.items():
            is_left, why = _left_out(specs[name], result)
            kept = table.with_columns(
                pl.when(is_left).then(pl.lit(Action.SKIP)).otherwise(pl.col(ACTION)).alias(ACTION),
                pl.when(is_left).then(why).otherwise(pl.col(WHY)).alias(WHY),
            )
            if not kept[ACTION].equals(table[ACTION]):
                result[name], moved = kept, True
    return result


def _left_out(spec: TableSpec, rows: Mapping[str, pl.DataFrame]) -> tuple[pl.Expr, pl.Expr]:
    """Say which creates of a table cannot stand, and why."""
    is_left, why = pl.lit(value=False), pl.lit("")
    for column in spec.columns:
        for parent, names_one_of in _targets(column):
            if parent not in rows:
                continue
            table = rows[parent]
            absent = table.filter((pl.col(REASON) == Reason.MISSING) & (pl.col(ACTION) == Action.SKIP))[KEY]
            refuses = [(absent, f"its {parent} row is left out")]
            if column.is_part and spec.prunes:
                changed = table.filter(pl.col(REASON) == Reason.DIFFERS)[KEY]
                refuses.append((changed, f"part of a {parent} row that is not as declared"))
            for keys, reason in refuses:
                if len(keys):
                    hit = ((pl.col(ACTION) == Action.CREATE) & names_one_of(keys)).fill_null(value=False)
                    why = pl.when(hit).then(pl.lit(reason)).otherwise(why)
                    is_left = is_left | hit
    return is_left, why


def _targets(column: Column) -> Iterator[tuple[str, Callable[[pl.Series], pl.Expr]]]:
    """Give per table that *column* refers to whether a row to be created names one of some of its keys."""
    cell = pl.col(AFTER).struct.field(column.name)
    match column.kind:
        case Reference(table) | TextReference(table):
            yield table, partial(_names, cell)
        case PolymorphicReference(discriminator, tables):
            selector = pl.col(AFTER).struct.field(discriminator)
            for value, table in tables:
                yield table, partial(_names, pl.when(selector == value).then(cell))
        case Json(references):
            for member, table in references:
                yield table, partial(_names_inside, cell, member)
        case _:
            pass


def _names(cell: pl.Expr, keys: pl.Series) -> pl.Expr:
    return cell.is_in(keys.implode())


def _names_inside(cell: pl.Expr, member: str, keys: pl.Series) -> pl.Expr:
    known = set(keys)

    def names(document: str) -> bool:
        return any(item in known for _, item in members_of(document, [member]))

    return cell.map_elements(names, return_dtype=pl.Boolean)
