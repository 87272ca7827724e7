"""Amounts as whole numbers of the smallest unit, with every rounding written out. Never a float.

A cent is 0.01; a quantity counts hundredths of a unit. A half rounds away from zero, as DECIMAL columns do.
Source: MySQL manual, "Rounding Behavior".
"""

from decimal import Decimal

import polars as pl


def divide(dividend: pl.Expr, divisor: pl.Expr | int) -> pl.Expr:
    """Divide whole numbers that are not negative and round a half up."""
    return (2 * dividend + divisor) // (2 * divisor)


def decimal(units: pl.Expr, scale: int = 2) -> pl.Expr:
    """Turn a whole number of units of 10**-scale into a Decimal of that scale."""
    return units.cast(pl.Decimal(38, scale)) * pl.lit(Decimal(1).scaleb(-scale))


def shortest(units: pl.Expr, scale: int = 2) -> pl.Expr:
    """Write units of 10**-scale, not negative, as canonical JSON does: no trailing zero, no bare point."""
    one = 10**scale
    fraction = (units % one).cast(pl.String).str.zfill(scale).str.strip_chars_end("0")
    point = pl.when(fraction == "").then(pl.lit("")).otherwise(pl.lit("."))
    return pl.concat_str((units // one).cast(pl.String), point, fraction)


def line_cents(quantity_hundredths: pl.Expr, price_cents: pl.Expr) -> pl.Expr:
    """Give quantity x price in cents, rounded to the cent."""
    return divide(quantity_hundredths * price_cents, 100)


def price_cents(cogs_cents: pl.Expr, margin_hundredths: pl.Expr) -> pl.Expr:
    """Give the application's price, cogs / (1 - margin), in whole cents; margin in hundredths of a percent."""
    return divide(cogs_cents * 10_000, 10_000 - margin_hundredths)


def percent_hundredths(part_cents: pl.Expr, whole_cents: pl.Expr) -> pl.Expr:
    """Give part / whole in hundredths of a percent; 0 of nothing is 0."""
    return pl.when(whole_cents > 0).then(divide(part_cents * 10_000, whole_cents)).otherwise(0)
