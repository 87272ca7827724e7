"""What invoices and bills have in common: what was paid, the payments that say so, and the status that follows."""

from dataclasses import dataclass

import polars as pl

from desired_state.gaps.frames import AUGMENT, GAP_FILL, nothing, number
from desired_state.rules.report import CENT, EXACT, alive, amount, differ, total
from desired_state.tables.finance import BILL_LINE_ITEMS, PAYMENTS
from reconcile.dataset import KEY, Dataset, conform
from reconcile.spec import Profile
from reconcile.state import GapRule

_CENT = pl.lit(CENT).cast(EXACT)
_NUMBER_LENGTH = 50


@dataclass(frozen=True, slots=True)
class _Document:
    """One kind of document, `noun` for people: its table and columns, and how its payments are made."""

    noun: str
    table: str
    number: str
    party: str
    dated: str
    payment_link: str
    payment_party: str
    payment_type: str
    prefix: str
    waiting: tuple[str, ...]


INVOICE = _Document(
    "invoice", "invoices", "invoiceNumber", "customerId", "invoiceDate", "invoiceId", "customerId", "RECEIVED", "RCV-",
    ("SENT", "VIEWED"),
)  # fmt: skip
BILL = _Document(
    "bill", "bills", "billNumber", "vendorId", "billDate", "billId", "vendorId", "SENT", "SNT-",
    ("PENDING", "APPROVED"),
)  # fmt: skip


def _paid(dataset: Dataset, kind: _Document) -> pl.DataFrame:
    """Give the documents with `paid`, the sum of their payments, and `entered`, the same with deleted ones."""
    standing = pl.when(pl.col("deleted_at").is_null()).then(amount("amount")).otherwise(0)
    sums = total(dataset["payments"], kind.payment_link, paid=standing, entered=pl.col("amount"))
    return (
        alive(dataset, kind.table)
        .join(sums, left_on=KEY, right_on=kind.payment_link, how="left", maintain_order="left")
        .with_columns(pl.col("paid", "entered").fill_null(pl.lit(0).cast(EXACT)))
    )


def payments(dataset: Dataset, profile: Profile, kind: _Document) -> pl.DataFrame:
    """
    Give a payment of the rest for each document that says more was paid than was ever entered.

    What somebody wrote down as paid is a fact, unless the payment was deleted since.
    """
    short = _paid(dataset, kind).filter(amount("amountPaid") - pl.col("entered") > _CENT)
    if short.is_empty():
        return nothing(dataset, "payments")
    counts = dataset["payments"].group_by(kind.payment_link).agg(count=pl.len())
    paid_on = pl.max_horizontal(kind.dated, pl.min_horizontal("dueDate", pl.lit(profile.as_of)))
    entered = paid_on.cast(pl.Datetime("us")).dt.offset_by("17h")
    suffix = pl.format("-{}", pl.col("count").fill_null(0) + 1)
    rows = short.join(counts, left_on=KEY, right_on=kind.payment_link, how="left", maintain_order="left").select(
        "createdBy",
        pl.col(kind.party).alias(kind.payment_party),
        pl.col(KEY).alias(kind.payment_link),
        paymentNumber=number(kind.prefix, pl.col(kind.number), suffix, _NUMBER_LENGTH),
        paymentType=pl.lit(kind.payment_type),
        paymentDate=paid_on,
        amount=amount("amountPaid") - pl.col("entered"),
        paymentMethod=pl.lit("OTHER"),
        notes=pl.lit(f"Entered because the {kind.noun} says that it was paid"),
        createdAt=entered,
        updatedAt=entered,
    )
    return conform(PAYMENTS, rows, step=GAP_FILL).unique(KEY, keep="first", maintain_order=True)


def paid_amounts(dataset: Dataset, kind: _Document) -> pl.DataFrame:
    """Bring what a document says was paid to its payments, unless one is missing, and what is due to the rest."""
    is_missing = amount("amountPaid") - pl.col("entered") > _CENT
    is_off = ~is_missing & differ(amount("amountPaid"), pl.col("paid"))
    paid = pl.when(is_off).then("paid").otherwise(amount("amountPaid"))
    left = amount("totalAmount") - pl.col("settled")
    documents = _paid(dataset, kind).with_columns(settled=paid, is_off=is_off)
    return documents.filter(pl.col("is_off") | differ(amount("amountDue"), left)).select(
        KEY, amountPaid="settled", amountDue=left
    )


def payment_dates(dataset: Dataset, _profile: Profile) -> pl.DataFrame:
    """Date a payment that precedes its invoice or bill on that document's day."""
    on_orders = dataset["orders"]["invoice_id"].drop_nulls().implode()
    invoices = dataset["invoices"].select("invoiceDate", invoiceId=KEY)
    bills = dataset["bills"].select("billDate", billId=KEY)
    return (
        dataset["payments"]
        .filter(pl.col("deleted_at").is_null() | pl.col("invoiceId").is_in(on_orders))
        .join(invoices, on="invoiceId", how="left", maintain_order="left")
        .join(bills, on="billId", how="left", maintain_order="left")
        .with_columns(dated=pl.coalesce("invoiceDate", "billDate"))
        .filter(pl.col("paymentDate") < pl.col("dated"))
        .select(KEY, paymentDate="dated")
    )


