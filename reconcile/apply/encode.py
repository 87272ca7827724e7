"""The bulk encoder: the one place where rows become SQL text, for multi-row INSERT on MySQL and MariaDB.

A pure Python driver escapes value by value; this does whole columns. It is safe under the sessions that `connect`
pins (utf8mb4, no NO_BACKSLASH_ESCAPES) and is tested against the driver's own escape for every kind of value.
"""

from collections.abc import Generator, Mapping

import polars as pl

STATEMENT_BYTES = 500_000
"""Rows are sent in statements of about this size, well under the default max_allowed_packet of 16 MiB."""

ROWS_AT_ONCE = 10_000
"""So many are encoded at once, while the server takes those before them."""

# Source: MySQL manual, "String Literals", special character escape sequences.
_SPECIAL = {"\\": "\\\\", "'": "\\'", '"': '\\"', "\0": "\\0", "\n": "\\n", "\r": "\\r", "\x1a": "\\Z"}
_PATTERNS, _ESCAPES = (pl.lit(pl.Series([list(texts)])) for texts in (_SPECIAL.keys(), _SPECIAL.values()))
_QUOTE, _NULL = pl.lit("'"), pl.lit("NULL")


def literal(name: str, dtype: pl.DataType) -> pl.Expr:
    """Give the SQL literal of a column of texts or integers; null becomes NULL."""
    column = pl.col(name)
    if dtype == pl.String:
        encoded = pl.concat_str(_QUOTE, column.str.replace_many(_PATTERNS, _ESCAPES), _QUOTE)
    elif dtype.is_integer():
        encoded = column.cast(pl.String)
    else:
        raise TypeError(f"column {name}: values travel as text or integers, not {dtype}")
    return encoded.fill_null(_NULL).alias(name)


def value_lists(rows: pl.DataFrame, most_bytes: int = STATEMENT_BYTES) -> Generator[tuple[int, str], None, None]:
    """
    Encode *rows* as `(…),(…)` lists for VALUES, in their order.

    Returns:
        (number of rows, text) per statement, each about *most_bytes* long or one row; nothing for no rows.

    """
    schema: Mapping[str, pl.DataType] = rows.schema
    cells = pl.concat_str([literal(name, dtype) for name, dtype in schema.items()], separator=",")
    for part in rows.iter_slices(ROWS_AT_ONCE):
        lines = part.select(pl.concat_str(pl.lit("("), cells, pl.lit(")")).alias("line"))
        if lines["line"].str.len_bytes().sum() < most_bytes:
            yield part.height, lines["line"].str.join(",").item()
            continue
        batches = lines.with_columns((pl.col("line").str.len_bytes().cum_sum() // most_bytes).alias("batch"))
        for batch in batches.partition_by("batch", maintain_order=True):
            yield batch.height, ",".join(batch["line"])
