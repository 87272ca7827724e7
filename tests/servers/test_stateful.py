"""
A living ERP: people edit rows, and runs of every shape follow each other, on one database.

After each step the guarantees hold: a plan writes nothing; an apply does exactly what its plan says, or nothing; a
second one does nothing; a top-up changes what gap rules declare and no more; after a whole reset every rule holds.
"""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from reconcile.cli.options import ApplyOptions
from reconcile.cli.planned import Planned
from reconcile.dataset import KEY
from reconcile.diff import REASON, Action, Reason
from reconcile.errors import ReconcileError
from tests.servers.cached_state import STATE
from tests.servers.laws import assert_done_as_planned, assert_topped_up, failed_checks, trace, verify
from tests.servers.operating import ADDITIVE, AS_OF, command, copy, look_with, stored
from tests.servers.target import Target
from tests.servers.wounds import Edit, Wound, inflict, wounds

pytestmark = pytest.mark.off_mysql

WEEKS = (AS_OF, "2025-06-09")


@dataclass(frozen=True, slots=True)
class Picked:
    """The steps and tables that a run is about; all of them where nothing is named."""

    step: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    table: tuple[str, ...] = ()
    exclude_table: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shape:
    """How a run is called."""

    no_clear: bool
    week: str
    picked: Picked = Picked()
    allow_cascade: bool = True

    @property
    def options(self) -> ApplyOptions:
        """The options of the command."""
        picked = self.picked
        return ApplyOptions(
            light=True,
            as_of=date.fromisoformat(self.week),
            no_clear=self.no_clear,
            allow_cascade=self.allow_cascade,
            step=list(picked.step),
            skip=list(picked.skip),
            table=list(picked.table),
            exclude_table=list(picked.exclude_table),
        )

    @property
    def words(self) -> tuple[str, ...]:
        """The same as somebody types it."""
        picked = self.picked
        named = (
            ("step", picked.step),
            ("skip", picked.skip),
            ("table", picked.table),
            ("exclude-table", picked.exclude_table),
        )
        return (
            *("--light", "--as-of", self.week, "--state", "tests.servers.cached_state"),
            *(("--no-clear", "--max-update", "100%") if self.no_clear else ()),
            *(("--allow-cascade",) if self.allow_cascade else ()),
            *(word for flag, values in named for value in values for word in (f"--{flag}", value)),
        )


SELECTIONS = st.sampled_from(
    [
        Picked(), Picked(), Picked(),
        Picked(step=("core",)), Picked(step=("defaults", "rbac")), Picked(step=("gap-fill",)),
        Picked(skip=("augment",)), Picked(skip=("qa-accounts", "test-accounts")),
        Picked(table=("client*",)), Picked(table=("order*", "invoice*")), Picked(exclude_table=("ledgerEntries",)),
    ]
)  # fmt: skip
SHAPES = st.builds(Shape, st.booleans(), st.sampled_from(WEEKS), SELECTIONS, st.booleans())
SOFT = sorted(name for name, spec in STATE.specs.items() if spec.soft_delete)
SOFTLY = st.builds(
    Edit, st.sampled_from(SOFT), st.integers(0, 100), st.just("deleted_at"), st.just("2025-05-30 08:00:00")
)


class LivingErp(RuleBasedStateMachine):
    """One database from its first fill on."""

    template: ClassVar[Target]
    target: ClassVar[Target]

    def __init__(self) -> None:
        """Nobody has touched a shared table yet."""
        super().__init__()
        self.others_are_sound = True

    @initialize()
    def fill(self) -> None:
        """Begin as the first apply left it."""
        copy(self.template, self.target)

    @rule(chosen=wounds(max_size=4), softly=st.lists(SOFTLY, max_size=2))
    def edit(self, chosen: list[Wound], softly: list[Wound]) -> None:
        """Insert, change, duplicate and delete rows anywhere, softly or for good, foreign keys aside."""
        inflict(self.target, [*chosen, *softly])
        self.others_are_sound &= all(wound.table not in ADDITIVE for wound in chosen)

    @rule(shape=SHAPES)
    def plan(self, shape: Shape) -> None:
        """Make a plan, refused or not: nothing is written."""
        before = trace(self.target)

        command(self.target, "plan", *shape.words)

        assert trace(self.target) == before

    @rule(shape=SHAPES)
    def apply(self, shape: Shape) -> None:
        """Apply: all that was planned or nothing at all; then the same again, which writes nothing."""
        self.run(shape)

    def run(self, shape: Shape) -> bool:
        """Apply, and say whether it went through."""
        before = stored(self.target)
        planned = self.planned(shape)

        result = command(self.target, "apply", "--force", *shape.words)

        if result.code:
            assert result.code in {1, 3, 4}, result.err
            assert stored(self.target) == before
            return False
        assert planned is not None
        (assert_topped_up if shape.no_clear else assert_done_as_planned)(before, planned, self.target)
        self.assert_kept_what_is_others(planned)
        done = trace(self.target)
        again = command(self.target, "apply", "--force", *shape.words)
        assert (again.code, "0 created, 0 updated, 0 deleted" in again.out.splitlines()[-1]) == (0, True), again.err
        assert trace(self.target) == done
        return True

    @rule(week=st.sampled_from(WEEKS))
    def reset(self, week: str) -> None:
        """Make everything as declared: this goes through from any state, every rule holds, every row is there."""
        shape = Shape(no_clear=False, week=week)

        assert self.run(shape)

        planned = self.planned(shape)
        assert planned is not None
        for name, frame in planned.goal.desired.frames.items():
            live = planned.live.dataset[name] if name in planned.live.dataset else frame.head(0)
            assert set(frame[KEY]) <= set(live[KEY])
            assert name in ADDITIVE or live.height == frame.height
        red = failed_checks(verify(self.target))
        assert red == {} or not self.others_are_sound

    def planned(self, shape: Shape) -> Planned | None:
        """Give the plan of a run; None when it is refused."""
        try:
            _, planned = look_with(self.target, shape.options)
        except ReconcileError:
            return None
        return planned

    def assert_kept_what_is_others(self, planned: Planned) -> None:
        """Hold that tables which are shared lose no row but those that only we write, or that hang on a deleted one."""
        for part in planned.plan.tables:
            if part.spec.name in ADDITIVE and part.spec.ours is None:
                deleted = part.of(Action.DELETE)
                assert set(deleted[REASON]) <= {Reason.DEPENDENT}


def test_a_living_erp_keeps_every_guarantee(template: Target, target: Target) -> None:
    """On each engine a few lives, each of some edits and runs."""
    run_state_machine_as_test(
        living_on(template, target),
        settings=settings(
            max_examples=4 if target.server is None else 3,
            stateful_step_count=7,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


def living_on(template: Target, target: Target) -> type[LivingErp]:
    """Give the machine for one database."""
    return type("Living", (LivingErp,), {"template": template, "target": target})
