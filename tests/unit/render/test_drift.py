"""Drift as text, Markdown, JSON and metrics: every output says the same, and each is what its readers parse."""

import json
from datetime import date, datetime, timedelta
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from prometheus_client.parser import text_string_to_metric_families

from reconcile.acceptance import Acceptance
from reconcile.assessment import Compared, assess
from reconcile.dataset import STEP
from reconcile.decide import Mode
from reconcile.diff import Action
from reconcile.drift import Base, Drift, SchemaMove
from reconcile.errors import Finding
from reconcile.render.drift import render_closing, render_drift, render_markdown
from reconcile.render.drift_document import render_drift as render_json
from reconcile.render.drift_document import render_failed, render_lines, render_summary
from reconcile.render.metrics import render_metrics
from reconcile.sightings import Seen, Sighting
from tests.unit.tiny import SPECS as TINY
from tests.unit.tiny import declared, frame, live, planned

NOW = datetime(2026, 3, 1, 12, 0, 0)
SINCE = NOW - timedelta(days=2)
ALL = tuple(Action)
DESIRED = declared({"makers": [{"code": "A", "name": "one"}, {"code": "B"}, {"code": "C"}], "tags": [{"code": "t"}]})
FOUND = live(
    {
        "makers": [{"code": "A", "name": "by hand"}, {"code": "B", "name": "agreed"}, {"code": "D"}],
        "tags": [{"code": "t"}],
    }
)
BASE = Base({"makers": frame(TINY["makers"], [{"code": "A", "name": "one"}]).drop(STEP)})
KNOWN = Acceptance("makers", "agreed with sales", date(2026, 12, 31), "B")
OVER = Acceptance("makers", "long ago", date(2026, 1, 1), "A")
UNUSED = Acceptance("tags", "was mended", date(2026, 12, 31))
MOVE = SchemaMove("goods", Finding("column goods.sku is too short", "there", "live it holds 5", "mend it"))
HISTORY = {Sighting("makers", "A", ("name",)): Seen(SINCE, SINCE)}


def drift_of(*, mode: Mode = Mode.RESET, is_clean: bool = False) -> Drift:
    """Give an example that has everything in it, or one without any difference."""
    if is_clean:
        return assess(
            Compared(
                planned(
                    DESIRED,
                    live(
                        {
                            "makers": [{"code": "A", "name": "one"}, {"code": "B"}, {"code": "C"}],
                            "tags": [{"code": "t"}],
                        }
                    ),
                ),
                BASE,
            ),
            (),
            {},
            NOW,
        )[0]
    compared = Compared(planned(DESIRED, FOUND, mode), BASE, (MOVE,), ("goods",))
    return assess(compared, (KNOWN, OVER, UNUSED), HISTORY, NOW)[0]


def text(drift: Drift, *, shows_rows: bool = True, limit: int | None = None) -> str:
    return render_drift(drift, shows_rows=shows_rows, limit=limit, actions=ALL)


def document(drift: Drift) -> Any:  # noqa: ANN401 - a decoded JSON document
    return json.loads(render_json(drift, NOW, tool_version="1.2.3", shows_rows=True, limit=None, actions=ALL))


def test_text_shows_each_row_as_a_plan_does_with_its_label() -> None:
    """The sign of what counts is the plan's; what is accepted has the sign of a skip."""
    told = text(drift_of())

    assert told.splitlines() == [
        "Drift of here",
        "  desired state tiny, full, as of 2026-01-05, mode reset",
        "",
        "schema:",
        "! [goods] schema moved: column goods.sku is too short; since 2026-03-01 12:00",
        "    live it holds 5",
        "",
        "makers:",
        "~ [A] changed live: the live row differs from the declared one; since 2026-02-27 12:00",
        '    name: "by hand" → "one"',
        "= [B] changed: the live row differs from the declared one; since 2026-03-01 12:00; "
        "accepted until 2026-12-31: agreed with sales",
        '    name: "agreed" → "unnamed"',
        "+ [C] missing: declared and not in the database; since 2026-03-01 12:00",
        '    code="C", name="unnamed", active=true',
        "- [D] extra: in the database and not declared; since 2026-03-01 12:00",
        '    code="D", name="unnamed", active=true',
        "",
        "Not compared, the schema moved: goods",
        "",
        "Accepted drift that has expired and counts again:",
        "  makers [A] until 2026-01-01: long ago",
        "",
        "Accepted drift that is not there any more; take it out of the baseline:",
        "  tags [*] until 2026-12-31: was mended",
        "",
        "Drift: 3 rows in 1 table (1 changed live, 1 missing, 1 extra), the schema moved in 1 place; 1 accepted; "
        "the oldest since 2026-02-27 12:00 UTC.",
    ]


def test_text_without_drift_is_one_line() -> None:
    """A scheduler mails what is printed: nothing to read when nothing is wrong."""
    assert text(drift_of(is_clean=True)) == "No drift: 4 rows are as declared."


def test_text_of_a_top_up_counts_what_it_leaves_apart() -> None:
    told = text(drift_of(mode=Mode.TOP_UP), shows_rows=False)

    assert "1 missing" in told.splitlines()[-1]
    assert "1 accepted" not in told.splitlines()[-1]
    assert "2 left as they are" in told.splitlines()[-1]
    assert "[A]" not in told.split("Accepted drift")[0]


def test_a_limit_hides_rows_and_says_how_many() -> None:
    assert "  … 3 more rows, see them with --limit 0" in text(drift_of(), limit=1).splitlines()


