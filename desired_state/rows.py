"""All rows of the desired state, area by area in the order they need each other."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import polars as pl

from desired_state import (
    accounts,
    catalogue,
    collaboration,
    defaults,
    engagement,
    fixtures,
    inventory,
    ledger,
    orders,
    parties,
    payables,
    people,
    rbac,
    receivables,
    settlement,
    statics,
    stock,
    suppliers,
    workflow,
)
from desired_state.tables import SPECS
from desired_state.trade import Trade, trade
from reconcile.dataset import Dataset
from reconcile.spec import Profile

_ALONE = (defaults.tables, rbac.tables, accounts.tables, fixtures.tables)
"""Areas that need no other."""


def rows(profile: Profile) -> Dataset:
    """
    Give every table that reconcile fills, for one profile; a table that several steps fill has the rows of all.

    Areas that do not need each other are computed in two threads.
    """
    with ThreadPoolExecutor(1) as meanwhile:
        alone = [meanwhile.submit(area, profile) for area in (_static, *_ALONE)]
        dealings = trade(profile)
        goods = _goods(profile, dealings)
        books = meanwhile.submit(_books, profile, dealings)
        static, *others = [area.result() for area in alone]
        core = static | goods | books.result()
        engaged = meanwhile.submit(engagement.tables, profile, dealings, core)
        areas = (core, collaboration.tables(profile, dealings, core), engaged.result(), *others)
    return Dataset(SPECS, {name: _joined(name, areas) for name in dict.fromkeys(n for area in areas for n in area)})


def _joined(name: str, areas: tuple[Mapping[str, pl.DataFrame], ...]) -> pl.DataFrame:
    return pl.concat([area[name] for area in areas if name in area])


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


def _goods(profile: Profile, trade: Trade) -> dict[str, pl.DataFrame]:
    changes = workflow.status_changes(profile, trade.batches)
    accounts = receivables.client_accounts(profile, trade.orders, trade.invoices)
    return {
        "vendors": parties.vendors(profile, trade.vendors),
        "clients": parties.clients(profile, trade.clients, accounts),
        "supplier_profiles": suppliers.supplier_profiles(profile, trade.clients),
        "products": catalogue.products(profile, trade.products),
        "lots": inventory.lots(trade.lots),
        "batches": stock.batches(trade.batches, changes, trade.bills, trade.bill_lines),
        "batch_status_history": workflow.status_history(changes),
        "inventoryMovements": stock.movements(profile, trade.batches, trade.lines),
    }


def _books(profile: Profile, trade: Trade) -> dict[str, pl.DataFrame]:
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
