"""What the replaced tool left of users, parties, goods and batches."""

import polars as pl

from tests.unit.desired_state.old_tool import CATEGORIES, SLUGS, STATUSES, OldTool, cents

_DAY = 86_400


def pick(column: pl.Expr, values: pl.Series) -> pl.Expr:
    """Take the value at a place, going round."""
    return column.replace_strict(list(range(len(values))), values, return_dtype=values.dtype)


def cycle(frame: pl.DataFrame, column: str = "id") -> pl.Expr:
    """Deal the rows of *frame* round to the rows `i`."""
    return pick(pl.col("i") % frame.height, frame[column])


def moment(tool: OldTool, seconds_ago: pl.Expr) -> pl.Expr:
    """The moment that many seconds before the tool ran."""
    return pl.lit(tool.now) - pl.duration(seconds=seconds_ago)


def people(tool: OldTool) -> dict[str, pl.DataFrame]:
    """Give the users, clients and vendors."""
    users = tool.table("users", 6)
    clients = tool.table("clients", tool.counts["clients"])
    draw = tool.draw("clients")
    whales = tool.counts["whales"]
    is_whale = pl.col("i") < whales
    rank = pl.when(is_whale).then(pl.col("i")).otherwise(pl.col("i") - whales) + 1
    seller = draw.chance("is_seller", pl.when(is_whale).then(200).otherwise(150)) & tool.has_sellers
    return {
        "users": users.select(
            "id",
            openId=pl.format("old-user-{}-1767000000", "i"),
            name=pl.format("Account {}", "i"),
            email=pl.format("account{}@live.example.com", "i"),
            role=pl.when(pl.col("i") == 0).then(pl.lit("admin")).otherwise(pl.lit("user")),
        ),
        "clients": clients.select(
            "id",
            teri_code=pl.concat_str(
                pl.when(is_whale).then(pl.lit("WHL")).otherwise(pl.lit("REG")), rank.cast(pl.String).str.zfill(4)
            ),
            name=pl.format("House {} of the live data", "i"),
            email=pl.format("buyer{}@live.example.com", "i"),
            is_buyer=pl.lit(True),
            is_seller=seller,
            tags=pl.when(is_whale).then(pl.lit('["wholesale", "high-volume", "vip"]')).otherwise(pl.lit('["retail"]')),
            created_at=moment(tool, draw.integer("created_at", 200, 500) * _DAY),
        ),
        "vendors": tool.table("vendors", tool.counts["vendors"]).select(
            "id",
            name=pl.format("Grower {} of the live data", "i"),
            paymentTerms=pick(pl.col("i") % 3, pl.Series(["NET_15", "NET_30", "COD"])),
        ),
    }


def goods(tool: OldTool) -> dict[str, pl.DataFrame]:
    """Give what is sold and where it comes from; the bank accounts were written twice."""
    vendors = tool.table("vendors", tool.counts["vendors"])
    brands, strains = tool.table("brands", 15), tool.table("strains", 28)
    kinds = ["Hybrid"] * 13 + ["Indica"] * 9 + ["Sativa"] * 6
    lots, prices = tool.table("lots", tool.counts["lots"]), tool.table("pricing_defaults", 8)
    category = pick(pl.col("i") % len(CATEGORIES), pl.Series(CATEGORIES))
    return {
        "workflow_statuses": tool.table("workflow_statuses", len(SLUGS)).select(
            "id",
            name=pick(pl.col("i"), pl.Series(SLUGS)).str.replace("-", " "),
            slug=pick(pl.col("i"), pl.Series(SLUGS)),
            order=pl.col("i") + 1,
        ),
        "pricing_defaults": prices.select(
            "id",
            product_category=pick(pl.col("i"), pl.Series([*CATEGORIES, "Accessories"])),
            default_margin_percent=cents(tool.draw("prices").integer("margin", 2_000, 4_000)),
        ),
        "brands": brands.select("id", name=pl.format("Label {}", "i"), vendorId=cycle(vendors)),
        "strains": strains.select(
            "id",
            name=pl.format("Plant {}", "i"),
            standardizedName=pl.format("plant {}", "i"),
            category=pick(pl.col("i"), pl.Series(kinds)),
        ),
        "products": tool.table("products", tool.counts["products"]).select(
            "id",
            category=category,
            brandId=cycle(brands),
            strainId=cycle(strains),
            nameCanonical=pl.format("Plant {} {} no. {}", pl.col("i") % 28, category, "i"),
            uomSellable=pl.when(category == "Flower").then(pl.lit("LB")).otherwise(pl.lit("EA")),
            description=pl.format("Described by hand, {}", "i"),
        ),
        "lots": lots.select(
            "id",
            code=tool.number("LOT"),
            vendorId=cycle(vendors),
            date=moment(tool, tool.draw("lots").integer("date", 0, 120 * _DAY)),
        ),
        "bankAccounts": pl.concat([_bank_accounts(tool, 0), _bank_accounts(tool, 4)]),
    }


