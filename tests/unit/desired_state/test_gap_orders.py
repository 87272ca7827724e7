"""Gap rules of orders: what they make of orders that lack lines, and the rows of users that they leave alone."""

import json
from datetime import datetime
from decimal import Decimal

import polars as pl
import pytest

from desired_state.gaps.items import read_items
from reconcile.dataset import KEY, Dataset
from tests.unit.desired_state.test_rules import edit, first
from tests.unit.desired_state.top_up import add, as_live, filled, holds, touched

USER = "user-seed-001"
NOON = datetime(2025, 12, 1, 12)
ORDER = {
    "order_number": "OWN-1",
    "orderType": "SALE",
    "is_draft": False,
    "client_id": "REG0001",
    "items": "[]",
    "subtotal": "0.00",
    "total": "0.00",
    "total_cogs": "0.0000",
    "total_margin": "0.00",
    "avg_margin_percent": "0.00",
    "paymentTerms": "COD",
    "saleStatus": "PENDING",
    "created_by": USER,
    "created_at": NOON,
}


@pytest.fixture(scope="module")
def whole(light: Dataset) -> Dataset:
    return as_live(light)


def lines_of(dataset: Dataset, order: str) -> list[tuple[object, ...]]:
    columns = ("batch_id", "quantity", "unit_price", "cogs_per_unit", "line_total")
    return dataset["order_line_items"].filter(pl.col("order_id") == order).sort("batch_id").select(columns).rows()


def with_order(dataset: Dataset, items: list[dict[str, object]], **cells: object) -> Dataset:
    return add(dataset, "orders", **(ORDER | {"items": json.dumps(items)} | cells))


def item(batch: str, **cells: object) -> dict[str, object]:
    return {"batchId": batch, "productId": "gone", "quantity": 1, "unitPrice": 10, "unitCogs": 6} | cells


def test_a_right_order_of_a_user_is_not_touched(whole: Dataset) -> None:
    """An open order of today as the application makes it, with lines and items that agree."""
    order = whole["orders"].filter((pl.col("saleStatus") == "PENDING") & pl.col("invoice_id").is_null())[KEY][0]
    cells = whole["orders"].filter(pl.col(KEY) == order).drop("_id", KEY).row(0, named=True)
    theirs = add(whole, "orders", **(cells | {"order_number": "OWN-1", "created_at": datetime(2026, 1, 5, 9)}))
    for line in whole["order_line_items"].filter(pl.col("order_id") == order).drop("_id", KEY).iter_rows(named=True):
        theirs = add(theirs, "order_line_items", **(line | {"order_id": "OWN-1"}))

    assert touched(theirs) == {}


def test_a_draft_without_items_stays_empty(whole: Dataset) -> None:
    """Nobody asks lines of a draft, so none are invented."""
    assert touched(with_order(whole, [], is_draft=True)) == {}


def test_a_draft_gets_the_lines_it_describes(whole: Dataset) -> None:
    after = filled(with_order(whole, [item("BAT-000001")], is_draft=True))

    assert len(lines_of(after, "OWN-1")) == 1


def test_an_agreed_discount_stays(whole: Dataset) -> None:
    """An order whose total is its lines less a discount is as its user made it."""
    quote = whole["orders"].filter(pl.col("orderType") == "QUOTE").row(0, named=True)
    less = {"discount": "5.00", "total": str(quote["total"] - 5)}

    assert quote[KEY] not in touched(edit(whole, "orders", quote[KEY], **less))


def test_deleted_rows_stay_as_they_are(whole: Dataset) -> None:
    """What no rule asks of deleted rows is not mended in them."""
    batch = first(whole, "batches", pl.col("batchStatus") == "SOLD_OUT")
    gone = edit(whole, "batches", batch, deleted_at=NOON, onHandQty="3.0000", statusId="closed")
    order = first(whole, "orders", pl.col("orderType") == "QUOTE")
    gone = edit(gone, "orders", order, deleted_at=NOON, items="[]", total_cogs="1.0000")
    found = touched(gone)

    assert batch not in found
    assert found.get(order, []) == ["order-amounts"]


