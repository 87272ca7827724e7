"""The gap rules of a top-up, in the order they run: each works on what the ones before it have left.

Goods and lines come first, then amounts, dates and statuses of the documents, then the stock, and at last what sums
them up: the books and the clients' totals. A rule proposes only what breaks its own condition.
"""

from desired_state.gaps import (
    batches,
    books,
    clients,
    derived,
    discussion,
    documents,
    goods,
    invoices,
    links,
    modules,
    movements,
    order_lines,
    orders,
    settlement,
    totals,
)

GAP_RULES = (
    *goods.RULES,
    *order_lines.RULES,
    *orders.RULES,
    *links.RULES,
    modules.BILLS_RULE,
    clients.BILL_SELLERS,
    invoices.LINES,
    invoices.DATES,
    documents.INVOICE_PAYMENTS,
    documents.BILL_PAYMENTS,
    documents.PAYMENT_DATES,
    clients.PAYMENT_SELLERS,
    clients.SELLERS,
    documents.BILL_LINES,
    *totals.RULES,
    invoices.PAYMENTS,
    invoices.AMOUNTS,
    documents.INVOICE_PAID,
    documents.BILL_PAID,
    documents.INVOICE_STATUS,
    documents.BILL_STATUS,
    *settlement.RULES,
    *movements.RULES,
    *batches.RULES,
    *books.RULES,
    *clients.TOTALS,
    *modules.RULES,
    *discussion.RULES,
    *derived.RULES,
)
