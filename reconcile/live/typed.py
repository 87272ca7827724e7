"""Live rows in canonical form: taken from the declared rows where they are the same text, and parsed where not."""

from collections.abc import Sequence

import polars as pl

from reconcile.dataset import ID
from reconcile.errors import Finding, Severity
from reconcile.lines import LINE_END, Lines, in_groups
from reconcile.live.raw import RawTable, split
from reconcile.spec import Column
from reconcile.values import parse

_MOST_OTHERS = 0.25
"""Where a larger part of the rows is other text than what is declared, all of them are parsed."""


def typed(raw: RawTable, lines: Lines | None = None) -> tuple[pl.DataFrame, list[Finding]]:
    """
    Give `_id` and the declared columns that a live table has, by id; what is looked up is still the server's.

    Most rows are as declared, and what is the same text is the same value: with the *lines* of the declared rows only
    others are parsed. Text that cannot be read becomes null, and is told.
    """
    found = None if lines is None else _as_declared(raw, lines)
    return found or _parsed(raw, raw.frame(), _columns(raw))


def _as_declared(raw: RawTable, lines: Lines) -> tuple[pl.DataFrame, list[Finding]] | None:
    """Take the rows from those that are declared; None where they are not as many, or in another order."""
    columns = _columns(raw)
    if not raw.pages or len(columns) < len(raw.spec.declared):
        return None
    plain, others = in_groups(columns)
    looked_up = raw.looked_up()
    numbers = looked_up[raw.spec.surrogate_key]
    if len(numbers) != lines.frame.height or not numbers.cast(pl.Int64).is_sorted():
        return None
    found, findings = _parsed(raw, looked_up, others)
    cells = {column.name: lines.frame[column.name] for column in plain}
    texts = [page.plain for page in raw.pages]
    if not _is_same_text(texts, lines.plain):
        rows, wanted = _rows("".join(texts)), _rows("".join(lines.plain))
        differs = rows != wanted
        if differs.sum() > len(rows) * _MOST_OTHERS:
            return None
        others_read = split(list(cells), ["".join(row + LINE_END for row in rows.filter(differs))])
        read, unreadable = _parsed(raw, others_read.with_columns(numbers.filter(differs)), plain)
        places = _places(differs)
        cells = {name: pl.concat([cell, read[name]])[places] for name, cell in cells.items()}
        findings = unreadable + findings
    cells |= {column.name: found[column.name] for column in others}
    return pl.DataFrame([found[ID], *(cells[column.name] for column in columns)]), findings


def _is_same_text(parts: Sequence[str], others: Sequence[str]) -> bool:
    """Say whether both come to the same text when they are joined; the longer of two is looked at where it is."""
    if sum(map(len, parts)) != sum(map(len, others)):
        return False
    remaining = iter(others)
    other, at = "", 0
    for part in parts:
        compared = 0
        while compared < len(part):
            if at == len(other):
                other, at = next(remaining), 0
            length = min(len(part) - compared, len(other) - at)
            piece = part if length == len(part) else part[compared : compared + length]
            if not other.startswith(piece, at):
                return False
            compared, at = compared + length, at + length
    return True


def _rows(text: str) -> pl.Series:
    return pl.Series([text[: -len(LINE_END)]], dtype=pl.String).str.split(LINE_END).explode()


def _places(differs: pl.Series) -> pl.Series:
    """Give where each row is found when those that differ stand behind all."""
    behind = len(differs) - 1 + differs.cast(pl.Int64).cum_sum()
    return behind.zip_with(differs, pl.int_range(len(differs), dtype=pl.Int64, eager=True))


def _columns(raw: RawTable) -> list[Column]:
    return [column for column in raw.spec.declared if column.name in raw.names]


def _parsed(raw: RawTable, rows: pl.DataFrame, columns: Sequence[Column]) -> tuple[pl.DataFrame, list[Finding]]:
    key = raw.spec.surrogate_key
    frame = rows.select(
        pl.col(key).cast(pl.Int64).alias(ID),
        *(parse(column.kind, pl.col(column.name)).alias(column.name) for column in columns),
    )
    if not frame[ID].is_sorted():
        # The server has read the table by another index.
        order = frame[ID].arg_sort()
        frame, rows = frame[order], rows[order]
    findings = []
    nulls, were_null = (side.null_count().row(0, named=True) for side in (frame, rows))
    for column in columns:
        if nulls[column.name] == were_null[column.name]:
            continue
        lost = rows.filter(frame[column.name].is_null() & rows[column.name].is_not_null())
        findings.append(
            Finding(
                what="a live value cannot be read as its column's type and is taken as null",
                where=f"{raw.spec.name}.{column.name}, {key} {lost[key][0]}",
                why=f"{lost[column.name][0]!r} in {lost.height} rows",
                fix="correct the rows, or let a reset overwrite them",
                severity=Severity.WARNING,
            )
        )
    return frame, findings
