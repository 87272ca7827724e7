"""Wire form: canonical cells as texts and integers, natural keys as the ids that are live now."""

from collections.abc import Mapping
from dataclasses import replace

import polars as pl
import pytest

from reconcile.apply.wire import Ids, MissingParent, wire
from reconcile.dataset import ID, KEY
from reconcile.diff import AFTER
from reconcile.spec import Column, Owner, TableSpec
from reconcile.values import SET, Secret, Text, TextReference
from tests.unit.tiny import GOODS, MAKERS, NOTES, Row, frame

Cells = list[tuple[object, ...]]


def known(**tables: dict[str, int]) -> Ids:
    schema = {KEY: pl.String, ID: pl.Int64}
    return {name: pl.DataFrame({KEY: list(ids), ID: list(ids.values())}, schema=schema) for name, ids in tables.items()}


def wired(spec: TableSpec, rows: list[Row], names: list[str], ids: Ids) -> Cells:
    declared = frame(spec, rows)
    planned = declared.select(KEY, pl.struct(column.name for column in spec.declared).alias(AFTER))
    return wire(spec, planned, AFTER, [spec.column(name) for name in names], ids).rows()


def test_values_travel_as_exact_texts_and_integers() -> None:
    rows: list[Row] = [
        {"code": "ACME", "name": "it's", "rating": "4.5", "founded": "1999-12-31", "active": "0"},
        {"code": "BOLT"},
    ]

    assert wired(MAKERS, rows, ["code", "name", "rating", "founded", "active"], {}) == [
        ("ACME", "it's", "4.50", "1999-12-31", 0),
        ("BOLT", "unnamed", None, None, 1),
    ]


def test_moments_and_integers_travel_too() -> None:
    rows: list[Row] = [{"sku": "SAW", "stock": "7", "kind": "made", "listed_at": "2026-01-05 07:08:09"}]

    assert wired(GOODS, rows, ["stock", "kind", "listed_at"], {}) == [(7, "made", "2026-01-05 07:08:09")]


def test_only_the_columns_asked_for_travel_in_their_order() -> None:
    assert wired(MAKERS, [{"code": "ACME"}], ["name", "code"], {}) == [("unnamed", "ACME")]


def test_references_travel_as_ids_in_the_order_of_rows() -> None:
    rows: list[Row] = [
        {"sku": "a", "maker": "BOLT"},
        {"sku": "b", "maker": "ACME", "base": "c"},
        {"sku": "c", "maker": "BOLT"},
    ]
    ids = known(makers={"ACME": 7, "BOLT": 3}, goods={"a": 1, "b": 2, "c": 9})

    assert wired(GOODS, rows, ["maker", "base"], ids) == [(3, None), (7, 9), (3, None)]


def test_a_reference_without_natural_key_travels_as_its_number() -> None:
    """Whether its table is read or not."""
    rows: list[Row] = [{"sku": "a", "maker": "\\#42"}]

    assert wired(GOODS, rows, ["maker"], {}) == [(42,)]
    assert wired(GOODS, rows, ["maker"], known(makers={"ACME": 1})) == [(42,)]


@pytest.mark.parametrize("ids", [known(makers={"ACME": 1}), known()], ids=["other rows", "no table"])
def test_a_reference_to_nobody_is_refused(ids: Ids) -> None:
    with pytest.raises(MissingParent, match=r"goods\.maker refers to GONE, which does not exist"):
        wired(GOODS, [{"sku": "a", "maker": "GONE"}], ["maker"], ids)


NOTE_IDS = known(makers={"SAME": 1, "ACME": 2}, goods={"SAME": 11, "SAW": 12})


def test_a_polymorphic_reference_travels_as_the_id_in_the_table_it_selects() -> None:
    rows: list[Row] = [
        {"ref": "1", "subject_type": "maker", "subject": "SAME"},
        {"ref": "2", "subject_type": "good", "subject": "SAME"},
        {"ref": "3", "subject_type": "good", "subject": "SAW"},
        {"ref": "4", "subject_type": "good"},
        {"ref": "5", "subject": "\\#5"},
        {"ref": "6", "subject_type": "other", "subject": "\\#6"},
        {"ref": "7"},
    ]

    assert wired(NOTES, rows, ["subject"], NOTE_IDS) == [(1,), (11,), (12,), (None,), (5,), (6,), (None,)]


