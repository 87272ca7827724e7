"""What the replaced tool left of calendars, tasks, comments, the portal and the other modules; and all its rows."""

import polars as pl

from tests.unit.desired_state.old_goods import cycle, moment, pick
from tests.unit.desired_state.old_tool import CATEGORIES, OldTool, cents
from tests.unit.desired_state.old_trade import trade

_DAY = 86_400
_METRICS = ("ytd_revenue", "avg_order_value", "order_frequency", "payment_speed", "margin_performance")
_MODULES = ("INVENTORY", "ACCOUNTING", "CLIENTS", "VENDORS", "ORDERS", "SAMPLES")
_EVENT_TYPES = (
    "MEETING", "DELIVERY", "FOLLOW_UP", "AUDIT", "INTAKE", "PAYMENT_DUE", "AR_COLLECTION", "AP_PAYMENT",
)  # fmt: skip


def rows(tool: OldTool) -> dict[str, pl.DataFrame]:
    """Give every row of the tool's first step, by table and parents first, with surrogate keys."""
    core = trade(tool)
    modules = (
        _calendars(tool, core) | _tasks(tool, core) | _talk(tool, core) | _portal(tool, core) | _market(tool, core)
    )
    return {name: frame.drop("i", strict=False) for name, frame in (core | modules).items()}


