"""The plan and the verdicts as text: signs, counts, limits, no colour."""

from dataclasses import replace

import pytest

from reconcile.decide import Mode
from reconcile.diff import Action
from reconcile.errors import Finding, Severity
from reconcile.plan import Plan
from reconcile.render.finding import render_finding
from reconcile.render.text import render_losses, render_outcome, render_plan, render_verdict_total, render_verdicts
from reconcile.spec import Profile, Size
from tests.unit.tiny import PROFILE, SHOP, declared, live, planned, rule, verdict


def mixed() -> Plan:
    """One row of each action, and one that is as declared."""
    desired = declared(
        {"tags": [{"code": "kept"}, {"code": "new", "title": "New"}], "makers": [{"code": "ACME", "rating": "4.5"}]}
    )
    found = live(
        {
            "tags": [{"code": "kept"}, {"code": "theirs", "title": "Not ours"}],
            "makers": [{"code": "ACME", "name": "Acme"}, {"code": "GONE", "rating": "1"}],
        }
    )
    return planned(desired, found, target="sqlite file shop.db")


def shown(plan: Plan, limit: int | None = None, actions: tuple[Action, ...] = tuple(Action)) -> list[str]:
    return render_plan(plan, shows_rows=True, limit=limit, actions=actions).split("\n")


def section(plan: Plan, title: str) -> list[str]:
    """Give the lines of one section, without its title."""
    sections = render_plan(plan, shows_rows=True, limit=None).split("\n\n")
    return next(lines for lines in (part.split("\n") for part in sections) if lines[0].startswith(title))[1:]


def test_a_finding_takes_four_lines() -> None:
    finding = Finding("it is wrong", "here", "because", "mend it")

    assert render_finding(finding) == "it is wrong\n  where: here\n  why:   because\n  fix:   mend it"


def test_the_header_names_target_state_and_plan() -> None:
    plan = mixed()

    assert [
        "Plan for sqlite file shop.db",
        "  desired state tiny, full, as of 2026-01-05, mode reset",
        f"  fingerprint {plan.fingerprints[''][:12]}, checksum {plan.checksum[:12]}",
    ] == shown(plan)[:3]


def test_the_header_names_size_scale_and_mode() -> None:
    plan = replace(mixed(), profile=Profile(PROFILE.as_of, Size.LIGHT, scale=3), mode=Mode.TOP_UP)

    assert shown(plan)[1] == "  desired state tiny, light, scale 3, as of 2026-01-05, mode top-up"


def test_every_step_says_how_it_stands() -> None:
    assert section(mixed(), "Steps") == [
        "   1 core           The shop                           3 to change, 1 as declared, 1 skipped",
        "   2 extras         What hangs on it                   not part of this run",
        "   3 later          Not there yet                      not part of this run",
        "   4 quality        Checks                             checked when applied, and by `reconcile verify`",
    ]


def test_the_tables_are_counted() -> None:
    plan = mixed()

    assert [
        f"  makers         0        1        1        0        0  {plan.fingerprints['makers'][:12]}",
        f"  tags           1        0        0        1        1  {plan.fingerprints['tags'][:12]}",
    ] == section(plan, "Tables")


def test_each_row_has_its_sign_in_column_one() -> None:
    assert section(mixed(), "makers:") == [
        "~ [ACME] differs: the live row differs from the declared one",
        '    name: "Acme" → "unnamed"',
        '    rating: null → "4.50"',
        "- [GONE] not declared: in the database and not declared",
        '    code="GONE", name="unnamed", rating="1.00", active=true',
    ]
    assert section(mixed(), "tags:") == [
        "+ [new] missing: declared and not in the database",
        '    code="new", title="New"',
        "= [theirs] not declared: tags keeps the rows of others",
    ]


def test_the_recap_counts_per_step() -> None:
    assert section(mixed(), "Recap") == ["  core           ok=1 changed=3 skipped=1 failed=0"]


def test_the_last_line_sums_up() -> None:
    assert shown(mixed())[-1] == "Plan: 1 to create, 1 to update, 1 to delete; 1 skipped, 1 kept."


def test_nothing_to_do_says_so() -> None:
    plan = planned(declared({"tags": [{"code": "a"}]}), live({"tags": [{"code": "a"}, {"code": "b"}]}))

    assert shown(plan)[-1] == "Nothing to do: 1 rows are as declared, 1 skipped."


def test_a_plan_without_rows_shows_no_tables() -> None:
    text = render_plan(planned(declared({"tags": []}), live({})), shows_rows=True, limit=None)

    assert "\nTables" not in text
    assert text.endswith("Nothing to do: 0 rows are as declared, 0 skipped.")


