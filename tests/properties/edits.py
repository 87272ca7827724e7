"""What people do to the rows of a market: insert, change, delete, delete softly, copy; foreign keys are no obstacle."""

from collections.abc import Mapping
from dataclasses import dataclass

from hypothesis import strategies as st

from tests.properties.market import TABLES

Value = str | int | None
Cells = Mapping[str, Value]


@dataclass(frozen=True)
class Insert:
    """Add a row, whether or not what it refers to is there."""

    table: str
    cells: Cells


@dataclass(frozen=True)
class Change:
    """Change cells of the row at some place, counted by id and round the end."""

    table: str
    place: int
    cells: Cells


@dataclass(frozen=True)
class Copy:
    """Copy the row at some place, with some cells changed."""

    table: str
    place: int
    cells: Cells


@dataclass(frozen=True)
class Delete:
    """Delete the row at some place, and leave behind what refers to it."""

    table: str
    place: int


Edit = Insert | Change | Copy | Delete

_NUMBERS = st.integers(1, 8)
_MAYBE = st.none() | _NUMBERS
_MOMENTS = st.sampled_from([None, "2026-01-01 08:00:00"])
_CELLS: Mapping[str, Mapping[str, st.SearchStrategy[Value]]] = {
    "makers": {
        "code": st.sampled_from(["ACME", "BOLT", "CRAFT", "DELTA", "acme", "Z"]),
        "name": st.sampled_from(["Acme", "Bolt", "Somebody", ""]),
        "rating": st.sampled_from([None, "4.5", "-1"]),
        "founded": st.sampled_from([None, "1999-12-31"]),
        "active": st.integers(0, 1),
        "flagship": _MAYBE,
        "deleted_at": _MOMENTS,
    },
    "goods": {
        "sku": st.sampled_from(["SAW", "BLADE", "FILE", "DRILL", "Z"]),
        "maker": _NUMBERS,
        "base": _MAYBE,
        "kind": st.sampled_from(["raw", "made"]),
        "barcode": st.sampled_from([None, "111", "222", "333", "444"]),
        "stock": st.integers(0, 9),
        "listed_at": _MOMENTS,
    },
    "tags": {
        "code": st.sampled_from(["sharp", "new", "loud", "z"]),
        "title": st.sampled_from([None, "Handle with care", "x"]),
    },
    "goods_tags": {"good": _NUMBERS, "tag": _NUMBERS, "weight": st.sampled_from([None, 1, 2])},
    "notes": {
        "ref": st.sampled_from(["n1", "n2", "n3", "~SAW", "z"]),
        "subject_type": st.sampled_from([None, "maker", "good"]),
        "subject": _MAYBE,
        "body": st.sampled_from([None, '{"good_id": 1, "why": "new"}', '[ {"maker_id":2} ]', '{"good_id":77}']),
    },
    "settings": {"name": st.sampled_from(["currency", "language", "z"]), "value": st.sampled_from(["EUR", "x"])},
    "visits": {"remark": st.sampled_from(["early", "late"]), "maker": _NUMBERS},
    "claims": {"amount": st.integers(1, 9), "good": _MAYBE, "maker": _MAYBE},
}
"""What people may write, column by column; small numbers are ids, most of them of rows that exist."""

_PLACES = st.integers(0, 5)


def _of(table: str) -> st.SearchStrategy[Edit]:
    one = st.sampled_from(sorted(_CELLS[table])).flatmap(
        lambda column: _CELLS[table][column].map(lambda value: {column: value})
    )
    return st.one_of(
        st.builds(Insert, st.just(table), st.fixed_dictionaries(dict(_CELLS[table]))),
        st.builds(Change, st.just(table), _PLACES, one),
        st.builds(Copy, st.just(table), _PLACES, one),
        st.builds(Delete, st.just(table), _PLACES),
    )


_TELLING: st.SearchStrategy[Edit] = st.one_of(
    st.builds(Change, st.just("makers"), _PLACES, st.just({"deleted_at": "2026-01-02 12:00:00"})),
    st.builds(Change, st.just("makers"), _PLACES, st.just({"rating": "-1"})),
    st.builds(Change, st.just("makers"), _PLACES, st.just({"flagship": None})),
    st.builds(Delete, st.sampled_from(["notes", "goods_tags"]), _PLACES),
)
"""Edits that something is waiting for: soft deletes, and gaps that a rule fills."""

EDITS: st.SearchStrategy[list[Edit]] = st.lists(
    st.one_of(st.sampled_from(sorted(_CELLS)).flatmap(_of), _TELLING), max_size=4
)


def statement(edit: Edit) -> str:
    """Give the SQL of an edit; `:id` is the row at its place, the other parameters are its cells."""
    match edit:
        case Insert(table, cells):
            return f"INSERT INTO {table} ({', '.join(cells)}) VALUES ({', '.join(f':{name}' for name in cells)})"
        case Change(table, _, cells):
            return f"UPDATE {table} SET {', '.join(f'{name} = :{name}' for name in cells)} WHERE id = :id"
        case Copy(table, _, cells):
            names = [name for name in TABLES[table] if name != "id"]
            chosen = ", ".join(f":{name}" if name in cells else name for name in names)
            return f"INSERT INTO {table} ({', '.join(names)}) SELECT {chosen} FROM {table} WHERE id = :id"
        case Delete(table):
            return f"DELETE FROM {table} WHERE id = :id"
