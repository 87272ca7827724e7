"""Resolving: text to canonical values, ids to natural keys, live spelling to the declared one."""

from collections.abc import Mapping, Sequence

import polars as pl
import pytest

from reconcile.dataset import DUPLICATE, ID, KEY
from reconcile.errors import ReconcileError, Severity
from reconcile.live.collation import BINARY, Collation, collation_named
from reconcile.live.raw import RawTable
from reconcile.live.resolve import LiveState, resolve
from reconcile.spec import TableSpec
from tests.unit.live.test_collation import weigh
from tests.unit.tiny import SPECS, Rows, declared

NEUTRAL = collation_named("utf8mb4_0900_ai_ci")

Texts = Mapping[str, Sequence[Mapping[str, str | None]]]


def raw(tables: Texts, specs: Mapping[str, TableSpec] = SPECS) -> dict[str, RawTable]:
    """Give tables as they are read: texts, a column where a row of the table has it."""
    read = {}
    for name, rows in tables.items():
        names = ("id", *(column.name for column in specs[name].declared if any(column.name in row for row in rows)))
        read[name] = RawTable(specs[name], names, [tuple(row.get(column) for column in names) for row in rows])
    return read


def resolved(
    tables: Texts, desired: Rows | None = None, collation: Collation = BINARY, specs: Mapping[str, TableSpec] = SPECS
) -> LiveState:
    frames = declared(desired or {}, specs).frames
    return resolve(raw(tables, specs), frames, lambda _table, _column: collation, weigh)


def column(state: LiveState, table: str, name: str) -> list[object]:
    return state.dataset[table][name].to_list()


def test_ids_become_natural_keys() -> None:
    state = resolved(
        {
            "makers": [{"id": "7", "code": "ACME", "flagship": "4"}],
            "goods": [{"id": "3", "sku": "BLADE", "maker": "7", "base": "4"}, {"id": "4", "sku": "SAW", "maker": "7"}],
        }
    )

    assert column(state, "goods", "maker") == ["ACME", "ACME"]
    assert column(state, "goods", "base") == ["SAW", None]
    assert column(state, "makers", "flagship") == ["SAW"]
    assert column(state, "goods", ID) == [3, 4]
    assert column(state, "goods", KEY) == ["BLADE", "SAW"]
    assert state.findings == ()


def test_a_key_of_references_is_made_of_their_keys() -> None:
    state = resolved(
        {
            "goods": [{"id": "1", "sku": "A|B"}],
            "tags": [{"id": "9", "code": "sharp"}],
            "goods_tags": [{"id": "5", "good": "1", "tag": "9"}],
        }
    )

    assert column(state, "goods_tags", KEY) == ["A\\\\\\|B|sharp"]


def test_a_reference_to_nobody_keeps_its_number() -> None:
    state = resolved({"makers": [{"id": "1", "code": "ACME"}], "goods": [{"id": "1", "sku": "SAW", "maker": "99"}]})

    assert column(state, "goods", "maker") == ["\\#99"]


def test_a_reference_into_a_table_that_is_not_read_keeps_its_number() -> None:
    assert column(resolved({"goods": [{"id": "1", "sku": "SAW", "maker": "1"}]}), "goods", "maker") == ["\\#1"]


def test_a_table_without_natural_key_is_known_by_its_ids() -> None:
    specs = SPECS | {"tags": TableSpec("tags", SPECS["tags"].columns, (), "core")}
    state = resolved(
        {"tags": [{"id": "9", "code": "sharp"}], "goods_tags": [{"id": "1", "good": None, "tag": "9"}]}, specs=specs
    )

    assert column(state, "tags", KEY) == ["\\#9"]
    assert column(state, "goods_tags", "tag") == ["\\#9"]


def test_a_table_whose_key_column_is_missing_is_known_by_its_ids() -> None:
    """Preflight reports the column; a check that reads the table must still see its rows."""
    assert column(resolved({"tags": [{"id": "9", "title": "Sharp"}]}), "tags", KEY) == ["\\#9"]


