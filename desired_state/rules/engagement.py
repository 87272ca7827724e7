"""What the application expects of portals, needs and supply, samples, intake, recurring orders and client activity."""

import json
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

import polars as pl

from desired_state.intake import deliverers
from desired_state.rules.report import EXACT, alive, amount, differ, lacks, report, say, total
from reconcile.dataset import KEY, Dataset
from reconcile.errors import Severity
from reconcile.state import Rule


def portals(dataset: Dataset) -> pl.DataFrame:
    """A client with a portal configuration has an access to it and the other way round; both are of a client."""
    found = []
    for table, other, noun in (
        ("vip_portal_configurations", "vip_portal_auth", "access"),
        ("vip_portal_auth", "vip_portal_configurations", "configuration"),
    ):
        has_other = pl.col("client_id").is_in(dataset[other]["client_id"].implode())
        broken = lacks(dataset, "client_id", "clients") | ~has_other
        found.append(
            report(dataset[table], broken, say(f"client {{}} is missing or has no portal {noun}", "client_id"))
        )
    return pl.concat(found)


def needs(dataset: Dataset) -> pl.DataFrame:
    """
    A need asks for more than nothing, for no less than its minimum, and pays more than nothing.

    An amount that is left open is no limit, so it breaks nothing.
    """
    least, most, price = amount("quantity_min"), amount("quantity_max"), amount("price_max")
    is_off = (least <= 0) | (most <= 0) | (least > most) | (price <= 0)
    return report(
        dataset["client_needs"],
        is_off.fill_null(value=False),
        say("quantity {} to {}, price up to {}", "quantity_min", "quantity_max", "price_max"),
    )


def supply(dataset: Dataset) -> pl.DataFrame:
    """A vendor offers more than nothing as long as the offer stands, never less than nothing, and not for free."""
    quantity, price = amount("quantity_available"), amount("unit_price")
    is_standing = pl.col("status").is_in(["AVAILABLE", "RESERVED"])
    is_short = (quantity < 0) | (is_standing & (quantity == 0))
    return report(
        alive(dataset, "vendor_supply"),
        is_short | (price <= 0).fill_null(value=False),
        say("{} with quantity {} at {}", "status", "quantity_available", "unit_price"),
    )


def sample_items(dataset: Dataset) -> pl.DataFrame:
    """A sample request asks for at least one product, each of which exists, and for more than nothing of it."""
    return _broken_items(dataset, "sampleRequests", "products", ())


def recurring_items(dataset: Dataset) -> pl.DataFrame:
    """A recurring order has at least one item; its product exists and its quantity is more than nothing."""
    return _broken_items(dataset, "recurring_orders", "order_template", ("items",))


def _broken_items(dataset: Dataset, table: str, column: str, path: tuple[str, ...]) -> pl.DataFrame:
    items = pl.DataFrame(
        [
            (key, product, quantity)
            for key, document in dataset[table].select(KEY, column).iter_rows()
            for product, quantity in _items(document, path)
        ],
        schema={KEY: pl.String, "product": pl.String, "quantity": EXACT},
        orient="row",
    )
    broken = lacks(dataset, "product", "products") | (pl.col("quantity") <= 0)
    return report(items, broken, say("product {}, quantity {}", "product", "quantity"))


def _items(document: str | None, path: tuple[str, ...]) -> Iterator[tuple[str | None, Decimal | None]]:
    """Give product and quantity of each item; one without either where the document holds no list of items."""
    try:
        found = json.loads(document or "null")
        for member in path:
            found = found[member]
        items = [(item["productId"], item["quantity"]) for item in found]
    except (ValueError, TypeError, LookupError):
        items = []
    if not items:
        yield None, None
    for product, quantity in items:
        yield (product if isinstance(product, str) else None), _number(quantity)


def _number(value: object) -> Decimal | None:
    """Read a quantity that the application writes as a number or as a text."""
    try:
        number = Decimal(str(value)) if isinstance(value, str | int | float) else None
    except InvalidOperation:
        return None
    return number.quantize(Decimal("0.0001")) if number is not None and number.is_finite() else None


