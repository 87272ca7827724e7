"""Tables: vendors and clients, and what is recorded about them. Column facts as the live schema has them."""

from desired_state.actors import ADMIN, STAFF
from reconcile.spec import Column, Owner, TableSpec
from reconcile.values import Boolean, Date, Decimal, Enumeration, Integer, Json, Reference, Text, Timestamp

VENDORS = TableSpec(
    "vendors",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("name", Text(255)),
        Column("deleted_at", Timestamp(), nullable=True),
        Column("contactName", Text(255), nullable=True),
        Column("contactEmail", Text(320), nullable=True),
        Column("contactPhone", Text(50), nullable=True),
        Column("paymentTerms", Text(100), nullable=True),
        Column("notes", Text(), nullable=True),
        Column("createdAt", Timestamp(), is_clock_default=True),
        Column("updatedAt", Timestamp(), owner=Owner.CREATION, is_clock_default=True, is_clock_on_update=True),
    ),
    key=("name",),
    step="core",
    unique=(("name",),),
)

CLIENTS = TableSpec(
    "clients",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("version", Integer(), default="1"),
        Column("teri_code", Text(50)),
        Column("name", Text(255)),
        Column("email", Text(255), nullable=True),
        Column("phone", Text(50), nullable=True),
        Column("address", Text(), nullable=True),
        Column(
            "businessType",
            Enumeration(("RETAIL", "WHOLESALE", "DISPENSARY", "DELIVERY", "MANUFACTURER", "DISTRIBUTOR", "OTHER")),
            nullable=True,
        ),
        Column("preferredContact", Enumeration(("EMAIL", "PHONE", "TEXT", "ANY")), nullable=True),
        Column("payment_terms", Integer(), nullable=True, default="30"),
        Column("is_buyer", Boolean(), nullable=True, default="0"),
        Column("is_seller", Boolean(), nullable=True, default="0"),
        Column("is_brand", Boolean(), nullable=True, default="0"),
        Column("is_referee", Boolean(), nullable=True, default="0"),
        Column("is_contractor", Boolean(), nullable=True, default="0"),
        Column("tags", Json(), nullable=True),
        Column("pricing_profile_id", Integer(), nullable=True),
        Column("custom_pricing_rules", Json(), nullable=True),
        Column(
            "cogsAdjustmentType", Enumeration(("NONE", "PERCENTAGE", "FIXED_AMOUNT")), nullable=True, default="NONE"
        ),
        Column("cogs_adjustment_value", Decimal(15, 4), nullable=True, default="0.0000"),
        Column("auto_defer_consignment", Boolean(), nullable=True, default="0"),
        Column("total_spent", Decimal(15, 2), nullable=True, default="0.00"),
        Column("total_profit", Decimal(15, 2), nullable=True, default="0.00"),
        Column("avg_profit_margin", Decimal(5, 2), nullable=True, default="0.00"),
        Column("total_owed", Decimal(15, 2), nullable=True, default="0.00"),
        Column("oldest_debt_days", Integer(), nullable=True, default="0"),
        Column("credit_limit", Decimal(15, 2), nullable=True, default="0.00"),
        Column("credit_limit_updated_at", Timestamp(), nullable=True),
        Column("creditLimitSource", Enumeration(("CALCULATED", "MANUAL")), nullable=True, default="CALCULATED"),
        Column("credit_limit_override_reason", Text(), nullable=True),
        Column("vip_portal_enabled", Boolean(), nullable=True, default="0"),
        Column("vip_portal_last_login", Timestamp(), nullable=True),
        Column("wishlist", Text(), nullable=True),
        Column("referred_by_client_id", Reference("clients"), nullable=True),
        Column("deleted_at", Timestamp(), nullable=True),
        Column("created_at", Timestamp(), nullable=True, is_clock_default=True),
        Column(
            "updated_at",
            Timestamp(),
            nullable=True,
            owner=Owner.CREATION,
            is_clock_default=True,
            is_clock_on_update=True,
        ),
    ),
    key=("teri_code",),
    step="core",
    unique=(("teri_code",),),
    indexes=(("referred_by_client_id",), ("total_owed",)),
)

CLIENT_ACTIVITY = TableSpec(
    "client_activity",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("client_id", Reference("clients", "CASCADE")),
        Column("user_id", Reference("users", "CASCADE")),
        Column(
            "activity_type",
            Enumeration(
                (
                    "CREATED",
                    "UPDATED",
                    "TRANSACTION_ADDED",
                    "PAYMENT_RECORDED",
                    "NOTE_ADDED",
                    "TAG_ADDED",
                    "TAG_REMOVED",
                )
            ),
        ),
        Column("metadata", Json(), nullable=True),
        Column("created_at", Timestamp(), nullable=True, is_clock_default=True),
    ),
    ours=("user_id", (ADMIN, *STAFF)),
    key=("client_id", "activity_type", "metadata"),
    step="augment",
    prunes=False,
    indexes=(("client_id",),),
)

