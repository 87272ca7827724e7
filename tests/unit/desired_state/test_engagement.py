"""Portals, needs and supply, samples, intake, recurring orders and activity fit the trade, and rules say so."""

import json
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from desired_state import STATE, intake, recurring
from desired_state.rules import derived, engagement
from reconcile.dataset import KEY, STEP, Dataset
from reconcile.spec import Owner, Policy, Profile, Size
from reconcile.state import Rule
from reconcile.values import Secret
from tests.unit.desired_state.test_rules import GONE, Mutation, drop, edit, everything, setting

AS_OF = date(2026, 1, 5)
RULES = engagement.RULES + derived.RULES
LEAST = {
    "vip_tiers": (5, 5),
    "vip_portal_configurations": (15, 40),
    "vip_portal_auth": (15, 40),
    "client_needs": (20, 60),
    "vendor_supply": (15, 50),
    "sampleRequests": (20, 60),
    "intake_sessions": (10, 30),
    "intake_session_batches": (8, 24),
    "recurring_orders": (8, 20),
    "referral_credits": (10, 30),
    "leaderboard_metric_cache": (150, 250),
    "client_activity": (30, 100),
}
NOTHING = "[]"


def without_access(dataset: Dataset) -> tuple[Dataset, str]:
    return drop(dataset, "vip_portal_auth", pl.col(KEY) == "WHL0001"), "WHL0001"


def without_configuration(dataset: Dataset) -> tuple[Dataset, str]:
    return drop(dataset, "vip_portal_configurations", pl.col(KEY) == "WHL0001"), "WHL0001"


def without_seller(dataset: Dataset) -> tuple[Dataset, str]:
    session = dataset["intake_sessions"].row(0, named=True)
    return edit(dataset, "clients", session["vendor_id"], is_seller=False), session[KEY]


def miscounted(dataset: Dataset) -> tuple[Dataset, str]:
    counted = dataset["intake_session_batches"].row(0, named=True)
    broken = edit(dataset, "intake_session_batches", counted[KEY], total_cost="1.0000")
    return broken, counted["intake_session_id"]


def with_order_raised(dataset: Dataset) -> tuple[Dataset, str]:
    order = dataset["orders"].filter(~pl.col("is_draft")).row(0, named=True)
    return edit(dataset, "orders", order[KEY], total="1.00"), f"{order['client_id']}|avg_order_value"


def own_order(dataset: Dataset) -> tuple[Dataset, str]:
    credit = dataset["referral_credits"].row(0, named=True)
    return edit(dataset, "referral_credits", credit[KEY], referrer_client_id=credit["referred_client_id"]), credit[KEY]