def recurring_dates(dataset: Dataset) -> pl.DataFrame:
    """A recurring order is made on or after its start, the next time after the last, and ends no earlier than that."""
    start, last, following, end = (
        pl.col(name) for name in ("start_date", "last_generated_date", "next_generation_date", "end_date")
    )
    is_early = (last < start) | (end < start) | (last > end)
    return report(
        dataset["recurring_orders"],
        is_early.fill_null(value=False) | (following < start) | (following <= last).fill_null(value=False),
        say(
            "from {}, last {}, next {}, until {}",
            "start_date", "last_generated_date", "next_generation_date", "end_date",
        ),
    )  # fmt: skip


def intake_sellers(dataset: Dataset) -> pl.DataFrame:
    """Goods are received from a client that sells."""
    expected = deliverers(dataset).rename({KEY: "vendor_id", "is_seller": "must_sell"})
    clients = dataset["clients"].select("is_seller", vendor_id=KEY)
    sessions = dataset["intake_sessions"].join(expected, on="vendor_id", how="left")
    sessions = sessions.join(clients, on="vendor_id", how="left")
    is_other = pl.col("must_sell") != pl.col("is_seller")
    return report(sessions, is_other, say("{} is no client that sells", "vendor_id"))


def intake_amounts(dataset: Dataset) -> pl.DataFrame:
    """An intake session is paid no further than it came to: the sum of what was counted, where anything was."""
    counted = total(dataset["intake_session_batches"], "intake_session_id", counted=pl.col("total_cost")).with_columns(
        has_batches=pl.lit(value=True)
    )
    sessions = dataset["intake_sessions"].join(counted, left_on=KEY, right_on="intake_session_id", how="left")
    paid, worth = amount("amount_paid"), amount("total_amount")
    is_miscounted = pl.col("has_batches").is_not_null() & differ(worth, pl.col("counted"))
    return report(
        sessions,
        (paid < 0) | (paid > worth) | is_miscounted,
        say("{} with total {}, paid {}, batches {}", "status", "total_amount", "amount_paid", "counted"),
    )


def intake_batches(dataset: Dataset) -> pl.DataFrame:
    """A batch counted in an intake session exists, and cost its quantity times its unit cost, to the cent."""
    cost = amount("received_qty") * amount("unit_cost")
    broken = lacks(dataset, "batch_id", "batches") | lacks(dataset, "intake_session_id", "intake_sessions")
    return report(
        dataset["intake_session_batches"],
        broken | (amount("received_qty") <= 0) | differ(amount("total_cost"), cost),
        say("batch {}: {} x {} = {}", "batch_id", "received_qty", "unit_cost", "total_cost"),
    )


def activity(dataset: Dataset) -> pl.DataFrame:
    """An entry in a client's activity is about a client that exists, by a user that exists."""
    broken = lacks(dataset, "client_id", "clients") | lacks(dataset, "user_id", "users")
    return report(dataset["client_activity"], broken, say("client {}, user {}: one is missing", "client_id", "user_id"))


_CHECKS = (
    (
        "vip-portals",
        "Portal configurations and accesses belong together",
        portals,
        ("vip_portal_configurations", "vip_portal_auth", "clients"),
    ),
    ("needs-amounts", "Client needs ask for something", needs, ("client_needs",)),
    ("supply-amounts", "Vendors offer something", supply, ("vendor_supply",)),
    ("sample-items", "Samples are of products that exist", sample_items, ("sampleRequests", "products")),
    (
        "recurring-items",
        "Recurring orders are of products that exist",
        recurring_items,
        ("recurring_orders", "products"),
    ),
    ("recurring-dates", "Recurring orders follow their dates", recurring_dates, ("recurring_orders",)),
    ("intake-sellers", "Goods come from clients that sell", intake_sellers, ("intake_sessions", "clients")),
    ("intake-amounts", "Intake sessions add up", intake_amounts, ("intake_sessions", "intake_session_batches")),
    (
        "intake-batches",
        "Intake costs = quantity x unit cost",
        intake_batches,
        ("intake_session_batches", "intake_sessions", "batches"),
    ),
    ("client-activity", "Activity names a client and a user", activity, ("client_activity", "clients", "users")),
)
RULES = tuple(
    Rule(identifier, title, "invariants", Severity.CRITICAL, tables, check)
    for identifier, title, check, tables in _CHECKS
)
