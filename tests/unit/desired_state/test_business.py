"""What makes the dataset look like a business: large clients, weeks, ageing debts, stock that runs down."""

import itertools
from datetime import date

import polars as pl
import pytest

from desired_state import STATE
from reconcile.dataset import KEY, Dataset
from reconcile.spec import Profile, Size

AS_OF = date(2026, 1, 5)
IN_THE_FUTURE = {
    "dueDate",
    "due_date",
    "valid_until",
    "endDate",
    "start_date",
    "end_date",
    "needed_by",
    "expires_at",
    "available_until",
    "expirationDate",
    "next_generation_date",
    "payment_due_date",
}


def test_few_clients_buy_most(full: Dataset) -> None:
    """15 % of the clients are whales; they place about 70 % of the orders, and larger ones."""
    is_whale = pl.col("client_id").str.starts_with("WHL")
    orders = full["orders"].select(is_whale.alias("is_whale"), lines=pl.col("items").str.count_matches("batchId"))
    shares = orders.group_by("is_whale").agg(pl.len(), low=pl.col("lines").min(), high=pl.col("lines").max())
    by_whale = {row["is_whale"]: row for row in shares.to_dicts()}

    assert full["clients"][KEY].str.starts_with("WHL").sum() == 15
    assert 0.65 < by_whale[True]["len"] / full["orders"].height < 0.75
    assert (by_whale[True]["low"], by_whale[True]["high"]) == (3, 10)
    assert (by_whale[False]["low"], by_whale[False]["high"]) == (1, 5)


@pytest.mark.parametrize("size", list(Size))
def test_every_dataset_has_sellers(size: Size) -> None:
    """At least two clients sell, so lots and bills always have somebody to come from."""
    assert STATE.rows(Profile(AS_OF, size))["clients"]["is_seller"].sum() >= 2


def test_few_orders_come_in_on_weekends(full: Dataset) -> None:
    """A weekend day sees less than a third of the orders of a workday."""
    counts = full["orders"].group_by(weekday=pl.col("created_at").dt.weekday()).len().sort("weekday")["len"]

    assert len(counts) == 7
    assert max(counts[5:]) * 3 < min(counts[:5])


def test_orders_lie_within_the_last_half_year(full: Dataset) -> None:
    """Orders are created within 180 days before as-of."""
    ages = full["orders"].select((pl.lit(AS_OF) - pl.col("created_at").dt.date()).dt.total_days()).to_series()

    assert ages.is_between(1, 180).all()


@pytest.mark.parametrize("size", list(Size))
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_receivables_of_every_age_occur(size: Size, seed: int) -> None:
    """Something is due in each bucket of the ageing report."""
    invoices = STATE.rows(Profile(AS_OF, size, seed=seed))["invoices"].filter(pl.col("amountDue") > 0)
    overdue = (pl.lit(AS_OF) - pl.col("dueDate")).dt.total_days()
    bucket = pl.when(overdue <= 0).then(0).when(overdue <= 30).then(30).when(overdue <= 60).then(60).otherwise(90)

    assert set(invoices.select(bucket).to_series().to_list()) == {0, 30, 60, 90}


def test_every_status_occurs(light: Dataset) -> None:
    """Even the light dataset shows every invoice and batch status that a user works with."""
    invoices = set(light["invoices"]["status"].to_list())
    batches = set(light["batches"]["batchStatus"].to_list())

    assert {"PAID", "PARTIAL", "OVERDUE", "SENT", "VIEWED"} == invoices
    assert set(STATE.specs["batches"].column("batchStatus").kind.values) == batches  # type: ignore[union-attr]


def test_some_invoices_are_paid_in_two_payments(light: Dataset) -> None:
    """An invoice may have more than one payment."""
    received = light["payments"].filter(pl.col("paymentType") == "RECEIVED")

    assert received.group_by("invoiceId").len()["len"].max() == 2


def test_nothing_happened_after_as_of(full: Dataset) -> None:
    """Whatever happened, happened before as-of at midnight; only what is due or valid lies ahead."""
    late = [
        f"{name}.{column}"
        for name, frame in full.frames.items()
        for column, kind in frame.schema.items()
        if kind in (pl.Date, pl.Datetime("us")) and column not in IN_THE_FUTURE
        if (frame[column].cast(pl.Datetime("us")) > pl.Series([AS_OF]).cast(pl.Datetime("us"))[0]).any()
    ]

    assert late == []


