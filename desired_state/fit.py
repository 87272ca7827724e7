"""What of the declared trade a top-up may bring in: only blocks whose client codes are not somebody else's.

A block's rows name each other by number. Where another tool has numbered its own rows alike, a row of ours would be
about theirs, so such a block is left out as a whole: its clients, and all that names a row that is left out.
"""

from functools import cache

import polars as pl

from desired_state.blocks import FAR, FULL, LIGHT
from desired_state.tables import SPECS
from reconcile.dataset import KEY, Dataset, dependency_order
from reconcile.errors import Finding, Severity
from reconcile.spec import Column
from reconcile.values import Json, PolymorphicReference

_KINDS = {"WHL": "whales", "REG": "regulars"}
_SHARED = ("products", "vendors", "brands")
"""Goods and growers: they name no client, so they are known by who names them."""
_SPOKEN_OF = (
    ("clients", "teri_code"), ("clients", "name"), ("vendors", "name"), ("orders", "order_number"),
    ("invoices", "invoiceNumber"), ("bills", "billNumber"), ("lots", "code"), ("batches", "code"),
)  # fmt: skip
"""What a task names in words: it has no other reference to what it is about."""

_Gone = dict[str, pl.Series]


def fit(desired: Dataset, live: Dataset) -> tuple[Dataset, tuple[Finding, ...]]:
    """
    Give the declared rows without the blocks that are somebody else's, and a warning for each of these.

    A block is somebody else's when more than half of its clients that exist live have another name there: whoever
    renames a few of ours does not make it so.
    """
    if "clients" not in desired or "clients" not in live:
        return desired, ()
    taken = taken_blocks(desired, live)
    if taken.is_empty():
        return desired, ()
    clients = _clients(desired).filter(pl.col("block").is_in(taken["block"].implode()))
    gone = _left_out(desired, clients[KEY])
    frames = {
        name: frame.filter(~pl.col(KEY).is_in(gone[name].implode())) if name in gone else frame
        for name, frame in desired.frames.items()
    }
    rows = sum(len(keys) for keys in gone.values())
    return Dataset(desired.specs, frames), tuple(
        _finding(block, renamed, present, rows) for block, renamed, present in taken.iter_rows()
    )


def _finding(block: int, renamed: int, present: int, rows: int) -> Finding:
    why = f"{renamed} of its {present} client codes that exist carry other names"
    return Finding(
        what=f"block {block} of the declared trade is left out: its codes and numbers belong to other rows here",
        where="clients.teri_code",
        why=f"{why}; with all such blocks {rows:,} declared rows are left out",
        fix="nothing, if these clients are yours; a reset would replace them by the declared ones",
        severity=Severity.WARNING,
    )


def taken_blocks(desired: Dataset, live: Dataset) -> pl.DataFrame:
    """Give the blocks that are somebody else's: block, how many of its clients are renamed, and how many exist."""
    theirs = live["clients"].select(KEY, live_name=_folded("name"))
    return (
        _clients(desired)
        .join(theirs, on=KEY)
        .group_by("block")
        .agg(renamed=pl.col("live_name").ne_missing(_folded("name")).sum(), present=pl.len())
        .filter(pl.col("renamed") * 2 > pl.col("present"))
        .sort("block")
    )


def _folded(column: str) -> pl.Expr:
    return pl.col(column).str.strip_chars().str.to_lowercase()


def _clients(desired: Dataset) -> pl.DataFrame:
    """Give the clients of the trade with their block, which follows from the number in their code."""
    ordinal = pl.col("teri_code").str.slice(3).cast(pl.Int64, strict=False) - 1
    block = pl.coalesce(
        pl.when(pl.col("teri_code").str.starts_with(prefix)).then(_block(ordinal, LIGHT[kind], FULL[kind]))
        for prefix, kind in _KINDS.items()
    )
    return desired["clients"].select(KEY, "name", block=block).drop_nulls("block")


