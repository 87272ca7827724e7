"""Kinds of live columns: each type becomes the kind that loses nothing, or none; each kind fits its own column."""

from dataclasses import replace

import pytest

from reconcile import values
from reconcile.checks.preflight import check_schema
from reconcile.dataset import Dataset
from reconcile.live.introspect import LiveColumn, LiveSchema
from reconcile.live.kinds import default_of, kind_of, names_secret
from reconcile.spec import Column, TableSpec
from reconcile.values import Kind


def live(
    data_type: str,
    column_type: str = "",
    *,
    name: str = "x",
    length: int | None = None,
    size: tuple[int, int] | None = None,
    allowed: tuple[str, ...] | None = None,
    is_json: bool = False,
) -> LiveColumn:
    precision, scale = size or (None, None)
    found = LiveColumn(
        name, data_type, nullable=True, has_default=False, length=length, precision=precision, scale=scale
    )
    return replace(found, allowed=allowed, column_type=column_type or data_type, is_json=is_json)


KINDS = [
    (live("int", "int(11)"), values.Integer()),
    (live("integer"), values.Integer()),
    (live("int", "int unsigned"), values.Integer(33)),
    (live("mediumint"), values.Integer(24)),
    (live("smallint", "smallint(5) unsigned"), values.Integer(17)),
    (live("bigint"), values.Integer(64)),
    (live("bigint", "bigint(20) unsigned"), values.Integer(64)),
    (live("smallint"), values.Integer(16)),
    (live("tinyint", "tinyint(4)"), values.Integer(8)),
    (live("tinyint", "tinyint(1)"), values.Boolean()),
    (live("boolean"), values.Boolean()),
    (live("decimal", size=(10, 2)), values.Decimal(10, 2)),
    (live("varchar", length=50), values.Text(50)),
    (live("char", length=2), values.Text(2)),
    (live("tinytext", length=255), values.Text(255)),
    (live("text", length=65_535), values.Text()),
    (live("mediumtext", length=16_777_215), values.Text()),
    (live("longtext", length=4_294_967_295), values.Text()),
    (live("longtext", is_json=True), values.Json()),
    (live("json"), values.Json()),
    (live("date"), values.Date()),
    (live("datetime", "datetime(6)"), values.Timestamp()),
    (live("timestamp"), values.Timestamp()),
    (live("enum", allowed=("a", "b")), values.Enumeration(("a", "b"))),
    (live("varchar", length=1, allowed=("a", "b")), values.Enumeration(("a", "b"))),
    (live("varchar", length=60, name="password_hash"), values.Secret(60)),
    (live("text", length=65_535, name="resetToken"), values.Secret(4_096)),
]


@pytest.mark.parametrize(("column", "kind"), KINDS, ids=[f"{c.column_type}-{c.name}" for c, _ in KINDS])
def test_a_type_becomes_a_kind_that_preflight_accepts(column: LiveColumn, kind: Kind) -> None:
    spec = TableSpec("t", (Column("x", kind, nullable=True),), ("x",), "core")
    schema = LiveSchema({"t": {"x": replace(column, name="x")}})

    assert kind_of(column) == kind
    assert check_schema([spec], schema, Dataset({}, {})) == []


@pytest.mark.parametrize(
    "name", ["float", "double", "blob", "varbinary", "bit", "time", "year", "set", "uuid", "", "real"]
)
def test_other_types_have_no_kind(name: str) -> None:
    assert kind_of(live(name)) is None


def test_a_number_with_more_digits_than_can_be_rounded_has_no_kind() -> None:
    assert kind_of(live("decimal", size=(37, 2))) == values.Decimal(37, 2)
    assert kind_of(live("decimal", size=(38, 2))) is None


def test_a_document_that_holds_secrets_has_no_kind() -> None:
    assert kind_of(live("json", name="oauth_tokens")) is None


@pytest.mark.parametrize(
    "name",
    ["password", "passwordHash", "user_passwd", "PASSWORD", "session_token", "apiKey", "api_key", "clientSecret",
     "salt", "file_hash", "private_key"],
)  # fmt: skip
def test_names_of_secrets_are_recognised(name: str) -> None:
    assert names_secret(name)


@pytest.mark.parametrize("name", ["name", "hashtag", "tokenized", "key", "primary_key", "salted", "monkey"])
def test_names_that_only_look_like_secrets_are_not(name: str) -> None:
    assert not names_secret(name)


@pytest.mark.parametrize(
    ("kind", "default", "text"),
    [
        (values.Integer(), "007", "7"),
        (values.Boolean(), "1", "1"),
        (values.Boolean(), "yes", None),
        (values.Decimal(5, 2), "0", "0.00"),
        (values.Decimal(5, 2), "?", None),
        (values.Date(), "2026-01-05", "2026-01-05"),
        (values.Date(), "0000-00-00", None),
        (values.Timestamp(), "2026-01-05 08:00:00.5", "2026-01-05 08:00:00"),
        (values.Enumeration(("a",)), "a", "a"),
        (values.Enumeration(("a",)), "b", None),
        (values.Text(5), "x", "x"),
        (values.Json(), "[]", "[]"),
        (values.Reference("t"), "1", None),
        (values.Secret(5), "x", None),
        (values.Text(5), None, None),
    ],
)
def test_a_default_is_in_the_text_form_of_its_kind(kind: Kind, default: str | None, text: str | None) -> None:
    assert default_of(kind, default) == text
