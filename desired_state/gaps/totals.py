"""Invoices and bills of which one amount contradicts the two others that say the same."""

import polars as pl

from desired_state.gaps.frames import AUGMENT
from desired_state.rules.report import alive, amount, differ, total
from reconcile.dataset import KEY, Dataset
from reconcile.spec import Profile
from reconcile.state import GapRule


def outvoted(dataset: Dataset, table: str, line_table: str, link: str) -> pl.DataFrame:
    """
    Give subtotal and total of the documents where one of them stands alone against the sum of the lines and the other.

    A subtotal counts with its tax and without its discount. Where all three differ nobody knows which is right.
    """
    sums = total(alive(dataset, line_table), link, lines=pl.col("lineTotal"))
    extra = amount("taxAmount") - amount("discountAmount")
    whole, parts, lines = amount("totalAmount"), amount("subtotal") + extra, pl.col("lines")
    is_total_alone = differ(whole, parts) & differ(whole, lines) & ~differ(parts, lines)
    is_subtotal_alone = differ(parts, whole) & differ(parts, lines) & ~differ(whole, lines)
    return (
        alive(dataset, table)
        .join(sums, left_on=KEY, right_on=link, maintain_order="left")
        .filter(is_total_alone | is_subtotal_alone)
        .select(
            KEY,
            subtotal=pl.when(is_subtotal_alone).then(lines - extra).otherwise(amount("subtotal")),
            totalAmount=pl.when(is_total_alone).then(lines).otherwise(whole),
        )
    )


def _rule(noun: str, table: str, line_table: str, link: str) -> GapRule:
    def propose(dataset: Dataset, _profile: Profile) -> pl.DataFrame:
        return outvoted(dataset, table, line_table, link)

    return GapRule(
        f"{noun}-total",
        f"Subtotal, total and lines of {table} agree where two of them do",
        AUGMENT,
        table,
        ("subtotal", "totalAmount"),
        (table, line_table),
        propose,
        mends=(f"{noun}-amounts", f"{noun}-lines"),
    )


RULES = (
    _rule("invoice", "invoices", "invoiceLineItems", "invoiceId"),
    _rule("bill", "bills", "billLineItems", "billId"),
)
