"""A piece of a run: rows that were planned together and are written and proved together. Most runs are one piece."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import polars as pl
from sqlalchemy import Connection

from reconcile.dataset import Dataset
from reconcile.decide import Goal
from reconcile.live.collation import Weigh, server_weights
from reconcile.live.introspect import LiveSchema
from reconcile.live.resolve import LiveState
from reconcile.live.sent import Sent
from reconcile.live.state import read_again
from reconcile.plan import Plan

Resolve = Callable[[Weigh], LiveState]
"""Makes a live state of rows that were read; it needs no connection but for what keys are weighed with."""

Look = Callable[[Connection, Dataset | None, LiveState | None], Resolve]
"""Reads rows, those that all pieces may refer to at hand, and what they were when they were read before."""

Highest = Mapping[str, int]
"""The highest surrogate key of each table."""

Ids = tuple[Highest, Highest]
"""Surrogate keys above the first and not above the second."""


class Fill(Protocol):
    """How to look, after the write, at a piece whose tables had no rows."""

    def is_empty(self, before: LiveState) -> bool:
        """Say whether they have none."""

    def highest(self, connection: Connection) -> Highest:
        """Ask which ids are there."""

    def hash_rows(self, table: str, values: pl.DataFrame) -> Sent:
        """Hash what is sent to a table; called in a thread."""

    def look(
        self, connection: Connection, base: Dataset | None, ids: Ids, sent: Mapping[str, Sent], *, needs_ids: bool
    ) -> Resolve:
        """Look at the rows that were *sent* and have got *ids*; without *needs_ids* these may stay unknown."""


@dataclass(frozen=True, slots=True)
class Piece:
    """
    One part of a run, all of it in the run's transaction.

    `look` gives the rows as the transaction sees them now; it is given those of the first piece, which the others may
    refer to, and, after the write, what it gave before. `is_as_planned` says whether such rows are those that the plan
    was made from. After the write they must be as `goal` wants them; without one, those that the plan names must be as
    planned. `fill` is for a piece that may fill empty tables. A piece that is a span has its `number`; one that lacks
    tables which rules are about does not ask them (`asks_rules`).
    """

    plan: Plan
    look: Look
    is_as_planned: Callable[[LiveState], bool]
    goal: Goal | None
    fill: Fill | None = None
    number: int | None = None
    asks_rules: bool = True

    def read(self, connection: Connection, base: Dataset | None) -> LiveState:
        """Give the rows as the transaction sees them now; *base* are those of the first piece."""
        return self.look(connection, base, None)(server_weights(connection))


def in_one_piece(plan: Plan, goal: Goal | None, live: LiveState, schema: LiveSchema) -> Piece:
    """Give a whole run as one piece: the plan that was made with *goal* from the *live* rows."""
    return Piece(plan, whole_look(schema, live), lambda now: now is live, goal)


def whole_look(schema: LiveSchema, live: LiveState) -> Look:
    """Look at whole tables; rows that are as they were are *live* itself."""

    def look(connection: Connection, _: Dataset | None, __: LiveState | None) -> Resolve:
        now = read_again(connection, schema, live)
        return lambda _: now

    return look