APPLIED = pl.col("status") == "APPLIED"
MUTATIONS: dict[str, tuple[Mutation, ...]] = {
    "vip-portals": (without_access, without_configuration, setting("vip_portal_auth", everything(), client_id=GONE)),
    "needs-amounts": (
        setting("client_needs", everything(), quantity_min="999.0000"),
        setting("client_needs", everything(), quantity_min="0.0000"),
        setting("client_needs", everything(), price_max="0.00"),
    ),
    "supply-amounts": (
        setting("vendor_supply", pl.col("status") == "AVAILABLE", quantity_available="0.0000"),
        setting("vendor_supply", pl.col("status") == "PURCHASED", quantity_available="-1.0000"),
        setting("vendor_supply", everything(), unit_price="0.00"),
    ),
    "sample-items": (
        setting("sampleRequests", everything(), products=NOTHING),
        setting("sampleRequests", everything(), products="{}"),
        setting("sampleRequests", everything(), products="no list"),
        setting("sampleRequests", everything(), products='[{"productId":"\\\\#99","quantity":"1"}]'),
    ),
    "recurring-items": (
        setting("recurring_orders", everything(), order_template=NOTHING),
        setting("recurring_orders", everything(), order_template='{"items":[]}'),
        setting("recurring_orders", everything(), order_template='{"items":[{"productId":7,"quantity":1}]}'),
    ),
    "recurring-dates": (
        setting("recurring_orders", everything(), next_generation_date=date(2020, 1, 1)),
        setting("recurring_orders", everything(), last_generated_date=date(2020, 1, 1)),
        setting("recurring_orders", everything(), end_date=date(2020, 1, 1)),
    ),
    "intake-sellers": (without_seller, setting("intake_sessions", everything(), vendor_id=GONE)),
    "intake-amounts": (
        miscounted,
        setting("intake_sessions", everything(), amount_paid="9999999.00"),
        setting("intake_sessions", everything(), amount_paid="-0.01"),
    ),
    "intake-batches": (
        setting("intake_session_batches", everything(), received_qty="0.0000"),
        setting("intake_session_batches", everything(), unit_cost="0.0100"),
        setting("intake_session_batches", everything(), batch_id=GONE),
    ),
    "client-activity": (
        setting("client_activity", everything(), client_id=GONE),
        setting("client_activity", everything(), user_id=GONE),
    ),
    "referral-amounts": (
        setting("referral_credits", everything(), order_total="1.00"),
        setting("referral_credits", everything(), credit_amount="1.00"),
        setting("referral_credits", everything(), referred_client_id="WHL0001"),
        setting("referral_credits", everything(), referred_order_id=GONE),
        setting("referral_credits", APPLIED, applied_amount=None),
        setting("referral_credits", APPLIED, applied_amount="99999.00"),
    ),
    "referral-clients": (
        own_order,
        setting("referral_credits", APPLIED, status="EXPIRED"),
        setting("referral_credits", APPLIED, applied_to_order_id=GONE),
    ),
    "leaderboard-metrics": (
        with_order_raised,
        setting("leaderboard_metric_cache", everything(), metric_value="1.2345"),
        setting("leaderboard_metric_cache", everything(), sample_size=999),
        setting("leaderboard_metric_cache", pl.col("metric_type") == "order_frequency", metric_value=None),
    ),
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_rule_reports_whatever_breaks_it(rule: Rule, light: Dataset) -> None:
    """Each mutation of a sound dataset is found, at the row that was broken and with its reason."""
    assert rule.violations(light).height == 0
    for mutate in MUTATIONS[rule.id]:
        broken, key = mutate(light)
        violations = rule.violations(broken)
        assert key in violations["key"].to_list()
        assert violations["why"].null_count() == 0


@pytest.mark.parametrize(("size", "place"), [(Size.LIGHT, 0), (Size.FULL, 1)])
def test_tables_have_the_rows_of_the_replaced_tool(size: Size, place: int) -> None:
    """At least as many rows as before, in the step that wrote them."""
    frames = STATE.rows(Profile(AS_OF, size)).frames

    assert [name for name, least in LEAST.items() if frames[name].height < least[place]] == []
    assert set(frames["client_activity"][STEP]) == {"augment"}
    assert {step for name in LEAST if name != "client_activity" for step in frames[name][STEP]} == {"core"}


def test_tables_are_managed_and_only_the_log_keeps_rows_of_others() -> None:
    """A reset converges them; the activity of clients is never cleared."""
    assert {STATE.specs[name].policy for name in LEAST} == {Policy.MANAGED}
    assert [name for name in LEAST if not STATE.specs[name].prunes] == ["client_activity"]


def test_keys_do_not_follow_as_of() -> None:
    """A new week moves dates, not identities: nothing is created twice on a living database."""
    one, other = (STATE.rows(Profile(day, Size.LIGHT)) for day in (AS_OF, date(2026, 1, 12)))
    steady = [name for name in LEAST if name not in ("client_activity", "referral_credits")]

    assert [name for name in steady if one[name][KEY].to_list() != other[name][KEY].to_list()] == []


def test_tiers_are_those_of_the_application(facts: Path, light: Dataset) -> None:
    """Five tiers with their thresholds and discounts, as defaults.json lists them."""
    listed = json.loads((facts / "defaults.json").read_text(encoding="utf-8"))["core_step"]["vip_tiers"]["rows"]
    tiers = light["vip_tiers"].with_columns(
        pl.col("min_spend_ytd", "discount_percentage").cast(pl.Float64),
        pl.col("is_active", "is_default").cast(pl.Int64),
    )

    assert tiers.select(list(listed[0])).to_dicts() == listed
    assert tiers["description"].is_unique().all()


def test_nobody_can_log_in_to_a_portal(full: Dataset) -> None:
    """No secret is declared, none is compared, and no mail reaches anybody; what logins write is left alone."""
    spec = STATE.specs["vip_portal_auth"]
    secrets = [column.name for column in spec.columns if isinstance(column.kind, Secret)]
    kept = ("login_count", "last_login_at", *secrets)

    assert secrets == ["password_hash", "google_id", "microsoft_id", "session_token", "reset_token"]
    assert full["vip_portal_auth"].select(secrets).null_count().row(0) == (40,) * len(secrets)
    assert {spec.column(name).owner for name in kept} == {Owner.CREATION}
    assert full["vip_portal_auth"]["email"].str.contains(r"^vip\d+@portal\.example\.com$").all()


def test_every_status_occurs(full: Dataset) -> None:
    """A user sees each state a row can be in that the replaced tool wrote."""
    seen = {name: set(full[name][column]) for name, column in (
        ("client_needs", "status"), ("vendor_supply", "status"), ("sampleRequests", "sampleRequestStatus"),
        ("intake_sessions", "status"), ("recurring_orders", "status"), ("referral_credits", "status"),
    )}  # fmt: skip

    assert seen == {
        "client_needs": {"ACTIVE", "FULFILLED", "EXPIRED", "CANCELLED"},
        "vendor_supply": {"AVAILABLE", "RESERVED", "PURCHASED", "EXPIRED"},
        "sampleRequests": {"PENDING", "FULFILLED", "CANCELLED"},
        "intake_sessions": {"IN_PROGRESS", "COMPLETED"},
        "recurring_orders": {"ACTIVE", "PAUSED", "CANCELLED"},
        "referral_credits": {"PENDING", "AVAILABLE", "APPLIED", "EXPIRED"},
    }


def test_needs_and_offers_say_how_they_ended(full: Dataset) -> None:
    """Dates and status agree: what is over ended before as-of, what is open lies ahead."""
    needs, offers = full["client_needs"], full["vendor_supply"]
    now = pl.lit(AS_OF).cast(pl.Datetime("us"))
    active, fulfilled, expired = (pl.col("status") == name for name in ("ACTIVE", "FULFILLED", "EXPIRED"))
    available, bought = pl.col("status") == "AVAILABLE", pl.col("status") == "PURCHASED"

    assert needs.filter(active)["needed_by"].min() > AS_OF  # type: ignore[operator]
    assert needs.filter(fulfilled != pl.col("fulfilled_at").is_not_null()).height == 0
    assert needs.filter((expired != (pl.col("expires_at") <= now)) & (active | expired)).height == 0
    assert needs.filter(pl.col("created_by").is_null() == pl.col("created_by_client_id").is_null()).height == 0
    assert (
        offers.filter(
            (available & (pl.col("available_until") < now)) | (expired & (pl.col("available_until") > now))
        ).height
        == 0
    )
    assert offers.filter(bought != pl.col("purchased_at").is_not_null()).height == 0
    assert (
        offers.filter(
            (pl.col("reserved_at") < pl.col("created_at")) | (pl.col("purchased_at") < pl.col("reserved_at"))
        ).height
        == 0
    )


def test_needs_and_offers_are_of_products_of_the_catalogue(full: Dataset) -> None:
    """Strain, category and subcategory are those of the product that is named."""
    for name in ("client_needs", "vendor_supply"):
        rows = full[name].join(full["products"], left_on="product_name", right_on=KEY, suffix="_of_product")
        assert rows.height == full[name].height
        assert rows["category"].to_list() == rows["category_of_product"].to_list()
        assert rows["subcategory"].to_list() == rows["subcategory_of_product"].to_list()
        assert (
            rows["strain"].to_list() == rows["strainId" if name == "vendor_supply" else "strainId_of_product"].to_list()
        )


def test_samples_cost_what_the_goods_cost_and_lead_to_later_orders(full: Dataset) -> None:
    """A sample handed out has a day and a person; the order that followed is the same client's, and younger."""
    samples = full["sampleRequests"]
    orders = full["orders"].select("client_id", "created_at", relatedOrderId=KEY)
    results = samples.join(orders, on="relatedOrderId")
    is_fulfilled = pl.col("sampleRequestStatus") == "FULFILLED"
    is_cancelled = pl.col("sampleRequestStatus") == "CANCELLED"

    assert samples["totalCost"].min() > 0  # type: ignore[operator]
    assert samples.filter(is_fulfilled != pl.col("fulfilledDate").is_not_null()).height == 0
    assert samples.filter(is_cancelled != pl.col("cancellationReason").is_not_null()).height == 0
    assert samples.filter(pl.col("fulfilledDate") <= pl.col("requestDate")).height == 0
    assert results.height > 0
    assert results.filter(
        (pl.col("client_id") != pl.col("clientId"))
        | (pl.col("created_at") <= pl.col("fulfilledDate"))
        | (pl.col("created_at") != pl.col("conversionDate"))
    ).height == 0  # fmt: skip


def test_a_completed_intake_is_what_was_billed_and_paid(full: Dataset) -> None:
    """Its total is its lot's bill, paid in full; one in progress has counted nothing yet."""
    counted = full["intake_session_batches"].select("intake_session_id", batch=pl.col("batch_id"))
    lots = full["batches"].select("lotId", batch=KEY)
    bills = full["bills"].select("vendorId", "totalAmount", "amountPaid", "referenceId")
    sessions = full["intake_sessions"]
    done = sessions.filter(pl.col("status") == "COMPLETED")
    billed = (
        counted.join(lots, on="batch")
        .select("intake_session_id", "lotId")
        .unique()
        .join(bills, left_on="lotId", right_on="referenceId")
        .join(done, left_on="intake_session_id", right_on=KEY)
    )

    assert billed.height == done.height == 24
    assert billed["total_amount"].to_list() == billed["totalAmount"].to_list() == billed["amountPaid"].to_list()
    assert billed["amount_paid"].to_list() == billed["total_amount"].to_list()
    assert billed["vendor_id"].to_list() == billed["vendorId"].to_list()
    assert sessions.filter(pl.col("status") != "COMPLETED")["total_amount"].max() == 0


def test_recurring_orders_follow_their_frequency(full: Dataset) -> None:
    """Start, last and next date fall on the agreed day, one period apart; an active order's next date lies ahead."""
    for row in full["recurring_orders"].to_dicts():
        last, following = row["last_generated_date"], row["next_generation_date"]
        weeks, months = recurring.WEEKS.get(row["frequency"]), recurring.MONTHS.get(row["frequency"])
        days = [row["start_date"], last, following]
        if weeks:
            assert following - last == timedelta(weeks=weeks)
            assert [day.isoweekday() for day in days] == [row["day_of_week"]] * 3
        else:
            assert (following.year * 12 + following.month) - (last.year * 12 + last.month) == months
            assert [day.day for day in days] == [row["day_of_month"]] * 3
        assert row["start_date"] <= last < AS_OF
        assert (row["status"] == "ACTIVE") <= (following >= AS_OF)
        assert (row["status"] == "CANCELLED") == (row["end_date"] is not None)
        assert row["end_date"] is None or last <= row["end_date"] < following


def test_who_delivers_must_sell(light: Dataset) -> None:
    """Sellers that lost their mark are known by the intake sessions that name them."""
    sessions = light["intake_sessions"]
    broken = Dataset(
        light.specs, dict(light.frames) | {"clients": light["clients"].with_columns(is_seller=pl.lit(value=False))}
    )
    right = replaced(broken, "clients", intake.deliverers(broken))
    rule = next(rule for rule in engagement.RULES if rule.id == "intake-sellers")

    assert rule.violations(broken).height == sessions.height
    assert rule.violations(right).height == 0


def test_activity_follows_from_the_trade(full: Dataset) -> None:
    """One entry sets each client up; every sale and payment received has one, by who entered it."""
    activity = full["client_activity"]
    counts = dict(activity.group_by("activity_type").len().iter_rows())
    is_sale = (pl.col("orderType") == "SALE") & (pl.col("saleStatus") != "CANCELLED")

    assert counts == {
        "CREATED": full["clients"].filter(pl.col(STEP) == "core").height,
        "TRANSACTION_ADDED": full["orders"].filter(is_sale).height,
        "PAYMENT_RECORDED": full["payments"].filter(pl.col("paymentType") == "RECEIVED").height,
    }
    number = activity["metadata"].drop_nulls().str.extract(r'^\{"(?:order|payment)Number":"([A-Z]{3}-[0-9-]+)"\}$')
    assert number.is_in(pl.concat([full["orders"][KEY], full["payments"][KEY]]).implode()).all()
    assert activity["created_at"].null_count() == 0


def replaced(dataset: Dataset, table: str, cells: pl.DataFrame) -> Dataset:
    """Give *dataset* with other *cells* in *table*, as a repair would write them."""
    frame = dataset[table]
    columns = [name for name in cells.columns if name != KEY]
    wanted = cells.select(KEY, *(pl.col(name).alias(f"_{name}") for name in columns), is_new=pl.lit(value=True))
    joined = frame.join(wanted, on=KEY, how="left", maintain_order="left").with_columns(
        pl.when("is_new").then(f"_{name}").otherwise(name).alias(name) for name in columns
    )
    return Dataset(dataset.specs, dict(dataset.frames) | {table: joined.select(frame.columns)})
