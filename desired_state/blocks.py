"""The blocks a dataset is made of, and the running numbers of the rows in each.

Block 0 is the light dataset, block 1 what full adds to it, and each further block of a scaled dataset is one
more full dataset. A row refers to rows of its own block and to the static tables only, so a larger dataset
repeats every cell of a smaller one. Light multiplied adds light-sized blocks; their numbers start far away,
so that they are never taken for rows of the full dataset.
"""

from itertools import accumulate

import polars as pl

from reconcile.spec import Profile, Size

LIGHT = {
    "vendors": 10,
    "whales": 5,
    "regulars": 25,
    "products": 50,
    "lots": 100,
    "batches": 80,
    "orders": 150,
    "invoiced": 120,
    "bills": 40,
    "events": 40,
    "todo_lists": 8,
    "todo_tasks": 30,
    "comments": 50,
    "inbox_items": 15,
    "portals": 15,
    "needs": 20,
    "supplies": 15,
    "samples": 20,
    "sessions": 10,
    "standing_orders": 8,
    "referrals": 10,
    "ranked": 30,
}
FULL = {
    "vendors": 25,
    "whales": 15,
    "regulars": 85,
    "products": 150,
    "lots": 250,
    "batches": 300,
    "orders": 500,
    "invoiced": 400,
    "bills": 100,
    "events": 100,
    "todo_lists": 20,
    "todo_tasks": 80,
    "comments": 150,
    "inbox_items": 50,
    "portals": 40,
    "needs": 60,
    "supplies": 50,
    "samples": 60,
    "sessions": 30,
    "standing_orders": 20,
    "referrals": 30,
    "ranked": 50,
}
FAR = 10_000_000
"""The running number at which the extra blocks of a scaled light dataset begin."""


def blocks(profile: Profile) -> pl.DataFrame:
    """
    List the dataset's blocks.

    Returns:
        Per block its number, and per kind of row `<kind>_count` and `<kind>_first`, the running number (from
        0) of the first one.

    """
    columns: dict[str, list[int]] = {"block": list(range(len(_counts(profile, "orders"))))}
    for kind in LIGHT:
        counts = _counts(profile, kind)
        firsts = [0, *accumulate(counts[:-1])]
        if profile.size is Size.LIGHT:
            firsts = [first + FAR if first else 0 for first in firsts]
        columns |= {f"{kind}_count": counts, f"{kind}_first": firsts}
    return pl.DataFrame(columns)


def _counts(profile: Profile, kind: str) -> list[int]:
    light, full = LIGHT[kind], FULL[kind]
    if profile.size is Size.LIGHT:
        return [light] * profile.scale
    return [light, full - light] + [full] * (profile.scale - 1)


def expand(blocks_frame: pl.DataFrame, kind: str) -> pl.DataFrame:
    """
    Give one row for each row of *kind*, block by block.

    Returns:
        The columns of *blocks_frame*, `index` (from 0 within the block) and `ordinal` (from 0 over all blocks).

    """
    return (
        blocks_frame.with_columns(index=pl.int_ranges(0, pl.col(f"{kind}_count")))
        .explode("index", empty_as_null=False)
        .with_columns(ordinal=pl.col("index") + pl.col(f"{kind}_first"))
    )


def number(ordinal: pl.Expr, digits: int = 6) -> pl.Expr:
    """Write a running number as documents count, from 1 and padded: `000001`; longer where needed."""
    return (ordinal + 1).cast(pl.String).str.zfill(digits)


def code(prefix: str, ordinal: pl.Expr, digits: int = 6) -> pl.Expr:
    """Write the code of the row with that running number: `ORD-000001`."""
    return pl.concat_str(pl.lit(prefix), number(ordinal, digits))
