"""An explanation says what is known, and says nothing of what is not there."""

from reconcile.render.explain import render_explanation
from tests.unit.render.history import EXPLANATION, NOTHING_KNOWN


def test_everything_known_of_a_row_is_told_in_its_section() -> None:
    sections = {section.split("\n")[0]: section for section in render_explanation(EXPLANATION).split("\n\n")}

    assert list(sections) == [
        "goods [SAW]: in the database with id 17, declared in step core",
        "Table",
        "Plan (reset)",
        "Blocked",
        "Gap rules of a top-up that may change it",
        "Refers to",
        "Referred to by",
        "History",
    ]
    assert "written when the row is created, never compared: stock" in sections["Table"]
    assert "    stock: 1 → 2" in sections["Plan (reset)"]
    assert "--max-update 90%" in sections["Blocked"]
    assert "maker: makers [ACME]" in sections["Refers to"]
    assert "goods_tags.good: 2 rows, first [SAW|sharp]" in sections["Referred to by"]
    assert "run 12, apply, 2026-01-05 08:00:00 UTC, taken back by run 13" in sections["History"]


def test_what_is_not_known_has_no_section() -> None:
    told = render_explanation(NOTHING_KNOWN)

    assert [line for line in told.split("\n") if not line.startswith(" ") and line] == [
        "settings [SAW]: not in the database, not declared",
        "Table",
        "Plan (reset)",
        "History",
    ]
    assert "no run in the journal has written it" in told
    assert "create-only: rows are created and never changed; rows of others stay" in told
