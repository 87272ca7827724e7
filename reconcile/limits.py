"""How many of a table's rows a plan may touch unasked."""

from dataclasses import dataclass

SMALL_TABLE = 10
"""Rows up to which a table has no percentages: one of three rows is a third of it."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How many rows of one table a plan may touch: a number of rows, or a part of the table's rows in percent."""

    amount: float
    is_percent: bool

    def __str__(self) -> str:
        """Write the limit as the flags take it: 500 or 30%."""
        return f"{self.amount:g}%" if self.is_percent else f"{self.amount:.0f}"

    def allows(self, touched: int, rows: int) -> bool:
        """Say whether *touched* of a table's *rows* may be; nothing always may."""
        if not self.is_percent:
            return touched <= self.amount
        return rows <= SMALL_TABLE or not touched or percent(touched, rows) <= self.amount


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of each table may be updated and deleted; None leaves it to the mode."""

    update: Limit | None = None
    delete: Limit | None = None


DEFAULT = Limit(30, is_percent=True)
"""What holds unasked in every mode but those that are meant to empty tables."""


def percent(touched: int, rows: int) -> float:
    """Give *touched* as a percentage of *rows*; rows that are not there any more count as all."""
    return 100 * touched / rows if rows else 100.0
