"""Every rule of the ERP: data quality, relational integrity, and what the application takes for granted."""

from desired_state.rules import (
    access,
    audits,
    books,
    collaboration,
    derived,
    documents,
    engagement,
    integrity,
    modules,
    quality,
    sales,
    stock,
)

RULES = (
    quality.RULES
    + integrity.RULES
    + audits.RULES
    + sales.RULES
    + documents.RULES
    + stock.RULES
    + books.RULES
    + access.RULES
    + modules.RULES
    + collaboration.RULES
    + engagement.RULES
    + derived.RULES
)
