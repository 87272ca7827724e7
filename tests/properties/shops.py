"""Random shops: sound desired states, and live ones as wild as a database lets them be."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from tests.unit.tiny import Row, Rows

# Characters that could be confused: case, accents, separators, escapes, line ends, and plain letters to collide on.
ALPHABET = "aAbéß |\\=#N\n1'\"%\x1f"
WORDS = st.text(ALPHABET, max_size=3)
CODES = st.lists(WORDS, max_size=4, unique=True)
LETTERS = st.sampled_from(["a", "b", "c", "a\\=1", "b|c"])

RATINGS = st.none() | st.decimals(-999, 999, places=2).map(str)
DATES = st.none() | st.sampled_from(["1999-12-31", "2024-02-29", "2026-01-05"])
COINS: st.SearchStrategy[bool] = st.booleans()
MOMENTS = st.none() | st.sampled_from(["2026-01-05 00:00:00", "2026-01-05 23:59:59"])
BARCODES = ("111", "222", "333", "444")
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.just(1.5) | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
)


def escaped(code: str) -> str:
    """Give the key text of a row whose one key column is *code*."""
    return code.replace("\\", "\\\\").replace("|", "\\|")


@dataclass(frozen=True)
class Names:
    """The natural keys of one shop."""

    makers: Sequence[str]
    goods: Sequence[str]
    tags: Sequence[str]


@st.composite
def documents(draw: st.DrawFn, names: Names) -> str | None:
    """Draw a JSON document that may refer to goods and makers."""
    document: dict[str, object] = {"plain": draw(JSON_VALUES)}
    names_good: bool = draw(COINS)
    names_maker: bool = draw(COINS)
    if names.goods and names_good:
        document["good_id"] = escaped(draw(st.sampled_from(names.goods)))
    if names.makers and names_maker:
        document["deep"] = [{"maker_id": escaped(draw(st.sampled_from(names.makers)))}]
    return draw(st.none() | st.just(json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)))


@st.composite
def shops(draw: st.DrawFn, codes: st.SearchStrategy[list[str]] = CODES) -> Rows:
    """Draw a sound desired state: keys and barcodes are unique, every reference has its row."""
    makers = draw(codes)
    names = Names(makers, draw(codes) if makers else [], draw(codes))
    barcodes = draw(st.permutations([*BARCODES, *([None] * len(names.goods))]))

    def one_of(keys: Sequence[str]) -> st.SearchStrategy[str]:
        return st.sampled_from([escaped(key) for key in keys])

    def perhaps(keys: Sequence[str]) -> str | None:
        return draw(st.none() | one_of(keys)) if keys else None

    maker_rows: list[Row] = [
        {
            "code": code,
            "name": draw(WORDS),
            "rating": draw(RATINGS),
            "founded": draw(DATES),
            "active": draw(st.sampled_from("01")),
            "flagship": perhaps(names.goods),
        }
        for code in names.makers
    ]
    good_rows: list[Row] = [
        {
            "sku": sku,
            "maker": draw(one_of(names.makers)),
            "base": perhaps(names.goods),
            "kind": draw(st.sampled_from(["raw", "made"])),
            "barcode": barcode,
            "stock": str(draw(st.integers(0, 9))),
            "listed_at": draw(MOMENTS),
        }
        for sku, barcode in zip(names.goods, barcodes, strict=False)
    ]
    pairs = [(good, tag) for good in names.goods for tag in names.tags]
    chosen = draw(st.lists(st.sampled_from(pairs), max_size=3, unique=True)) if pairs else []
    note_rows: list[Row] = []
    for ref in draw(codes):
        kind = draw(st.sampled_from([None, "maker", "good"]))
        subject = None if kind is None else perhaps(names.makers if kind == "maker" else names.goods)
        note_rows.append({"ref": ref, "subject_type": kind, "subject": subject, "body": draw(documents(names))})
    return {
        "makers": maker_rows,
        "goods": good_rows,
        "tags": [{"code": code, "title": draw(st.none() | WORDS)} for code in names.tags],
        "goods_tags": [
            {"good": escaped(good), "tag": escaped(tag), "weight": draw(st.sampled_from([None, "1", "2"]))}
            for good, tag in chosen
        ],
        "notes": note_rows,
        "settings": [{"name": name, "value": draw(WORDS)} for name in draw(codes)],
    }


FEW = st.lists(LETTERS, max_size=3, unique=True)
"""So few codes that a desired and a live shop share most of them."""


@st.composite
def tables(draw: st.DrawFn) -> dict[str, list[dict[str, object]]]:
    """
    Draw live rows as a database holds them, with ids: keys repeat, polymorphic and JSON references dangle.

    Foreign keys hold, because the server sees to that.
    """
    numbers = st.lists(st.integers(1, 9), unique=True, max_size=4)
    makers = draw(numbers)
    goods = draw(numbers) if makers else []
    tags = draw(numbers)
    barcodes = draw(st.permutations([*BARCODES, None, None]))

    def perhaps(ids: Sequence[int]) -> int | None:
        return draw(st.none() | st.sampled_from(ids)) if ids else None

    return {
        "makers": [
            {
                "id": number,
                "code": draw(LETTERS),
                "name": draw(LETTERS),
                "rating": draw(RATINGS),
                "founded": draw(DATES),
                "active": draw(st.integers(0, 1)),
                "flagship": perhaps(goods),
            }
            for number in makers
        ],
        "goods": [
            {
                "id": number,
                "sku": draw(LETTERS),
                "maker": draw(st.sampled_from(makers)),
                "base": perhaps(goods),
                "kind": draw(st.sampled_from(["raw", "made"])),
                "barcode": barcode,
                "stock": draw(st.integers(0, 9)),
                "listed_at": draw(MOMENTS),
            }
            for number, barcode in zip(goods, barcodes, strict=False)
        ],
        "tags": [{"id": number, "code": draw(LETTERS), "title": draw(st.none() | LETTERS)} for number in tags],
        "goods_tags": [
            {"id": number, "good": draw(st.sampled_from(goods)), "tag": draw(st.sampled_from(tags)), "weight": 1}
            for number in (draw(numbers) if goods and tags else [])
        ],
        "notes": [
            {
                "id": number,
                "ref": draw(LETTERS),
                "subject_type": draw(st.sampled_from([None, "maker", "good"])),
                "subject": draw(st.none() | st.integers(1, 12)),
                "body": draw(st.none() | st.builds(lambda good: json.dumps({"good_id": good}), st.integers(1, 12))),
            }
            for number in draw(numbers)
        ],
        "settings": [{"id": number, "name": draw(LETTERS), "value": draw(LETTERS)} for number in draw(numbers)],
    }