def test_goods_exist_before_they_are_sold(full: Dataset) -> None:
    """Product and vendor precede the lot, the lot its batch, the batch its orders, and the client what it buys."""
    lots = full["lots"].select(lotId="code", lot_at="date", vendorId="vendorId", seller="supplier_client_id")
    vendors = full["vendors"].select(vendorId="name", vendor_at="createdAt")
    products = full["products"].select(productId="nameCanonical", product_at="createdAt")
    batches = full["batches"].select("lotId", "productId", batch_id="code", batch_at="createdAt")
    clients = full["clients"].select(client_id="teri_code", client_at="created_at")
    orders = full["orders"].select("client_id", order_id="order_number", order_at="created_at")
    goods = batches.join(lots, on="lotId").join(products, on="productId").join(vendors, on="vendorId")
    sold = full["order_line_items"].select("order_id", "batch_id").join(orders, on="order_id")
    sold = sold.join(goods, on="batch_id").join(clients, on="client_id")

    in_order = ["vendor_at", "lot_at", "batch_at", "order_at"]
    assert sold.height == full["order_line_items"].height
    assert all((sold[a] < sold[b]).all() for a, b in itertools.pairwise(in_order))
    assert (sold["product_at"] < sold["lot_at"]).all()
    assert (sold["client_at"] < sold["order_at"]).all()


def test_a_converted_quote_and_its_sale_agree(full: Dataset) -> None:
    """The sale has the quote's client and items, and was created after it, at the moment of conversion."""
    orders = full["orders"]
    quotes = orders.filter(pl.col("quoteStatus") == "CONVERTED")
    pairs = orders.join(quotes, left_on="converted_from_order_id", right_on=KEY, how="inner", suffix="_quote")

    assert quotes.height == pairs.height > 0
    assert (pairs["client_id"] == pairs["client_id_quote"]).all()
    assert (pairs["items"] == pairs["items_quote"]).all()
    assert (pairs["created_at"] > pairs["created_at_quote"]).all()
    assert (pairs["created_at"] == pairs["converted_at_quote"]).all()


def test_orders_without_invoice_are_new_or_not_sales(full: Dataset) -> None:
    """About 12 % of the orders without invoice are draft quotes; open sales are younger than the invoiced ones."""
    rest = full["orders"].filter(pl.col("invoice_id").is_null())
    is_open = (pl.col("orderType") == "SALE") & (pl.col("saleStatus") == "PENDING")
    oldest = rest.filter(is_open)["created_at"].min()

    assert 0.10 < rest["is_draft"].sum() / rest.height < 0.15
    assert isinstance(oldest, type(rest["created_at"][0]))
    assert (date(2026, 1, 5) - oldest.date()).days <= 8


def test_invoices_are_dated_after_the_day_of_the_order(full: Dataset) -> None:
    """The midnight trap: a date compares as its midnight, so the day of the order itself is too early."""
    days = full["orders"].join(full["invoices"], left_on="invoice_id", right_on=KEY, how="inner")

    assert (days["created_at"].dt.date() < days["invoiceDate"]).all()
    assert (days["due_date"] == days["dueDate"]).all()


def test_stock_never_runs_below_nothing(full: Dataset) -> None:
    """No movement leaves less than nothing, and only sellable batches were sold."""
    movements = full["inventoryMovements"]
    sold = movements.filter(pl.col("inventoryMovementType") == "SALE")["batchId"].unique()
    statuses = full["batches"].filter(pl.col("code").is_in(sold.implode()))["batchStatus"]

    assert movements["quantityBefore"].min() == 0
    assert movements["quantityAfter"].min() >= 0  # type: ignore[operator]
    assert {"LIVE", "SOLD_OUT", "CLOSED"} == set(statuses.to_list())


def test_batch_history_is_a_chain(full: Dataset) -> None:
    """A batch's history begins with nothing and each change starts from the status before."""
    history = full["batch_status_history"].sort("batchId", "createdAt")
    before = history.select(pl.col("toStatusId").shift(1).over("batchId")).to_series()

    assert before.to_list() == history["fromStatusId"].to_list()


def test_default_margins_are_those_of_the_category(full: Dataset) -> None:
    """A line with the default margin has the one that pricing_defaults gives its product's category."""
    category = full["products"].select(productId=KEY, product_category="category")
    product = full["batches"].select("productId", batch_id=KEY)
    lines = (
        full["order_line_items"]
        .filter(pl.col("margin_source") == "DEFAULT")
        .join(product, on="batch_id")
        .join(category, on="productId")
        .join(full["pricing_defaults"], on="product_category")
    )

    assert lines.height > 0
    assert (lines["margin_percent"] == lines["default_margin_percent"]).all()


def test_credit_limits_cover_what_is_owed(full: Dataset) -> None:
    """No client starts over its limit."""
    assert (full["clients"]["credit_limit"] >= full["clients"]["total_owed"]).all()


def test_the_six_users_do_everything(full: Dataset) -> None:
    """Accounts of later steps take no part, so their arrival moves no cell."""
    actors = pl.concat(
        [full["orders"]["created_by"], full["payments"]["createdBy"], full["inventoryMovements"]["performedBy"]]
    )

    assert set(actors.to_list()) <= set(full["users"][KEY].to_list())