def test_nothing_in_a_row_or_a_reason_steers_the_terminal() -> None:
    """Accepted reasons come from a file, keys from the database."""
    evil = Acceptance("makers", "red\x1b[31m", date(2026, 12, 31), "*")
    compared = Compared(planned(DESIRED, live({"makers": [{"code": "x\x1by"}]})), Base())

    told = text(assess(compared, (evil,), None, NOW)[0])

    assert "\x1b" not in told
    assert "\\x1b" in told


def test_markdown_is_a_ticket() -> None:
    told = render_markdown(drift_of(), shows_rows=True, limit=None, actions=ALL)

    assert "| makers | 1 | 0 | 0 | 0 | 1 | 1 | 1 | 0 |" in told
    assert "```diff\nschema:\n! [goods] schema moved" in told
    assert told.splitlines()[-1].startswith("**Drift: 3 rows in 1 table ")


@pytest.mark.parametrize("mode", [Mode.RESET, Mode.TOP_UP])
@pytest.mark.parametrize("is_clean", [False, True])
def test_json_is_as_its_schema_says(mode: Mode, is_clean: bool) -> None:
    schema = json.loads((files("reconcile.render") / "drift.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)

    found = document(drift_of(mode=mode, is_clean=is_clean))

    Draft202012Validator(schema).validate(found)
    for name in found:
        assert not Draft202012Validator(schema).is_valid({key: value for key, value in found.items() if key != name})
    assert not Draft202012Validator(schema).is_valid(found | {"more": 1})


def test_json_says_what_text_says() -> None:
    found = document(drift_of())

    assert [(row["key"], row["label"], row["moved_by"], row["standing"]) for row in found["drift"]] == [
        ("A", "changed live", "live", "open"),
        ("B", "changed", "not known", "accepted"),
        ("C", "missing", "not known", "open"),
        ("D", "extra", "not known", "open"),
    ]
    assert found["drift"][0]["first_seen"] == "2026-02-27T12:00:00Z"
    assert found["drift"][0]["last_seen"] == found["checked_at"] == "2026-03-01T12:00:00Z"
    assert found["drift"][1]["accepted"] == {"reason": "agreed with sales", "expires": "2026-12-31"}
    assert found["totals"] == {"open": 4, "accepted": 1, "left": 0, "keep": 1}
    assert found["summary"]["open"] == {"makers": {"changed live": 1, "missing": 1, "extra": 1}}
    assert found["has_drift"]


def test_lines_put_together_are_the_document() -> None:
    drift = drift_of()
    lines = render_lines(drift, NOW, tool_version="1.2.3", shows_rows=True, limit=None, actions=ALL).splitlines()

    first, *rows = [json.loads(line) for line in lines]

    assert {first.pop("type"), *(row.pop("type") for row in rows)} == {"drift", "row"}
    assert first | {"drift": rows} == document(drift)


def test_a_summary_has_no_cell_unless_rows_are_asked_for() -> None:
    """What is sent elsewhere holds no row contents by default: no key, no before, no after."""
    drift = drift_of()
    bare = render_summary(drift, NOW, tool_version="1", shows_rows=False)
    full = render_summary(drift, NOW, tool_version="1", shows_rows=True)

    assert "by hand" not in bare
    assert "drift" not in json.loads(bare)
    assert "by hand" in full
    assert json.loads(bare)["text"] == f"{render_closing(drift)} (here)"
    assert json.loads(bare)["success"]


def test_a_failure_is_told_with_its_reason() -> None:
    told = json.loads(render_failed([Finding("no way", "there", "why", "fix")], tool_version="1", target="here"))

    assert (told["success"], told["text"]) == (False, "Drift was not looked for: no way (here)")
    assert [error["what"] for error in told["errors"]] == ["no way"]


def samples(drift: Drift | None) -> dict[tuple[str, ...], float]:
    """Give the metrics as Prometheus reads them: by name and the values of their labels."""
    told = render_metrics(database="here", now=NOW, duration_s=1.5, drift=drift)
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(told)
        for sample in family.samples
    }


def test_metrics_count_by_table_and_label() -> None:
    found = samples(drift_of())

    assert found["reconcile_drift_success", "here"] == 1
    assert found["reconcile_drift_open", "here"] == 4
    assert found["reconcile_drift_rows", "here", "changed live", "makers"] == 1
    assert found["reconcile_drift_rows", "here", "missing", "makers"] == 1
    assert found["reconcile_drift_accepted_rows", "here", "changed", "makers"] == 1
    assert found["reconcile_drift_schema_findings", "here", "open", "goods"] == 1
    assert found["reconcile_drift_kept_rows", "here"] == 1
    assert found["reconcile_drift_oldest_age_seconds", "here"] == timedelta(days=2).total_seconds()
    assert found["reconcile_drift_baseline_entries", "here", "expired"] == 1
    assert found["reconcile_drift_baseline_entries", "here", "unused"] == 1
    assert found["reconcile_drift_duration_seconds", "here"] == 1.5
    assert found["reconcile_drift_last_run_timestamp_seconds", "here"] == 1772366400


def test_metrics_of_a_failure_say_so_and_count_nothing() -> None:
    """Counts of 0 would look like a database without drift."""
    assert samples(None) == {
        ("reconcile_drift_success", "here"): 0,
        ("reconcile_drift_last_run_timestamp_seconds", "here"): 1772366400,
        ("reconcile_drift_duration_seconds", "here"): 1.5,
    }


def test_metrics_without_drift_are_zero() -> None:
    found = samples(drift_of(is_clean=True))

    assert found["reconcile_drift_open", "here"] == found["reconcile_drift_oldest_age_seconds", "here"] == 0
    assert not [sample for sample in found if sample[0] == "reconcile_drift_rows"]
