"""What the replaced tool's eighth step made of its rows: a hundred orders with lines that nothing agrees with."""

import polars as pl

from tests.unit.desired_state.old_goods import pick
from tests.unit.desired_state.old_tool import OldTool, cents

_LINED = 100
_TERM_DAYS = 30


def augmented(tool: OldTool, rows: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Give *rows* as they are after the step ran once: its other scripts failed and changed nothing."""
    lines = _lines(tool, rows)
    ordered = rows["orders"].select(pl.col("created_at").dt.date().alias("ordered"), order="id")
    invoices = rows["invoices"].with_columns(order=pl.lit(rows["orders"]["id"].head(rows["invoices"].height)))
    dated = (
        invoices.join(ordered, on="order", maintain_order="left")
        .with_columns(invoiceDate="ordered", dueDate=pl.col("ordered") + pl.duration(days=_TERM_DAYS))
        .drop("ordered", "order")
    )
    days = dated.select("invoiceDate", invoiceId="id")
    payments = (
        rows["payments"]
        .join(days, on="invoiceId", maintain_order="left")
        .with_columns(paymentDate=pl.max_horizontal("paymentDate", "invoiceDate"))
        .drop("invoiceDate")
    )
    return rows | {
        "order_line_items": lines.drop("cents"),
        "orders": _totals(rows["orders"], lines),
        "invoices": dated.select(rows["invoices"].columns),
        "payments": payments.select(rows["payments"].columns),
    }


def _lines(tool: OldTool, rows: dict[str, pl.DataFrame]) -> pl.DataFrame:
    draw = tool.draw("order_line_items")
    shelf = rows["batches"].filter(pl.col("batchStatus") == "LIVE")
    frame = (
        tool.table("order_line_items", _LINED)
        .with_columns(
            order=pl.lit(rows["orders"]["id"].head(_LINED)), first=draw.integer("first", 0, shelf.height - 1),
            line=pl.int_ranges(0, draw.integer("lines", 2, 5)),
        )
        .explode("line")
        .with_columns(
            pl.col("_hash") + pl.col("line").cast(pl.UInt64) * 104_729,
            batch=pick((pl.col("first") + pl.col("line")) % shelf.height, shelf["id"]),
        )
    )  # fmt: skip
    costs = shelf.select(batch="id", cogs=(pl.col("unitCogs").cast(pl.Decimal(38, 2)) * 100).cast(pl.Int64))
    markup, quantity = draw.integer("markup", 30, 50), draw.integer("quantity", 1, 10)
    price = (2 * pl.col("cogs") * (100 + markup) + 100) // 200
    return (
        frame.join(costs, on="batch", maintain_order="left")
        .with_columns(price=price, cents=price * quantity, id=pl.int_range(pl.len()) + tool.first_id)
        .select(
            "id", "cents",
            order_id="order",
            batch_id="batch",
            quantity=quantity,
            cogs_per_unit=cents(pl.col("cogs")),
            original_cogs_per_unit=cents(pl.col("cogs")),
            # A markup on cost, in the column that means a margin on price.
            margin_percent=markup,
            margin_dollar=cents(pl.col("price") - pl.col("cogs")),
            margin_source=pl.lit("DEFAULT"),
            unit_price=cents(pl.col("price")),
            line_total=cents(pl.col("cents")),
        )
    )  # fmt: skip


def _totals(orders: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Only subtotal, tax and total follow the new lines; items, cost and margin stay."""
    sums = lines.group_by("order_id").agg(goods=pl.col("cents").sum())
    tax = pl.col("goods") * 8 // 100
    joined = orders.join(sums, left_on="id", right_on="order_id", how="left", maintain_order="left")
    new = {"subtotal": cents(pl.col("goods")), "tax": cents(tax), "total": cents(pl.col("goods") + tax)}
    return joined.with_columns(
        pl.coalesce(value.cast(pl.Decimal(38, 2)), pl.col(name).cast(pl.Decimal(38, 2))).alias(name)
        for name, value in new.items()
    ).drop("goods")