def test_a_polymorphic_reference_points_where_its_discriminator_says() -> None:
    state = resolved(
        {
            "makers": [{"id": "1", "code": "ACME"}],
            "goods": [{"id": "1", "sku": "SAW"}],
            "notes": [
                {"id": "1", "ref": "n1", "subject_type": "good", "subject": "1"},
                {"id": "2", "ref": "n2", "subject_type": "maker", "subject": "1"},
                {"id": "3", "ref": "n3", "subject_type": "maker", "subject": "2"},
                {"id": "4", "ref": "n4", "subject_type": None, "subject": "1"},
                {"id": "5", "ref": "n5", "subject_type": "other", "subject": "1"},
                {"id": "6", "ref": "n6", "subject_type": "good", "subject": None},
            ],
        }
    )

    assert column(state, "notes", "subject") == ["SAW", "ACME", "\\#2", "\\#1", "\\#1", None]
    assert column(state, "notes", "ref") == ["n1", "n2", "n3", "n4", "n5", "n6"]


def test_a_polymorphic_reference_without_discriminator_keeps_its_number() -> None:
    """Preflight reports the missing column; until then nothing is known about the number."""
    state = resolved({"makers": [{"id": "1", "code": "ACME"}], "notes": [{"id": "1", "ref": "n1", "subject": "1"}]})

    assert column(state, "notes", "subject") == ["\\#1"]


def body(document: str | None) -> object:
    state = resolved(
        {
            "makers": [{"id": "1", "code": "ACME"}],
            "goods": [{"id": "7", "sku": "SAW"}],
            "notes": [{"id": "1", "ref": "n1", "body": document}],
        }
    )
    return state.dataset["notes"]["body"][0]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ('{"good_id": 7}', '{"good_id":"SAW"}'),
        ('{"lines": [{"good_id": 7, "qty": 7}]}', '{"lines":[{"good_id":"SAW","qty":7}]}'),
        ('{"maker_id": {"good_id": 7}}', r'{"maker_id":"\\#{\"good_id\":7}"}'),
        ('{"good_id": 8}', '{"good_id":"\\\\#8"}'),
        ('{"good_id": null}', '{"good_id":null}'),
        ('{"good_id": true}', r'{"good_id":"\\#true"}'),
        ('{"good_id": "SAW"}', r'{"good_id":"\\#\"SAW\""}'),
        ('{"good_id": 1.5}', r'{"good_id":"\\#1.5"}'),
        ('{"b": 1.0, "a": 2}', '{"a":2,"b":1}'),
        ("{broken", "{broken"),
        (None, None),
    ],
)
def test_ids_inside_json_become_natural_keys(document: str | None, expected: str | None) -> None:
    """What stands in the place of an id and is none is marked, so that it never equals a natural key."""
    assert expected == body(document)


def test_ids_inside_json_of_tables_not_read_keep_their_numbers() -> None:
    state = resolved({"notes": [{"id": "1", "ref": "n1", "body": '{"good_id":7}'}]})

    assert column(state, "notes", "body") == ['{"good_id":"\\\\#7"}']


def test_the_oldest_of_rows_that_share_a_key_stands_for_it() -> None:
    """The others get keys of their own, so that each can be referred to and removed; rows come in the order of ids."""
    state = resolved(
        {
            "makers": [{"id": "9", "code": "ACME"}, {"id": "3", "code": "ACME"}, {"id": "5", "code": "BOLT"}],
            "goods": [{"id": "1", "sku": "SAW", "maker": "9"}, {"id": "2", "sku": "AXE", "maker": "3"}],
        }
    )

    assert ["ACME", "BOLT", f"ACME{DUPLICATE}9"] == column(state, "makers", KEY)
    assert [f"ACME{DUPLICATE}9", "ACME"] == column(state, "goods", "maker")


def test_rows_that_share_a_key_are_reported() -> None:
    [finding] = resolved({"tags": [{"id": "1", "code": "a"}, {"id": "2", "code": "a"}]}).findings

    assert finding.severity == Severity.WARNING
    assert finding.what == "live rows share a natural key"
    assert f"table tags, a{DUPLICATE}2" == finding.where
    assert finding.why == "1 rows repeat a key (code) that an older row has"


