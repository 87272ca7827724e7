"""
A market: the tiny shop as a living application, for the stateful tests.

Makers can be deleted softly, tags on a good are parts of it, gap rules mend what people leave behind, and there are
two tables that nobody declares: visits, which a reset empties, and claims, which are no concern of ours at all.
"""

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from reconcile import values
from reconcile.dataset import KEY, Dataset, conform
from reconcile.errors import Severity
from reconcile.spec import Column, Profile, TableSpec
from reconcile.state import DesiredState, GapRule
from tests.unit.tiny import (
    GOODS,
    GOODS_TAGS,
    MAKERS,
    NOTES,
    SETTINGS,
    STEPS,
    TAGS,
    Row,
    Rows,
    declared,
    nameless_makers_are,
)

_LIVING = replace(
    MAKERS, columns=(*MAKERS.columns, Column("deleted_at", values.Timestamp(), nullable=True)), soft_delete="deleted_at"
)
_PARTS = replace(
    GOODS_TAGS, columns=tuple(replace(column, is_part=column.name == "good") for column in GOODS_TAGS.columns)
)

SPECS: Mapping[str, TableSpec] = {spec.name: spec for spec in (_LIVING, GOODS, TAGS, _PARTS, NOTES, SETTINGS)}

OTHERS = (
    "CREATE TABLE visits (id INTEGER PRIMARY KEY AUTOINCREMENT, remark VARCHAR(20), "
    "maker INTEGER NOT NULL REFERENCES makers (id) ON DELETE CASCADE)",
    "CREATE TABLE claims (id INTEGER PRIMARY KEY AUTOINCREMENT, amount INTEGER NOT NULL, "
    "good INTEGER REFERENCES goods (id) ON DELETE SET NULL, maker INTEGER REFERENCES makers (id) ON DELETE CASCADE)",
)
"""The tables of others; `visits` is on the list of those that a reset empties."""

TABLES = {name: tuple(column.name for column in spec.columns) for name, spec in SPECS.items()} | {
    "visits": ("id", "remark", "maker"),
    "claims": ("id", "amount", "good", "maker"),
}
"""Every table of the database with its columns."""


def _mend_ratings(rows: Dataset, _: Profile) -> pl.DataFrame:
    """Let no rating be below zero."""
    return rows["makers"].filter(pl.col("rating") < 0).select(KEY, rating=pl.lit("0.00").cast(pl.Decimal(5, 2)))


def _choose_flagships(rows: Dataset, _: Profile) -> pl.DataFrame:
    """Let a maker without a flagship have its first good for one."""
    first = rows["goods"].sort(KEY).group_by("maker").agg(flagship=pl.col(KEY).first())
    return rows["makers"].filter(pl.col("flagship").is_null()).select(KEY).join(first, left_on=KEY, right_on="maker")


def _note_goods(rows: Dataset, _: Profile) -> pl.DataFrame:
    """Write a note on each good that has none, under a reference that nobody declares."""
    about = rows["notes"].filter(pl.col("subject_type") == "good").select(subject="subject")
    bare = rows["goods"].join(about, left_on=KEY, right_on="subject", how="anti")
    found = bare.select(
        ref=pl.format("~{}", pl.col("sku").str.slice(0, 19)), subject_type=pl.lit("good"), subject=pl.col(KEY)
    ).unique("ref", keep="first", maintain_order=True)
    return conform(NOTES, found, step="later")


GAP_RULES = (
    GapRule("ratings", "Ratings are not below zero", "later", "makers", ("rating",), ("makers",), _mend_ratings),
    GapRule(
        "flagships", "Makers have a flagship", "later", "makers", ("flagship",), ("makers", "goods"), _choose_flagships
    ),
    GapRule("noted", "Goods have a note", "later", "notes", (), ("notes", "goods"), _note_goods),
)


def _maker(code: str, **cells: object) -> Row:
    return {"code": code, "name": code.title(), **cells}


FIRST: Rows = {
    "makers": [
        _maker("ACME", rating="4.50", founded="1999-12-31", flagship="SAW"),
        _maker("BOLT", active="0"),
        _maker("CRAFT", rating="1.00", _step="extras"),
    ],
    "goods": [
        {"sku": "SAW", "maker": "ACME", "kind": "made", "barcode": "111", "listed_at": "2026-01-01 08:00:00"},
        {"sku": "BLADE", "maker": "BOLT", "base": "SAW", "barcode": "222", "stock": "7"},
        {"sku": "FILE", "maker": "ACME", "base": "BLADE", "barcode": "333", "_step": "extras"},
    ],
    "tags": [{"code": "sharp", "title": "Handle with care"}, {"code": "new"}],
    "goods_tags": [
        {"good": "SAW", "tag": "sharp", "weight": "1"},
        {"good": "BLADE", "tag": "sharp"},
        {"good": "BLADE", "tag": "new", "weight": "2"},
    ],
    "notes": [
        {"ref": "n1", "subject_type": "good", "subject": "SAW", "body": '{"good_id":"SAW","why":"new"}'},
        {"ref": "n2", "subject_type": "maker", "subject": "ACME"},
        {"ref": "n3", "body": '[{"maker_id":"BOLT"}]', "_step": "core"},
    ],
    "settings": [{"name": "currency", "value": "EUR"}, {"name": "language", "value": "en"}],
}
SECOND: Rows = {
    **FIRST,
    "makers": [
        _maker("ACME", rating="4.00", founded="1999-12-31", flagship="DRILL"),
        _maker("BOLT", active="1", flagship="BLADE"),
        _maker("DELTA"),
    ],
    "goods": [
        {"sku": "SAW", "maker": "BOLT", "kind": "made", "barcode": "222", "listed_at": "2026-01-01 08:00:00"},
        {"sku": "BLADE", "maker": "BOLT", "barcode": "111"},
        {"sku": "DRILL", "maker": "ACME", "base": "SAW", "barcode": "333", "_step": "extras"},
    ],
    "tags": [{"code": "sharp", "title": "Mind your fingers"}, {"code": "loud"}],
    "goods_tags": [{"good": "SAW", "tag": "sharp", "weight": "3"}, {"good": "DRILL", "tag": "loud"}],
    "settings": [{"name": "currency", "value": "USD"}],
}
"""What a later release declares: rows gone, rows new, barcodes that changed places."""


def market(rows: Rows) -> DesiredState:
    """Give the application that declares *rows*."""
    dataset = declared(rows, SPECS)
    rules = (nameless_makers_are(Severity.CRITICAL),)
    return DesiredState("market", STEPS, SPECS, lambda _: dataset, rules, gap_rules=GAP_RULES, cleared=("visits",))


RELEASES = (market(FIRST), market(SECOND))
