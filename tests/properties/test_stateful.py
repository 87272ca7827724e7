"""
A living market: people edit rows, releases come and go, plans are made and applied in every mode and selection.

After each step the guarantees hold: a plan writes nothing; an apply does what its plan says, to the row and the
column, or nothing at all; a second one finds nothing to do; no mode takes what it may not.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from reconcile.apply.run import apply
from reconcile.checks.verify import verify
from reconcile.cli.option_groups import RunOptions
from reconcile.cli.planned import Planned
from reconcile.cli.planning import make_plan
from reconcile.cli.progress import NoProgress
from reconcile.cli.session import Session, create_tables
from reconcile.dataset import ID, KEY
from reconcile.decide import Mode
from reconcile.diff import ACTION, BEFORE, CHANGED, REASON, Action, Reason
from reconcile.errors import Finding, ReconcileError
from reconcile.live.connect import open_engine
from reconcile.live.target import parse
from reconcile.table_plan import TablePlan
from tests.properties.edits import EDITS, Cells, Delete, Edit, Insert, statement
from tests.properties.market import GAP_RULES, OTHERS, RELEASES, SPECS, TABLES

Content = dict[str, dict[int, dict[str, object]]]

REFERENCES = {name: {column.name for column, _ in spec.references()} for name, spec in SPECS.items()}


@dataclass(frozen=True)
class Picked:
    """The steps and tables that a run is about; all of them where nothing is named."""

    step: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    table: tuple[str, ...] = ()
    exclude_table: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shape:
    """How a run is called."""

    mode: Mode
    picked: Picked = Picked()
    allow_cascade: bool = False

    @property
    def options(self) -> RunOptions:
        """The options that a command would hand over."""
        picked = self.picked
        return RunOptions(
            no_clear=self.mode is Mode.TOP_UP,
            allow_cascade=self.allow_cascade,
            step=list(picked.step),
            skip=list(picked.skip),
            table=list(picked.table),
            exclude_table=list(picked.exclude_table),
        )


WHOLE_RESET = Shape(Mode.RESET, allow_cascade=True)
"""The run that has no excuse: it may take along whatever hangs on what it deletes."""

SELECTIONS = st.sampled_from(
    [
        Picked(), Picked(), Picked(),
        Picked(step=("core",)), Picked(step=("extras",)), Picked(step=("later",)),
        Picked(skip=("extras",)), Picked(skip=("later",)),
        Picked(table=("makers",)), Picked(table=("goods*",)),
        Picked(exclude_table=("goods",)), Picked(exclude_table=("visits",)),
        Picked(step=("core",), exclude_table=("notes",)),
    ]
)  # fmt: skip
COINS = st.booleans()


def shapes(*modes: Mode) -> st.SearchStrategy[Shape]:
    """Draw how a run in one of *modes* is called."""
    return st.builds(Shape, st.sampled_from(modes), SELECTIONS, COINS)


class LivingMarket(RuleBasedStateMachine):
    """One market from its first row on."""

    @initialize(filled=COINS)
    def open(self, filled: bool) -> None:
        """Make the tables; most markets begin as an apply leaves them."""
        self.folder = TemporaryDirectory()
        target = parse(f"sqlite:///{self.folder.name}/market.db", "the test")
        self.sessions = [Session(target, open_engine(target), state) for state in RELEASES]
        self.session = self.sessions[0]
        self.file = Path(target.database)
        create_tables(self.session)
        for ddl in OTHERS:
            self.execute(ddl, {})
        if filled:
            self.carry_out(make_plan(self.session, RunOptions(), reads_rules=True))

    def teardown(self) -> None:
        """Remove the file."""
        for session in getattr(self, "sessions", []):
            session.engine.dispose()
        if hasattr(self, "folder"):
            self.folder.cleanup()

    def live(self, chosen: list[Edit]) -> None:
        """Do what people do; what a unique key forbids does not happen."""
        for edit in chosen:
            cells = {} if isinstance(edit, Delete) else edit.cells
            place = {} if isinstance(edit, Insert) else {"id": self.at(edit.table, edit.place)}
            with suppress(sqlite3.IntegrityError):
                self.execute(statement(edit), {**cells, **place})

    @rule(number=st.integers(0, len(RELEASES) - 1))
    def release(self, number: int) -> None:
        """Declare other rows from now on."""
        self.session = self.sessions[number]

    @rule(chosen=EDITS, shape=shapes(*Mode))
    def plan(self, chosen: list[Edit], shape: Shape) -> None:
        """Make a plan; it may be refused, and writes nothing either way."""
        self.live(chosen)
        self.attempt(shape, is_applied=False)

    @rule(chosen=EDITS, shape=shapes(Mode.TOP_UP))
    def top_up(self, chosen: list[Edit], shape: Shape) -> None:
        """Add what is missing and fill gaps."""
        self.live(chosen)
        self.run(shape)

    @rule(chosen=EDITS, shape=shapes(Mode.EXACT, Mode.ADD_ONLY))
    def mend(self, chosen: list[Edit], shape: Shape) -> None:
        """Bring back what is declared, or what of it is missing, as for roles and what they may do."""
        self.live(chosen)
        self.run(shape)

    @rule(chosen=EDITS, shape=shapes(Mode.RESET))
    def reset_some(self, chosen: list[Edit], shape: Shape) -> None:
        """Make some tables or steps as declared."""
        self.live(chosen)
        self.run(shape)

    @rule(chosen=EDITS)
    def reset(self, chosen: list[Edit]) -> None:
        """Make everything as declared: from any state this goes through, and leaves what was declared."""
        self.live(chosen)
        self.run(WHOLE_RESET)
        planned = make_plan(self.session, WHOLE_RESET.options, reads_rules=True)
        for name, frame in planned.goal.desired.frames.items():
            live = planned.live.dataset[name]
            assert set(frame[KEY]) <= set(live[KEY])
            assert not SPECS[name].prunes or live.height == frame.height
        assert all(verdict.has_passed for verdict in verify(planned.rules, planned.live.dataset))
        assert planned.plan.is_empty

    def run(self, shape: Shape) -> None:
        """Apply; afterwards the same run has nothing to do, and doing it leaves no trace."""
        before = self.content()
        planned = self.attempt(shape, is_applied=True)
        if planned is None:
            return
        self.assert_done_as_planned(planned, before)
        self.assert_within_rights(planned)
        file = self.file.read_bytes()
        again = make_plan(self.session, shape.options, shape.mode, reads_rules=True)
        assert again.plan.is_empty
        self.carry_out(again)
        assert self.file.read_bytes() == file

    @invariant()
    def ids_are_never_given_twice(self) -> None:
        """A row keeps its id for life: the server counts on, whatever was deleted."""
        if hasattr(self, "file"):
            highest = {name: max(rows, default=0) for name, rows in self.content().items()}
            assert all(number <= self.counted().get(name, 0) for name, number in highest.items())

    def attempt(self, shape: Shape, *, is_applied: bool) -> Planned | None:
        """Plan and perhaps apply; whatever is refused leaves the file as it was, and so does a plan."""
        file = self.file.read_bytes()
        planned, findings = self.planned(shape)
        assert self.file.read_bytes() == file
        if planned is not None and is_applied:
            findings = self.carried_out(planned)
        if findings:
            assert self.file.read_bytes() == file
            assert shape != WHOLE_RESET, findings
            if shape.picked == Picked() and shape.mode in (Mode.TOP_UP, Mode.ADD_ONLY):
                assert {finding.what for finding in findings} == {"a unique value is taken by another row"}
            return None
        return planned

    def planned(self, shape: Shape) -> tuple[Planned | None, Sequence[Finding]]:
        """Give the plan of a run, or what refuses it."""
        try:
            return make_plan(self.session, shape.options, shape.mode, reads_rules=True), ()
        except ReconcileError as error:
            return None, error.findings

    def carried_out(self, planned: Planned) -> Sequence[Finding]:
        """Apply a plan, and give what refused it."""
        try:
            self.carry_out(planned)
        except ReconcileError as error:
            return error.findings
        return ()

    def carry_out(self, planned: Planned) -> None:
        apply(
            target=self.session.target,
            engine=self.session.engine,
            plan=planned.plan,
            pieces=planned.pieces,
            specs=planned.goal.desired.specs,
            rules=planned.rules,
            progress=NoProgress(),
            secrets={},
            still_locked=lambda _: None,
        )

    def assert_done_as_planned(self, planned: Planned, before: Content) -> None:
        """Each row is as the plan says, column by column; a row that it does not change is as it was."""
        after = self.content()
        parts = {part.spec.name: part for part in planned.plan.tables}
        for name, rows in before.items():
            updated, deleted, created = changes(parts.get(name))
            now = after[name]
            assert rows.keys() - now.keys() == deleted
            assert len(now.keys() - rows.keys()) == created
            differing = {
                number: {column for column, value in row.items() if now[number][column] != value}
                for number, row in rows.items()
                if number in now and now[number] != row
            }
            assert differing.keys() <= updated.keys()
            for number, columns in updated.items():
                unmoved = columns - differing.get(number, set())
                assert differing.get(number, set()) <= columns
                # A number that led nowhere may be the very one that a row created now gets.
                assert unmoved <= REFERENCES.get(name, set())

    def assert_within_rights(self, planned: Planned) -> None:
        """No mode does more than it may to the rows that were there."""
        for part in planned.plan.tables:
            rows = part.rows.filter(pl.col(REASON) != Reason.DEPENDENT)
            deleted = rows.filter(pl.col(ACTION) == Action.DELETE)
            updated = rows.filter(pl.col(ACTION) == Action.UPDATE)
            match planned.plan.mode:
                case Mode.TOP_UP:
                    mended = {c for gap in GAP_RULES if gap.table == part.spec.name for c in gap.columns}
                    assert deleted.is_empty()
                    assert set(updated[REASON]) <= {Reason.GAP}
                    assert set(updated[CHANGED].explode(empty_as_null=False)) <= mended
                case Mode.EXACT if deleted.height:
                    goods = deleted.select(pl.col(BEFORE).struct.field("good")).to_series()
                    assert part.spec.name == "goods_tags"
                    assert set(goods) <= set(planned.goal.desired["goods"][KEY])
                case Mode.RESET:
                    assert part.spec.prunes or deleted.is_empty()
                case Mode.ADD_ONLY:
                    assert deleted.is_empty()
                    assert updated.is_empty()
                case _:
                    pass
            if part.spec.name == "settings":
                assert updated.is_empty()

    def execute(self, sql: str, cells: Cells) -> None:
        """Run and commit one statement."""
        with closing(sqlite3.connect(self.file)) as connection, connection:
            connection.execute("PRAGMA foreign_keys = OFF")
            connection.execute(sql, dict(cells))

    def at(self, table: str, place: int) -> int:
        """Give the id of the row at a place, going round; 0 when there is none."""
        numbers = sorted(self.content()[table])
        return numbers[place % len(numbers)] if numbers else 0

    def content(self) -> Content:
        """Read every row by table, id and column, as the file has it."""
        with closing(sqlite3.connect(self.file)) as connection:
            connection.row_factory = sqlite3.Row
            return {
                name: {row["id"]: dict(row) for row in connection.execute(f"SELECT * FROM {name}")} for name in TABLES
            }

    def counted(self) -> dict[str, int]:
        with closing(sqlite3.connect(self.file)) as connection:
            return dict(connection.execute("SELECT name, seq FROM sqlite_sequence"))


def changes(part: TablePlan | None) -> tuple[dict[int, set[str]], set[int], int]:
    """Give what a plan changes, by id and column, which ids it deletes and how many rows it creates."""
    if part is None:
        return {}, set(), 0
    updated = part.of(Action.UPDATE).select(ID, CHANGED).iter_rows()
    return (
        {number: set(columns) for number, columns in updated},
        set(part.of(Action.DELETE)[ID]),
        part.counts[Action.CREATE],
    )


LivingMarket.TestCase.settings = settings(
    max_examples=30,
    stateful_step_count=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
)
TestLivingMarket = LivingMarket.TestCase
