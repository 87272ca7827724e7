"""The plan, verdicts, outcome and errors as JSON for programs."""

import json
from typing import Any

from reconcile.diff import Action
from reconcile.errors import Finding, Severity
from reconcile.plan import only
from reconcile.render.json import render_errors, render_outcome, render_plan, render_verdicts
from tests.unit.tiny import declared, live, planned, rule, verdict

PLAN = planned(
    declared(
        {
            "makers": [{"code": "ACME", "rating": "4.5", "founded": "1999-12-31"}],
            "notes": [{"ref": "n1", "body": '{"good_id":"SAW"}'}],
        }
    ),
    live({"makers": [{"code": "ACME", "rating": "4"}, {"code": "GONE"}]}),
    findings=(Finding("odd", "there", "why", "fix", Severity.WARNING),),
)


def document(**options: Any) -> Any:  # noqa: ANN401 - a decoded JSON document
    return json.loads(render_plan(PLAN, tool_version="1.2.3", **options))


def test_the_head_names_format_and_tool() -> None:
    assert {name: document()[name] for name in ("format_version", "tool_version")} == {
        "format_version": "1.0",
        "tool_version": "1.2.3",
    }


def test_the_plan_is_described() -> None:
    found = document()

    assert PLAN.checksum == found["checksum"]
    assert PLAN.checksum[:12] == found["plan_id"]
    assert tuple(found[name] for name in ("target", "engine", "state", "mode", "as_of")) == (
        "here",
        "sqlite",
        "tiny",
        "reset",
        "2026-01-05",
    )
    assert found["profile"] == {"size": "full", "scale": 1, "seed": 1}
    assert dict(PLAN.fingerprints) == found["fingerprints"]
    assert found["steps"][2] == {"id": "later", "title": "Not there yet", "chosen": False, "left_out": None}


def test_the_summary_counts_per_table() -> None:
    assert document()["summary"] == {
        "makers": {"create": 0, "update": 1, "delete": 1, "skip": 0, "keep": 0},
        "notes": {"create": 1, "update": 0, "delete": 0, "skip": 0, "keep": 0},
    }


def test_a_change_says_everything_about_its_row() -> None:
    assert document()["changes"][0] == {
        "step": "core",
        "table": "makers",
        "key": "ACME",
        "action": "update",
        "before": {"rating": "4.00", "founded": None},
        "after": {"rating": "4.50", "founded": "1999-12-31"},
        "reason": "differs",
        "why": "the live row differs from the declared one",
    }


def test_json_columns_are_documents() -> None:
    assert document()["changes"][-1]["after"]["body"] == {"good_id": "SAW"}


def test_findings_have_four_parts_and_a_severity() -> None:
    assert document()["findings"] == [
        {"what": "odd", "where": "there", "why": "why", "fix": "fix", "severity": "warning"}
    ]


def test_the_summary_alone_has_no_changes() -> None:
    found = document(shows_rows=False)

    assert found["changes"] == []
    assert found["summary"]["notes"]["create"] == 1


def test_a_limit_counts_per_table() -> None:
    assert [(change["table"], change["key"]) for change in document(limit=1)["changes"]] == [
        ("makers", "ACME"),
        ("notes", "n1"),
    ]


def test_a_narrowed_plan_shows_what_is_left() -> None:
    found = json.loads(render_plan(only(PLAN, [Action.DELETE]), tool_version="0"))

    assert [change["key"] for change in found["changes"]] == ["GONE"]


def test_verdicts_list_every_violation() -> None:
    found = json.loads(
        render_verdicts(
            [verdict(rule("rated", Severity.WARNING), "ACME"), verdict(rule(), missing="table makers is missing")],
            tool_version="0",
            target="here",
        )
    )

    assert found["checks"] == [
        {
            "id": "rated",
            "title": "rated holds",
            "group": "quality",
            "severity": "warning",
            "passed": False,
            "missing": None,
            "violations": [{"key": "ACME", "why": "ACME is wrong"}],
        },
        {
            "id": "named",
            "title": "named holds",
            "group": "quality",
            "severity": "critical",
            "passed": False,
            "missing": "table makers is missing",
            "violations": [],
        },
    ]


def test_an_outcome_counts_what_was_done() -> None:
    found = json.loads(
        render_outcome(
            PLAN, tool_version="0", verdicts=[verdict(rule(), "ACME"), verdict(rule("ok"))], duration_s=1.23456
        )
    )

    assert {
        name: found[name]
        for name in ("created", "updated", "deleted", "skipped", "kept", "duration_s", "failed_checks")
    } == {
        "created": 1,
        "updated": 1,
        "deleted": 1,
        "skipped": 0,
        "kept": 0,
        "duration_s": 1.235,
        "failed_checks": ["named"],
    }


def test_a_failure_is_valid_json_too() -> None:
    found = json.loads(render_errors([Finding("a", "b", "c", 'd "e"')], tool_version="0"))

    assert found["errors"] == [{"what": "a", "where": "b", "why": "c", "fix": 'd "e"', "severity": "critical"}]


def test_text_beyond_ascii_stays_readable() -> None:
    assert '"what": "Größe"' in render_errors([Finding("Größe", "", "", "")], tool_version="0")
