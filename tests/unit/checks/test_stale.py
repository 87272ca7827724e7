"""Whether a plan still holds: every row that moved is named, with what was planned and what is there."""

from dataclasses import replace

import pytest

from reconcile.checks.stale import moved_rows
from reconcile.dataset import Dataset
from reconcile.decide import Mode
from tests.unit.tiny import declared, live, planned

MAKER = {"code": "ACME", "name": "Acme", "rating": "4.50"}
DESIRED = declared({"makers": [MAKER], "tags": [{"code": "new"}]})
THEN = live({"makers": [{**MAKER, "name": "Old"}, {"code": "GONE"}]})


def moved(
    now: Dataset, desired: Dataset = DESIRED, then: Dataset = THEN, mode: Mode = Mode.RESET
) -> list[tuple[str, str]]:
    """Give what is said of the rows that moved since *then*."""
    fresh = planned(desired, now, mode)
    return [(finding.what, finding.why) for finding in moved_rows(planned(desired, then, mode), fresh, now)]


def test_nothing_has_moved() -> None:
    assert moved(THEN) == []


def test_a_changed_cell_is_shown_as_planned_and_as_it_is() -> None:
    now = live({"makers": [{**MAKER, "name": "Newer"}, {"code": "GONE"}]})

    assert moved(now) == [
        ("the plan is stale: makers [ACME].name changed after the plan was made", 'planned from "Old", now "Newer"')
    ]


def test_each_changed_cell_is_shown() -> None:
    now = live({"makers": [{**MAKER, "name": "Newer", "rating": None}, {"code": "GONE"}]})

    assert moved(now) == [
        (
            "the plan is stale: makers [ACME] changed after the plan was made",
            'name planned from "Old", now "Newer"; rating planned from "4.50", now null',
        )
    ]


def test_a_row_that_somebody_made_as_desired_has_moved() -> None:
    """Who reviewed the plan has not seen that."""
    now = live({"makers": [MAKER, {"code": "GONE"}]})

    assert moved(now) == [
        ("the plan is stale: makers [ACME].name changed after the plan was made", 'planned from "Old", now "Acme"')
    ]


def test_rows_that_came_and_went_are_named() -> None:
    now = live({"makers": [{"code": "GONE", "_id": 2}], "tags": [{"code": "new"}]})

    assert moved(now) == [
        (
            "the plan is stale: makers [ACME] was deleted after the plan was made",
            "planned to update it, now it is not there",
        ),
        ("the plan is stale: tags [new] was created after the plan was made", "planned to be created, now it is there"),
    ]


def test_a_row_that_was_deleted_and_made_again_has_moved() -> None:
    """It has another id, and rows of others may refer to it."""
    now = live({"makers": [{**MAKER, "name": "Old"}, {"code": "GONE", "_id": 9}]})

    assert moved(now) == [
        (
            "the plan is stale: makers [GONE] was deleted after the plan was made",
            "planned to delete it, now it is not there",
        )
    ]


def test_a_row_to_be_deleted_that_changed_has_moved() -> None:
    now = live({"makers": [{**MAKER, "name": "Old"}, {"code": "GONE", "name": "Kept after all"}]})

    assert [what for what, _ in moved(now)] == ["the plan is stale: makers [GONE].name changed after the plan was made"]


def test_what_only_the_server_owns_may_move() -> None:
    """Stock is the application's once the row exists."""
    desired = declared({"makers": [MAKER], "goods": [{"sku": "SAW", "maker": "ACME", "barcode": "1"}]})
    then, now = (
        live({"makers": [MAKER], "goods": [{"sku": "SAW", "maker": "ACME", "barcode": "2", "stock": stock}]})
        for stock in ("1", "7")
    )

    assert moved(now, desired, then) == []


def test_rows_that_the_plan_does_not_name_may_move() -> None:
    now = live({"makers": [{**MAKER, "name": "Old"}, {"code": "GONE"}, {"code": "LATER"}], "settings": [{"name": "a"}]})

    assert moved(now) == []


def test_a_row_that_has_not_moved_but_would_be_written_otherwise_is_named() -> None:
    """What the plan makes of it hangs on something else that moved."""
    plan = planned(DESIRED, THEN)
    other = declared({"makers": [{**MAKER, "name": "Other"}], "tags": [{"code": "new", "title": "x"}]})
    kept = planned(other, THEN, Mode.TOP_UP)

    told = [(finding.what, finding.why) for finding in moved_rows(plan, planned(other, THEN), THEN)]
    skipped = [(finding.what, finding.why) for finding in moved_rows(plan, kept, THEN)]

    assert told == [
        ("the plan is stale: makers [ACME] would be treated otherwise", 'name: planned to become "Acme", now "Other"'),
        ("the plan is stale: tags [new] would be created otherwise", 'title: planned to become null, now "x"'),
    ]
    assert skipped[0] == (
        "the plan is stale: makers [ACME] would be treated otherwise",
        "planned to update it, a plan made now says skip: a top-up changes no existing row",
    )


def test_a_table_that_is_no_part_of_the_plan_any_more_has_moved() -> None:
    fresh = planned(declared({"tags": [{"code": "new"}]}), live({}))

    found = moved_rows(planned(DESIRED, THEN), fresh, live({}))

    assert [finding.why for finding in found] == [
        "planned to update it, a plan made now leaves it as it is",
        "planned to delete it, a plan made now leaves it as it is",
    ]


def test_a_finding_says_which_change_it_is() -> None:
    now = live({"makers": [{**MAKER, "name": "Old"}, {"code": "GONE"}], "tags": [{"code": "new"}]})
    plan = replace(planned(DESIRED, THEN), target="schema terp on db1:3306")

    (finding,) = moved_rows(plan, planned(DESIRED, now), now)

    assert finding.where == "change 3 of 3, schema terp on db1:3306"


@pytest.mark.parametrize("text", ["line\nbreak", "\x1b[2J", "x" * 500])
def test_no_value_can_forge_a_line(text: str) -> None:
    now = live({"makers": [{**MAKER, "name": text}, {"code": "GONE"}]})

    ((_, why),) = moved(now)

    assert why.isprintable()
    assert len(why) < 100
