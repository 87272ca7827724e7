"""What drift comes to: labels, what somebody has accepted, and since when each difference is there. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from fnmatch import fnmatchcase

import polars as pl

from reconcile.acceptance import Acceptance, Difference, accepted, literal
from reconcile.dataset import KEY
from reconcile.diff import CHANGED
from reconcile.drift import ACCEPTED_BY, FIRST_SEEN, LABEL, STANDING, Base, Drift, Label, SchemaMove, Standing, labelled
from reconcile.plan import Plan
from reconcile.sightings import Seen, Sighting, see
from reconcile.table_plan import TablePlan


@dataclass(frozen=True, slots=True)
class Compared:
    """What one look at the database gave: the plan, the third side, and what the schema does not let compare."""

    plan: Plan
    base: Base
    schema: tuple[SchemaMove, ...] = ()
    not_compared: tuple[str, ...] = ()
    is_everything: bool = True
    anchored_by: int | None = None
    """The run whose --as-of was taken over, where none was given."""


def assess(
    compared: Compared, acceptances: Sequence[Acceptance], history: Mapping[Sighting, Seen] | None, now: datetime
) -> tuple[Drift, dict[Sighting, Seen]]:
    """
    Label the differences, take out what *acceptances* cover, and date them by *history* (None: nobody keeps one).

    Returns:
        The drift, and the history with what was seen *now*.

    """
    tables = labelled(compared.plan, compared.base)
    found = [_differences(table) for table in tables]
    moves = [Difference(m.table, m.finding.what, (), Label.SCHEMA_MOVED.value, is_schema=True) for m in compared.schema]
    everything = [*(difference for part in found for difference in part), *moves]
    places = accepted(everything, acceptances, now.date())
    sightings = [_sighting(difference) for difference in everything]
    seen = see(history or {}, sightings, now)
    firsts = [None if history is None else seen[sighting].first for sighting in sightings]
    settled, at = [], 0
    for table, part in zip(tables, found, strict=True):
        settled.append(_settle(table, places[at : at + len(part)], firsts[at : at + len(part)]))
        at += len(part)
    used = {place for place in places if place is not None}
    drift = Drift(
        plan=replace(compared.plan, tables=tuple(settled)),
        schema=tuple(
            _settle_move(move, None if place is None else acceptances[place], first)
            for move, place, first in zip(compared.schema, places[at:], firsts[at:], strict=True)
        ),
        not_compared=compared.not_compared,
        acceptances=tuple(acceptances),
        expired=tuple(entry for entry in acceptances if entry.is_over(now.date())),
        unused=tuple(
            entry
            for place, entry in enumerate(acceptances)
            if place not in used and not entry.is_over(now.date()) and _is_asked(entry, compared)
        ),
    )
    return drift, seen


def _is_asked(entry: Acceptance, compared: Compared) -> bool:
    """Say whether the run was about what *entry* is about: a narrow one says nothing about other tables."""
    names = [table.spec.name for table in compared.plan.tables]
    return compared.is_everything or any(fnmatchcase(name, entry.table) for name in names)


def _differences(table: TablePlan) -> list[Difference]:
    rows = table.rows.select(KEY, CHANGED, LABEL).iter_rows()
    return [Difference(table.spec.name, key, tuple(sorted(changed)), label) for key, changed, label in rows]


def _sighting(difference: Difference) -> Sighting:
    return Sighting(difference.table, difference.key, difference.columns)


def _settle(table: TablePlan, places: Sequence[int | None], firsts: Sequence[datetime | None]) -> TablePlan:
    rows = table.rows.with_columns(
        pl.Series(ACCEPTED_BY, places, dtype=pl.Int64), pl.Series(FIRST_SEEN, firsts, dtype=pl.Datetime("us"))
    )
    is_accepted = (pl.col(STANDING) == Standing.OPEN) & pl.col(ACCEPTED_BY).is_not_null()
    standing = pl.when(is_accepted).then(pl.lit(Standing.ACCEPTED.value)).otherwise(pl.col(STANDING))
    return replace(table, held=rows.with_columns(standing.alias(STANDING)))


def _settle_move(move: SchemaMove, entry: Acceptance | None, first: datetime | None) -> SchemaMove:
    standing = Standing.OPEN if entry is None else Standing.ACCEPTED
    return replace(move, standing=standing, accepted_by=entry, first_seen=first)


def accept_all(drift: Drift, reason: str, expires: date) -> list[Acceptance]:
    """Give a baseline that accepts what is open now, after the entries of the one at hand that are not over."""
    kept = [entry for entry in drift.acceptances if entry not in drift.expired]
    return [*kept, *_for_rows(drift.plan.tables, reason, expires), *_for_schema(drift.schema, reason, expires)]


def _for_rows(tables: Iterable[TablePlan], reason: str, expires: date) -> Iterator[Acceptance]:
    for table in tables:
        for key, changed, label in (
            table.rows.filter(pl.col(STANDING) == Standing.OPEN).select(KEY, CHANGED, LABEL).iter_rows()
        ):
            columns, kind = tuple(sorted(changed)), (() if changed else (label,))
            yield Acceptance(table.spec.name, reason, expires, literal(key), columns, kind)


def _for_schema(moves: Iterable[SchemaMove], reason: str, expires: date) -> Iterator[Acceptance]:
    for move in moves:
        if move.standing is Standing.OPEN:
            key = literal(move.finding.what)
            yield Acceptance(move.table, reason, expires, key, (), (Label.SCHEMA_MOVED.value,))
