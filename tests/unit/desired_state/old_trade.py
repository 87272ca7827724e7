"""What the replaced tool left of the trade: orders without lines, invoices without lines, payments at any date."""

import json

import polars as pl

from tests.unit.desired_state.old_goods import batches, cycle, goods, history, moment, people, pick
from tests.unit.desired_state.old_tool import OldTool, cents

_TERMS = ("NET_7", "NET_15", "NET_30", "COD")
_TERM_DAYS = {"COD": 0, "NET_7": 7, "NET_15": 15, "NET_30": 30}
_TAX = 875
_DAY = 86_400


def trade(tool: OldTool) -> dict[str, pl.DataFrame]:
    """Give the rows of users, goods, orders and documents, by table, parents first."""
    core = people(tool) | goods(tool)
    stock = batches(tool, core["lots"], core["products"])
    orders = _orders(tool, core["clients"], stock)
    invoices = _invoices(tool, orders)
    payments = _payments(tool, invoices)
    return core | {
        "batches": stock,
        "batch_status_history": history(tool, stock, core["workflow_statuses"]),
        "orders": orders,
        "invoices": invoices,
        "payments": payments,
        "bills": _bills(tool, core["clients"], core["vendors"]),
        "client_transactions": _transactions(tool, orders, payments),
    }


