"""The clients of each block in one list, whales first, and ways to choose from it. Never leaves the block."""

import polars as pl

from desired_state.trade import Trade


def clientele(trade: Trade) -> pl.DataFrame:
    """
    Give every client with its block and its place in it.

    Returns:
        Per client block, place (from 0, whales first), client, is_whale, is_seller, created_day and created_second.

    """
    return trade.clients.select(
        "block",
        "is_whale",
        "is_seller",
        "created_day",
        "created_second",
        place=pl.col("index") + pl.when(pl.col("is_whale")).then(0).otherwise("whales_count"),
        client="code",
    ).sort("block", "place")


def with_client(rows: pl.DataFrame, trade: Trade, step: int) -> pl.DataFrame:
    """
    Add to *rows*, numbered by `index` within their block, the client whose turn it is.

    Clients take turns *step* places apart. No client has a second turn before all have had one, as long as *step* has
    no divisor in common with the number of clients of a block.
    """
    client_count = pl.col("whales_count") + pl.col("regulars_count")
    return rows.with_columns(place=pl.col("index") * step % client_count).join(
        clientele(trade), on=["block", "place"], how="left", maintain_order="left"
    )


def with_product(rows: pl.DataFrame, trade: Trade, index: pl.Expr) -> pl.DataFrame:
    """Add to *rows* the product at *index* of their block's list, which begins again where it ends."""
    products = trade.products.select(
        "block", "product", "category", "subcategory", "strain", product_index="index"
    ).with_columns(is_flower=pl.col("category") == "Flower")
    return rows.with_columns(product_index=index % pl.col("products_count")).join(
        products, on=["block", "product_index"], how="left", maintain_order="left"
    )


def by_turns(first_status: str, tenths: int, others: tuple[str, ...], count: str) -> pl.Expr:
    """Give *first_status* to the first tenths of a block's rows and deal *others* round to the rest, by `index`."""
    turn = pl.col("index") % len(others)
    dealt = turn.replace_strict(list(range(len(others))), list(others), return_dtype=pl.String)
    return pl.when(pl.col("index") * 10 < pl.col(count) * tenths).then(pl.lit(first_status)).otherwise(dealt)
