"""Two keys are one row exactly when the server's collation says so."""

import string
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from reconcile.live.collation import collation_named, fold, server_weights, sorts_as_bytes
from tests.servers.operating import driver_url
from tests.servers.server import Server
from tests.servers.target import Target

COLLATIONS = {
    "mariadb": (
        "utf8mb4_unicode_ci", "utf8mb4_general_ci", "utf8mb4_bin", "utf8mb4_unicode_520_ci", "utf8mb4_spanish2_ci",
        "utf8mb4_unicode_nopad_ci", "utf8mb4_nopad_bin", "utf8mb4_uca1400_ai_ci", "utf8mb4_uca1400_as_cs",
        "latin1_swedish_ci",
    ),
    "mysql": (
        "utf8mb4_unicode_ci", "utf8mb4_general_ci", "utf8mb4_bin", "utf8mb4_0900_ai_ci", "utf8mb4_0900_as_cs",
        "utf8mb4_0900_as_ci", "utf8mb4_0900_bin", "utf8mb4_es_0900_ai_ci", "utf8mb4_lv_0900_ai_ci",
        "utf8mb4_spanish2_ci", "latin1_swedish_ci",
    ),
}  # fmt: skip
_PIECES = st.sampled_from(
    ["a", "A", "á", "a\u0301", "ä", "ß", "ss", "SS", " ", "  ", "", "z", "Z", "-", "_", "0", "é", "E", "\t", "ñ", "n",
     "N\u0303", "ll", "L", "ch", "y", "i", "æ", "ae", "o", "ø", "Ö"]
)  # fmt: skip
_WIDE = st.sampled_from(["🌿", "👩🏽‍🌾", "Ⅷ", "ﬁ", "fi", "ｱ", "ア", "Σ", "ς", "σ", "İ", "i", "I", "ı", "\u200d", "日"])
_TEXTS = st.lists(_PIECES, max_size=5).map("".join)
_ANY = st.lists(st.one_of(_PIECES, _WIDE), max_size=5).map("".join)


@given(data=st.data())
@settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_folded_keys_are_equal_exactly_when_the_server_says_so(server: Server, data: st.DataObject) -> None:
    """
    For collations whose ASCII rule is known and for those that the server is always asked about.

    On servers only: SQLite compares characters.
    """
    for name in COLLATIONS[server.engine]:
        texts = data.draw(st.lists(_TEXTS if name.startswith("latin1") else _ANY, min_size=2, max_size=30))
        if name.startswith("latin1"):
            texts = [text.encode("latin1", "ignore").decode("latin1") for text in texts]
        target = Target(server.engine, "", server.admin_url("information_schema"), server)
        engine = create_engine(driver_url(target), poolclass=NullPool)
        with engine.connect() as connection:
            folded = fold(collation_named(name), pl.Series(texts, dtype=pl.String), server_weights(connection))
        ours = [(a, b) for i, a in enumerate(folded) for b in folded[i + 1 :]]
        pairs = [(a, b) for i, a in enumerate(texts) for b in texts[i + 1 :]]
        charset = "latin1" if name.startswith("latin1") else "utf8mb4"
        equal = _compare(server, pairs, charset, name)
        assert [(p, e) for p, e in zip(pairs, equal, strict=True)] == [
            (p, a == b) for p, (a, b) in zip(pairs, ours, strict=True)
        ], name


def _compare(server: Server, pairs: list[tuple[str, str]], charset: str, collation: str) -> list[bool]:
    one = f"CONVERT(%s USING {charset}) COLLATE {collation} = CONVERT(%s USING {charset}) COLLATE {collation}"
    with server.admin() as cursor:
        found: list[bool] = []
        for start in range(0, len(pairs), 100):
            chunk = pairs[start : start + 100]
            cursor.execute("SELECT " + ", ".join([one] * len(chunk)), [text for pair in chunk for text in pair])
            row = cursor.fetchone()
            assert row is not None
            found += [bool(cell) for cell in row]
        return found


@pytest.mark.parametrize("text", ["A", "a ", "Ä"])
def test_a_column_without_a_collation_compares_characters(text: str) -> None:
    series = pl.Series([text, "a"])

    assert fold(collation_named(None), series, _never).to_list() == [text, "a"]


def _never(*_: object) -> list[str]:
    pytest.fail("the server was asked")


def test_digits_and_capital_letters_sort_as_their_bytes_in_neutral_collations(server: Server) -> None:
    """Of every one that the server has; single characters tell, since each is weighed on its own."""
    plain = string.digits + string.ascii_uppercase
    found = {*server.execute("SELECT COLLATION_NAME, CHARACTER_SET_NAME FROM information_schema.COLLATIONS")}
    # MariaDB lists those of newer Unicode by a name that no column has.
    found |= {(name, "utf8mb4") for name in COLLATIONS[server.engine] if name.startswith("utf8mb4_")}
    neutral = [
        (str(name), str(charset))
        for name, charset in found
        if charset not in {None, "binary"} and sorts_as_bytes(collation_named(str(name)), plain)
    ]
    for name, charset in neutral:
        steps = list(pairwise(plain))
        sides = "CONVERT('{}' USING {charset}) COLLATE {name} < CONVERT('{}' USING {charset})"
        compared = ", ".join(sides.format(*step, charset=charset, name=name) for step in steps)
        assert server.execute(f"SELECT {compared}") == ((1,) * len(steps),), name

    assert len(neutral) >= 5
    assert not sorts_as_bytes(collation_named("utf8mb4_general_ci"), ["O1", "o2"])
    assert not sorts_as_bytes(collation_named("utf8mb4_spanish2_ci"), ["O1"])