def _orders(tool: OldTool, clients: pl.DataFrame, batches: pl.DataFrame) -> pl.DataFrame:
    draw = tool.draw("orders")
    frame = tool.table("orders", tool.counts["orders"]).with_columns(
        created=moment(tool, draw.integer("created_at", 0, 180 * _DAY)),
        terms=pick(pl.col("i") % len(_TERMS), pl.Series(_TERMS)),
        items=pl.int_ranges(0, draw.integer("items", 1, 5)),
    )
    totals = _items(tool, frame.select("i", "_hash", item="items").explode("item"), batches)
    tax = (2 * pl.col("subtotal") * _TAX + 10_000) // 20_000
    margin = pl.col("subtotal") - pl.col("cogs")
    due = pl.col("created").dt.date() + pl.duration(
        days=pl.col("terms").replace_strict(_TERM_DAYS, return_dtype=pl.Int64)
    )
    return frame.drop("items").join(totals, on="i", maintain_order="left").select(
        "id", "items", "i",
        order_number=tool.number("ORD"),
        orderType=pl.lit("SALE"),
        is_draft=pl.lit(False),
        client_id=cycle(clients),
        subtotal=cents(pl.col("subtotal")),
        tax=cents(tax),
        total=cents(pl.col("subtotal") + tax),
        total_cogs=cents(pl.col("cogs")),
        total_margin=cents(margin),
        avg_margin_percent=cents(margin * 10_000 // pl.col("subtotal")),
        paymentTerms="terms",
        due_date=due,
        saleStatus=pl.when(draw.chance("saleStatus", 550))
        .then(pl.lit("PAID"))
        .when(due < tool.now.date())
        .then(pl.lit("OVERDUE"))
        .otherwise(pl.lit("PENDING")),
        fulfillmentStatus=pl.lit("PENDING"),
        notes=pl.when(pl.col("i") % 5 == 0).then(pl.format("Ring before delivery {}", "i")),
        created_by=pl.lit(tool.first_id),
        created_at="created",
    )  # fmt: skip


def _items(tool: OldTool, frame: pl.DataFrame, batches: pl.DataFrame) -> pl.DataFrame:
    """Give per order its items document and their sums in cents; quantities have four decimals."""
    draw = tool.draw("items")
    facts = batches.select(
        batch="id", product="productId", price=pl.col("unitCogs").cast(pl.Decimal(38, 2)) * 100
    ).with_columns(cogs=pl.col("price").cast(pl.Int64))
    lines = (
        frame.with_columns(
            pl.col("_hash") + pl.col("item").cast(pl.UInt64) * 7_919,
            batch=pick((pl.col("i") + pl.col("item")) % batches.height, batches["id"]),
        )
        .join(facts.select("batch", "product", "cogs"), on="batch", maintain_order="left")
        .with_columns(margin=draw.integer("margin", 1_800, 4_000), quantity=draw.integer("quantity", 2_500, 150_000))
        .with_columns(
            price=(2 * pl.col("cogs") * 10_000 + 10_000 - pl.col("margin")) // (20_000 - 2 * pl.col("margin"))
        )
        .with_columns(
            total=(2 * pl.col("quantity") * pl.col("price") + 10_000) // 20_000,
            cost=(2 * pl.col("quantity") * pl.col("cogs") + 10_000) // 20_000,
        )
    )
    documents = [
        {
            "batchId": row["batch"],
            "productId": row["product"],
            "quantity": _number(row["quantity"] / 10_000, tool.texts_in_items and place % 3 == 0),
            "unitPrice": _number(row["price"] / 100, tool.texts_in_items and place % 4 == 0),
            "unitCogs": _number(row["cogs"] / 100, tool.texts_in_items and place % 4 == 1),
            "lineTotal": row["total"] / 100,
            "lineCogs": row["cost"] / 100,
            "marginPercent": row["margin"] / 100,
        }
        for place, row in enumerate(lines.iter_rows(named=True))
    ]
    return (
        lines.with_columns(item_json=pl.Series([json.dumps(item) for item in documents], dtype=pl.String))
        .group_by("i", maintain_order=True)
        .agg(subtotal=pl.col("total").sum(), cogs=pl.col("cost").sum(), items=pl.col("item_json").str.join(", "))
        .with_columns(items=pl.format("[{}]", "items"))
    )


def _number(value: float, is_text: bool) -> float | str:
    return str(value) if is_text else value


def _invoices(tool: OldTool, orders: pl.DataFrame) -> pl.DataFrame:
    frame, draw = tool.table("invoices", tool.counts["invoices"]), tool.draw("invoices")
    of_order = orders.select(
        "i", "client_id", "total", order="id", date=pl.col("created_at").dt.date(), whole=_whole("total")
    )
    share = draw.integer("share", 30, 70)
    paid = (
        pl.when(draw.chance("paid", 500))
        .then(pl.col("whole"))
        .when(draw.chance("partly", 300))
        .then(pl.col("whole") * share // 100)
        .otherwise(0)
    )
    due = pl.col("date") + pl.duration(days=pick(pl.col("i") % 3, pl.Series([7, 15, 30])))
    subtotal = (2 * pl.col("whole") * 10_000 + 10_875) // 21_750
    return frame.join(of_order, on="i", maintain_order="left").select(
        "id", "i",
        invoiceNumber=tool.number("INV"),
        customerId="client_id",
        invoiceDate="date",
        dueDate=due,
        subtotal=cents(subtotal),
        taxAmount=cents(pl.col("whole") - subtotal),
        totalAmount="total",
        amountPaid=cents(paid),
        amountDue=cents(pl.col("whole") - paid),
        status=_document_status(tool, pl.col("whole"), paid, due, "SENT"),
        notes=pl.when(pl.col("i") % 7 == 0).then(pl.format("Sent by courier {}", "i")),
        referenceType=pl.lit("ORDER" if tool.names_orders else None, dtype=pl.String),
        referenceId=pl.when(tool.names_orders).then("order"),
        createdBy=pl.lit(tool.first_id),
    )  # fmt: skip


def _whole(column: str) -> pl.Expr:
    return (pl.col(column).cast(pl.Decimal(38, 2)) * 100).cast(pl.Int64)


def _document_status(tool: OldTool, total: pl.Expr, paid: pl.Expr, due: pl.Expr, unpaid: str) -> pl.Expr:
    return (
        pl.when(paid >= total)
        .then(pl.lit("PAID"))
        .when(paid > 0)
        .then(pl.lit("PARTIAL"))
        .when(due < tool.now.date())
        .then(pl.lit("OVERDUE"))
        .otherwise(pl.lit(unpaid))
    )


def _payments(tool: OldTool, invoices: pl.DataFrame) -> pl.DataFrame:
    paid = invoices.filter(pl.col("amountPaid") > 0).head(300)
    frame, draw = tool.table("payments", paid.height), tool.draw("payments")
    of_invoice = paid.select(invoice="id", client="customerId", amount="amountPaid")
    return pl.concat([frame, of_invoice], how="horizontal").select(
        "id", "i",
        paymentNumber=tool.number("PAY"),
        paymentType=pl.lit("RECEIVED"),
        paymentDate=moment(tool, draw.integer("date", 0, 60 * _DAY)).dt.date(),
        amount="amount",
        paymentMethod=draw.choice("method", ("CASH", "CHECK", "WIRE", "ACH")),
        customerId="client",
        invoiceId="invoice",
        notes=pl.format("Counted twice {}", "i"),
        createdBy=pl.lit(tool.first_id),
    )  # fmt: skip


def _bills(tool: OldTool, clients: pl.DataFrame, vendors: pl.DataFrame) -> pl.DataFrame:
    frame, draw = tool.table("bills", tool.counts["bills"]), tool.draw("bills")
    sellers = clients.filter("is_seller")
    frame = frame.with_columns(
        subtotal=draw.integer("subtotal", 200_000, 7_500_000), date=moment(tool, draw.integer("date", 0, 90 * _DAY))
    ).with_columns(pl.col("date").dt.date(), tax=(2 * pl.col("subtotal") * _TAX + 10_000) // 20_000)
    total = pl.col("subtotal") + pl.col("tax")
    paid = (
        pl.when(draw.chance("paid", 400))
        .then(total)
        .when(draw.chance("partly", 200))
        .then(total * draw.integer("share", 30, 70) // 100)
        .otherwise(0)
    )
    due = pl.col("date") + pl.duration(days=pick(pl.col("i") % 3, pl.Series([15, 30, 45])))
    return frame.select(
        "id",
        billNumber=tool.number("BILL"),
        vendorId=cycle(sellers if sellers.height else vendors),
        billDate="date",
        dueDate=due,
        subtotal=cents(pl.col("subtotal")),
        taxAmount=cents(pl.col("tax")),
        totalAmount=cents(total),
        amountPaid=cents(paid),
        amountDue=cents(total - paid),
        status=_document_status(tool, total, paid, due, "PENDING"),
        notes=pl.format("Agreed on the phone {}", "i"),
        createdBy=pl.lit(tool.first_id),
    )


def _transactions(tool: OldTool, orders: pl.DataFrame, payments: pl.DataFrame) -> pl.DataFrame:
    sold = orders.head(300).select(
        client_id="client_id", transaction_type=pl.lit("ORDER"), number=pl.format("ORDER-{}", "i"),
        transaction_date=pl.col("created_at").dt.date(), amount="total", payment_status=pl.lit("PENDING"),
        payment_amount=pl.lit(None, dtype=pl.Decimal(38, 2)),
    )  # fmt: skip
    paid = payments.select(
        client_id="customerId", transaction_type=pl.lit("PAYMENT"), number=pl.format("PAYMENT-{}", "i"),
        transaction_date="paymentDate", amount=-pl.col("amount"), payment_status=pl.lit("PAID"),
        payment_amount="amount",
    )  # fmt: skip
    return (
        pl.concat([sold, paid], how="vertical_relaxed")
        .with_row_index("i")
        .with_columns(id=pl.col("i").cast(pl.Int64) + tool.first_id)
        .select(
            "id", "client_id", "transaction_type", "transaction_date", "amount", "payment_status", "payment_amount",
            transaction_number=pl.format(f"{tool.prefix}TXN-{{}}", "number"),
            notes=pl.format("Entered by hand {}", "i"),
        )
    )  # fmt: skip
