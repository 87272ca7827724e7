"""The 27 relational-integrity checks: references that name a row, and tables that hold any."""

import polars as pl

from desired_state.rules.report import Violations, lacks, report, say
from reconcile.dataset import Dataset
from reconcile.errors import Severity
from reconcile.state import Rule

_REFERENCES = (
    ("orders", "client_id", "clients", Severity.CRITICAL),
    ("order_line_items", "order_id", "orders", Severity.CRITICAL),
    ("order_line_items", "batch_id", "batches", Severity.CRITICAL),
    ("orders", "invoice_id", "invoices", Severity.WARNING),
    ("invoiceLineItems", "invoiceId", "invoices", Severity.CRITICAL),
    ("payments", "invoiceId", "invoices", Severity.WARNING),
    ("batches", "productId", "products", Severity.CRITICAL),
    ("products", "brandId", "brands", Severity.CRITICAL),
    ("client_needs", "client_id", "clients", Severity.WARNING),
    ("vendor_supply", "vendor_id", "vendors", Severity.WARNING),
    ("todo_tasks", "list_id", "todo_lists", Severity.WARNING),
)
_FILLED = {
    Severity.CRITICAL: ("clients", "vendors", "products", "batches", "orders", "invoices", "payments"),
    Severity.WARNING: (
        "calendar_events",
        "todo_lists",
        "comments",
        "sampleRequests",
        "vip_portal_configurations",
        "client_needs",
        "vendor_supply",
        "roles",
        "permissions",
    ),
}


def orphans(table: str, column: str, target: str) -> Violations:
    """Make the check that each reference in *column* names a row of *target*; null is no orphan."""

    def violations(dataset: Dataset) -> pl.DataFrame:
        referring = dataset[table].filter(pl.col(column).is_not_null())
        return report(referring, lacks(dataset, column, target), say(f"{column} {{}} is no row of {target}", column))

    return violations


def empties(table: str) -> Violations:
    """Make the check that *table* holds a row; its violation is known by the table's name."""

    def violations(dataset: Dataset) -> pl.DataFrame:
        found = pl.DataFrame({"key": [table], "why": ["0 rows, at least 1 expected"]})
        return found.clear() if dataset[table].height else found

    return violations


RULES = tuple(
    Rule(
        f"orphans-{table}-{column}",
        f"{table}.{column} names a row of {target}",
        "integrity",
        severity,
        (table, target),
        orphans(table, column, target),
    )
    for table, column, target, severity in _REFERENCES
) + tuple(
    Rule(f"filled-{table}", f"{table} holds rows", "integrity", severity, (table,), empties(table))
    for severity, tables in _FILLED.items()
    for table in tables
)
