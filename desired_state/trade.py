"""The trade: the plans of all business areas, before they become tables."""

from dataclasses import dataclass

import polars as pl

from desired_state import (
    baskets,
    blocks,
    catalogue,
    inventory,
    parties,
    payables,
    receivables,
    sales,
    settlement,
    stock,
)
from reconcile.spec import Profile


@dataclass(frozen=True, slots=True)
class Trade:
    """The plans of all areas: wide frames with amounts as whole numbers, each with the block its rows belong to."""

    blocks: pl.DataFrame
    vendors: pl.DataFrame
    clients: pl.DataFrame
    products: pl.DataFrame
    lots: pl.DataFrame
    batches: pl.DataFrame
    orders: pl.DataFrame
    lines: pl.DataFrame
    totals: pl.DataFrame
    invoices: pl.DataFrame
    received: pl.DataFrame
    bills: pl.DataFrame
    bill_lines: pl.DataFrame
    sent: pl.DataFrame


def trade(profile: Profile) -> Trade:
    """Plan what is bought, stocked, sold, invoiced and paid, for one profile."""
    plan = blocks.blocks(profile)
    vendors = parties.vendor_plan(profile, plan)
    clients = parties.client_plan(profile, plan)
    products = catalogue.product_plan(profile, plan)
    lots = inventory.lot_plan(profile, plan, vendors, clients)
    on_shelf = inventory.batch_plan(profile, plan, lots, products)
    order_plan = sales.order_plan(profile, plan, clients)
    lines = baskets.line_plan(profile, order_plan, on_shelf)
    totals = baskets.order_totals(lines)
    batches = stock.balance(profile, on_shelf, lines)

    documents = receivables.invoice_documents(order_plan, totals)
    received = settlement.payments_of(profile, documents, "RCV", receivables.HABITS)
    invoices = receivables.with_status(profile, settlement.settle(profile, documents, received))

    billed = payables.billed_lots(plan, batches)
    bill_lines = payables.bill_lines(billed, batches)
    bill_documents = payables.bill_documents(billed, bill_lines)
    sent = settlement.payments_of(profile, bill_documents, "SNT", payables.HABITS)
    bills = payables.with_status(profile, settlement.settle(profile, bill_documents, sent))
    return Trade(
        plan, vendors, clients, products, lots, batches, order_plan, lines, totals,
        invoices, received, bills, bill_lines, sent,
    )  # fmt: skip
