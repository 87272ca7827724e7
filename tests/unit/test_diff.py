"""The diff: what it finds, with before, after and reason; nothing else."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from reconcile.dataset import DUPLICATE, ID, KEY, STEP, Dataset
from reconcile.diff import (
    ACTION,
    AFTER,
    BEFORE,
    CHANGED,
    REASON,
    Action,
    Reason,
    TableDiff,
    counts,
    diff,
    empty_declared,
    empty_live,
)
from reconcile.spec import Column, Owner
from reconcile.values import SET, Secret, Text
from tests.unit.tiny import GOODS, MAKERS, SPECS, TAGS, Row, declared, live


def compared(table: str, desired: list[Row], found: list[Row]) -> TableDiff:
    return diff(declared({table: desired}), live({table: found}), [table])[table]


def told(table: TableDiff) -> list[tuple[object, ...]]:
    return table.rows.select(KEY, ID, ACTION, REASON, pl.col(CHANGED).list.join(",")).rows()


def test_a_declared_row_that_is_not_live_is_created() -> None:
    found = compared("tags", [{"code": "new", "title": "New"}], [])

    assert told(found) == [("new", None, Action.CREATE, Reason.MISSING, "")]
    assert found.rows.select(BEFORE, AFTER).rows() == [(None, {"code": "new", "title": "New"})]


def test_what_is_said_of_an_empty_table_is_said_of_missing_rows_in_any_other() -> None:
    """A table without rows is not joined; the result is as if it were."""
    goods: list[Row] = [{"sku": "SAW", "maker": "ACME"}, {"sku": "AXE", "maker": "ACME", "base": "SAW"}]

    alone = compared("goods", goods, []).rows
    beside = compared("goods", goods, [{"sku": "OLD", "maker": "ACME", "_id": 7}]).rows

    assert alone.equals(beside.filter(pl.col(ACTION) == Action.CREATE))
    assert alone.schema == beside.schema


def test_a_live_row_that_is_not_declared_is_deleted() -> None:
    found = compared("tags", [], [{"code": "old", "title": "Old", "_id": 7}])

    assert told(found) == [("old", 7, Action.DELETE, Reason.NOT_DECLARED, "")]
    assert found.rows.select(BEFORE, AFTER).rows() == [({"code": "old", "title": "Old"}, None)]


def test_a_row_that_differs_is_updated_in_the_columns_that_differ() -> None:
    found = compared(
        "makers",
        [{"code": "ACME", "name": "Acme", "rating": "4.5", "founded": "1999-12-31"}],
        [{"code": "ACME", "name": "Acme", "rating": "4", "_id": 3}],
    )

    assert told(found) == [("ACME", 3, Action.UPDATE, Reason.DIFFERS, "rating,founded")]
    [(before, after)] = found.rows.select(BEFORE, AFTER).rows()
    assert (Decimal("4.00"), None) == (before["rating"], before["founded"])
    assert (Decimal("4.50"), date(1999, 12, 31)) == (after["rating"], after["founded"])


def test_equal_rows_are_counted_and_not_listed() -> None:
    rows: list[Row] = [{"code": "a"}, {"code": "b", "title": "B"}]

    found = compared("tags", rows, rows)

    assert (told(found), found.kept) == ([], 2)


def test_null_equals_null_and_nothing_else() -> None:
    found = compared("tags", [{"code": "a"}, {"code": "b"}], [{"code": "a"}, {"code": "b", "title": ""}])

    assert told(found) == [("b", 2, Action.UPDATE, Reason.DIFFERS, "title")]
    assert found.kept == 1


def test_columns_that_only_a_create_writes_are_not_compared() -> None:
    found = compared(
        "goods", [{"sku": "SAW", "maker": "ACME", "stock": "0"}], [{"sku": "SAW", "maker": "ACME", "stock": "9"}]
    )

    assert (told(found), found.kept) == ([], 1)


def test_an_update_leaves_columns_that_only_a_create_writes() -> None:
    found = compared(
        "goods", [{"sku": "SAW", "maker": "BOLT", "stock": "0"}], [{"sku": "SAW", "maker": "ACME", "stock": "9"}]
    )

    [(after,)] = found.rows.select(AFTER).rows()
    assert (after["maker"], after["stock"]) == ("BOLT", 9)


def once(desired: str | None, found: str | None, title: str = "Same") -> TableDiff:
    """Compare a row whose column `given` is written once, on both sides."""
    specs = {"tags": replace(TAGS, columns=(*TAGS.columns, Column("given", Text(), nullable=True, owner=Owner.ONCE)))}
    wanted = declared({"tags": [{"code": "a", "title": "Same", "given": desired}]}, specs)
    present = live({"tags": [{"code": "a", "title": title, "given": found}]}, specs)
    return diff(wanted, present, ["tags"])["tags"]


@pytest.mark.parametrize(
    ("desired", "found"), [("ours", "ours"), ("ours", "theirs"), ("ours", ""), (None, "theirs"), (None, None)]
)
def test_a_column_that_is_written_once_is_not_compared_when_it_is_set(desired: str | None, found: str | None) -> None:
    assert (told(once(desired, found)), once(desired, found).kept) == ([], 1)


def test_a_column_that_is_written_once_is_written_where_it_is_null() -> None:
    found = once("ours", None)

    assert told(found) == [("a", 1, Action.UPDATE, Reason.DIFFERS, "given")]
    assert found.rows[AFTER][0]["given"] == "ours"


@pytest.mark.parametrize(("found", "after"), [("theirs", "theirs"), (None, "ours")])
def test_an_update_of_other_columns_leaves_what_was_written_once(found: str | None, after: str) -> None:
    rows = once("ours", found, title="Other").rows

    assert rows[CHANGED].to_list() == [["title"] if found else ["title", "given"]]
    assert (rows[AFTER][0]["title"], rows[AFTER][0]["given"]) == ("Same", after)


def test_a_created_row_gets_what_is_written_once() -> None:
    specs = {"tags": replace(TAGS, columns=(*TAGS.columns, Column("given", Text(), nullable=True, owner=Owner.ONCE)))}

    found = diff(declared({"tags": [{"code": "a", "given": "ours"}]}, specs), live({}, specs), ["tags"])["tags"]

    assert found.rows[AFTER][0]["given"] == "ours"


def test_a_secret_that_is_set_is_as_declared() -> None:
    """The declared cell is its name, the live one says only that there is one."""
    secret = Column("password", Secret(60), nullable=True, owner=Owner.ONCE)
    specs = {"tags": replace(TAGS, columns=(*TAGS.columns, secret))}
    desired = declared({"tags": [{"code": "a", "password": "word"}, {"code": "b", "password": "word"}]}, specs)
    found = live({"tags": [{"code": "a", "password": SET}, {"code": "b"}]}, specs)

    assert told(diff(desired, found, ["tags"])["tags"]) == [("b", 2, Action.UPDATE, Reason.DIFFERS, "password")]


def test_a_declared_row_names_its_step_and_a_live_one_none() -> None:
    found = compared(
        "tags",
        [{"code": "new", "_step": "extras"}, {"code": "changed", "title": "New", "_step": "later"}],
        [{"code": "changed"}, {"code": "theirs"}],
    )

    assert dict(found.rows.select(KEY, STEP).iter_rows()) == {"changed": "later", "new": "extras", "theirs": None}


def test_the_step_of_a_row_is_not_compared() -> None:
    assert told(compared("tags", [{"code": "a", "_step": "later"}], [{"code": "a"}])) == []


def test_references_are_compared_by_the_key_they_point_to() -> None:
    """The ids of the makers do not come into it."""
    desired = declared({"makers": [{"code": "ACME"}], "goods": [{"sku": "SAW", "maker": "ACME"}]})
    found = live({"makers": [{"code": "ACME", "_id": 99}], "goods": [{"sku": "SAW", "maker": "ACME", "_id": 5}]})

    assert [told(table) for table in diff(desired, found, ["makers", "goods"]).values()] == [[], []]


def test_rows_come_in_key_order() -> None:
    found = compared("tags", [{"code": "d"}, {"code": "b", "title": "B"}], [{"code": "c"}, {"code": "b"}])

    assert found.rows[KEY].to_list() == ["b", "c", "d"]


def test_a_live_row_that_repeats_a_key_is_deleted_as_such() -> None:
    repeated = live({"tags": [{"code": "a"}, {"code": "b"}]})["tags"].with_columns(
        pl.Series(KEY, ["a", f"a{DUPLICATE}2"])
    )

    found = diff(declared({"tags": [{"code": "a"}]}), Dataset(SPECS, {"tags": repeated}), ["tags"])["tags"]

    assert [(f"a{DUPLICATE}2", 2, Action.DELETE, Reason.DUPLICATE, "")] == told(found)


def test_a_key_that_only_looks_repeated_is_not_declared() -> None:
    r"""The text `\=2` in a key is escaped; the mark of a repeated key is not."""
    assert compared("tags", [], [{"code": "a\\=1"}]).rows[REASON].to_list() == [Reason.NOT_DECLARED]


def test_a_live_table_that_is_missing_has_no_rows() -> None:
    found = diff(declared({"tags": [{"code": "a"}]}), live({}), ["tags"])["tags"]

    assert told(found) == [("a", None, Action.CREATE, Reason.MISSING, "")]


def test_a_live_column_that_is_missing_counts_as_null() -> None:
    untitled = live({"tags": [{"code": "a"}]})["tags"].drop("title")

    found = diff(declared({"tags": [{"code": "a", "title": "A"}]}), Dataset(SPECS, {"tags": untitled}), ["tags"])[
        "tags"
    ]

    assert told(found) == [("a", 1, Action.UPDATE, Reason.DIFFERS, "title")]


def test_only_the_tables_asked_for_are_compared() -> None:
    assert list(diff(declared({"tags": [], "makers": []}), live({}), ["tags"])) == ["tags"]


def test_a_table_whose_rows_are_never_compared_keeps_them() -> None:
    columns = (Column("code", Text(20), owner=Owner.CREATION), Column("title", Text(), owner=Owner.CREATION))
    specs = {"tags": replace(TAGS, columns=columns)}

    found = diff(
        declared({"tags": [{"code": "a", "title": "A"}]}, specs), live({"tags": [{"code": "a"}]}, specs), ["tags"]
    )["tags"]

    assert (told(found), found.kept) == ([], 1)


def test_an_empty_live_table_has_the_columns_of_a_full_one() -> None:
    full = live({"goods": [{"sku": "SAW"}]})["goods"]

    assert set(full.schema.items()) == set(empty_live(GOODS).schema.items())


def test_a_table_in_which_nothing_is_declared_has_the_columns_of_a_full_one() -> None:
    full = declared({"goods": [{"sku": "SAW"}]})["goods"]

    assert full.schema == empty_declared(GOODS).schema


def test_every_action_is_counted() -> None:
    found = compared("tags", [{"code": "a"}, {"code": "b"}], [{"code": "c"}])

    assert counts(found.rows) == {Action.CREATE: 2, Action.UPDATE: 0, Action.DELETE: 1, Action.SKIP: 0}


def test_a_diff_names_its_table() -> None:
    assert compared("makers", [], []).spec == MAKERS
    assert SPECS["makers"] is MAKERS
