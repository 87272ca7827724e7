"""The gap rules as a whole: nothing to do in what is right, and what the replaced tool left comes in order."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl
import pytest

from desired_state import STATE
from desired_state.gaps import GAP_RULES
from reconcile.checks.verify import verify
from reconcile.dataset import ID, KEY, Dataset
from reconcile.gaps import fill
from reconcile.spec import Owner, Profile, Size
from reconcile.state import GapRule, Rule
from reconcile.values import Reference, Text
from tests.unit.desired_state.conftest import AS_OF
from tests.unit.desired_state.old_augment import augmented
from tests.unit.desired_state.old_modules import rows
from tests.unit.desired_state.old_tool import FULL, LIGHT, OldTool, live
from tests.unit.desired_state.test_rules import Mutation, first, mutation_of, setting
from tests.unit.desired_state.top_up import as_live, parts, topped_up

PROFILE = Profile(AS_OF, Size.LIGHT)
RULES = {rule.id: rule for rule in STATE.rules}


@dataclass(frozen=True, slots=True)
class Case:
    """What the tool left, and the dataset that a top-up is to bring in."""

    tool: OldTool
    profile: Profile = PROFILE
    is_augmented: bool = False


CASES: Mapping[str, Case] = {
    "light": Case(OldTool(AS_OF, LIGHT)),
    "other numbers": Case(OldTool(AS_OF, LIGHT, prefix="X", names_orders=False, has_sellers=False)),
    "other counts": Case(OldTool(AS_OF, LIGHT | {"whales": 4}, seed=3, texts_in_items=False), Profile(AS_OF)),
    "block 1 comes in": Case(OldTool(AS_OF, LIGHT, seed=11), Profile(AS_OF)),
    "full": Case(OldTool(AS_OF, FULL, names_orders=False), Profile(AS_OF)),
    "after its last step": Case(OldTool(AS_OF, LIGHT), is_augmented=True),
}


def left_by(case: Case) -> Dataset:
    """Give what the tool left as it is read."""
    left = rows(case.tool)
    left = augmented(case.tool, left) if case.is_augmented else left
    return live(left, STATE.specs, STATE.rows(case.profile), case.tool.now)


def broken(dataset: Dataset) -> dict[str, list[str]]:
    """Give the keys that violate each rule, warnings included."""
    verdicts = verify(STATE.rules, dataset)
    return {v.rule.id: v.violations["key"].to_list() or [str(v.missing)] for v in verdicts if not v.has_passed}


@pytest.fixture(scope="module")
def whole_live(light: Dataset) -> Dataset:
    return as_live(light)


def test_rules_say_what_they_do() -> None:
    """Ids are unique; columns are managed; steps, tables and mended rules exist."""
    assert len({rule.id for rule in GAP_RULES}) == len(GAP_RULES)
    for rule in GAP_RULES:
        assert {rule.step} <= {"gap-fill", "augment"}
        assert {rule.table, *rule.tables} <= set(STATE.specs)
        assert set(rule.mends) <= set(RULES)
        owners = {STATE.specs[rule.table].column(name).owner for name in rule.columns}
        assert owners <= {Owner.DESIRED}
        assert rule.columns or rule.step == "gap-fill"


@pytest.mark.parametrize("rule", GAP_RULES, ids=lambda rule: rule.id)
def test_a_rule_reads_no_other_table(rule: GapRule, whole_live: Dataset) -> None:
    """What a rule reads is declared, so a run knows which tables it needs."""
    seen = Dataset(whole_live.specs, {name: whole_live[name] for name in {rule.table, *rule.tables}})

    assert rule.propose(seen, PROFILE).height == 0


def test_nothing_is_to_be_done_in_the_desired_rows(light: Dataset, full: Dataset) -> None:
    assert fill(as_live(light), GAP_RULES, PROFILE).touched == {}
    assert fill(as_live(full), GAP_RULES, Profile(AS_OF)).touched == {}


@pytest.mark.parametrize("name", CASES)
def test_what_the_replaced_tool_left_comes_in_order(name: str) -> None:
    """Every check is green after a top-up, no text of a row has changed, and a second one has nothing to do."""
    case = CASES[name]
    before, desired = left_by(case), STATE.rows(case.profile)
    after = topped_up(before, desired, case.profile)

    assert {"orders-without-lines", "invoices-without-lines"} <= set(broken(before))
    assert broken(after) == {}
    assert changed_texts(before, after) == []
    assert {table: part.written for table, part in parts(after, desired, case.profile).items() if part.written} == {}


def changed_texts(before: Dataset, after: Dataset) -> list[str]:
    """Give the text columns of rows that were there and now say something else; a link is no text of a user's."""
    found = []
    for name, frame in before.frames.items():
        columns = [c.name for c in STATE.specs[name].declared if isinstance(c.kind, Text) and c.name != "referenceType"]
        both = frame.select(ID, *columns).join(after[name].select(ID, *columns), on=ID, how="left", suffix="_after")
        found += [
            f"{name}.{column}"
            for column in columns
            if both.filter(pl.col(column).ne_missing(pl.col(f"{column}_after"))).height
            and (name, column) != ("calendar_events", "end_time")
        ]
    return found


