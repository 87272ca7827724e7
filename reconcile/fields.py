"""Deterministic field generators over whole columns: same key in, same value out.

Every cell is a function of hash(seed, table, key, column). The mixer and the string hash are our own, in wrapping
64-bit integers, so no value depends on a library's version. Must never read a clock or a random source.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import polars as pl

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_MIX_1 = 0xBF58476D1CE4E5B9
_MIX_2 = 0x94D049BB133111EB
_CHUNK_BYTES = 8


def mix(value: int) -> int:
    """
    Scatter a 64-bit integer over all 64-bit integers, one to one.

    Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (2014), section 5 (SplitMix64).
    """
    value = (value + _GOLDEN) & _MASK
    value = ((value ^ (value >> 30)) * _MIX_1) & _MASK
    value = ((value ^ (value >> 27)) * _MIX_2) & _MASK
    return value ^ (value >> 31)


def hash_text(value: str) -> int:
    """Hash one string as `hash_column` hashes a column of them."""
    encoded = value.encode()
    state = mix(len(encoded))
    for start in range(0, len(encoded), _CHUNK_BYTES):
        chunk = encoded[start : start + _CHUNK_BYTES].ljust(_CHUNK_BYTES, b"\0")
        state = mix(state ^ int.from_bytes(chunk, "little"))
    return state


def _u64(value: int) -> pl.Expr:
    return pl.lit(value & _MASK, dtype=pl.UInt64)


_STEPS = tuple(pl.Series([number], dtype=pl.UInt64) for number in (_GOLDEN, 1 << 30, _MIX_1, 1 << 27, _MIX_2, 1 << 31))


def mix_column(column: pl.Series) -> pl.Series:
    """
    Apply `mix` to a UInt64 column; polars' integer arithmetic wraps, as the mixer needs.

    At once, since an expression computes each step as often as the next one names it.
    """
    golden, shift_1, mix_1, shift_2, mix_2, shift_3 = _STEPS
    column = column + golden
    column = (column ^ (column // shift_1)) * mix_1
    column = (column ^ (column // shift_2)) * mix_2
    return column ^ (column // shift_3)


def hash_column(column: pl.Series) -> pl.Series:
    """Hash a String column to UInt64, eight bytes at a time; null hashes as the empty string."""
    text = pl.DataFrame({"text": column}).select(pl.col("text").fill_null("").cast(pl.Binary))
    padded = pl.col("text") + pl.lit(b"\0" * _CHUNK_BYTES)
    length, padded_text = text.select(pl.col("text").bin.size().cast(pl.UInt64).alias("length"), padded).get_columns()
    longest = length.max()
    starts = range(0, longest if isinstance(longest, int) else 0, _CHUNK_BYTES)
    # A text that has ended before may give less than a chunk, which is null and not looked at.
    chunks = padded_text.to_frame().select(
        pl.col("text")
        .bin.slice(start, _CHUNK_BYTES)
        .bin.reinterpret(dtype=pl.UInt64, endianness="little")
        .alias(f"{start}")
        for start in starts
    )
    state = mix_column(length)
    for start, chunk in zip(starts, chunks.get_columns(), strict=True):
        state = mix_column(state ^ chunk).zip_with(length > start, state)
    return state.alias(column.name)


@dataclass(frozen=True, slots=True)
class Draw:
    """
    The random source of one table's columns: each method gives an expression over a frame with a key hash column.

    Two draws with the same column name are equal; give each cell, or each part of one, a name of its own.
    """

    seed: int
    table: str
    hash_name: str = "_hash"

    def bits(self, column: str) -> pl.Expr:
        """64 random bits per row, UInt64, for the column called *column*."""
        salt = pl.Series([mix(self.seed ^ hash_text(f"{self.table}.{column}"))], dtype=pl.UInt64)
        return pl.col(self.hash_name).map_batches(
            lambda hashes: mix_column(hashes ^ salt), return_dtype=pl.UInt64, is_elementwise=True
        )

    def integer(self, column: str, low: int | pl.Expr, high: int | pl.Expr) -> pl.Expr:
        """
        An integer between *low* and *high*, both included, Int64.

        The modulus favours small values by less than (high - low) / 2**63, which no dataset can show.
        """
        if isinstance(low, int) and isinstance(high, int):
            return (self.bits(column) % _u64(high - low + 1)).cast(pl.Int64) + pl.lit(low, dtype=pl.Int64)
        low_column = low if isinstance(low, pl.Expr) else pl.lit(low, dtype=pl.Int64)
        high_column = high if isinstance(high, pl.Expr) else pl.lit(high, dtype=pl.Int64)
        span = (high_column - low_column + 1).cast(pl.UInt64)
        return (self.bits(column) % span).cast(pl.Int64) + low_column

    def chance(self, column: str, per_mille: int | pl.Expr) -> pl.Expr:
        """True in *per_mille* of 1,000 rows, Boolean."""
        limit = per_mille if isinstance(per_mille, pl.Expr) else pl.lit(per_mille)
        return self.integer(column, 0, 999) < limit

    def weighted(self, column: str, choices: Sequence[tuple[str, int]]) -> pl.Expr:
        """One of *choices*, each as often as its whole-number weight says, String."""
        *others, (last, _) = choices
        ticket = self.integer(column, 0, sum(weight for _, weight in choices) - 1)
        bounds = accumulate(weight for _, weight in others)
        picked = pl.lit(last)
        for (value, _), bound in reversed(list(zip(others, bounds, strict=True))):
            picked = pl.when(ticket < bound).then(pl.lit(value)).otherwise(picked)
        return picked

    def choice(self, column: str, values: Sequence[str]) -> pl.Expr:
        """One of *values*, each as likely as the others, String."""
        return pick(self.integer(column, 0, len(values) - 1), values)


def pick(index: pl.Expr, values: Sequence[str]) -> pl.Expr:
    """The value at *index* (from 0) of a list of words, String; null where the index is outside."""
    place = pl.when(index >= 0).then(index)
    return pl.lit(pl.Series(values, dtype=pl.String)).gather(place, null_on_oob=True)