def _bank_accounts(tool: OldTool, first: int) -> pl.DataFrame:
    return tool.table("bankAccounts", 4).select(
        id=pl.col("id") + first,
        accountName=pl.format("Bank account {}", "i"),
        accountNumber=pl.format("00{}", "i"),
        bankName=pl.lit("Bank of the live data"),
        accountType=pick(pl.col("i"), pl.Series(["CHECKING", "CHECKING", "SAVINGS", "CREDIT_CARD"])),
    )


def batches(tool: OldTool, lots: pl.DataFrame, products: pl.DataFrame) -> pl.DataFrame:
    """Give the batches, with the wrong workflow status."""
    frame, draw = tool.table("batches", tool.counts["batches"]), tool.draw("batches")
    rest = [STATUSES[place] for place in (0, 1, 2, 3, 4)]
    status = (
        pl.when(pl.col("i") < frame.height * 65 // 100)
        .then(pl.lit("LIVE"))
        .otherwise(pick(pl.col("i") % len(rest), pl.Series(rest)))
    )
    place = status.replace_strict(list(STATUSES), list(range(len(STATUSES))), return_dtype=pl.Int64)
    return frame.select(
        "id",
        code=tool.number("BAT"),
        sku=tool.number("SKU"),
        productId=cycle(products),
        lotId=cycle(lots),
        batchStatus=status,
        # The fault of the tool: a place among its five statuses, used as a place among the eight rows.
        statusId=place + tool.first_id,
        grade=draw.weighted("grade", (("A", 3), ("B", 2), ("C", 1))),
        cogsMode=pl.lit("FIXED"),
        unitCogs=cents(draw.integer("unitCogs", 10_000, 80_000)),
        paymentTerms=pick(pl.col("i") % 5, pl.Series(["COD", "NET_7", "NET_15", "NET_30", "CONSIGNMENT"])),
        onHandQty=cents(draw.integer("onHandQty", 500, 25_000)),
        publishEcom=(status == "LIVE").cast(pl.Int64),
        publishB2b=(status == "LIVE").cast(pl.Int64),
        createdAt=moment(tool, draw.integer("createdAt", 0, 100 * _DAY)),
    )


def history(tool: OldTool, batches: pl.DataFrame, statuses: pl.DataFrame) -> pl.DataFrame:
    """Give one to four entries at random per batch."""
    draw = tool.draw("batch_status_history")
    frame = (
        tool.table("batch_status_history", min(200, batches.height))
        .with_columns(batch=pick(pl.col("i"), batches["id"]), step=pl.int_ranges(0, draw.integer("rows", 1, 4)))
        .explode("step")
        .with_columns(pl.col("_hash") + pl.col("step").cast(pl.UInt64))
    )
    status = pl.Series(statuses["id"])
    return frame.with_row_index("place").select(
        id=pl.col("place").cast(pl.Int64) + tool.first_id,
        batchId="batch",
        fromStatusId=pl.when(draw.chance("from", 800)).then(pick(draw.integer("from.status", 0, 7), status)),
        toStatusId=pick(draw.integer("to.status", 0, 7), status),
        changedBy=pl.lit(tool.first_id),
        notes=pl.format("Moved by hand, step {}", "step"),
        createdAt=moment(tool, draw.integer("createdAt", 0, 60 * _DAY)),
    )
