"""Generators: the mixer's published numbers, and cells that depend on nothing but their own key."""

import polars as pl
import pytest

from reconcile.dataset import HASH, with_hash
from reconcile.fields import Draw, hash_column, hash_text, mix, mix_column, pick

MASK = (1 << 64) - 1


def splitmix64(seed: int, count: int) -> list[int]:
    """The generator as its authors define it: a Weyl sequence, each member scattered by mix64variant13."""
    numbers = []
    state = seed
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        numbers.append(z ^ (z >> 31))
    return numbers


def keyed(*keys: str) -> pl.DataFrame:
    return with_hash(pl.DataFrame({"key": keys}), "key")


def drawn(expression: pl.Expr, *keys: str) -> list[object]:
    return keyed(*keys).select(expression).to_series().to_list()


def many_keys(count: int) -> list[str]:
    return [f"key {number}" for number in range(count)]


def test_the_reference_generator_gives_the_published_numbers() -> None:
    """Source: the first outputs for seed 1234567, as implementations in many languages publish them."""
    published = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]

    assert published == splitmix64(1234567, 5)


@pytest.mark.parametrize("seed", [0, 1, 42, 1234567, MASK])
def test_the_mixer_is_splitmix64(seed: int) -> None:
    expected = splitmix64(seed, 5)

    assert expected == [mix((seed + step * 0x9E3779B97F4A7C15) & MASK) for step in range(5)]


def test_a_column_is_mixed_like_its_numbers() -> None:
    numbers = [0, 1, 2**32, 2**63, MASK]
    column = mix_column(pl.Series(numbers, dtype=pl.UInt64))

    assert [mix(number) for number in numbers] == column.to_list()


@pytest.mark.parametrize("value", ["", "a", "12345678", "123456789", "\0", "a\0", "é€😀", "x" * 1000])
def test_a_column_is_hashed_like_its_texts(value: str) -> None:
    column = hash_column(pl.Series("key", ["other", value, value + "more"]))

    assert hash_text(value) == column[1]
    assert column.name == "key"
    assert column.dtype == pl.UInt64


def test_null_hashes_like_no_text() -> None:
    assert [hash_text("")] == hash_column(pl.Series([None], dtype=pl.String)).to_list()


def test_an_empty_column_has_no_hashes() -> None:
    assert hash_column(pl.Series([], dtype=pl.String)).to_list() == []


def test_length_counts_in_the_hash() -> None:
    """Padding with zero bytes must not make texts alike."""
    assert len({hash_text(""), hash_text("\0"), hash_text("\0\0")}) == 3


def test_hashes_are_pinned() -> None:
    """A changed hash would change every generated cell of every database; these numbers may never move."""
    assert (hash_text(""), hash_text("Green Leaf")) == (16294208416658607535, 10022481101507957188)


def test_a_cell_hangs_on_seed_table_key_and_column() -> None:
    """Each of the four alone changes it; the same four give it again."""
    cell = drawn(Draw(1, "goods").bits("price"), "SAW")

    assert cell == drawn(Draw(1, "goods").bits("price"), "SAW")
    assert cell != drawn(Draw(2, "goods").bits("price"), "SAW")
    assert cell != drawn(Draw(1, "tools").bits("price"), "SAW")
    assert cell != drawn(Draw(1, "goods").bits("cost"), "SAW")
    assert cell != drawn(Draw(1, "goods").bits("price"), "AXE")


def test_bits_are_those_of_the_definition() -> None:
    salt = mix(7 ^ hash_text("goods.price"))

    assert [mix(hash_text("SAW") ^ salt)] == drawn(Draw(7, "goods").bits("price"), "SAW")


def test_the_hash_column_may_have_another_name() -> None:
    frame = keyed("SAW").rename({HASH: "other"})
    draw = Draw(1, "goods", hash_name="other")

    assert drawn(Draw(1, "goods").bits("price"), "SAW") == frame.select(draw.bits("price")).to_series().to_list()


def test_integers_reach_both_bounds_and_no_further() -> None:
    numbers = drawn(Draw(1, "goods").integer("stock", -2, 3), *many_keys(500))

    assert {-2, -1, 0, 1, 2, 3} == set(numbers)


def test_integer_bounds_may_be_columns() -> None:
    frame = keyed("a", "b").with_columns(low=pl.lit(5), high=pl.Series([5, 6]))
    numbers = frame.select(Draw(1, "goods").integer("stock", pl.col("low"), pl.col("high"))).to_series()

    assert numbers[0] == 5
    assert numbers[1] in {5, 6}


@pytest.mark.parametrize(("per_mille", "low", "high"), [(0, 0, 0), (1000, 1000, 1000), (150, 120, 180)])
def test_chances_are_per_mille(per_mille: int, low: int, high: int) -> None:
    draw = Draw(1, "goods")
    given = sum(map(bool, drawn(draw.chance("rare", per_mille), *many_keys(1000))))
    from_column = sum(map(bool, drawn(draw.chance("rare", pl.lit(per_mille)), *many_keys(1000))))

    assert given == from_column
    assert low <= given <= high


def test_weights_decide_how_often_a_choice_comes() -> None:
    words = drawn(Draw(1, "goods").weighted("kind", [("often", 9), ("never", 0), ("rare", 1)]), *many_keys(1000))

    assert {"often", "rare"} == set(words)
    assert 850 < words.count("often") < 950


def test_a_single_choice_is_always_taken() -> None:
    assert drawn(Draw(1, "goods").weighted("kind", [("only", 3)]), "SAW") == ["only"]


def test_choices_are_all_taken() -> None:
    assert {"a", "b", "c"} == set(drawn(Draw(1, "goods").choice("kind", ["a", "b", "c"]), *many_keys(100)))


def test_a_word_outside_the_list_is_null() -> None:
    assert pl.select(pick(pl.Series([0, 1, 2, -1]), ["a", "b"])).to_series().to_list() == ["a", "b", None, None]  # type: ignore[arg-type]
