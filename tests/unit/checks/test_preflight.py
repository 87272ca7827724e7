"""Preflight: everything that the live schema lacks, all at once, each with the nearest live name."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import polars as pl
import pytest

from reconcile import values
from reconcile.checks.preflight import check_rows, check_schema
from reconcile.dataset import Dataset, conform
from reconcile.live.introspect import LiveColumn, LiveSchema
from reconcile.spec import Column, Owner, TableSpec
from reconcile.values import Kind
from tests.unit.tiny import SHOP, declared, frame

ID = LiveColumn("id", "int", nullable=False, has_default=True)


def live_schema(*columns: LiveColumn, table: str = "things") -> LiveSchema:
    return LiveSchema(tables={table: {column.name: column for column in (ID, *columns)}})


def things(*columns: Column) -> TableSpec:
    return TableSpec("things", (Column("id", values.Integer(), owner=Owner.SERVER), *columns), ("code",), "core")


def told(
    spec: TableSpec, schema: LiveSchema, rows: list[Mapping[str, object]] | None = None
) -> list[tuple[str, str, str]]:
    """Give (what, where, why) of each finding; without *rows* nothing is declared."""
    desired = declared({"things": rows}, {"things": spec}) if rows is not None else Dataset({}, {})
    return [(finding.what, finding.where, finding.why) for finding in check_schema([spec], schema, desired)]


CODE = Column("code", values.Text(20))
LIVE_CODE = LiveColumn("code", "varchar", nullable=False, has_default=False, length=20)


def test_a_schema_that_fits_has_no_findings() -> None:
    assert told(things(CODE), live_schema(LIVE_CODE), [{"code": "a"}]) == []


@pytest.mark.parametrize(
    ("live_name", "nearest"),
    [("Thing", "the nearest live name is Thing"), ("zebra", "the live schema has no similar name")],
)
def test_a_missing_table_is_named(live_name: str, nearest: str) -> None:
    assert [("table things is missing", "the live schema", nearest)] == told(
        things(CODE), live_schema(LIVE_CODE, table=live_name)
    )


def test_a_missing_table_of_an_empty_database_is_named() -> None:
    assert told(things(CODE), LiveSchema(tables={})) == [
        ("table things is missing", "the live schema", "the live schema has no similar name")
    ]


def test_a_renamed_column_is_named_with_its_nearest_name() -> None:
    """Names that the spec knows are taken and not offered."""
    spec = things(CODE, Column("status", values.Text(10)), Column("stats", values.Text(10)))
    live = live_schema(
        LIVE_CODE,
        LiveColumn("stats", "varchar", nullable=True, has_default=False, length=10),
        LiveColumn("state_us", "varchar", nullable=True, has_default=False, length=10),
    )

    assert told(spec, live) == [
        ("column things.status is missing", "table things in the live schema", "the nearest live name is state_us")
    ]


def test_without_undeclared_columns_all_are_offered() -> None:
    spec = things(CODE, Column("codes", values.Text(10)))

    assert told(spec, live_schema(LIVE_CODE)) == [
        ("column things.codes is missing", "table things in the live schema", "the nearest live name is code")
    ]


def test_a_missing_surrogate_key_is_a_missing_column() -> None:
    schema = LiveSchema(tables={"things": {"code": LIVE_CODE}})

    assert [what for what, _, _ in told(things(CODE), schema)] == ["column things.id is missing"]


FITS: list[tuple[Kind, LiveColumn]] = [
    (values.Integer(), LiveColumn("x", "int", True, False)),
    (values.Integer(), LiveColumn("x", "bigint", True, False)),
    (values.Integer(16), LiveColumn("x", "smallint", True, False)),
    (values.Integer(64), LiveColumn("x", "bigint", True, False)),
    (values.Boolean(), LiveColumn("x", "tinyint", True, False)),
    (values.Boolean(), LiveColumn("x", "boolean", True, False)),
    (values.Decimal(8, 2), LiveColumn("x", "decimal", True, False, precision=8, scale=2)),
    (values.Decimal(8, 2), LiveColumn("x", "decimal", True, False, precision=10, scale=2)),
    (values.Decimal(8, 2), LiveColumn("x", "decimal", True, False)),
    (values.Text(20), LiveColumn("x", "varchar", True, False, length=20)),
    (values.Text(20), LiveColumn("x", "char", True, False, length=30)),
    (values.Text(20), LiveColumn("x", "text", True, False, length=65_535)),
    (values.Text(20), LiveColumn("x", "varchar", True, False)),
    (values.Text(), LiveColumn("x", "text", True, False, length=65_535)),
    (values.Text(), LiveColumn("x", "longtext", True, False)),
    (values.Date(), LiveColumn("x", "date", True, False)),
    (values.Timestamp(), LiveColumn("x", "timestamp", True, False)),
    (values.Timestamp(), LiveColumn("x", "datetime", True, False)),
    (values.Enumeration(("a", "b")), LiveColumn("x", "enum", True, False, allowed=("b", "a", "c"))),
    (values.Enumeration(("a", "b")), LiveColumn("x", "varchar", True, False, length=10)),
    (values.Json(), LiveColumn("x", "json", True, False)),
    (values.Json(), LiveColumn("x", "longtext", True, False)),
    (values.Reference("things"), LiveColumn("x", "int", True, False)),
    (values.PolymorphicReference("code", (("a", "things"),)), LiveColumn("x", "bigint", True, False)),
]


@pytest.mark.parametrize(
    ("kind", "live"), FITS, ids=lambda part: part.data_type if isinstance(part, LiveColumn) else ""
)
def test_a_column_that_can_hold_every_value_fits(kind: Kind, live: LiveColumn) -> None:
    assert told(things(CODE, Column("x", kind, nullable=True)), live_schema(LIVE_CODE, live)) == []


@pytest.mark.parametrize(
    ("kind", "live", "what", "why"),
    [
        (
            values.Integer(),
            LiveColumn("x", "varchar", True, False, length=5),
            "has the wrong type",
            "live it is varchar(5), needed is one of bigint, int, integer, mediumint, smallint, tinyint",
        ),
        (
            values.Date(),
            LiveColumn("x", "datetime", True, False),
            "has the wrong type",
            "live it is datetime, needed is one of date",
        ),
        (
            values.Text(),
            LiveColumn("x", "varchar", True, False, length=255),
            "has the wrong type",
            "live it is varchar(255), needed is one of longtext, mediumtext, text",
        ),
        (
            values.Integer(32),
            LiveColumn("x", "smallint", True, False),
            "is too short",
            "live it is smallint, needed are 32 bits",
        ),
        (
            values.Text(20),
            LiveColumn("x", "varchar", True, False, length=19),
            "is too short",
            "live it holds 19 characters, needed are 20",
        ),
        (
            values.Text(300),
            LiveColumn("x", "tinytext", True, False, length=255),
            "is too short",
            "live it holds 255 characters, needed are 300",
        ),
        (
            values.Decimal(8, 2),
            LiveColumn("x", "decimal", True, False, precision=7, scale=2),
            "is too short",
            "live it is decimal(7,2), needed is decimal(8,2)",
        ),
        (
            values.Decimal(8, 2),
            LiveColumn("x", "decimal", True, False, precision=8, scale=1),
            "is too short",
            "live it is decimal(8,1), needed is decimal(8,2)",
        ),
        (
            values.Decimal(8, 2),
            LiveColumn("x", "decimal", True, False, precision=12, scale=4),
            "has the wrong type",
            "live it has 4 decimal places, needed are 2",
        ),
        (
            values.Enumeration(("a", "b", "c")),
            LiveColumn("x", "enum", True, False, allowed=("b",)),
            "does not allow a, c",
            "live it allows b",
        ),
        (
            values.Enumeration(("abc", "d")),
            LiveColumn("x", "varchar", True, False, length=2),
            "is too short",
            "live it holds 2 characters, needed are 3",
        ),
    ],
)
def test_a_column_that_falls_short_is_named(kind: Kind, live: LiveColumn, what: str, why: str) -> None:
    assert [(f"column things.x {what}", "table things in the live schema", why)] == told(
        things(CODE, Column("x", kind, nullable=True)), live_schema(LIVE_CODE, live)
    )


X = Column("x", values.Integer(), nullable=True)


def test_a_not_null_column_that_desired_rows_leave_empty_is_named() -> None:
    live = live_schema(LIVE_CODE, LiveColumn("x", "int", nullable=False, has_default=True))

    assert told(things(CODE, X), live, [{"code": "a"}, {"code": "b"}, {"code": "c", "x": "1"}]) == [
        (
            "column things.x is NOT NULL and gets no value",
            "table things in the live schema",
            "2 desired rows have no value for it",
        )
    ]
    assert told(things(CODE, X), live, [{"code": "c", "x": "1"}]) == []
    assert told(things(CODE, X), live, []) == []
    assert told(things(CODE, X), live) == []


def test_a_not_null_column_that_nobody_knows_needs_a_default() -> None:
    """Otherwise no row can be created."""
    unknown = LiveColumn("since", "date", nullable=False, has_default=False)

    assert told(things(CODE), live_schema(LIVE_CODE, unknown), [{"code": "a"}]) == [
        (
            "column things.since is NOT NULL and gets no value",
            "table things in the live schema",
            "it has no default and reconcile does not know it",
        )
    ]
    assert told(things(CODE), live_schema(LIVE_CODE, replace(unknown, has_default=True)), [{"code": "a"}]) == []
    assert told(things(CODE), live_schema(LIVE_CODE, replace(unknown, nullable=True)), [{"code": "a"}]) == []


def test_all_findings_come_at_once() -> None:
    spec = things(CODE, X, Column("y", values.Date()))
    live = live_schema(
        replace(LIVE_CODE, length=5),
        LiveColumn("x", "int", nullable=False, has_default=False),
        LiveColumn("yy", "date", nullable=False, has_default=False),
    )

    findings = check_schema(
        [TableSpec("others", (), (), "core"), spec],
        live,
        declared({"things": [{"code": "a", "y": "2026-01-05"}]}, {"things": spec}),
    )

    assert [finding.what for finding in findings] == [
        "table others is missing",
        "column things.code is too short",
        "column things.y is missing",
        "column things.x is NOT NULL and gets no value",
        "column things.yy is NOT NULL and gets no value",
    ]
    assert all(finding.fix for finding in findings)


def wrong_rows(kind: Kind, *cells: object) -> list[tuple[str, str, str]]:
    """Give (what, where, why) of what is wrong with rows that hold *cells* in a column of *kind*."""
    spec = things(CODE, Column("x", kind, nullable=True))
    column = pl.Series("x", cells, dtype=values.dtype(kind))
    rows = pl.DataFrame({"code": [f"row {number}" for number in range(len(cells))]}).with_columns(column)
    found = check_rows(Dataset({"things": spec}, {"things": conform(spec, rows)}))
    return [(finding.what, finding.where, finding.why) for finding in found]


LAST_MOMENT = datetime(2038, 1, 19, 3, 14, 7)
FIRST_MOMENT = datetime(1970, 1, 1, 0, 0, 1)


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        (values.Integer(16), 32_767),
        (values.Integer(16), -32_768),
        (values.Integer(), 2_147_483_647),
        (values.Integer(), -2_147_483_648),
        (values.Integer(64), 9_223_372_036_854_775_807),
        (values.Integer(64), -9_223_372_036_854_775_808),
        (values.Boolean(), False),
        (values.Decimal(5, 2), "-999.99"),
        (values.Text(3), "abc"),
        (values.Text(3), "é€😀"),
        (values.Text(3), ""),
        (values.Text(), "a" * 65_535),
        (values.Secret(1), "the name of a secret"),
        (values.Date(), datetime(9999, 12, 31).date()),
        (values.Timestamp(), FIRST_MOMENT),
        (values.Timestamp(), LAST_MOMENT),
        (values.Enumeration(("a", "b")), "b"),
        (values.Json(), '"' + "a" * 100_000 + '"'),
        (values.Reference("things"), "row 1"),
        (values.TextReference("things", "code", 20), "row 1"),
        (values.PolymorphicReference("code", (("a", "things"),)), "row 1"),
    ],
)
def test_a_value_that_its_column_holds_is_fine(kind: Kind, cell: object) -> None:
    """The largest and the smallest of its kind too; and null, which is not asked about here."""
    assert wrong_rows(kind, cell, None) == []
    assert wrong_rows(kind) == []


@pytest.mark.parametrize(
    ("kind", "cell", "shown"),
    [
        (values.Integer(16), 32_768, "32768"),
        (values.Integer(16), -32_769, "-32769"),
        (values.Integer(), 2_147_483_648, "2147483648"),
        (values.Integer(), -2_147_483_649, "-2147483649"),
        (values.Text(3), "abcd", "'abcd'"),
        (values.Text(3), "é€😀.", "'é€😀.'"),
        (values.Timestamp(), datetime(1970, 1, 1), "datetime.datetime(1970, 1, 1, 0, 0)"),
        (values.Timestamp(), datetime(2038, 1, 19, 3, 14, 8), "datetime.datetime(2038, 1, 19, 3, 14, 8)"),
        (values.Enumeration(("a", "b")), "c", "'c'"),
        (values.Enumeration(("a", "b")), "A", "'A'"),
        (values.Enumeration(("a", "b")), "", "''"),
    ],
)
def test_a_value_that_its_column_cannot_hold_is_named(kind: Kind, cell: object, shown: str) -> None:
    assert wrong_rows(kind, None, cell, cell) == [
        (
            "desired column things.x cannot hold its values",
            "the desired rows of step core",
            f"2 rows, first [row 1] {shown}",
        )
    ]


@pytest.mark.parametrize("text", ["a" * 65_536, "é" * 32_768])
def test_a_text_without_length_is_measured_in_bytes(text: str) -> None:
    [(what, _, _)] = wrong_rows(values.Text(), text)

    assert what == "desired column things.x cannot hold its values"


def test_values_of_another_type_are_named_without_looking_at_them() -> None:
    spec = things(CODE, Column("x", values.Integer()), Column("y", values.Text(1)))
    rows = frame(spec, [{"code": "a", "x": "1", "y": "yy"}]).with_columns(pl.col("x").cast(pl.String))

    found = check_rows(Dataset({"things": spec}, {"things": rows}))

    assert [(finding.what, finding.why) for finding in found] == [
        ("desired column things.x has values of another type", "String instead of Int64"),
        ("desired column things.y cannot hold its values", "1 rows, first [a] 'yy'"),
    ]
    assert all(finding.fix for finding in found)


def test_rows_that_fit_in_every_table_are_fine() -> None:
    assert check_rows(declared(SHOP)) == []