def _calendars(tool: OldTool, core: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    calendars, users = tool.table("calendars", 5), core["users"]
    draw = tool.draw("calendar_events")
    events = tool.table("calendar_events", tool.counts["events"])
    module = pick(pl.col("i") % 6, pl.Series(_MODULES))
    kind = pick(pl.col("i") % 8, pl.Series(_EVENT_TYPES))
    start = (pl.lit(tool.now) + pl.duration(seconds=draw.integer("start", 0, 60 * _DAY))).dt.date()
    # 18 of 40 end before they start, by the day or by the hour.
    place = pl.col("i") % 20
    is_a_day_early, is_an_hour_early = place < 4, place.is_between(4, 8)
    days = pl.when(is_a_day_early).then(-1).when(is_an_hour_early).then(0).otherwise(draw.integer("days", 0, 1))
    first_hour = draw.integer("first", 9, 16)
    last_hour = first_hour + pl.when(is_an_hour_early).then(-1).otherwise(draw.integer("last", 0, 2))
    return {
        "calendars": calendars.select("id", name=pl.format("Wall calendar {}", "i"), is_default=pl.col("i") == 0),
        "appointment_types": tool.table("appointment_types", 25).select(
            "id",
            calendar_id=pl.col("i") // 5 + tool.first_id,
            name=pl.format("Visit of kind {}", pl.col("i") % 5),
            duration=pl.lit(30),
        ),
        "calendar_availability": tool.table("calendar_availability", 30).select(
            "id",
            calendar_id=pl.col("i") // 6 + tool.first_id,
            day_of_week=pl.col("i") % 6,
            start_time=pl.lit("09:00:00"),
            end_time=pl.lit("17:00:00"),
        ),
        "calendar_events": events.select(
            "id",
            title=pl.format("Wall entry {}", "i"),
            description=pl.format("Written by hand {}", "i"),
            start_date=start,
            end_date=start + pl.duration(days=days),
            start_time=pl.concat_str(first_hour.cast(pl.String).str.zfill(2), pl.lit(":00:00")),
            end_time=pl.concat_str(last_hour.cast(pl.String).str.zfill(2), pl.lit(":00:00")),
            module=module,
            event_type=kind,
            status=pl.when(draw.chance("status", 800))
            .then(pl.lit("SCHEDULED"))
            .otherwise(pick(pl.col("i") % 3, pl.Series(["SCHEDULED", "COMPLETED", "CANCELLED"]))),
            priority=pick(pl.col("i") % 3, pl.Series(["LOW", "MEDIUM", "HIGH"])),
            client_id=pl.when((module == "CLIENTS") | (kind == "AR_COLLECTION")).then(cycle(core["clients"])),
            vendor_id=pl.when((module == "VENDORS") | (kind == "AP_PAYMENT")).then(cycle(core["vendors"])),
            calendar_id=cycle(calendars),
            created_by=cycle(users),
        ),
    }


def _tasks(tool: OldTool, core: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    lists, users = tool.table("todo_lists", tool.counts["lists"]), core["users"]
    draw = tool.draw("todo_tasks")
    status = pick(pl.col("i") % 3, pl.Series(["todo", "in_progress", "done"]))
    is_done = status == "done"
    done_at = moment(tool, draw.integer("completed_at", 0, 20 * _DAY))
    return {
        "todo_lists": lists.select(
            "id",
            name=pl.format("Pinned list {}", "i"),
            owner_id=cycle(users),
            is_shared=tool.draw("todo_lists").chance("is_shared", 400),
        ),
        "todo_tasks": tool.table("todo_tasks", tool.counts["tasks"]).select(
            "id",
            list_id=cycle(lists),
            title=pl.format("Pinned task {}", "i"),
            description=pl.format("Noted in the yard {}", "i"),
            status=status,
            priority=pick(pl.col("i") % 4, pl.Series(["low", "medium", "high", "urgent"])),
            due_date=pl.when(draw.chance("due", 700)).then(moment(tool, -draw.integer("due_date", 0, 30 * _DAY))),
            assigned_to=cycle(users),
            created_by=cycle(users),
            position=pl.col("i") // lists.height,
            is_completed=is_done,
            completed_at=pl.when(is_done).then(done_at),
            completed_by=pl.when(is_done).then(cycle(users)),
        ),
    }


def _talk(tool: OldTool, core: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    comments = tool.table("comments", tool.counts["comments"])
    users, draw = core["users"], tool.draw("comments")
    kind = pick(pl.col("i") % 4, pl.Series(["order", "client", "batch", "invoice"]))
    is_resolved = draw.chance("is_resolved", 250)
    written = moment(tool, draw.integer("created_at", 0, 30 * _DAY))
    reference = pick(pl.col("i") % 5, pl.Series(["order", "client", "batch", "todo_task", "comment"]))
    status = pick(pl.col("i") % 3, pl.Series(["unread", "seen", "completed"]))
    return {
        "comments": comments.select(
            "id",
            commentable_type=kind,
            # Comments on invoices name the place of the comment in the list, not an invoice.
            commentable_id=pl.when(kind == "order")
            .then(cycle(core["orders"]))
            .when(kind == "client")
            .then(cycle(core["clients"]))
            .when(kind == "batch")
            .then(cycle(core["batches"]))
            .otherwise("i"),
            user_id=cycle(users),
            content=pl.format("Said at the counter {}", "i"),
            is_resolved=is_resolved,
            resolved_at=pl.when(is_resolved).then(pl.lit(tool.now)),
            resolved_by=pl.when(is_resolved).then(cycle(users)),
            created_at=written,
        ),
        "inbox_items": tool.table("inbox_items", tool.counts["inbox"]).select(
            "id",
            user_id=cycle(users),
            source_type=pick(pl.col("i") % 3, pl.Series(["mention", "task_assignment", "task_update"])),
            source_id=pl.when(pl.col("i") % 3 == 0)
            .then(cycle(comments))
            .otherwise(pl.lit(tool.first_id) + pl.col("i")),
            reference_type=reference,
            reference_id=pl.when(reference == "order")
            .then(cycle(core["orders"]))
            .when(reference == "client")
            .then(cycle(core["clients"]))
            .when(reference == "batch")
            .then(cycle(core["batches"]))
            .otherwise(pl.lit(tool.first_id) + pl.col("i")),
            title=pl.format("Slip {}", "i"),
            status=status,
            seen_at=pl.when(status != "unread").then(pl.lit(tool.now)),
            completed_at=pl.when(status == "completed").then(pl.lit(tool.now)),
        ),
    }


def _portal(tool: OldTool, core: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    portals = tool.table("vip_portal_configurations", tool.counts["portals"])
    clients, orders = core["clients"], core["orders"]
    measured = min(50, clients.height)
    draw, lent = tool.draw("leaderboard"), tool.draw("referral_credits")
    random_total = lent.integer("order_total", 50_000, 2_000_000)
    expires = pl.lit(tool.now) + pl.duration(days=7)
    return {
        "vip_tiers": tool.table("vip_tiers", 5).select(
            "id", name=pl.format("tier-{}", "i"), display_name=pl.format("Tier {}", "i"), level="i"
        ),
        "vip_portal_configurations": portals.select(
            "id", client_id=cycle(clients), module_live_catalog_enabled=draw.chance("catalog", 800)
        ),
        "vip_portal_auth": portals.select(
            "id", client_id=cycle(clients), email=pl.format("portal{}@live.example.com", "i"), login_count=pl.lit(1)
        ),
        "leaderboard_metric_cache": tool.table("leaderboard_metric_cache", measured * 5).select(
            "id",
            client_id=pick(pl.col("i") // 5, clients["id"]),
            metric_type=pick(pl.col("i") % 5, pl.Series(_METRICS)),
            metric_value=cents(draw.integer("metric_value", 100_000, 15_000_000)),
            sample_size=draw.integer("sample_size", 5, 50),
            is_significant=pl.lit(value=True),
            calculated_at=pl.lit(tool.now),
            expires_at=expires,
        ),
        "referral_credits": tool.table("referral_credits", tool.counts["referrals"]).select(
            "id",
            referrer_client_id=cycle(clients),
            referred_client_id=pick((pl.col("i") + 1) % clients.height, clients["id"]),
            referred_order_id=pick(lent.integer("order", 0, orders.height - 1), orders["id"]),
            order_total=cents(random_total),
            credit_amount=cents(random_total // 10),
            status=pick(pl.col("i") % 4, pl.Series(["PENDING", "AVAILABLE", "APPLIED", "EXPIRED"])),
            notes=pl.format("Promised at the fair {}", "i"),
        ),
        "feature_flags": tool.table("feature_flags", 43).select(
            "id", key=pl.format("live-flag-{}", "i"), name=pl.format("Switch {}", "i")
        ),
    }


def _market(tool: OldTool, core: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    clients, vendors, products, users = (core[name] for name in ("clients", "vendors", "products", "users"))
    draw = tool.draw("market")
    sellers = clients.filter("is_seller")
    intakes = tool.table("intake_sessions", tool.counts["intakes"] if sellers.height else 0)
    is_open = draw.chance("intake.status", 250)
    amount = draw.integer("intake.amount", 100_000, 5_000_000)
    category = pick(pl.col("i") % len(CATEGORIES), pl.Series(CATEGORIES))
    sample = pick(pl.col("i") % 3, pl.Series(["PENDING", "FULFILLED", "CANCELLED"]))
    asked = moment(tool, draw.integer("asked", 5 * _DAY, 60 * _DAY))
    product = cycle(products)
    return {
        "client_needs": tool.table("client_needs", tool.counts["needs"]).select(
            "id",
            client_id=cycle(clients),
            category=category,
            quantity_min=cents(draw.integer("need.min", 500, 5_000)),
            quantity_max=cents(draw.integer("need.max", 5_000, 20_000)),
            price_max=cents(draw.integer("need.price", 20_000, 100_000)),
            status=pl.when(draw.chance("need", 600))
            .then(pl.lit("ACTIVE"))
            .otherwise(pick(pl.col("i") % 4, pl.Series(["ACTIVE", "FULFILLED", "EXPIRED", "CANCELLED"]))),
            notes=pl.format("Asked for twice {}", "i"),
            created_by=cycle(users),
        ),
        "vendor_supply": tool.table("vendor_supply", tool.counts["supply"]).select(
            "id",
            vendor_id=cycle(vendors),
            category=category,
            quantity_available=cents(draw.integer("supply.quantity", 1_000, 50_000)),
            unit_price=cents(draw.integer("supply.price", 15_000, 80_000)),
            status=pl.when(draw.chance("supply", 700))
            .then(pl.lit("AVAILABLE"))
            .otherwise(pick(pl.col("i") % 4, pl.Series(["AVAILABLE", "RESERVED", "PURCHASED", "EXPIRED"]))),
            notes=pl.format("Offered in spring {}", "i"),
            created_by=cycle(users),
        ),
        "sampleRequests": tool.table("sampleRequests", tool.counts["samples"]).select(
            "id",
            clientId=cycle(clients),
            requestedBy=cycle(users),
            requestDate=asked,
            products=pl.concat_str(pl.lit('[{"productId": '), product, pl.lit(', "quantity": "1"}]')),
            sampleRequestStatus=sample,
            fulfilledDate=pl.when(sample == "FULFILLED").then(asked + pl.duration(days=2)),
            cancelledDate=pl.when(sample == "CANCELLED").then(asked + pl.duration(days=1)),
            notes=pl.format("Wants to smell it first {}", "i"),
        ),
        "intake_sessions": intakes.select(
            "id",
            session_number=tool.number("INTAKE"),
            vendor_id=cycle(sellers) if sellers.height else pl.lit(None, dtype=pl.Int64),
            status=pl.when(is_open).then(pl.lit("IN_PROGRESS")).otherwise(pl.lit("COMPLETED")),
            receive_date=moment(tool, draw.integer("intake.date", 0, 60 * _DAY)).dt.date(),
            received_by=cycle(users),
            paymentTerms=pl.lit("NET_15"),
            total_amount=cents(amount),
            amount_paid=cents(pl.when(is_open).then(0).otherwise(amount)),
            internal_notes=pl.format("Two pallets {}", "i"),
        ),
        "recurring_orders": tool.table("recurring_orders", tool.counts["recurring"]).select(
            "id",
            client_id=cycle(clients),
            frequency=pick(pl.col("i") % 3, pl.Series(["WEEKLY", "BIWEEKLY", "MONTHLY"])),
            order_template=pl.concat_str(pl.lit('{"items": [{"productId": '), product, pl.lit(', "quantity": 5}]}')),
            status=pl.when(draw.chance("recurring", 700))
            .then(pl.lit("ACTIVE"))
            .otherwise(pick(pl.col("i") % 3, pl.Series(["ACTIVE", "PAUSED", "CANCELLED"]))),
            start_date=moment(tool, draw.integer("recurring.start", 0, 60 * _DAY)).dt.date(),
            next_generation_date=moment(tool, -draw.integer("recurring.next", 1, 20) * _DAY).dt.date(),
            created_by=cycle(users),
        ),
    }