def test_a_key_that_only_looks_repeated_is_not_reported() -> None:
    assert resolved({"tags": [{"id": "2", "code": "a\\=2"}]}).findings == ()


def test_keys_that_the_collation_holds_equal_are_shared() -> None:
    tables: Texts = {"tags": [{"id": "1", "code": "Café"}, {"id": "2", "code": "CAFE"}]}

    assert ["Café", f"CAFE{DUPLICATE}2"] == column(resolved(tables, collation=NEUTRAL), "tags", KEY)
    assert column(resolved(tables), "tags", KEY) == ["Café", "CAFE"]


def test_a_live_row_takes_the_declared_spelling_of_its_key() -> None:
    """References to it too; the column itself keeps what the server holds, so that the difference is seen."""
    state = resolved(
        {
            "makers": [{"id": "1", "code": "ACME"}],
            "goods": [{"id": "1", "sku": "saw", "maker": "1"}],
            "tags": [{"id": "1", "code": "sharp"}],
            "goods_tags": [{"id": "1", "good": "1", "tag": "1"}],
        },
        desired={
            "makers": [{"code": "Acme"}],
            "goods": [{"sku": "Saw", "maker": "Acme"}],
            "goods_tags": [{"good": "Saw", "tag": "sharp"}],
        },
        collation=NEUTRAL,
    )

    assert column(state, "makers", KEY) == ["Acme"]
    assert column(state, "makers", "code") == ["ACME"]
    assert column(state, "goods", "maker") == ["Acme"]
    assert column(state, "goods_tags", KEY) == ["Saw|sharp"]
    assert state.findings == ()


def test_a_row_that_nobody_declares_keeps_its_own_spelling() -> None:
    state = resolved({"tags": [{"id": "1", "code": "OLD"}]}, desired={"tags": [{"code": "new"}]}, collation=NEUTRAL)

    assert column(state, "tags", KEY) == ["OLD"]


def test_declared_rows_that_the_collation_holds_equal_are_refused() -> None:
    """The server would store one of them only."""
    live_tags = RawTable(SPECS["tags"], ("id", "code", "title"), [])
    desired = declared({"tags": [{"code": "a"}, {"code": "A"}, {"code": "b"}]}).frames

    with pytest.raises(ReconcileError) as error:
        resolve({"tags": live_tags}, desired, lambda _table, _column: NEUTRAL, weigh)

    [finding] = error.value.findings
    assert finding.what == "two declared rows are one row under the live collation"
    assert ("table tags", {"a", "A"}) == (finding.where, set(finding.why.split(", ")))


@pytest.mark.parametrize(
    ("table", "row", "where", "why"),
    [
        ("makers", {"id": "4", "code": "a", "rating": "n/a"}, "makers.rating, id 4", "'n/a' in 1 rows"),
        ("makers", {"id": "4", "code": "a", "founded": "0000-00-00"}, "makers.founded, id 4", "'0000-00-00' in 1 rows"),
        ("goods", {"id": "4", "sku": "a", "stock": "many"}, "goods.stock, id 4", "'many' in 1 rows"),
    ],
)
def test_a_value_that_cannot_be_read_is_reported_and_null(
    table: str, row: dict[str, str], where: str, why: str
) -> None:
    state = resolved({table: [row]})

    [finding] = state.findings
    assert (Severity.WARNING, where, why) == (finding.severity, finding.where, finding.why)
    assert column(state, table, where.partition(",")[0].partition(".")[2]) == [None]


def test_an_empty_table_has_its_columns() -> None:
    table = RawTable(SPECS["tags"], ("id", "code", "title"), [])
    state = resolve({"tags": table}, {}, lambda _table, _column: NEUTRAL, weigh)

    assert column(state, "tags", KEY) == []
    assert {ID: pl.Int64, "code": pl.String, "title": pl.String, KEY: pl.String} == dict(state.dataset["tags"].schema)


def test_columns_that_the_live_table_lacks_are_left_out() -> None:
    assert "title" not in resolved({"tags": [{"id": "1", "code": "a"}]}).dataset["tags"].columns