def test_the_summary_shows_no_rows() -> None:
    text = render_plan(mixed(), shows_rows=False, limit=None)

    assert "[ACME]" not in text
    assert "  makers         0        1" in text


def test_a_limit_says_what_it_hides() -> None:
    plan = planned(declared({"tags": [{"code": code} for code in "abcd"]}), live({}))

    lines = shown(plan, limit=1)

    assert [line for line in lines if line.startswith("+")] == ["+ [a] missing: declared and not in the database"]
    assert "  … 3 more rows, see them with --limit 0" in lines


def test_a_limit_that_hides_nothing_says_nothing() -> None:
    plan = planned(declared({"tags": [{"code": code} for code in "abcd"]}), live({}))

    assert [line for line in shown(plan, limit=4) if "more rows" in line] == []


def test_only_the_chosen_actions_are_shown_and_all_are_counted() -> None:
    lines = shown(mixed(), actions=(Action.DELETE,))

    assert [line for line in lines if line[:1] in set("+~-=")] == [
        "- [GONE] not declared: in the database and not declared"
    ]
    assert "tags:" not in lines
    assert lines[-1] == "Plan: 1 to create, 1 to update, 1 to delete; 1 skipped, 1 kept."


def test_text_has_no_colour() -> None:
    """Colour is the terminal's; a file or a pipe gets none."""
    assert "\x1b" not in render_plan(mixed(), shows_rows=True, limit=None)


def test_control_characters_of_a_value_are_escaped() -> None:
    """A value may not forge lines of the plan or steer the terminal."""
    plan = planned(declared({"tags": [{"code": "a", "title": "x\n- [b]\x1b[31m"}]}), live({}))

    assert '    code="a", title="x\\n- [b]\\u001b[31m"' in shown(plan)


def test_control_characters_of_a_key_are_escaped() -> None:
    plan = planned(declared({"tags": [{"code": "x\n- [b]\x1b[31m"}]}), live({}))

    assert "\x1b" not in "\n".join(shown(plan))
    assert [line for line in shown(plan) if line.startswith("-")] == []


def test_a_long_value_is_cut() -> None:
    plan = planned(declared({"tags": [{"code": "a", "title": "x" * 80}]}), live({}))

    assert f'    code="a", title="{"x" * 58}…' in shown(plan)


def test_numbers_are_grouped_by_thousands() -> None:
    plan = planned(declared({"tags": [{"code": str(number)} for number in range(1234)]}), live({}))

    assert shown(plan)[-1] == "Plan: 1,234 to create, 0 to update, 0 to delete; 0 skipped, 0 kept."


def test_an_apply_closes_with_one_line() -> None:
    """Skipped rows were kept."""
    assert render_outcome(mixed(), 1.94) == "Apply complete: 1 created, 1 updated, 1 deleted, 2 kept; 0 errors in 1.9 s"


def test_losses_are_told_per_table() -> None:
    assert render_losses(mixed()) == ["makers: 1 rows deleted, 1 overwritten"]
    assert render_losses(planned(declared(SHOP), live({}))) == []


def test_verdicts_are_told_per_group() -> None:
    verdicts = [
        verdict(rule("named")),
        verdict(rule("rated", severity=Severity.WARNING, group="quality"), "ACME", "BOLT", "COIL"),
        verdict(rule("linked", group="integrity"), missing="table goods is missing"),
    ]

    assert render_verdicts(verdicts, limit=2).split("\n") == [
        "quality:",
        "  ✓ named                        named holds",
        "  ✗ rated                        rated holds (warning): 3 rows",
        "      [ACME] ACME is wrong",
        "      [BOLT] BOLT is wrong",
        "      … 1 more, see them with --limit 0",
        "integrity:",
        "  ✗ linked                       linked holds (critical): table goods is missing",
        "Verify: 1 of 3 checks passed, 1 warnings, 1 critical.",
    ]


@pytest.mark.parametrize("limit", [None, 2])
def test_violations_within_the_limit_are_all_told(limit: int | None) -> None:
    text = render_verdicts([verdict(rule(), "ACME", "BOLT")], limit=limit)

    assert "[BOLT] BOLT is wrong" in text
    assert "more, see them" not in text


def test_no_checks_is_no_failure() -> None:
    assert render_verdict_total([]) == "Verify: 0 of 0 checks passed, 0 warnings, 0 critical."


def test_a_plan_that_nothing_is_declared_for_has_no_fingerprint_to_show() -> None:
    """A rollback's: its rows come from the journal."""
    shown = render_plan(replace(mixed(), fingerprints={}), shows_rows=False, limit=None)

    assert "fingerprint ," not in shown
    assert f"\n  checksum {mixed().checksum[:12]}\n" in shown
