"""What the journal holds is what was read: packed, compressed as the server does it, and given back as it was."""

import json
import zlib

import polars as pl
import pytest

from reconcile.dataset import ID, KEY
from reconcile.decide import decide
from reconcile.diff import ACTION, AFTER, BEFORE, Action
from reconcile.journal import (
    BYTES_PER_CHUNK,
    ROWS_PER_CHUNK,
    STORED,
    STORED_CELL,
    columns_of,
    compress,
    empty,
    lists,
    pack,
    records,
    uncompress,
    unpack,
)
from reconcile.outcome import after
from reconcile.table_plan import TablePlan
from tests.unit.tiny import GOODS, MAKERS, NOTES, SHOP, SPECS, TAGS, Rows, declared, goal_of, live, without

CONTENT = b'{"a": "\xc3\xbc"}\nsecond line'

HAND_EDITED: Rows = {
    **SHOP,
    "makers": [{"code": "ACME", "name": "Edited"}, {"code": "OLD", "rating": "1.50"}],
    "notes": [{"ref": "n1", "body": '{"odd":"\\"|\\n\\\\"}'}],
}


def parts_of(desired: Rows, found: Rows) -> tuple[dict[str, TablePlan], dict[str, pl.DataFrame]]:
    """Plan from *found* to *desired* and give what each table's records are once it is carried out."""
    before = live(found)
    parts = decide(goal_of(declared(desired)), before)
    then = after(parts.values(), before)
    return parts, {name: records(part, before, then) for name, part in parts.items() if part.written}


def packed(name: str, rows: pl.DataFrame) -> list[tuple[Action, bytes]]:
    return [(chunk.action, chunk.payload) for chunk in pack(SPECS[name], rows)]


def test_records_come_back_as_they_were_read() -> None:
    _, rows = parts_of(SHOP, HAND_EDITED)

    for name, frame in rows.items():
        assert unpack(SPECS[name], packed(name, frame)).rows.equals(
            frame.select(empty(SPECS[name]).columns), null_equal=True
        )
    assert {"makers", "goods_tags", "notes"} & set(rows)


def test_a_record_holds_what_was_read_and_not_what_was_planned() -> None:
    """Columns that the database owns count: a rollback brings them back, too."""
    before = live({"goods": [{"sku": "SAW", "maker": "ACME", "stock": "7"}]})
    desired = declared({"goods": [{"sku": "SAW", "maker": "BOLT", "stock": "3"}]})
    (part,) = decide(goal_of(desired), before).values()
    then = live({"goods": [{"sku": "SAW", "maker": "BOLT", "stock": "9"}]})

    (row,) = records(part, before, then).iter_rows(named=True)

    assert [row[side]["stock"] for side in (BEFORE, AFTER)] == [7, 9]


def test_a_created_row_is_recorded_with_the_id_that_it_was_given() -> None:
    (part,) = decide(goal_of(declared({"tags": [{"code": "new"}]})), live({"tags": []})).values()

    (row,) = records(part, live({"tags": []}), live({"tags": [{"code": "new", ID: 42}]})).iter_rows(named=True)

    assert (row[ID], row[BEFORE]) == (42, None)


def test_a_kept_row_is_not_recorded() -> None:
    found: Rows = {"tags": [{"code": "a"}, {"code": "theirs"}]}
    (part,) = decide(goal_of(declared({"tags": [{"code": "a"}, {"code": "b"}]})), live(found)).values()

    keys = records(part, live(found), after([part], live(found)))[KEY].to_list()

    assert keys == ["b"]


