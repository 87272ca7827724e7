"""What is left after a saved plan: rows that it wrote count against it, rows of others do not."""

from reconcile.apply.proof import still_named
from reconcile.dataset import KEY
from tests.unit.tiny import declared, live, planned

DESIRED = declared({"tags": [{"code": "a", "title": "A"}, {"code": "b", "title": "B"}]})
PLAN = planned(DESIRED, live({"tags": [{"code": "a"}]}))


def named(*titles: tuple[str, str]) -> list[list[str]]:
    """Give the keys that are left of the plan's when the tags have these titles, by code."""
    now = live({"tags": [{"code": code, "title": title} for code, title in titles]})
    return [part.rows[KEY].to_list() for part in still_named(PLAN, planned(DESIRED, now).tables)]


def test_nothing_is_left_of_a_plan_that_was_carried_out() -> None:
    assert named(("a", "A"), ("b", "B")) == []


def test_rows_that_are_not_as_planned_are_left() -> None:
    assert named(("a", "other")) == [["a", "b"]]


def test_rows_that_the_plan_does_not_name_do_not_count() -> None:
    kept = planned(DESIRED, live({"tags": [{"code": "a", "title": "A"}]}))
    now = live({"tags": [{"code": "a", "title": "moved"}, {"code": "b", "title": "B"}]})

    assert still_named(kept, planned(DESIRED, now).tables) == []


def test_a_row_with_another_key_is_known_by_its_id() -> None:
    left = planned(declared({"tags": [{"code": "z", "title": "Z"}]}), live({"tags": [{"code": "z", "title": "moved"}]}))

    assert [part.rows[KEY].to_list() for part in still_named(PLAN, left.tables)] == [["z"]]