def test_numbers_of_items_may_be_texts_and_round(whole: Dataset) -> None:
    after = filled(
        with_order(
            whole,
            [
                item("BAT-000002", quantity="1.255", unitPrice="10.005", unitCogs="6.12345"),
                item("BAT-000001", quantity=2, unitPrice=None, lineTotal=5),
            ],
        )
    )

    assert lines_of(after, "OWN-1") == [
        ("BAT-000001", Decimal("2.00"), Decimal("2.50"), Decimal("6.0000"), Decimal("5.00")),
        ("BAT-000002", Decimal("1.26"), Decimal("10.01"), Decimal("6.1235"), Decimal("12.61")),
    ]
    assert holds(after, "order-items", "order-totals-off-lines", "line-total", "line-price", "order-margin")


def test_two_items_of_a_batch_become_one_line(whole: Dataset) -> None:
    after = filled(with_order(whole, [item("BAT-000001"), item("BAT-000001", quantity=2)]))

    assert lines_of(after, "OWN-1") == [
        ("BAT-000001", Decimal("3.00"), Decimal("10.00"), Decimal("6.0000"), Decimal("30.00"))
    ]


def test_an_item_whose_batch_is_gone_takes_one_of_its_product(whole: Dataset) -> None:
    live = whole["batches"].filter((pl.col("batchStatus") == "LIVE") & (pl.col("onHandQty") > 0)).sort(KEY)
    batch = live.row(3, named=True)
    same = live.filter(pl.col("productId") == batch["productId"])[KEY][0]
    after = filled(with_order(whole, [item("\\#9", productId=batch["productId"]), item("\\#8", productId="\\#7")]))
    found = [line[0] for line in lines_of(after, "OWN-1")]

    assert same in found
    assert len(found) == 2
    assert holds(after, "order-items", "lines-without-order-or-batch")


def test_roundings_of_many_lines_do_not_add_up(whole: Dataset) -> None:
    """However many items, quantity x price stays within a cent of the total."""
    items = [item(f"BAT-{n:06}", quantity=1.2345 + n / 7, unitPrice=437.86 + n / 100) for n in range(1, 13)]
    after = filled(with_order(whole, items))

    assert len(lines_of(after, "OWN-1")) == 12
    assert holds(after, "ORD-001", "order-totals-off-lines", "line-total")


@pytest.mark.parametrize("total", ["1234.56", "0.01", "0.00"])
@pytest.mark.parametrize("items", ["[]", "nothing", '{"a":1}', "[1]"])
def test_without_items_the_lines_sum_to_the_total(total: str, items: str, whole: Dataset) -> None:
    """An order that must have lines gets goods on sale for what it comes to before tax."""
    taxed = str(Decimal(total) + Decimal("8.00"))
    order = ORDER | {"items": items, "subtotal": total, "tax": "8.00", "total": taxed}
    after = filled(add(whole, "orders", **order))
    lines = lines_of(after, "OWN-1")

    assert sum(line[4] for line in lines if isinstance(line[4], Decimal)) == Decimal(total)
    assert holds(after, "orders-without-lines", "order-items", "order-tax", "order-subtotal", "line-price", "ORD-001")


def test_items_keep_what_else_they_say(whole: Dataset) -> None:
    """Only what a line contradicts is rewritten; other members and the order of the items stay."""
    order = whole["orders"].filter(pl.col("items").str.count_matches("batchId") == 2).row(0, named=True)
    left, right = json.loads(order["items"])
    changed = [right | {"quantity": 99, "note": "ring first"}, left]
    after = filled(edit(whole, "orders", order[KEY], items=json.dumps(changed)))

    found = json.loads(after["orders"].filter(pl.col(KEY) == order[KEY])["items"][0])
    assert found == [right | {"note": "ring first"}, left]


def test_a_number_that_no_column_holds_is_none() -> None:
    orders = pl.DataFrame({KEY: ["A"], "items": [json.dumps([item("B", quantity=1e12, unitPrice=True, unitCogs=-1)])]})

    assert read_items(orders).select("quantity_e4", "price_cents", "cogs_e4").rows() == [(None, None, None)]