def _block(ordinal: pl.Expr, light: int, full: int) -> pl.Expr:
    return (
        pl.when(ordinal >= FAR)
        .then((ordinal - FAR) // light)
        .when(ordinal < light)
        .then(0)
        .when(ordinal < full)
        .then(1)
        .otherwise(1 + ordinal // full)
    )


def _left_out(desired: Dataset, clients: pl.Series) -> _Gone:
    """Give per table the keys of the rows that go with *clients*."""
    gone = _with_referring(desired, {}, {"clients": clients})
    gone = _with_referring(desired, gone, _goods(desired, gone))
    return _with_referring(desired, gone, _mentioning(desired, gone))


@cache
def _links(tables: frozenset[str]) -> tuple[tuple[str, tuple[tuple[Column, str], ...]], ...]:
    """Give the references of each table, in an order in which nearly every row comes after those it names."""
    order, _ = dependency_order({name: SPECS[name] for name in tables})
    return tuple(
        (name, tuple(link for link in SPECS[name].references() if not isinstance(link[0].kind, Json)))
        for name in order
        if name not in ("clients", *_SHARED)
    )


def _with_referring(desired: Dataset, gone: _Gone, more: _Gone) -> _Gone:
    """Add to *gone* the rows in *more*, and those that name one of them, near or far."""
    result, grown = {**gone, **more}, dict(more)
    for name, links in _links(frozenset(desired.frames)):
        lost = [_names(column, target, grown[target]) for column, target in links if target in grown]
        if not lost:
            continue
        keys = desired[name].filter(pl.any_horizontal(lost))[KEY]
        if name in result:
            keys = keys.filter(~keys.is_in(result[name].implode()))
        if len(keys):
            grown[name] = pl.concat([grown[name], keys]) if name in grown else keys
            result[name] = pl.concat([result[name], keys]) if name in result else keys
    return {name: keys for name, keys in result.items() if len(keys)}


def _names(column: Column, target: str, keys: pl.Series) -> pl.Expr:
    """Say whether the reference *column* names one of *keys* of *target*."""
    names = pl.col(column.name).is_in(keys.implode()).fill_null(value=False)
    if isinstance(column.kind, PolymorphicReference):
        values = [value for value, table in column.kind.tables if table == target]
        return names & pl.col(column.kind.discriminator).is_in(values)
    return names


def _goods(desired: Dataset, gone: _Gone) -> _Gone:
    """
    Give the products and vendors that only rows in *gone* name, and the brands that nothing else needs.

    Brands are shared by all blocks though they name vendors of the first; a vendor whose brand stays, stays.
    """
    products = _named_only_by(desired, gone, "batches", "productId")
    vendors = _named_only_by(desired, gone, "lots", "vendorId")
    stays = desired["products"].filter(~pl.col(KEY).is_in(products.implode()))["brandId"].implode()
    brands = desired["brands"].filter(pl.col("vendorId").is_in(vendors.implode()))
    kept = brands.filter(pl.col(KEY).is_in(stays))["vendorId"].implode()
    return {
        "products": products,
        "vendors": vendors.filter(~vendors.is_in(kept)),
        "brands": brands.filter(~pl.col(KEY).is_in(stays))[KEY],
    }


def _named_only_by(desired: Dataset, gone: _Gone, table: str, column: str) -> pl.Series:
    is_gone = pl.col(KEY).is_in(gone[table].implode()) if table in gone else pl.lit(value=False)
    rows = desired[table].group_by(column).agg(is_gone=is_gone.all())
    return rows.filter("is_gone")[column]


def _mentioning(desired: Dataset, gone: _Gone) -> _Gone:
    """Give the tasks that speak of a row in *gone*, and the lists that hold no others."""
    if "todo_tasks" not in desired or "todo_lists" not in desired:
        return {}
    words = [desired[name].filter(pl.col(KEY).is_in(gone[name].implode()))[column]
             for name, column in _SPOKEN_OF if name in gone]  # fmt: skip
    spoken = pl.concat(words)
    is_about = pl.any_horizontal(
        pl.col(column).str.contains_any(spoken.implode()) for column in ("title", "description")
    )
    tasks = desired["todo_tasks"].with_columns(is_about=is_about.fill_null(value=False))
    emptied = tasks.group_by("list_id").agg(pl.col("is_about").all()).filter("is_about")["list_id"]
    return {"todo_tasks": tasks.filter("is_about")[KEY], "todo_lists": emptied}
