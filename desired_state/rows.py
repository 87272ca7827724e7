"""All rows of the desired state, area by area in the order they need each other."""

from dataclasses import dataclass

import polars as pl

from desired_state import (
    baskets,
    blocks,
    catalogue,
    inventory,
    ledger,
    orders,
    parties,
    payables,
    people,
    receivables,
    sales,
    settlement,
    statics,
    stock,
    workflow,
)
from desired_state.tables import SPECS
from reconcile.dataset import Dataset
from reconcile.spec import Profile


def rows(profile: Profile) -> Dataset:
    """Give every table that reconcile fills, for one profile."""
    trade = _trade(profile)
    return Dataset(SPECS, _static(profile) | _goods(profile, trade) | _books(profile, trade))


@dataclass(frozen=True, slots=True)
class _Trade:
    """The plans of all areas, before they become tables: wide frames with amounts as whole numbers."""

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


def _trade(profile: Profile) -> _Trade:
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
    return _Trade(
        vendors, clients, products, lots, batches, order_plan, lines, totals,
        invoices, received, bills, bill_lines, sent,
    )  # fmt: skip


def _static(profile: Profile) -> dict[str, pl.DataFrame]:
    return {
        "users": people.users(profile),
        "workflow_statuses": statics.workflow_statuses(profile),
        "locations": statics.locations(profile),
        "pricing_defaults": catalogue.pricing_defaults(profile),
        "brands": catalogue.brands(profile),
        "strains": catalogue.strains(profile),
        "tags": catalogue.tags(profile),
        "accounts": statics.accounts(profile),
        "bankAccounts": statics.bank_accounts(profile),
        "fiscalPeriods": statics.fiscal_periods(profile),
    }


def _goods(profile: Profile, trade: _Trade) -> dict[str, pl.DataFrame]:
    changes = workflow.status_changes(profile, trade.batches)
    accounts = receivables.client_accounts(profile, trade.orders, trade.invoices)
    return {
        "vendors": parties.vendors(profile, trade.vendors),
        "clients": parties.clients(profile, trade.clients, accounts),
        "products": catalogue.products(profile, trade.products),
        "lots": inventory.lots(trade.lots),
        "batches": stock.batches(trade.batches, changes, trade.bills, trade.bill_lines),
        "batch_status_history": workflow.status_history(changes),
        "inventoryMovements": stock.movements(profile, trade.batches, trade.lines),
    }


def _books(profile: Profile, trade: _Trade) -> dict[str, pl.DataFrame]:
    sold = ledger.goods_sold(trade.lines, trade.bill_lines)
    return {
        "orders": orders.orders(profile, trade.orders, trade.totals, trade.invoices),
        "order_line_items": orders.order_line_items(trade.lines),
        "invoices": receivables.invoices(trade.invoices),
        "invoiceLineItems": receivables.invoice_lines(trade.invoices, trade.lines),
        "payments": pl.concat(
            [
                settlement.payment_rows(profile, trade.received, "RECEIVED"),
                settlement.payment_rows(profile, trade.sent, "SENT"),
            ]
        ),
        "bills": payables.bills(trade.bills),
        "billLineItems": payables.bill_line_items(trade.bills, trade.bill_lines),
        "ledgerEntries": ledger.entries(trade.invoices, trade.received, trade.bills, trade.sent, sold),
        "client_transactions": ledger.client_transactions(trade.orders, trade.totals, trade.invoices, trade.received),
    }
