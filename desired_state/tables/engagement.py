"""Tables: vip portal, leaderboards, rewards and feature flags. Column facts as the live schema has them."""

from reconcile.spec import Column, Owner, Policy, TableSpec
from reconcile.values import Boolean, Decimal, Enumeration, Integer, Json, Reference, Secret, Text, Timestamp

VIP_TIERS = TableSpec(
    "vip_tiers",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("name", Text(50)),
        Column("display_name", Text(100)),
        Column("description", Text(), nullable=True),
        Column("level", Integer(), default="0"),
        Column("color", Text(7), default="#6B7280"),
        Column("icon", Text(50), nullable=True),
        Column("min_spend_ytd", Decimal(15, 2), nullable=True, default="0.00"),
        Column("min_orders_ytd", Integer(), nullable=True, default="0"),
        Column("min_account_age_days", Integer(), nullable=True, default="0"),
        Column("min_payment_on_time_rate", Decimal(5, 2), nullable=True, default="0.00"),
        Column("discount_percentage", Decimal(5, 2), nullable=True, default="0.00"),
        Column("credit_limit_multiplier", Decimal(5, 2), nullable=True, default="1.00"),
        Column("priority_support", Boolean(), nullable=True, default="0"),
        Column("early_access_to_products", Boolean(), nullable=True, default="0"),
        Column("free_shipping", Boolean(), nullable=True, default="0"),
        Column("dedicated_rep", Boolean(), nullable=True, default="0"),
        Column("custom_benefits", Json(), nullable=True),
        Column("is_active", Boolean(), default="1"),
        Column("is_default", Boolean(), nullable=True, default="0"),
        Column("created_at", Timestamp(), is_clock_default=True),
        Column("updated_at", Timestamp(), owner=Owner.CREATION, is_clock_default=True, is_clock_on_update=True),
    ),
    key=("name",),
    step="core",
    unique=(("name",),),
    indexes=(("is_active",), ("level",)),
)

VIP_PORTAL_CONFIGURATIONS = TableSpec(
    "vip_portal_configurations",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("client_id", Reference("clients", "CASCADE")),
        Column("module_dashboard_enabled", Boolean(), default="1"),
        Column("module_live_catalog_enabled", Boolean(), default="0"),
        Column("module_live_shopping_enabled", Boolean(), default="1"),
        Column("module_ar_enabled", Boolean(), default="1"),
        Column("module_ap_enabled", Boolean(), default="1"),
        Column("module_transaction_history_enabled", Boolean(), default="1"),
        Column("module_vip_tier_enabled", Boolean(), default="1"),
        Column("module_credit_center_enabled", Boolean(), default="1"),
        Column("module_marketplace_needs_enabled", Boolean(), default="1"),
        Column("module_marketplace_supply_enabled", Boolean(), default="1"),
        Column("features_config", Json(), nullable=True),
        Column("advanced_options", Json(), nullable=True),
        Column("created_at", Timestamp(), is_clock_default=True),
        Column("updated_at", Timestamp(), owner=Owner.CREATION, is_clock_default=True, is_clock_on_update=True),
    ),
    key=("client_id",),
    step="core",
    unique=(("client_id",),),
)

VIP_PORTAL_AUTH = TableSpec(
    "vip_portal_auth",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("client_id", Reference("clients", "CASCADE")),
        Column("email", Text(320)),
        Column("password_hash", Secret(255), nullable=True, owner=Owner.CREATION),
        Column("google_id", Secret(255), nullable=True, owner=Owner.CREATION),
        Column("microsoft_id", Secret(255), nullable=True, owner=Owner.CREATION),
        Column("session_token", Secret(255), nullable=True, owner=Owner.CREATION),
        Column("session_expires_at", Timestamp(), nullable=True, owner=Owner.CREATION),
        Column("reset_token", Secret(255), nullable=True, owner=Owner.CREATION),
        Column("reset_token_expires_at", Timestamp(), nullable=True, owner=Owner.CREATION),
        Column("last_login_at", Timestamp(), nullable=True, owner=Owner.CREATION),
        Column("login_count", Integer(), default="0", owner=Owner.CREATION),
        Column("created_at", Timestamp(), is_clock_default=True),
        Column("updated_at", Timestamp(), owner=Owner.CREATION, is_clock_default=True, is_clock_on_update=True),
    ),
    key=("client_id",),
    step="core",
    unique=(("client_id",), ("email",)),
    indexes=(("session_token",),),
)

LEADERBOARD_METRIC_CACHE = TableSpec(
    "leaderboard_metric_cache",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("client_id", Reference("clients", "CASCADE"), is_part=True),
        Column("metric_type", Text(50)),
        Column("metric_value", Decimal(15, 4), nullable=True),
        Column("sample_size", Integer(), default="0"),
        Column("is_significant", Boolean(), default="0"),
        Column("raw_data", Json(), nullable=True),
        Column("calculated_at", Timestamp(), is_clock_default=True),
        Column("expires_at", Timestamp()),
    ),
    key=("client_id", "metric_type"),
    step="core",
    unique=(("client_id", "metric_type"),),
    indexes=(("expires_at",), ("metric_type",)),
)

LEADERBOARD_DEFAULT_WEIGHTS = TableSpec(
    "leaderboard_default_weights",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("client_type", Enumeration(("CUSTOMER", "SUPPLIER", "ALL"))),
        Column("weights", Json()),
        Column("updated_by", Reference("users", "SET NULL"), nullable=True),
        Column("created_at", Timestamp(), owner=Owner.CREATION, is_clock_default=True),
        Column("updated_at", Timestamp(), owner=Owner.CREATION, is_clock_default=True, is_clock_on_update=True),
    ),
    key=("client_type",),
    step="defaults",
    policy=Policy.CREATE_ONLY,
    prunes=False,
    unique=(("client_type",),),
)

