"""What a plan would leave: created, replaced and deleted rows, and everything else as it was."""

from dataclasses import replace

import polars as pl

from reconcile.dataset import ID, KEY, Dataset
from reconcile.decide import Mode
from reconcile.diff import diff
from reconcile.outcome import after, whole
from tests.unit.tiny import GOODS, SHOP, SPECS, TAGS, declared, live, planned, without

FOUND = live(
    {
        "makers": [{"code": "ACME", "name": "Old"}, {"code": "GONE"}],
        "goods": [{"sku": "SAW", "maker": "GONE", "stock": "3"}],
        "tags": [{"code": "theirs", "title": "Not ours"}],
        "notes": [{"ref": "n1", "body": '{"a":1}'}],
    }
)


def test_after_a_reset_the_declared_rows_are_there() -> None:
    """And nothing else, but in tables that keep the rows of others."""
    desired = declared(SHOP)

    then = after(planned(desired, FOUND).tables, FOUND)

    left = {name: table.rows.height for name, table in diff(desired, then, SPECS).items()}
    assert left == dict.fromkeys(SPECS, 0) | {"tags": 1}
    assert set(then["tags"][KEY]) == {"sharp", "theirs"}


def test_ids_stay_and_created_rows_have_one_that_no_server_gives() -> None:
    then = after(planned(declared(SHOP), FOUND).tables, FOUND)

    assert dict(then["makers"].filter(pl.col(ID) > 0).select(KEY, ID).iter_rows()) == {"ACME": 1}
    assert then["makers"].filter(pl.col(ID) < 0)[KEY].to_list() == ["BOLT"]
    assert then["notes"][ID].n_unique() == then["notes"].height


def test_what_is_not_ours_to_change_stays_in_a_changed_row() -> None:
    then = after(planned(declared(SHOP), FOUND).tables, FOUND)

    assert dict(then["goods"].select(KEY, "stock").iter_rows()) == {"SAW": 3, "BLADE": 7}


def test_what_is_skipped_stays() -> None:
    then = after(planned(declared(SHOP), FOUND, Mode.TOP_UP).tables, FOUND)

    assert set(then["makers"].select(KEY, "name").iter_rows()) == {
        ("ACME", "Old"),
        ("BOLT", "Bolt & Co"),
        ("GONE", "unnamed"),
    }


def test_tables_outside_the_plan_stay() -> None:
    plan = planned(declared({"makers": []}), FOUND)

    then = after(plan.tables, FOUND)

    assert then["goods"].equals(FOUND["goods"])
    assert then["makers"].is_empty()


def test_a_table_that_is_not_there_is_filled() -> None:
    then = after(planned(declared({"tags": [{"code": "new"}]}), live({})).tables, live({}))

    assert then["tags"].rows(named=True) == [{ID: -1, "code": "new", "title": None, KEY: "new"}]


def test_a_duplicate_is_deleted_and_the_row_that_stands_for_the_key_stays() -> None:
    """Both have their ids, which say which is which."""
    specs = {"tags": replace(TAGS, prunes=True)}
    found = live({"tags": [{"code": "a", ID: 5}, {"code": "a", ID: 7}]}, specs)
    marked = Dataset(specs, {"tags": found["tags"].with_columns(_key=found["tags"][KEY].scatter(1, "a\\=7"))})

    then = after(planned(declared({"tags": [{"code": "a"}]}, specs), marked).tables, marked)

    assert then["tags"][ID].to_list() == [5]


def test_what_the_schema_lacks_is_null_or_no_row() -> None:
    narrow = without(TAGS, "title")
    found = Dataset({"tags": narrow}, {"tags": live({"tags": [{"code": "a"}]}, {"tags": narrow})["tags"]})

    rows = whole(SPECS, ("tags", "goods"), found)

    assert rows["tags"].select("code", "title").rows() == [("a", None)]
    assert (rows["goods"].height, set(rows["goods"].columns) - {ID, KEY}) == (
        0,
        {column.name for column in GOODS.declared},
    )
