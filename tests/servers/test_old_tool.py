"""A living database that the replaced tool filled: a top-up brings it in order and takes nothing from anybody."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import pytest

from reconcile.values import Text, TextReference
from tests.servers.cached_state import STATE
from tests.servers.laws import (
    GAP_COLUMNS,
    assert_nothing_to_do,
    assert_strictly_sound,
    assert_topped_up,
    failed_checks,
    moved,
    verify,
)
from tests.servers.operating import AS_OF, FULL, LIGHT, Result, command, dump, insert, look, stored
from tests.servers.target import Target
from tests.unit.desired_state import old_tool
from tests.unit.desired_state.old_augment import augmented
from tests.unit.desired_state.old_modules import rows
from tests.unit.desired_state.old_tool import OldTool, as_text

pytestmark = pytest.mark.on_servers

DAY = date.fromisoformat(AS_OF)


@dataclass(frozen=True, slots=True)
class Case:
    """What the tool left in the database, and how the top-up is called."""

    tool: OldTool
    shape: tuple[str, ...]
    is_augmented: bool = False


CASES: Mapping[str, Case] = {
    "light, our numbers": Case(OldTool(DAY, old_tool.LIGHT), LIGHT),
    "light, other numbers": Case(
        OldTool(DAY, old_tool.LIGHT, prefix="X", names_orders=False, has_sellers=False), LIGHT
    ),
    "light, after its last step": Case(OldTool(DAY, old_tool.LIGHT, seed=3), LIGHT, is_augmented=True),
    "full, our numbers": Case(OldTool(DAY, old_tool.FULL, names_orders=False), FULL),
    "full, other numbers": Case(OldTool(DAY, old_tool.FULL, prefix="X"), FULL),
    "light below full": Case(OldTool(DAY, old_tool.LIGHT, seed=11), FULL),
}


def fill(target: Target, case: Case) -> None:
    """Insert what the tool wrote, under the ids that it got."""
    if target.server is None:
        assert command(target, "schema", "create").code == 0
    left = rows(case.tool)
    left = augmented(case.tool, left) if case.is_augmented else left
    for table, frame in as_text(left).items():
        insert(target, table, frame)


def top_up(target: Target, case: Case, *words: str) -> Result:
    """Mend what the old tool left, which is most of what there is."""
    return command(target, "apply", "--no-clear", "--force", "--max-update", "100%", *case.shape, *words)


TEXTS = {
    name: {column.name for column in spec.columns if isinstance(column.kind, Text | TextReference)}
    for name, spec in STATE.specs.items()
}
CLOCKS_AND_KINDS = {("calendar_events", "end_time"), ("calendar_events", "entity_type"), ("invoices", "referenceType")}
"""Columns that hold no words: a time of day and the kinds of what is referred to, stored as text."""


def test_no_rule_may_change_a_text() -> None:
    """Names, notes, descriptions, numbers of documents: whatever somebody may have typed."""
    declared = {(table, column) for table, columns in GAP_COLUMNS.items() for column in columns & TEXTS[table]}

    assert declared == CLOCKS_AND_KINDS


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
def test_a_top_up_brings_the_old_rows_in_order(target: Target, case: Case) -> None:
    """
    Every check is green, and a second run has nothing to do.

    No row is gone; no text of a row is another; each change was in the plan, under a rule that declares its column.
    """
    fill(target, case)
    before = stored(target)
    _, planned = look(target, no_clear=True, is_light="--light" in case.shape)

    applied = top_up(target, case)

    assert applied.code == 0, applied.err
    assert_topped_up(before, planned, target)
    changed = moved(before, stored(target))
    assert {(table, column) for (table, _), columns in changed.items() for column in columns & TEXTS[table]} <= (
        CLOCKS_AND_KINDS
    )
    assert_strictly_sound(target)
    assert_nothing_to_do(target, (*case.shape, "--no-clear"))


def test_without_realism_rows_stay_and_red_checks_name_the_rule_that_would_mend_them(target: Target) -> None:
    """`--skip-augment` fills gaps and changes no amount, date or status; the next run with it mends all that is red."""
    case = CASES["light, our numbers"]
    fill(target, case)
    before = stored(target)

    applied = top_up(target, case, "--skip-augment")

    assert applied.code == 0, applied.err
    touched = {(table, column) for (table, _), cs in moved(before, stored(target)).items() for column in cs}
    filling = {(rule.table, column) for rule in STATE.gap_rules if rule.step == "gap-fill" for column in rule.columns}
    assert touched <= filling
    red = failed_checks(verify(target))
    mending = {c: [r.id for r in STATE.gap_rules if c in r.mends and r.step == "augment"] for c in red}
    assert {"order-totals-off-lines", "order-tax", "events-out-of-order"} <= red.keys()
    assert [check for check, rules in mending.items() if not rules] == []
    fixes = {f"  fix:   run with step augment: {', '.join(rules)} would mend it" for rules in mending.values()}
    assert fixes == {line for line in applied.err.splitlines() if line.startswith("  fix:   run with step")}
    assert_nothing_to_do(target, (*case.shape, "--no-clear", "--skip-augment"))

    assert top_up(target, case).code == 0
    assert_strictly_sound(target)


def test_a_reset_replaces_the_old_rows(target: Target, template: Target) -> None:
    """All that the clear list names is as after a first fill; what it spares keeps the old rows besides ours."""
    fill(target, CASES["light, our numbers"])
    spared = {table: found for table, found in dump(target).items() if not STATE.specs[table].prunes}

    applied = command(target, "apply", "--force", *LIGHT)

    assert applied.code == 0, applied.err
    after, fresh = dump(target), dump(template)
    assert {table: len(found) for table, found in after.items()} == {
        table: len(found) + len(spared.get(table, ())) for table, found in fresh.items()
    }
    assert [row for table, found in spared.items() for row in found if row not in after[table]] == []
    assert_strictly_sound(target)
    assert_nothing_to_do(target, LIGHT)