@pytest.mark.parametrize(
    "row",
    [{"subject_type": "maker", "subject": "SAW"}, {"subject": "SAW"}, {"subject_type": "other", "subject": "SAW"}],
)
def test_a_polymorphic_reference_to_nobody_is_refused(row: Row) -> None:
    with pytest.raises(MissingParent, match=r"notes\.subject refers to SAW"):
        wired(NOTES, [{"ref": "1", **row}], ["subject"], NOTE_IDS)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ('{"good_id":"SAW"}', '{"good_id":12}'),
        ('[{"maker_id":"SAME"},{"good_id":"SAME"}]', '[{"maker_id":1},{"good_id":11}]'),
        ('{"good_id":{"maker_id":"ACME"}}', '{"good_id":{"maker_id":2}}'),
        ('{"good_id":"\\\\#99"}', '{"good_id":99}'),
        ('{"good_id":null,"other":"SAW"}', '{"good_id":null,"other":"SAW"}'),
        ('{"good_id":7,"x":true}', '{"good_id":7,"x":true}'),
        (None, None),
    ],
)
def test_references_inside_json_travel_as_ids(document: str | None, expected: str | None) -> None:
    assert [(expected,)] == wired(NOTES, [{"ref": "1", "body": document}], ["body"], NOTE_IDS)


@pytest.mark.parametrize("ids", [NOTE_IDS, known()], ids=["other rows", "no table"])
def test_a_reference_to_nobody_inside_json_is_refused(ids: Ids) -> None:
    with pytest.raises(MissingParent, match="a JSON document refers to GONE, which does not exist"):
        wired(NOTES, [{"ref": "1", "body": '{"good_id":"GONE"}'}], ["body"], ids)


def test_no_rows_travel_as_none() -> None:
    assert wired(NOTES, [], ["ref", "subject", "body"], NOTE_IDS) == []


BADGES = TableSpec(
    "badges",
    (Column("code", Text(20)), Column("maker", TextReference("makers", "name", 50), nullable=True)),
    ("code",),
    "core",
)
NAMES = {("makers", "name"): pl.DataFrame({KEY: ["ACME", "BOLT"], ID: ["Acme & Co", "Bolt"]})}


def badges(*makers: str | None) -> list[object]:
    """Give what references to *makers* by name travel as."""
    declared = frame(BADGES, [{"code": str(number), "maker": maker} for number, maker in enumerate(makers)])
    planned = declared.select(KEY, pl.struct("code", "maker").alias(AFTER))
    return wire(BADGES, planned, AFTER, [BADGES.column("maker")], {}, texts=NAMES)["maker"].to_list()


def test_a_text_reference_travels_as_the_text_of_the_row_that_it_names() -> None:
    assert badges("BOLT", None, "ACME", "BOLT") == ["Bolt", None, "Acme & Co", "Bolt"]


def test_a_text_that_names_no_row_travels_as_it_was_read() -> None:
    assert badges("\\#somebody", "BOLT") == ["somebody", "Bolt"]


def test_a_text_reference_to_nobody_is_refused() -> None:
    with pytest.raises(MissingParent, match=r"badges\.maker refers to GONE, which does not exist"):
        badges("GONE")


PASSWORD = Column("password", Secret(60), nullable=True, owner=Owner.ONCE)
LOCKED = replace(MAKERS, columns=(*MAKERS.columns, PASSWORD))


def secrets_of(*names: str | None, known: Mapping[str, str]) -> list[object]:
    """Give what cells with the *names* of secrets travel as, where those of *known* have a value."""
    declared = frame(LOCKED, [{"code": str(number), "password": name} for number, name in enumerate(names)])
    planned = declared.select(KEY, pl.struct(column.name for column in LOCKED.declared).alias(AFTER))
    return wire(LOCKED, planned, AFTER, [PASSWORD], {}, known)["password"].to_list()


def test_a_secret_travels_as_the_value_behind_its_name() -> None:
    hashes = {"account": "$2b$10$hash", "portal": "$2b$10$other"}

    assert secrets_of("account", None, "portal", "account", known=hashes) == [
        "$2b$10$hash",
        None,
        "$2b$10$other",
        "$2b$10$hash",
    ]


@pytest.mark.parametrize("name", ["portal", SET])
def test_a_secret_without_a_value_is_refused(name: str) -> None:
    """Its name must never be written, and least of all what a live one is read as."""
    with pytest.raises(KeyError, match=name):
        secrets_of("account", name, known={"account": "$2b$10$hash"})