def statuses(dataset: Dataset, profile: Profile, kind: _Document) -> pl.DataFrame:
    """
    Bring the status of a document to its amounts and its due date.

    PAID when nothing is due, PARTIAL when some was paid, OVERDUE when the due date lies before as-of, else as it is. An
    unpaid document that is OVERDUE already stays so unless another that is due no later waits: the application may
    know of a later day than as-of.
    """
    documents = alive(dataset, kind.table).filter(pl.col("status") != "VOID")
    is_settled, is_begun = amount("amountDue") <= _CENT, amount("amountPaid") > 0
    is_late = pl.col("dueDate") < profile.as_of
    is_open = ~is_settled & ~is_begun
    waiting = documents.filter(is_open & ~is_late & pl.col("status").is_in([*kind.waiting, "PAID", "PARTIAL"]))
    first_due = pl.lit(waiting["dueDate"].min(), dtype=pl.Date)
    is_early = ~is_late & (pl.col("dueDate") >= first_due).fill_null(value=False)
    status = pl.col("status")
    wanted = (
        pl.when(is_settled)
        .then(pl.lit("PAID"))
        .when(is_begun)
        .then(pl.lit("PARTIAL"))
        .when(is_late & status.is_in([*kind.waiting, "PAID", "PARTIAL"]))
        .then(pl.lit("OVERDUE"))
        .when(status.is_in(["PAID", "PARTIAL"]) | ((status == "OVERDUE") & is_early))
        .then(pl.lit(kind.waiting[0]))
        .otherwise(status)
    )
    return (
        documents.select(KEY, "status", wanted=wanted).filter(pl.col("wanted") != status).select(KEY, status="wanted")
    )


def bill_lines(dataset: Dataset, _profile: Profile) -> pl.DataFrame:
    """Give one line for the total to each bill without lines."""
    lined = dataset["billLineItems"].filter(pl.col("deleted_at").is_null()).select("billId")
    bare = alive(dataset, "bills").join(lined, left_on=KEY, right_on="billId", how="anti")
    rows = bare.select(
        "createdAt", billId=KEY, quantity=pl.lit(1), unitPrice="totalAmount", lineTotal="totalAmount",
        description=pl.lit("Goods as billed"),
    )  # fmt: skip
    return conform(BILL_LINE_ITEMS, rows, step=GAP_FILL)


def _payments_rule(kind: _Document) -> GapRule:
    return GapRule(
        f"{kind.noun}-payments",
        f"Payments cover what {kind.table} say was paid",
        GAP_FILL,
        "payments",
        (),
        (kind.table, "payments"),
        lambda dataset, profile: payments(dataset, profile, kind),
        mends=(f"{kind.noun}-paid",),
    )


def _paid_rule(kind: _Document) -> GapRule:
    return GapRule(
        f"{kind.noun}-paid",
        f"What {kind.table} say was paid is the sum of their payments",
        AUGMENT,
        kind.table,
        ("amountPaid", "amountDue"),
        (kind.table, "payments"),
        lambda dataset, _profile: paid_amounts(dataset, kind),
        mends=("invoice-paid", "AR-001", "AR-002") if kind is INVOICE else ("bill-paid",),
    )


def _status_rule(kind: _Document) -> GapRule:
    return GapRule(
        f"{kind.noun}-status",
        f"Status of {kind.table} follows from amounts and due date",
        AUGMENT,
        kind.table,
        ("status",),
        (kind.table,),
        lambda dataset, profile: statuses(dataset, profile, kind),
        mends=("invoice-status", "invoice-overdue", "invoice-status-consistency")
        if kind is INVOICE
        else ("bill-status",),
    )


INVOICE_PAYMENTS, BILL_PAYMENTS = _payments_rule(INVOICE), _payments_rule(BILL)
INVOICE_PAID, BILL_PAID = _paid_rule(INVOICE), _paid_rule(BILL)
INVOICE_STATUS, BILL_STATUS = _status_rule(INVOICE), _status_rule(BILL)
PAYMENT_DATES = GapRule(
    "payment-dates",
    "Payments are made no earlier than their invoice or bill is dated",
    AUGMENT,
    "payments",
    ("paymentDate",),
    ("payments", "invoices", "bills", "orders"),
    payment_dates,
    mends=("events-out-of-order", "payment-dates"),
)
BILL_LINES = GapRule(
    "bill-lines",
    "Bills without lines get one for the total",
    GAP_FILL,
    "billLineItems",
    (),
    ("bills", "billLineItems"),
    bill_lines,
    mends=("bill-lines",),
)
