"""What a command has planned: the plan with both sides that it was made from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from reconcile.apply.piece import Piece, in_one_piece
from reconcile.apply.run import Outcome
from reconcile.checks.verify import together, verify
from reconcile.cli.spanned import Spanned
from reconcile.decide import Goal, Mode
from reconcile.live.introspect import LiveSchema
from reconcile.live.resolve import LiveState
from reconcile.live.sums import Sums
from reconcile.plan import Plan
from reconcile.state import Rule, Verdict


@dataclass(frozen=True, slots=True)
class Planned:
    """
    A plan with both sides it was made from, the rules of its steps, the passwords that somebody has chosen for its
    accounts, and which roles gain or lose what by it. A plan that `is_saved` came from a file: what was read now may
    ask for more than it does.

    Where the largest tables were planned in spans, `goal` and `live` are those of the other tables, and `spanned` is
    how to get at each span again.
    """

    plan: Plan
    goal: Goal
    live: LiveState
    schema: LiveSchema
    rules: tuple[Rule, ...]
    passwords: Mapping[str, str] = field(default_factory=dict, repr=False)
    effects: pl.DataFrame | None = None
    is_saved: bool = False
    command: str = "apply"
    """What the journal calls the run."""
    undoes: int | None = None
    """The run that a rollback takes back."""
    stored: Mapping[str, pl.DataFrame] = field(default_factory=dict, repr=False)
    """The very text of cells that a rollback brings back, by table."""
    anchored_by: int | None = None
    """The run whose --as-of this plan took over, where none was given."""
    spanned: Spanned | None = None
    sums: Sums | None = None
    """What the tables came to when this plan was made, where that is remembered."""

    def pieces(self) -> Iterable[Piece]:
        """Give what the plan is carried out in, one after the other; most plans in one."""
        if self.spanned is not None:
            return self.spanned.pieces(self.plan, self.goal, self.live)
        names_alone = self.plan.mode is Mode.ROLLBACK
        return [in_one_piece(self.plan, None if names_alone else self.goal, self.live, self.schema)]

    def verdicts(self) -> Sequence[Verdict]:
        """Give what the rules say of the rows that were planned with."""
        if self.spanned is None:
            return verify(self.rules, self.live.dataset)
        return together(self.spanned.verdicts.values())

    def after(self, outcome: Outcome) -> Outcome:
        """Add to what a run did what the rules say of the spans that it had nothing to do in."""
        if self.spanned is None:
            return outcome
        left = [asked for number, asked in self.spanned.verdicts.items() if number not in outcome.marks]
        return replace(outcome, verdicts=together([outcome.verdicts, *left]))
