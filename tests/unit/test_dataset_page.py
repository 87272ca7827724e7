"""
docs/dataset.md keeps its word: its lists of tables, rules and gap rules are those of the desired state.

`python -m tests.unit.test_dataset_page` writes them into the page as they are now.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date

import pytest

from desired_state import STATE
from reconcile.dataset import STEP
from reconcile.spec import Policy, Profile, Size, TableSpec
from reconcile.state import GapRule
from tests.facts import CHECKOUT

PAGE = CHECKOUT / "docs" / "dataset.md"
MONDAY = date(2026, 11, 23)
"""As-of of the rows counted: on a Monday, the day that a run takes unasked, their number is always the same."""


def tables() -> Iterator[str]:
    """List per step its tables with their rows and keys, each table once for each step that fills it."""
    light, full = STATE.rows(Profile(MONDAY, Size.LIGHT)), STATE.rows(Profile(MONDAY))
    yield "| step | table | light | full | natural key | rows of others |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for step in STATE.steps:
        for name, frame in full.frames.items():
            rows = int((frame[STEP] == step.id).sum())
            if rows:
                few = int((light[name][STEP] == step.id).sum())
                spec = STATE.specs[name]
                yield f"| {step.id} | {name} | {few:,} | {rows:,} | {', '.join(spec.key)} | {_others(spec)} |"


def _others(spec: TableSpec) -> str:
    if spec.policy is Policy.CREATE_ONLY:
        return "stay; nothing is changed"
    if spec.ours is not None:
        return f"stay, but for those that our users wrote ({spec.ours[0]})"
    return "go" if spec.prunes else "stay"


def rules() -> Iterator[str]:
    """List the rules by group."""
    yield "| group | rules | |"
    yield "| --- | --- | --- |"
    for group in dict.fromkeys(rule.group for rule in STATE.rules):
        ids = [f"`{rule.id}`" for rule in STATE.rules if rule.group == group]
        yield f"| {group} | {len(ids)} | {', '.join(ids)} |"


def gap_rules() -> Iterator[str]:
    """List the gap rules in the order they run."""
    yield "| rule | step | what holds afterwards | what it changes | rules it mends |"
    yield "| --- | --- | --- | --- | --- |"
    for rule in STATE.gap_rules:
        mends = ", ".join(f"`{name}`" for name in rule.mends)
        yield f"| `{rule.id}` | {rule.step} | {rule.title} | {_changes(rule)} | {mends} |"


def _changes(rule: GapRule) -> str:
    return f"{rule.table}: {', '.join(rule.columns)}" if rule.columns else f"adds rows of {rule.table}"


LISTS: dict[str, Callable[[], Iterator[str]]] = {"tables": tables, "rules": rules, "gap rules": gap_rules}


COUNTS = {"tables": len(STATE.specs), "rules": len(STATE.rules), "gap rules": len(STATE.gap_rules)}


def written(page: str, name: str) -> str:
    """Give *page* with the list called *name*, between its two marks, and its length as they are now."""
    between = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    body = "\n".join(LISTS[name]()) + "\n"
    found, count = between.subn(lambda match: f"{match[1]}{body}{match[2]}", page)
    told, times = re.subn(rf"\b\d+ {name} in all", f"{COUNTS[name]} {name} in all", found)
    assert (count, times) == (1, 1), f"{PAGE.name} has no place for {name}"
    return told


@pytest.mark.parametrize("name", LISTS)
def test_the_page_lists_what_there_is(name: str) -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert written(page, name) == page


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    for each in LISTS:
        text = written(text, each)
    PAGE.write_text(text, encoding="utf-8")