def test_the_tools_rows_can_be_inserted_in_order() -> None:
    """Tables come parents first, with columns that exist, so that a server takes the rows as they are."""
    left = rows(CASES["light"].tool)
    seen: set[str] = set()
    for name, frame in left.items():
        spec = STATE.specs[name]
        seen.add(name)
        assert set(frame.columns) <= {column.name for column in spec.columns}
        for column in spec.columns:
            if isinstance(column.kind, Reference) and column.kind.on_delete and column.name in frame.columns:
                assert column.kind.table in seen, (name, column.name)


def test_without_the_last_step_rows_stay_and_checks_stay_red(light: Dataset) -> None:
    """What is missing comes, nothing but links changes; the step later mends all the rest."""
    before = left_by(CASES["light"])
    after = topped_up(before, light, PROFILE, skipped=["augment"])
    red = broken(after)

    assert {"order-totals-off-lines", "events-out-of-order"} <= set(red)
    assert {"orders-without-lines", "invoices-without-lines", "invoice-order-link"}.isdisjoint(red)
    orders = before["orders"].drop("invoice_id")
    assert orders.sort(KEY).equals(after["orders"].sort(KEY).select(orders.columns))
    assert broken(topped_up(after, light, PROFILE)) == {}


def test_the_last_step_alone_loses_nothing(light: Dataset) -> None:
    """What bills say was paid is still there for the payments that come later."""
    before = left_by(CASES["light"])
    after = topped_up(before, light, PROFILE, skipped=["gap-fill"])

    assert before["bills"].select(KEY, "amountPaid").equals(after["bills"].sort(ID).select(KEY, "amountPaid"))
    assert broken(topped_up(after, light, PROFILE)) == {}


OWN_MUTATIONS: dict[str, Mutation] = {
    "comment-targets": setting("comments", pl.col("commentable_type") == "invoice", commentable_id="\\#3"),
    "event-ends": setting("calendar_events", pl.col("end_time").is_not_null(), end_date=AS_OF.replace(year=2020)),
    "event-subjects": setting("calendar_events", pl.col("entity_type") == "order", entity_id="\\#3"),
    "inbox-references": setting("inbox_items", pl.col("reference_type") == "order", reference_id="\\#3"),
    "inbox-sources": setting("inbox_items", pl.col("source_type") == "mention", source_id="\\#3"),
    "leaderboard-metrics": setting("leaderboard_metric_cache", pl.lit(value=True), metric_value="1.0000"),
    "referral-amounts": setting("referral_credits", pl.lit(value=True), order_total="1.00"),
    "intake-sellers": lambda dataset: (
        setting("clients", pl.col(KEY) == dataset["intake_sessions"]["vendor_id"][0], is_seller=False)(dataset)[0],
        first(dataset, "intake_sessions", pl.lit(value=True)),
    ),
    "invoice-order-status": setting("invoices", pl.col("status") == "PAID", status="PARTIAL"),
}
MENDED = sorted({identifier for rule in GAP_RULES for identifier in rule.mends})


@pytest.mark.parametrize("identifier", MENDED)
def test_a_rule_mends_what_it_says(identifier: str, whole_live: Dataset) -> None:
    """One broken cell, and the rule that was broken holds again; a second pass finds nothing."""
    rule: Rule = RULES[identifier]
    mutation = OWN_MUTATIONS.get(identifier) or mutation_of(rule)
    wounded, key = mutation(whole_live)
    filled = fill(wounded, GAP_RULES, PROFILE)

    assert key in rule.violations(wounded)["key"].to_list()
    assert rule.violations(filled.dataset)["key"].to_list() == []
    assert fill(filled.dataset, GAP_RULES, PROFILE).touched == {}


def test_rows_do_not_hang_on_their_order(light: Dataset) -> None:
    """The rows that a rule proposes are a function of the rows, not of the order they are read in."""
    case = CASES["light"]
    before = left_by(replace(case, is_augmented=True))
    turned = Dataset(before.specs, {name: frame.reverse() for name, frame in before.frames.items()})
    here, there = topped_up(before, light, PROFILE), topped_up(turned, light, PROFILE)

    for name, spec in STATE.specs.items():
        columns = [KEY, *(column.name for column in spec.declared)]
        assert here[name].select(columns).sort(KEY).equals(there[name].select(columns).sort(KEY)), name
