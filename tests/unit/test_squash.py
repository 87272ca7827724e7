"""Several changes to a row as one."""

import polars as pl

from reconcile.dataset import ID, KEY
from reconcile.diff import ACTION, AFTER, BEFORE, CHANGED
from reconcile.squash import squash

Told = tuple[int, str, int | None, int | None, list[str]]


def told(*changes: Told) -> pl.DataFrame:
    """Give changes of rows that have one cell `n`."""
    cell = pl.Struct({"n": pl.Int64})
    return pl.DataFrame(
        {
            KEY: [f"key {place}" for place in range(len(changes))],
            ID: [change[0] for change in changes],
            ACTION: [change[1] for change in changes],
            BEFORE: pl.Series([None if c[2] is None else {"n": c[2]} for c in changes], dtype=cell),
            AFTER: pl.Series([None if c[3] is None else {"n": c[3]} for c in changes], dtype=cell),
            CHANGED: pl.Series([change[4] for change in changes], dtype=pl.List(pl.String)),
        }
    )


def squashed(*changes: Told) -> list[tuple[object, ...]]:
    rows = squash(told(*changes))
    return rows.select(KEY, ID, ACTION, BEFORE, AFTER, CHANGED).rows()


def test_rows_that_changed_once_stay_as_they_are() -> None:
    changes: tuple[Told, ...] = ((1, "create", None, 1, []), (2, "update", 1, 2, ["n"]), (3, "delete", 3, None, []))

    assert squash(told(*changes)).equals(told(*changes))


def test_created_and_changed_is_created_so() -> None:
    assert squashed((1, "create", None, None, []), (1, "update", 1, 2, ["n"])) == [
        ("key 1", 1, "create", None, {"n": 2}, [])
    ]


def test_changed_twice_is_changed_from_the_first_to_the_last() -> None:
    assert squashed((1, "update", 1, 2, ["n"]), (2, "create", None, 9, []), (1, "update", 2, 3, ["m"])) == [
        ("key 2", 1, "update", {"n": 1}, {"n": 3}, ["n", "m"]),
        ("key 1", 2, "create", None, {"n": 9}, []),
    ]


def test_changed_and_deleted_is_deleted_as_it_was() -> None:
    assert squashed((1, "update", 1, 2, ["n"]), (1, "delete", 2, None, [])) == [
        ("key 1", 1, "delete", {"n": 1}, None, [])
    ]


def test_created_and_deleted_was_never_there() -> None:
    assert squashed((1, "create", None, 2, []), (1, "delete", 2, None, []), (2, "create", None, 1, [])) == [
        ("key 2", 2, "create", None, {"n": 1}, [])
    ]