CLIENT_TRANSACTIONS = TableSpec(
    "client_transactions",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("client_id", Reference("clients", "CASCADE")),
        Column("transaction_type", Enumeration(("INVOICE", "PAYMENT", "QUOTE", "ORDER", "REFUND", "CREDIT"))),
        Column("transaction_number", Text(100), nullable=True),
        Column("transaction_date", Date()),
        Column("amount", Decimal(15, 2)),
        Column(
            "payment_status", Enumeration(("PAID", "PENDING", "OVERDUE", "PARTIAL")), nullable=True, default="PENDING"
        ),
        Column("payment_date", Date(), nullable=True),
        Column("payment_amount", Decimal(15, 2), nullable=True),
        Column("notes", Text(), nullable=True),
        Column("metadata", Json(), nullable=True),
        Column("created_at", Timestamp(), nullable=True, is_clock_default=True),
        Column(
            "updated_at",
            Timestamp(),
            nullable=True,
            owner=Owner.CREATION,
            is_clock_default=True,
            is_clock_on_update=True,
        ),
    ),
    key=("transaction_number",),
    step="core",
    indexes=(("client_id",), ("payment_status",), ("transaction_date",)),
)

CLIENT_NEEDS = TableSpec(
    "client_needs",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("client_id", Reference("clients", "CASCADE")),
        Column("strain", Text(255), nullable=True),
        Column("product_name", Text(255), nullable=True),
        Column("strainId", Reference("strains", "SET NULL"), nullable=True),
        Column("strain_type", Enumeration(("INDICA", "SATIVA", "HYBRID", "CBD", "ANY")), nullable=True),
        Column("category", Text(100), nullable=True),
        Column("subcategory", Text(100), nullable=True),
        Column("grade", Text(50), nullable=True),
        Column("quantity_min", Decimal(15, 4), nullable=True),
        Column("quantity_max", Decimal(15, 4), nullable=True),
        Column("price_max", Decimal(15, 2), nullable=True),
        Column("status", Enumeration(("ACTIVE", "FULFILLED", "EXPIRED", "CANCELLED")), default="ACTIVE"),
        Column("priority", Enumeration(("LOW", "MEDIUM", "HIGH", "URGENT")), default="MEDIUM"),
        Column("needed_by", Date(), nullable=True),
        Column("expires_at", Timestamp(), nullable=True),
        Column("fulfilled_at", Timestamp(), nullable=True),
        Column("notes", Text(), nullable=True),
        Column("internal_notes", Text(), nullable=True),
        Column("created_at", Timestamp(), nullable=True, is_clock_default=True),
        Column(
            "updated_at",
            Timestamp(),
            nullable=True,
            owner=Owner.CREATION,
            is_clock_default=True,
            is_clock_on_update=True,
        ),
        Column("created_by", Reference("users", "RESTRICT"), nullable=True),
        Column("created_by_client_id", Reference("clients", "RESTRICT"), nullable=True),
    ),
    key=("client_id", "product_name", "strain", "category"),
    step="core",
    indexes=(("category",), ("client_id",), ("priority",), ("product_name",), ("status",), ("strain",)),
)

VENDOR_SUPPLY = TableSpec(
    "vendor_supply",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("vendor_id", Reference("vendors", "CASCADE")),
        Column("strain", Text(255), nullable=True),
        Column("product_name", Text(255), nullable=True),
        Column("strain_type", Enumeration(("INDICA", "SATIVA", "HYBRID", "CBD")), nullable=True),
        Column("category", Text(100), nullable=True),
        Column("subcategory", Text(100), nullable=True),
        Column("grade", Text(50), nullable=True),
        Column("quantity_available", Decimal(15, 4)),
        Column("unit_price", Decimal(15, 2), nullable=True),
        Column("status", Enumeration(("AVAILABLE", "RESERVED", "PURCHASED", "EXPIRED")), default="AVAILABLE"),
        Column("available_until", Timestamp(), nullable=True),
        Column("reserved_at", Timestamp(), nullable=True),
        Column("purchased_at", Timestamp(), nullable=True),
        Column("notes", Text(), nullable=True),
        Column("internal_notes", Text(), nullable=True),
        Column("deleted_at", Timestamp(), nullable=True),
        Column("created_at", Timestamp(), nullable=True, is_clock_default=True),
        Column(
            "updated_at",
            Timestamp(),
            nullable=True,
            owner=Owner.CREATION,
            is_clock_default=True,
            is_clock_on_update=True,
        ),
        Column("created_by", Reference("users", "RESTRICT"), nullable=True),
        Column("created_by_client_id", Reference("clients", "RESTRICT"), nullable=True),
    ),
    key=("vendor_id", "product_name", "strain", "category"),
    step="core",
    indexes=(("category",), ("deleted_at",), ("product_name",), ("status",), ("strain",), ("vendor_id",)),
    soft_delete="deleted_at",
)

TABLES = (VENDORS, CLIENTS, CLIENT_ACTIVITY, CLIENT_TRANSACTIONS, CLIENT_NEEDS, VENDOR_SUPPLY)