def test_a_payload_is_what_the_server_s_own_uncompress_reads() -> None:
    payload = compress(CONTENT)

    assert int.from_bytes(payload[:4], "little") == len(CONTENT)
    assert zlib.decompress(payload[4:]) == CONTENT
    assert uncompress(payload) == CONTENT


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(compress(CONTENT)[:-3], id="cut off"),
        pytest.param(b"\0\0\0\0" + compress(CONTENT)[4:], id="another length"),
        pytest.param(b"\1\0\0\0no", id="not compressed"),
    ],
)
def test_a_damaged_payload_is_refused(payload: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        unpack(TAGS, [(Action.CREATE, payload)])


def test_a_line_that_names_no_row_is_refused() -> None:
    payload = compress(b'{"columns": ["code"]}\n{"id": 3}')

    with pytest.raises(ValueError, match="names no row"):
        unpack(TAGS, [(Action.CREATE, payload)])


def many_tags(count: int, title: str = "") -> pl.DataFrame:
    rows: Rows = {"tags": [{"code": f"{number:05}", "title": title} for number in range(count)]}
    nothing = live({"tags": []})
    (part,) = decide(goal_of(declared(rows)), nothing).values()
    return records(part, nothing, after([part], nothing))


def test_a_chunk_has_at_most_a_thousand_rows_and_says_from_which_to_which() -> None:
    chunks = list(pack(TAGS, many_tags(ROWS_PER_CHUNK + 1)))

    assert [(chunk.rows, chunk.first_key, chunk.last_key) for chunk in chunks] == [
        (ROWS_PER_CHUNK, "00000", "00999"),
        (1, "01000", "01000"),
    ]


def test_a_chunk_of_large_rows_has_fewer_of_them() -> None:
    """A statement must stay below max_allowed_packet, whatever the rows hold."""
    chunks = list(pack(TAGS, many_tags(300, "x" * 9_000)))

    assert sum(chunk.rows for chunk in chunks) == 300
    assert max(len(uncompress(chunk.payload)) for chunk in chunks) <= BYTES_PER_CHUNK + 1_000


def test_creates_updates_and_deletes_are_chunks_of_their_own() -> None:
    _, rows = parts_of(SHOP, HAND_EDITED)

    actions = [chunk.action for chunk in pack(MAKERS, rows["makers"])]

    assert sorted(actions) == [Action.CREATE, Action.DELETE, Action.UPDATE]


def test_a_payload_names_its_columns_once_and_reads_as_lines_of_json() -> None:
    _, rows = parts_of(SHOP, {})
    (chunk,) = pack(TAGS, rows["tags"])

    head, line = uncompress(chunk.payload).split(b"\n")

    assert json.loads(head) == {"table": "tags", "columns": ["code", "title"]}
    assert json.loads(line)["after"] == ["sharp", "Handle with care"]
    assert columns_of(chunk.payload) == ("code", "title")


def test_columns_that_were_not_recorded_are_null_and_others_are_left_out() -> None:
    """A journal is older than a schema."""
    _, rows = parts_of(SHOP, {})
    old = without(MAKERS, "rating")
    chunks = [(chunk.action, chunk.payload) for chunk in pack(old, rows["makers"])]

    found = unpack(MAKERS, chunks)

    assert found.rows.select(pl.col(AFTER).struct.field("rating")).to_series().to_list() == [None, None]
    assert "rating" not in found.columns
    assert "rating" not in unpack(old, packed("makers", rows["makers"])).rows.schema[AFTER].to_schema()  # type: ignore[attr-defined]


def test_how_a_cell_was_spelt_is_kept_beside_what_it_means() -> None:
    found: Rows = {"notes": [{"ref": "n1", "body": '{"a":1}'}]}
    (part,) = decide(goal_of(declared({"notes": []})), live(found)).values()
    spelt = pl.DataFrame(
        {ID: [1], STORED: [[{"column": "body", "written": '{"a":1}', "stored": '{ "a" : 1 }'}]]},
        schema={ID: pl.Int64, STORED: pl.List(STORED_CELL)},
    )

    rows = records(part, live(found), live({"notes": []}), spelt)

    (cells,) = unpack(NOTES, [(c.action, c.payload) for c in pack(NOTES, rows)]).rows[STORED].to_list()
    assert [cell["stored"] for cell in cells] == ['{ "a" : 1 }']


def test_rows_of_an_action_are_in_the_order_of_their_keys() -> None:
    """That is what lets a reader skip a chunk by its first and last key."""
    _, rows = parts_of(SHOP, {})

    for name in ("makers", "goods"):
        keys = rows[name].filter(pl.col(ACTION) == Action.CREATE)[KEY].to_list()
        assert keys == sorted(keys)
    assert GOODS.name in rows


@pytest.mark.parametrize("height", [0, 1, 299, 300, 301])
def test_cells_become_lists_row_by_row(height: int) -> None:
    cells = pl.DataFrame(
        {"a": [f"a{n}" for n in range(height)], "b": [f"b{n}" if n % 3 else None for n in range(height)]}
    )

    found = lists(cells.cast(pl.String))

    assert found.dtype == pl.List(pl.String)
    assert found.to_list() == [list(row) for row in cells.iter_rows()]
