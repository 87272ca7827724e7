"""Lines of JSON: each stands for itself, and together they are the documents that the schemas describe."""

import json
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from reconcile.decide import Mode
from reconcile.diff import Action
from reconcile.errors import Finding
from reconcile.plan import Plan, only
from reconcile.render import json as whole
from reconcile.render import jsonl
from tests.unit.render.test_text import mixed
from tests.unit.test_json_schema import EFFECTS, PLANS, VERDICTS, validator


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.split("\n")]


def untyped(line: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name != "type"}


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("effects", [None, EFFECTS])
def test_the_lines_of_a_plan_are_its_document(plan: Plan, effects: pl.DataFrame | None) -> None:
    first, *changes, _ = lines(jsonl.render_plan(plan, tool_version="1.0", effects=effects))

    document = untyped(first) | {"changes": [untyped(change) for change in changes]}
    assert document == json.loads(whole.render_plan(plan, tool_version="1.0", effects=effects))
    assert [error.message for error in validator("plan").iter_errors(document)] == []
    assert [first["type"], *{change["type"] for change in changes}] == ["plan", *(["change"] if changes else [])]


def test_the_last_line_counts() -> None:
    *_, last = lines(jsonl.render_plan(mixed(), tool_version="1.0"))

    assert last == {"type": "summary", "create": 1, "update": 1, "delete": 1, "skip": 1, "keep": 1}


def test_rows_may_be_left_out_or_limited() -> None:
    plan = mixed()

    assert len(lines(jsonl.render_plan(plan, tool_version="1.0", shows_rows=False))) == 2
    assert len(lines(jsonl.render_plan(plan, tool_version="1.0", limit=1))) == 4
    assert len(lines(jsonl.render_plan(only(plan, [Action.DELETE]), tool_version="1.0"))) == 3


def test_no_value_can_end_a_line() -> None:
    plan = replace(mixed(), target="a\nb\u2028c")

    assert lines(jsonl.render_plan(plan, tool_version="1.0"))[0]["target"] == "a\nb\u2028c"


def test_the_lines_of_a_verification_are_its_document() -> None:
    first, *checks, last = lines(jsonl.render_verdicts(VERDICTS, tool_version="1.0", target="here"))

    document = untyped(first) | {"checks": [untyped(check) for check in checks]}
    assert document == json.loads(whole.render_verdicts(VERDICTS, tool_version="1.0", target="here"))
    assert last == {"type": "summary", "passed": 1, "warnings": 1, "critical": 1}


@pytest.mark.parametrize("mode", [Mode.RESET, Mode.TOP_UP])
def test_an_outcome_is_one_line(mode: Mode) -> None:
    plan = replace(mixed(), mode=mode)

    (line,) = lines(jsonl.render_outcome(plan, tool_version="1.0", verdicts=VERDICTS, duration_s=0.5))

    assert [error.message for error in validator("outcome").iter_errors(untyped(line))] == []
    assert line["type"] == "outcome"


def test_a_failure_is_one_line() -> None:
    (line,) = lines(jsonl.render_errors([Finding("a", "b", "c", "d")], tool_version="1.0"))

    assert [error.message for error in validator("errors").iter_errors(untyped(line))] == []
    assert line["type"] == "errors"
