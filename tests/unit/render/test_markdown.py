"""Markdown for a ticket: counts, rows and warnings, and no value that could write Markdown of its own."""

import re
from dataclasses import replace

import pytest

from reconcile.diff import Action
from reconcile.errors import Finding, Severity
from reconcile.plan import Plan
from reconcile.render.markdown import escape, fenced, render_outcome, render_plan, render_verdicts, table
from tests.unit.render.test_text import mixed
from tests.unit.test_json_schema import EFFECTS, VERDICTS
from tests.unit.tiny import declared, live, planned

WARNING = Finding("odd", "there", "```\nwhy", "fix", Severity.WARNING)


def shown(plan: Plan, limit: int | None = None, actions: tuple[Action, ...] = tuple(Action)) -> str:
    return render_plan(plan, shows_rows=True, limit=limit, actions=actions)


def test_a_plan_begins_with_what_it_is_for() -> None:
    plan = mixed()

    assert shown(plan).splitlines()[:5] == [
        "### Plan for sqlite file shop.db",
        "",
        "- desired state tiny, full, as of 2026-01-05, mode reset",
        f"- checksum `{plan.checksum}`",
        "- steps: core, quality",
    ]


def test_counts_are_a_table_of_the_tables_that_differ() -> None:
    assert [line for line in shown(mixed()).splitlines() if line.startswith("|")] == [
        "| table | create | update | delete | skip | keep |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        "| makers | 0 | 1 | 1 | 0 | 0 |",
        "| tags | 1 | 0 | 0 | 1 | 1 |",
    ]


def test_rows_are_a_listing_that_shows_signs() -> None:
    (listing,) = re.findall(r"```diff\n(.*?)\n```", shown(mixed()), re.DOTALL)

    signs = [line.split(":")[0] for line in listing.splitlines() if line[:1] in set("+~-=")]
    assert signs == ["~ [ACME] differs", "- [GONE] not declared", "+ [new] missing", "= [theirs] not declared"]


def test_rows_may_be_left_out_limited_and_chosen() -> None:
    plan = mixed()

    assert "```" not in render_plan(plan, shows_rows=False, limit=None)
    assert "… 1 more rows, see them with --limit 0" in shown(plan, limit=1)
    assert "[GONE]" not in shown(plan, actions=(Action.CREATE,))
    assert "```" not in shown(planned(declared({"tags": []}), live({})))


def test_effects_left_out_steps_and_warnings_are_said() -> None:
    plan = replace(mixed(), findings=(WARNING,), left_out={"extras": "no | reason"})

    told = render_plan(plan, shows_rows=True, limit=None, effects=EFFECTS)

    assert 'Role "clerk": gains 1 permission (read)' in told
    assert r"- left out: extras, no \| reason" in told
    assert "#### Warnings\n\n````text\nodd\n" in told
    assert "Effect" not in render_plan(plan, shows_rows=True, limit=None, effects=EFFECTS.clear())


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a|b", r"a\|b"),
        ("<script>", r"&lt;script\>"),
        ("`code` *bold* _it_", r"\`code\` \*bold\* \_it\_"),
        ("[link](http://x)", r"\[link\](http://x)"),
        ("@everyone #1", r"\@everyone \#1"),
        ("a & b", "a &amp; b"),
        ("two\nlines", r"two\\nlines"),
    ],
)
def test_text_of_others_is_shown_as_it_is(text: str, escaped: str) -> None:
    assert escape(text) == escaped


@pytest.mark.parametrize("text", ["plain", "```", "a ```` b", "`"])
def test_no_value_can_end_a_listing(text: str) -> None:
    first, *_, last = fenced(text).splitlines()

    assert first == f"{last}text"
    assert last not in text


def test_a_table_has_figures_to_the_right() -> None:
    assert table(["a", "b"], [["x", "1"]]) == "| a | b |\n| --- | ---: |\n| x | 1 |"


def test_an_outcome_says_what_was_done_and_what_failed() -> None:
    told = render_outcome(mixed(), verdicts=VERDICTS, duration_s=1.5, errors=[WARNING])

    assert told.splitlines()[0] == "### Applied to sqlite file shop.db"
    assert "| makers | 0 | 1 | 1 | 0 | 0 |" in told
    assert "Verify: 1 of 3 checks passed, 1 warnings, 1 critical." in told
    assert "#### Errors" in told
    assert told.endswith("**Apply complete: 1 created, 1 updated, 1 deleted, 2 kept; 0 errors in 1.5 s**")


def test_an_outcome_without_rows_is_short() -> None:
    told = render_outcome(planned(declared({}), live({})), verdicts=[], duration_s=0.0)

    assert len(told.splitlines()) == 5


def test_checks_are_counted_by_group_and_the_red_ones_listed() -> None:
    told = render_verdicts(VERDICTS, target="here", limit=None)

    assert "| quality | 1 | 2 |" in told
    assert "✗ rated" in told
    assert "✓" not in told
    assert told.endswith("**Verify: 1 of 3 checks passed, 1 warnings, 1 critical.**")
    assert "```" not in render_verdicts(VERDICTS[:1], target="here", limit=None)
    assert "|" not in render_verdicts([], target="here", limit=None)
