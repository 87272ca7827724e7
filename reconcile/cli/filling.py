"""How a span that had no rows is looked at after the write: at the rows whose ids have come with it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import polars as pl
from sqlalchemy import Connection

from reconcile.apply.piece import Highest, Ids, Resolve
from reconcile.dataset import Dataset
from reconcile.decide import Goal
from reconcile.diff import Action
from reconcile.live.collation import Weigh
from reconcile.live.raw import RawTable
from reconcile.live.read import highest, read_between
from reconcile.live.resolve import LiveState
from reconcile.live.sent import Held, Sent, hash_rows, is_held
from reconcile.outcome import after
from reconcile.plan import Plan

if TYPE_CHECKING:
    from reconcile.cli.spanned import Spanned


@dataclass(frozen=True, slots=True)
class Filling:
    """Span `number` of a run, of which `plan` creates the rows that `goal` wants."""

    spanned: "Spanned"
    goal: Goal
    plan: Plan
    number: int

    def is_empty(self, before: LiveState) -> bool:
        """Say whether the span has no rows as yet."""
        return not any(table.has_rows for table in before.raw.values())

    def highest(self, connection: Connection) -> Highest:
        """Ask which ids are there."""
        return highest(connection, self.spanned.links.specs.values())

    def hash_rows(self, table: str, values: pl.DataFrame) -> Sent:
        """Hash what is sent to a table."""
        return hash_rows(values, self.spanned.schema.tables[table])

    def look(
        self, connection: Connection, base: Dataset | None, ids: Ids, sent: Mapping[str, Sent], *, needs_ids: bool
    ) -> Resolve:
        """
        Look at the rows that have got *ids*: as a sum where the server holds what was *sent* and nobody needs the ids,
        else row by row; and at the whole span where these are not all that were created.
        """
        holds = self._holds(ids, sent)
        created = {part.spec.name: part.counts[Action.CREATE] for part in self.plan.tables}
        is_all_sent = holds and all(name in sent for name, rows in created.items() if rows)
        if is_all_sent and not needs_ids and base is not None and all(is_held(connection, held) for held in holds):
            return partial(self._as_sent, base, holds)
        raw = {}
        for name, spec in self.spanned.links.specs.items():
            raw[name], rows = read_between(
                connection, spec, self.spanned.schema.tables[name], above=ids[0][name], upto=ids[1][name]
            )
            if rows != created[name]:
                return self.spanned.look(self.goal, self.number, connection, base)
        return partial(self._read, raw, base, holds)

    def _holds(self, ids: Ids, sent: Mapping[str, Sent]) -> tuple[Held, ...]:
        """Give what the server is to hold of each table."""
        keys = {name: spec.surrogate_key for name, spec in self.spanned.links.specs.items()}
        return tuple(Held(name, keys[name], rows, ids[0][name], ids[1][name]) for name, rows in sent.items())

    def _read(
        self, raw: Mapping[str, RawTable], base: Dataset | None, holds: tuple[Held, ...], weigh: Weigh
    ) -> LiveState:
        return replace(self.spanned.resolve(raw, self.goal, base, weigh), holds=holds)

    def _as_sent(self, base: Dataset, holds: tuple[Held, ...], _: Weigh) -> LiveState:
        """Give the rows as they were planned, since they are so."""
        empty = self.spanned.nothing({}, self.goal, base)
        return LiveState(after(self.plan.tables, empty.dataset), (), {}, empty.declared, holds)
