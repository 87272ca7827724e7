"""Datasets: canonical frames, key texts, soundness, dependency order and fingerprints."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

import polars as pl
import pytest

from reconcile import values
from reconcile.dataset import (
    DUPLICATE,
    HASH,
    ID,
    KEY,
    STEP,
    Dataset,
    Fingerprint,
    MissingTable,
    check,
    conform,
    dangles,
    dependency_order,
    fingerprints,
    key_text,
    natural_key,
    repeats_key,
    with_hash,
)
from reconcile.errors import ReconcileError
from reconcile.spec import Column, Owner, TableSpec
from tests.unit.tiny import GOODS, GOODS_TAGS, MAKERS, NOTES, SHOP, SPECS, TAGS, declared, frame


def fingerprint(spec: TableSpec, *parts: pl.DataFrame) -> str:
    found = Fingerprint(spec)
    for part in parts:
        found.add(part)
    return found.hexdigest()


def joined(*parts: str | None) -> str:
    columns = {f"part{number}": pl.Series([part], dtype=pl.String) for number, part in enumerate(parts)}
    return str(pl.DataFrame(columns).select(key_text([pl.col(name) for name in columns])).item())


def linked(name: str, *references: tuple[str, str, bool]) -> TableSpec:
    """A table with one reference column (name, target, nullable) each."""
    columns = (
        Column("id", values.Integer(), owner=Owner.SERVER),
        Column("code", values.Text(10)),
        *(Column(column, values.Reference(target), nullable=nullable) for column, target, nullable in references),
    )
    return TableSpec(name, columns, ("code",), "core")


def ordered(*specs: TableSpec) -> tuple[list[str], frozenset[tuple[str, str]]]:
    return dependency_order({spec.name: spec for spec in specs})


def test_a_dataset_gives_its_frames_by_table() -> None:
    dataset = declared({"tags": [{"code": "new"}]})

    assert "tags" in dataset
    assert dataset["tags"][KEY].to_list() == ["new"]


def test_a_table_that_is_not_there_is_named() -> None:
    """A rule that asks for it must fail, so this may never be an empty frame."""
    dataset = declared({})

    assert "tags" not in dataset
    with pytest.raises(MissingTable, match="tags"):
        dataset["tags"]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (["a"], "a"),
        (["a", "b"], "a|b"),
        (["a|b"], "a\\|b"),
        (["a", "|b"], "a|\\|b"),
        (["a\\", "b"], "a\\\\|b"),
        ([None], "\\N"),
        (["\\N"], "\\\\N"),
        ([None, ""], "\\N|"),
        (["", None], "|\\N"),
    ],
)
def test_key_texts_escape_what_could_be_confused(parts: Sequence[str | None], expected: str) -> None:
    assert expected == joined(*parts)


def test_a_natural_key_joins_the_exact_texts_of_its_columns() -> None:
    spec = TableSpec(
        "prices",
        (
            Column("since", values.Date()),
            Column("at", values.Timestamp()),
            Column("price", values.Decimal(8, 2)),
            Column("listed", values.Boolean()),
        ),
        ("since", "at", "price", "listed"),
        "core",
    )
    rows = pl.DataFrame(
        {
            "since": [date(2026, 1, 5)],
            "at": [datetime(2026, 1, 5, 7)],
            "price": pl.Series([Decimal("1.5")], dtype=pl.Decimal(8, 2)),
            "listed": [True],
        }
    )

    assert rows.select(natural_key(spec)).item() == "2026-01-05|2026-01-05 07:00:00|1.50|1"


def test_conforming_fills_defaults_and_orders_columns() -> None:
    rows = pl.DataFrame({"rating": ["4.5"], "code": ["ACME"]})

    frame = conform(MAKERS, rows)

    assert [column.name for column in MAKERS.declared] + [KEY, STEP] == frame.columns
    assert [("ACME", "unnamed", Decimal("4.50"), None, True, None, "ACME", MAKERS.step)] == frame.rows()
    assert [values.dtype(column.kind) for column in MAKERS.declared] == frame.dtypes[:-2]


def test_conforming_keeps_the_order_of_rows() -> None:
    assert conform(TAGS, pl.DataFrame({"code": ["b", "a"]}))[KEY].to_list() == ["b", "a"]


def test_conforming_takes_back_what_it_gave() -> None:
    """Generators may pass key and hash columns through."""
    once = conform(TAGS, pl.DataFrame({"code": ["b", "a"]}))

    assert once.equals(conform(TAGS, with_hash(once, "code")))


def test_conforming_refuses_a_column_that_the_spec_lacks() -> None:
    with pytest.raises(ValueError, match=r"tags declares no column \['colour', 'shape'\]"):
        conform(TAGS, pl.DataFrame({"code": ["a"], "shape": ["round"], "colour": ["red"]}))


def test_the_hash_column_is_added_beside_the_others() -> None:
    assert with_hash(pl.DataFrame({"code": ["a"]}), "code").columns == ["code", HASH]


def test_a_sound_dataset_has_no_findings() -> None:
    assert check(declared(SHOP)) == []


def test_rows_that_share_a_key_are_found() -> None:
    dataset = declared({"tags": [{"code": "b"}, {"code": "a"}, {"code": "a"}, {"code": "b"}, {"code": "c"}]})

    findings = [(finding.what, finding.where, finding.why) for finding in check(dataset)]

    assert findings == [("the desired state is unsound: rows share a natural key", "tags", "2 rows, first a, b")]


def test_a_null_in_a_not_null_column_is_found() -> None:
    dataset = declared({"makers": [{"code": "ACME", "name": None}, {"code": "BOLT", "name": "Bolt"}]})

    findings = [(finding.what, finding.where, finding.why) for finding in check(dataset)]

    assert findings == [
        ("the desired state is unsound: null in a NOT NULL column", "makers.name", "1 rows, first ACME")
    ]


def test_dangling_references_are_found() -> None:
    """Plain and polymorphic ones; a table that the dataset lacks cannot be asked."""
    dataset = declared(
        {
            "makers": [{"code": "ACME", "flagship": "GONE"}],
            "goods": [{"sku": "SAW", "maker": "NOBODY"}],
            "goods_tags": [{"good": "SAW", "tag": "unasked"}],
            "notes": [
                {"ref": "n1", "subject_type": "good", "subject": "ACME"},
                {"ref": "n2", "subject_type": "maker", "subject": "ACME"},
            ],
        }
    )

    findings = [(finding.where, finding.what.partition(": ")[2], finding.why) for finding in check(dataset)]

    assert findings == [
        ("makers.flagship", "refers to rows that goods does not have", "1 rows, first ACME"),
        ("goods.maker", "refers to rows that makers does not have", "1 rows, first SAW"),
        ("notes.subject", "refers to rows that goods does not have", "1 rows, first n1"),
    ]


def test_no_more_than_three_keys_are_shown() -> None:
    [finding] = check(declared({"tags": [{"code": code} for code in "aabbccdd"]}))

    assert finding.why == "4 rows, first a, b, c"


def test_rows_without_natural_key_are_not_compared() -> None:
    spec = replace(TAGS, key=())
    dataset = Dataset({"tags": spec}, {"tags": frame(TAGS, [{"code": "a"}, {"code": "a"}])})

    assert check(dataset) == []


def test_a_reference_dangles_where_its_row_is_not() -> None:
    dataset = declared(
        {
            "makers": [{"code": "ACME"}],
            "goods": [{"sku": "SAW", "maker": "ACME"}, {"sku": "AXE", "maker": "GONE"}, {"sku": "BOX"}],
        }
    )

    assert dataset["goods"].select(dangles(dataset, GOODS.column("maker"), "makers")).to_series().to_list() == [
        False,
        True,
        False,
    ]


def test_a_polymorphic_reference_dangles_only_in_the_table_it_selects() -> None:
    dataset = declared(
        {
            "makers": [{"code": "ACME"}],
            "notes": [
                {"ref": "n1", "subject_type": "maker", "subject": "GONE"},
                {"ref": "n2", "subject_type": "good", "subject": "GONE"},
                {"ref": "n3", "subject_type": "maker"},
            ],
        }
    )

    assert dataset["notes"].select(dangles(dataset, NOTES.column("subject"), "makers")).to_series().to_list() == [
        True,
        False,
        False,
    ]


def test_a_repeated_key_ends_with_the_rows_own_number() -> None:
    """A key that merely looks like it, because a backslash in it is escaped, repeats nothing."""
    rows = pl.DataFrame({KEY: [f"a{DUPLICATE}17", "a", "b\\\\=17", f"b\\\\{DUPLICATE}17"], ID: [17, 17, 17, 17]})

    assert rows.select(repeats_key()).to_series().to_list() == [True, False, False, True]


def test_parents_come_first() -> None:
    order, deferred = ordered(linked("a", ("b_id", "b", False)), linked("b", ("c_id", "c", True)), linked("c"))

    assert (["c", "b", "a"], frozenset()) == (order, deferred)


def test_tables_that_are_not_there_do_not_count() -> None:
    assert (["a"], frozenset()) == ordered(linked("a", ("b_id", "b", False)))


def test_a_reference_to_the_own_table_is_deferred() -> None:
    assert (["a"], frozenset({("a", "parent")})) == ordered(linked("a", ("parent", "a", True)))


def test_a_reference_to_the_own_table_that_must_be_set_cannot_be_deferred() -> None:
    """The row would have to exist before itself."""
    with pytest.raises(ReconcileError) as error:
        ordered(linked("a", ("parent", "a", False)))

    assert error.value.findings[0].where == "a → a"


def test_a_circle_opens_at_its_nullable_reference() -> None:
    circle = [linked("a", ("b_id", "b", False)), linked("b", ("c_id", "c", True)), linked("c", ("a_id", "a", False))]

    assert (["b", "a", "c"], frozenset({("b", "c_id")})) == ordered(*circle)


def test_two_circles_open_each_at_one_reference() -> None:
    order, deferred = ordered(
        linked("a", ("b_id", "b", True), ("c_id", "c", True)),
        linked("b", ("a_id", "a", False)),
        linked("c", ("a_id", "a", False)),
    )

    assert (["a", "b", "c"], frozenset({("a", "b_id"), ("a", "c_id")})) == (order, deferred)


def test_a_plain_reference_is_deferred_rather_than_a_polymorphic_one() -> None:
    polymorphic = TableSpec(
        "a",
        (
            Column("code", values.Text(10)),
            Column("type", values.Text(10)),
            Column("about", values.PolymorphicReference("type", (("b", "b"),)), nullable=True),
        ),
        ("code",),
        "core",
    )

    assert frozenset({("b", "a_id")}) == ordered(polymorphic, linked("b", ("a_id", "a", True)))[1]


def test_a_circle_of_references_that_must_be_set_is_refused() -> None:
    with pytest.raises(ReconcileError) as error:
        ordered(linked("a", ("b_id", "b", False)), linked("b", ("a_id", "a", False)))

    [finding] = error.value.findings
    assert finding.what == "tables refer to each other in a circle that cannot be opened"
    assert {"a", "b"} == set(finding.where.split(" → "))


def test_the_shop_opens_its_circles() -> None:
    order, deferred = dependency_order(SPECS)

    assert frozenset({("makers", "flagship"), ("goods", "base")}) == deferred
    assert [name for name in order if name in {"makers", "goods"}] == ["makers", "goods"]
    assert order.index("goods_tags") > max(order.index("goods"), order.index("tags"))


def test_fingerprints_are_pinned() -> None:
    """Operators compare them across machines and versions."""
    rows = declared({"tags": [{"code": "a", "title": "A"}, {"code": "b"}]})

    assert fingerprint(TAGS, rows["tags"]) == "6e22f90057e971acc69d62a508478a88c23e27f76ed38b05f07a44c23d5e7bb1"


def test_a_fingerprint_does_not_hang_on_the_order_of_rows() -> None:
    rows = [{"code": "a"}, {"code": "b"}]

    assert fingerprints(declared({"tags": rows})) == fingerprints(declared({"tags": rows[::-1]}))


def test_surrogate_keys_do_not_count_in_a_fingerprint() -> None:
    rows = frame(TAGS, [{"code": "a"}])

    assert fingerprint(TAGS, rows) == fingerprint(TAGS, rows.with_columns(pl.lit(7).alias(ID)))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param([{"code": "a"}], [{"code": "a", "title": ""}], id="null and empty text"),
        pytest.param([{"code": "a"}], [{"code": "a", "title": "\\N"}], id="null and its spelling"),
        pytest.param([{"code": "a|b", "title": "c"}], [{"code": "a", "title": "b|c"}], id="separator in a text"),
        pytest.param([{"code": "a"}], [], id="a row and none"),
        pytest.param(
            [{"code": "a", "title": "x"}, {"code": "b\nc", "title": "y"}],
            [{"code": "a", "title": "x\nb"}, {"code": "c", "title": "y"}],
            id="line break in a text",
        ),
        pytest.param(
            [{"code": "a", "title": "x"}, {"code": "b", "title": "y"}],
            [{"code": "a", "title": "x\x1f\nb\x1fy"}],
            id="the end of a line in a text",
        ),
    ],
)
def test_different_rows_have_different_fingerprints(
    first: Sequence[dict[str, str]], second: Sequence[dict[str, str]]
) -> None:
    assert fingerprint(TAGS, frame(TAGS, first)) != fingerprint(TAGS, frame(TAGS, second))


def test_the_whole_has_a_fingerprint_of_its_own() -> None:
    """It moves with any table's rows, and with the tables' names."""
    one = fingerprints(declared({"tags": [{"code": "a"}]}))
    other = fingerprints(declared({"tags": [{"code": "b"}]}))
    more = fingerprints(declared({"tags": [{"code": "a"}], "goods_tags": []}))

    assert {"tags", ""} == set(one)
    assert len({one[""], other[""], more[""]}) == 3
    assert one["tags"] == more["tags"]


def test_rows_refer_by_the_key_text_of_the_other_row() -> None:
    dataset = declared({"goods": [{"sku": "A|B"}], "goods_tags": [{"good": "A\\|B", "tag": "new"}]})

    assert [finding for finding in check(dataset) if finding.where == "goods_tags.good"] == []
    assert dataset["goods_tags"][KEY].to_list() == ["A\\\\\\|B|new"]
    assert GOODS_TAGS.key == ("good", "tag")


def test_rows_that_share_another_unique_value_are_found() -> None:
    """The server would refuse them half way; null shares its value with nobody."""
    rows = [{"sku": sku, "maker": "ACME", "barcode": code} for sku, code in [("a", "1"), ("b", "1"), ("c", None)]]
    dataset = declared({"goods": [*rows, {"sku": "d", "maker": "ACME"}]})

    assert [(finding.what, finding.where, finding.why) for finding in check(dataset)] == [
        ("the desired state is unsound: rows share a unique value", "goods (barcode)", "2 rows, first a, b")
    ]
