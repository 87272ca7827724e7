"""A piece of a run: rows that were planned together and are written and proved together. Most runs are one piece."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from reconcile.dataset import Dataset
from reconcile.decide import Goal
from reconcile.live.introspect import LiveSchema
from reconcile.live.resolve import LiveState
from reconcile.live.state import read_again
from reconcile.plan import Plan


@dataclass(frozen=True, slots=True)
class Piece:
    """
    One part of a run, all of it in the run's transaction.

    `read` gives the rows as the transaction sees them now; it is given those of the first piece, which the others may
    refer to. `is_as_planned` says whether such rows are those that the plan was made from. After the write they must
    be as `goal` wants them; without one, those that the plan names must be as planned. A piece that is a span has its
    `number`; one that lacks tables which rules are about does not ask them (`asks_rules`).
    """

    plan: Plan
    read: Callable[[Connection, Dataset | None], LiveState]
    is_as_planned: Callable[[LiveState], bool]
    goal: Goal | None
    number: int | None = None
    asks_rules: bool = True


def in_one_piece(plan: Plan, goal: Goal | None, live: LiveState, schema: LiveSchema) -> Piece:
    """Give a whole run as one piece: the plan that was made with *goal* from the *live* rows."""

    def read(connection: Connection, _: Dataset | None) -> LiveState:
        return read_again(connection, schema, live)

    return Piece(plan, read, lambda now: now is live, goal)
