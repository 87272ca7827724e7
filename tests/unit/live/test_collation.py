"""Collations: two keys fold to one text exactly when the collation holds them equal."""

import unicodedata

import polars as pl
import pytest

from reconcile.live.collation import BINARY, Collation, collation_named, fold

NEUTRAL = collation_named("utf8mb4_0900_ai_ci")
PADDING = collation_named("utf8mb4_general_ci")
GERMAN = collation_named("utf8mb4_german2_ci")


def weigh(_collation: Collation, texts: list[str]) -> list[str]:
    """Weigh as a server without case and accents does: one weight per character."""
    return [
        "".join(
            f"{ord(character):06X}"
            for character in unicodedata.normalize("NFD", text).casefold()
            if not unicodedata.combining(character)
        )
        for text in texts
    ]


def ask_nothing(_collation: Collation, texts: list[str]) -> list[str]:
    raise AssertionError(f"the server was asked about {texts}")


def groups(collation: Collation, *keys: str) -> int:
    return fold(collation, pl.Series(keys), weigh).n_unique()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (None, BINARY),
        ("binary", BINARY),
        ("utf8mb4_bin", Collation("utf8mb4_bin", is_binary=True, pads_space=True, is_neutral=True)),
        ("utf8mb4_0900_bin", Collation("utf8mb4_0900_bin", is_binary=True, pads_space=False, is_neutral=True)),
        ("utf8mb4_0900_ai_ci", Collation("utf8mb4_0900_ai_ci", is_binary=False, pads_space=False, is_neutral=True)),
        ("utf8mb4_general_ci", Collation("utf8mb4_general_ci", is_binary=False, pads_space=True, is_neutral=True)),
        ("utf8mb4_unicode_ci", Collation("utf8mb4_unicode_ci", is_binary=False, pads_space=True, is_neutral=True)),
        (
            "utf8mb4_general_nopad_ci",
            Collation("utf8mb4_general_nopad_ci", is_binary=False, pads_space=False, is_neutral=True),
        ),
        (
            "utf8mb4_uca1400_ai_ci",
            Collation("utf8mb4_uca1400_ai_ci", is_binary=False, pads_space=True, is_neutral=True),
        ),
        (
            "utf8mb4_uca1400_nopad_ai_ci",
            Collation("utf8mb4_uca1400_nopad_ai_ci", is_binary=False, pads_space=False, is_neutral=True),
        ),
        ("utf8mb4_0900_as_cs", Collation("utf8mb4_0900_as_cs", is_binary=False, pads_space=False, is_neutral=False)),
        ("utf8mb4_german2_ci", Collation("utf8mb4_german2_ci", is_binary=False, pads_space=True, is_neutral=False)),
    ],
)
def test_a_collations_rules_are_in_its_name(name: str | None, expected: Collation) -> None:
    assert expected == collation_named(name)


def test_binary_keys_are_taken_as_they_are() -> None:
    keys = pl.Series(["a", "A", "a ", "é", None])

    assert keys.to_list() == fold(BINARY, keys, ask_nothing).to_list()


def test_a_binary_collation_may_pad() -> None:
    assert fold(collation_named("utf8mb4_bin"), pl.Series(["a  ", "A"]), ask_nothing).to_list() == ["a", "A"]


def test_plain_ascii_needs_no_server() -> None:
    """Printable ASCII folds by case alone, null stays null."""
    keys = pl.Series("code", ["Ab-1", "aB-1", None, ""])

    folded = fold(NEUTRAL, keys, ask_nothing)

    assert folded.to_list() == ["ab-1", "ab-1", None, ""]
    assert folded.name == "code"


def test_trailing_spaces_count_unless_the_collation_pads() -> None:
    assert groups(NEUTRAL, "a", "a ") == 2
    assert groups(PADDING, "a", "a ") == 1
    assert groups(PADDING, "a", " a") == 2


def test_the_server_weighs_what_is_not_ascii() -> None:
    assert groups(NEUTRAL, "cafe", "CAFÉ", "café") == 1
    assert groups(NEUTRAL, "cafe", "café", "cafés") == 2


def test_control_characters_are_weighed_by_the_server() -> None:
    """Some collations ignore them."""
    asked: list[str] = []

    def listen(collation: Collation, texts: list[str]) -> list[str]:
        asked.extend(texts)
        return weigh(collation, texts)

    fold(NEUTRAL, pl.Series(["a\t", "b"]), listen)

    assert "a\t" in asked
    assert "b" in asked


def test_other_collations_are_always_weighed_by_the_server() -> None:
    asked: list[str] = []

    def listen(collation: Collation, texts: list[str]) -> list[str]:
        assert collation == GERMAN
        asked.extend(texts)
        return weigh(collation, texts)

    folded = fold(GERMAN, pl.Series(["b", "a", "B", "a", None]), listen)

    assert asked == ["b", "a", "B"]
    assert (folded[0], folded[1], None) == (folded[2], folded[3], folded[4])


@pytest.mark.parametrize("collation", [BINARY, NEUTRAL, PADDING, GERMAN])
def test_no_keys_fold_to_none(collation: Collation) -> None:
    assert fold(collation, pl.Series([], dtype=pl.String), weigh).to_list() == []