ACHIEVEMENTS = TableSpec(
    "achievements",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("code", Text(50)),
        Column("name", Text(100)),
        Column("description", Text()),
        Column(
            "achievement_category", Enumeration(("SPENDING", "ORDERS", "LOYALTY", "REFERRALS", "ENGAGEMENT", "SPECIAL"))
        ),
        Column("achievement_medal", Enumeration(("BRONZE", "SILVER", "GOLD", "PLATINUM"))),
        Column("icon", Text(50), default="award"),
        Column("color", Text(7), default="#6B7280"),
        Column(
            "requirement_type",
            Enumeration(
                (
                    "TOTAL_SPENT",
                    "ORDER_COUNT",
                    "CONSECUTIVE_MONTHS",
                    "ACCOUNT_AGE_DAYS",
                    "REFERRAL_COUNT",
                    "REFERRAL_REVENUE",
                    "ACTIVITY_SCORE",
                    "MANUAL",
                )
            ),
        ),
        Column("requirement_value", Decimal(15, 2)),
        Column("points_awarded", Integer(), default="0"),
        Column("markup_discount_percent", Decimal(5, 2), nullable=True, default="0.00"),
        Column("parent_achievement_id", Reference("achievements"), nullable=True),
        Column("is_active", Boolean(), default="1"),
        Column("is_secret", Boolean(), default="0"),
        Column("created_at", Timestamp(), owner=Owner.CREATION, is_clock_default=True),
        Column("updated_at", Timestamp(), owner=Owner.CREATION, is_clock_default=True, is_clock_on_update=True),
    ),
    key=("code",),
    step="defaults",
    prunes=False,
    unique=(("code",),),
    indexes=(("achievement_category",), ("achievement_medal",), ("is_active",)),
)

REWARD_CATALOG = TableSpec(
    "reward_catalog",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("code", Text(50)),
        Column("name", Text(100)),
        Column("description", Text()),
        Column("points_cost", Integer()),
        Column(
            "reward_type",
            Enumeration(
                ("MARKUP_DISCOUNT", "FIXED_DISCOUNT", "FREE_SHIPPING", "PRIORITY_SERVICE", "EXCLUSIVE_ACCESS", "CUSTOM")
            ),
        ),
        Column("reward_value", Decimal(10, 2)),
        Column("icon", Text(50), nullable=True, default="gift"),
        Column("color", Text(7), nullable=True, default="#10B981"),
        Column("image_url", Text(500), nullable=True),
        Column("is_active", Boolean(), default="1"),
        Column("available_from", Timestamp(), nullable=True),
        Column("available_until", Timestamp(), nullable=True),
        Column("quantity_available", Integer(), nullable=True),
        Column("quantity_redeemed", Integer(), default="0", owner=Owner.CREATION),
        Column("min_tier_required", Text(50), nullable=True),
        Column("min_achievements_required", Integer(), nullable=True, default="0"),
        Column("created_at", Timestamp(), owner=Owner.CREATION, is_clock_default=True),
        Column("updated_at", Timestamp(), owner=Owner.CREATION, is_clock_default=True, is_clock_on_update=True),
    ),
    key=("code",),
    step="defaults",
    prunes=False,
    unique=(("code",),),
    indexes=(("is_active",), ("points_cost",), ("reward_type",)),
)

FEATURE_FLAGS = TableSpec(
    "feature_flags",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("key", Text(100)),
        Column("name", Text(255)),
        Column("description", Text(), nullable=True),
        Column("module", Text(100), nullable=True),
        Column("system_enabled", Boolean(), default="1"),
        Column("default_enabled", Boolean(), default="0"),
        Column("depends_on", Text(100), nullable=True),
        Column("metadata", Json(), nullable=True),
        Column("created_at", Timestamp(), owner=Owner.CREATION, is_clock_default=True),
        Column("updated_at", Timestamp(), owner=Owner.CREATION, is_clock_default=True, is_clock_on_update=True),
        Column("deleted_at", Timestamp(), nullable=True),
    ),
    key=("key",),
    step="defaults",
    prunes=False,
    unique=(("key",),),
    indexes=(("module",),),
    soft_delete="deleted_at",
)

FEATURE_FLAG_AUDIT_LOGS = TableSpec(
    "feature_flag_audit_logs",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("flag_id", Reference("feature_flags", "SET NULL"), nullable=True),
        Column("flag_key", Text(100)),
        Column(
            "feature_flag_audit_action",
            Enumeration(("created", "updated", "deleted", "enabled", "disabled", "override_added", "override_removed")),
        ),
        Column("actor_open_id", Text(255)),
        Column("previous_value", Json(), nullable=True),
        Column("new_value", Json(), nullable=True),
        Column("created_at", Timestamp(), is_clock_default=True),
    ),
    key=("flag_key", "feature_flag_audit_action", "actor_open_id", "created_at"),
    step="core",
    policy=Policy.CREATE_ONLY,
    prunes=False,
    indexes=(("actor_open_id",), ("created_at",), ("flag_key",)),
)

TABLES = (
    VIP_TIERS,
    VIP_PORTAL_CONFIGURATIONS,
    VIP_PORTAL_AUTH,
    LEADERBOARD_METRIC_CACHE,
    LEADERBOARD_DEFAULT_WEIGHTS,
    ACHIEVEMENTS,
    REWARD_CATALOG,
    FEATURE_FLAGS,
    FEATURE_FLAG_AUDIT_LOGS,
)
