"""Tables: calendars, rooms, tasks and comments. Column facts as the live schema has them."""

from reconcile.spec import Column, Owner, TableSpec
from reconcile.values import Boolean, Date, Enumeration, Integer, Json, PolymorphicReference, Reference, Text, Timestamp

_BUSINESS = (
    ("order", "orders"),
    ("client", "clients"),
    ("batch", "batches"),
    ("invoice", "invoices"),
    ("bill", "bills"),
    ("payment", "payments"),
    ("lot", "lots"),
    ("product", "products"),
    ("vendor", "vendors"),
)
SUBJECTS = (*_BUSINESS, ("todo_task", "todo_tasks"), ("calendar_event", "calendar_events"))
"""
What comments and inbox items can be about: type and table. A type that is not listed is left to the application, since
nothing says which table it means.
"""

CALENDARS = TableSpec(
    "calendars",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("name", Text(255)),
        Column("description", Text(), nullable=True),
        Column("color", Text(7), default="#3B82F6"),
        Column("type", Text(50), default="workspace"),
        Column("is_default", Boolean(), default="0"),
        Column("is_archived", Boolean(), default="0"),
        Column("owner_id", Reference("users", "SET NULL"), nullable=True),
        Column("created_at", Timestamp(), is_clock_default=True),
        Column("updated_at", Timestamp(), owner=Owner.CREATION, is_clock_default=True, is_clock_on_update=True),
    ),
    key=("name",),
    step="core",
    indexes=(("is_archived",), ("is_default",), ("owner_id",)),
)

APPOINTMENT_TYPES = TableSpec(
    "appointment_types",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("calendar_id", Reference("calendars", "CASCADE"), is_part=True),
        Column("name", Text(255)),
        Column("description", Text(), nullable=True),
        Column("duration", Integer()),
        Column("buffer_before", Integer(), default="0"),
        Column("buffer_after", Integer(), default="0"),
        Column("min_notice_hours", Integer(), default="24"),
        Column("max_advance_days", Integer(), default="30"),
        Column("color", Text(7), default="#F59E0B"),
        Column("is_active", Boolean(), default="1"),
        Column("created_at", Timestamp(), is_clock_default=True),
        Column("updated_at", Timestamp(), owner=Owner.CREATION, is_clock_default=True, is_clock_on_update=True),
    ),
    key=("calendar_id", "name"),
    step="core",
    indexes=(("calendar_id",), ("is_active",)),
)

CALENDAR_AVAILABILITY = TableSpec(
    "calendar_availability",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("calendar_id", Reference("calendars", "CASCADE"), is_part=True),
        Column("day_of_week", Integer()),
        Column("start_time", Text(8)),
        Column("end_time", Text(8)),
        Column("created_at", Timestamp(), is_clock_default=True),
        Column("updated_at", Timestamp(), owner=Owner.CREATION, is_clock_default=True, is_clock_on_update=True),
    ),
    key=("calendar_id", "day_of_week", "start_time"),
    step="core",
    indexes=(("calendar_id",), ("day_of_week",)),
)

CALENDAR_EVENTS = TableSpec(
    "calendar_events",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("title", Text(255)),
        Column("description", Text(), nullable=True),
        Column("location", Text(500), nullable=True),
        Column("start_date", Date()),
        Column("end_date", Date()),
        Column("start_time", Text(8), nullable=True),
        Column("end_time", Text(8), nullable=True),
        Column("timezone", Text(50), nullable=True),
        Column("is_floating_time", Boolean(), default="0"),
        Column(
            "module",
            Enumeration(
                ("INVENTORY", "ACCOUNTING", "CLIENTS", "VENDORS", "ORDERS", "SAMPLES", "COMPLIANCE", "GENERAL")
            ),
        ),
        Column(
            "event_type",
            Enumeration(
                (
                    "MEETING",
                    "DEADLINE",
                    "TASK",
                    "DELIVERY",
                    "PAYMENT_DUE",
                    "FOLLOW_UP",
                    "AUDIT",
                    "INTAKE",
                    "PHOTOGRAPHY",
                    "BATCH_EXPIRATION",
                    "RECURRING_ORDER",
                    "SAMPLE_REQUEST",
                    "OTHER",
                    "AR_COLLECTION",
                    "AP_PAYMENT",
                )
            ),
        ),
        Column("status", Enumeration(("SCHEDULED", "IN_PROGRESS", "COMPLETED", "CANCELLED")), default="SCHEDULED"),
        Column("priority", Enumeration(("LOW", "MEDIUM", "HIGH", "URGENT")), default="MEDIUM"),
        Column("is_recurring", Boolean(), default="0"),
        Column("entity_type", Text(50), nullable=True),
        Column("entity_id", PolymorphicReference("entity_type", _BUSINESS), nullable=True),
        Column("client_id", Reference("clients", "SET NULL"), nullable=True),
        Column("vendor_id", Reference("vendors", "SET NULL"), nullable=True),
        Column("calendar_id", Reference("calendars"), nullable=True),
        Column("metadata", Json(), nullable=True),
        Column("created_by", Reference("users", "NO ACTION")),
        Column("assigned_to", Reference("users", "NO ACTION"), nullable=True),
        Column("visibility", Enumeration(("PRIVATE", "TEAM", "COMPANY", "PUBLIC")), default="COMPANY"),
        Column("is_auto_generated", Boolean(), default="0"),
        Column("auto_generation_rule", Text(100), nullable=True),
        Column("version", Integer(), default="1"),
        Column("created_at", Timestamp(), is_clock_default=True),
        Column("updated_at", Timestamp(), owner=Owner.CREATION, is_clock_default=True, is_clock_on_update=True),
        Column("deleted_at", Timestamp(), nullable=True),
    ),
    key=("title",),
    step="core",
    indexes=(
        ("assigned_to",),
        ("calendar_id",),
        ("client_id",),
        ("created_by",),
        ("entity_type", "entity_id"),
        ("module",),
        ("start_date", "end_date"),
        ("status",),
        ("vendor_id",),
    ),
    soft_delete="deleted_at",
)

ROOMS = TableSpec(
    "rooms",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("name", Text(255)),
        Column("description", Text(), nullable=True),
        Column("room_type", Enumeration(("meeting", "loading"))),
        Column("capacity", Integer(), nullable=True, default="1"),
        Column("features", Json(), nullable=True, default="[]"),
        Column("color", Text(7), default="#3B82F6"),
        Column("display_order", Integer(), nullable=True, default="0"),
        Column("is_active", Boolean(), default="1"),
        Column("location_id", Reference("locations"), nullable=True),
        Column("created_at", Timestamp(), is_clock_default=True),
        Column("updated_at", Timestamp(), owner=Owner.CREATION, is_clock_default=True, is_clock_on_update=True),
        Column("deleted_at", Timestamp(), nullable=True),
    ),
    key=("name",),
    step="defaults",
    prunes=False,
    indexes=(("is_active",), ("location_id",), ("room_type",)),
    soft_delete="deleted_at",
)

SHIFT_TEMPLATES = TableSpec(
    "shift_templates",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("name", Text(255)),
        Column("description", Text(), nullable=True),
        Column("start_time", Text(8)),
        Column("end_time", Text(8)),
        Column("break_start", Text(8), nullable=True),
        Column("break_end", Text(8), nullable=True),
        Column("color", Text(7), default="#10B981"),
        Column("is_active", Boolean(), default="1"),
        Column("created_at", Timestamp(), is_clock_default=True),
        Column("updated_at", Timestamp(), owner=Owner.CREATION, is_clock_default=True, is_clock_on_update=True),
    ),
    key=("name",),
    step="defaults",
    prunes=False,
    indexes=(("is_active",),),
)

OVERTIME_RULES = TableSpec(
    "overtime_rules",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("name", Text(255)),
        Column("description", Text(), nullable=True),
        Column("daily_threshold_minutes", Integer(), nullable=True, default="480"),
        Column("weekly_threshold_minutes", Integer(), nullable=True, default="2400"),
        Column("overtime_multiplier", Integer(), nullable=True, default="150"),
        Column("double_overtime_multiplier", Integer(), nullable=True, default="200"),
        Column("daily_double_threshold_minutes", Integer(), nullable=True, default="720"),
        Column("weekly_double_threshold_minutes", Integer(), nullable=True),
        Column("is_active", Boolean(), default="1"),
        Column("is_default", Boolean(), default="0"),
        Column("created_at", Timestamp(), is_clock_default=True),
        Column("updated_at", Timestamp(), owner=Owner.CREATION, is_clock_default=True, is_clock_on_update=True),
    ),
    key=("name",),
    step="defaults",
    prunes=False,
)

TODO_LISTS = TableSpec(
    "todo_lists",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("name", Text(255)),
        Column("description", Text(), nullable=True),
        Column("owner_id", Reference("users", "CASCADE")),
        Column("is_shared", Boolean(), default="0"),
        Column("created_at", Timestamp(), is_clock_default=True),
        Column("updated_at", Timestamp(), owner=Owner.CREATION, is_clock_default=True, is_clock_on_update=True),
    ),
    key=("name",),
    step="core",
    indexes=(("is_shared",), ("owner_id",)),
)

TODO_TASKS = TableSpec(
    "todo_tasks",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("list_id", Reference("todo_lists", "CASCADE"), is_part=True),
        Column("title", Text(500)),
        Column("description", Text(), nullable=True),
        Column("status", Enumeration(("todo", "in_progress", "done")), default="todo"),
        Column("priority", Enumeration(("low", "medium", "high", "urgent")), nullable=True, default="medium"),
        Column("due_date", Timestamp(), nullable=True),
        Column("assigned_to", Reference("users", "SET NULL"), nullable=True),
        Column("created_by", Reference("users", "CASCADE")),
        Column("position", Integer(), default="0"),
        Column("is_completed", Boolean(), default="0"),
        Column("completed_at", Timestamp(), nullable=True),
        Column("completed_by", Reference("users", "SET NULL"), nullable=True),
        Column("created_at", Timestamp(), is_clock_default=True),
        Column("updated_at", Timestamp(), owner=Owner.CREATION, is_clock_default=True, is_clock_on_update=True),
    ),
    key=("list_id", "title"),
    step="core",
    indexes=(("assigned_to",), ("created_by",), ("due_date",), ("list_id",), ("status",)),
)

COMMENTS = TableSpec(
    "comments",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("commentable_type", Text(50)),
        Column("commentable_id", PolymorphicReference("commentable_type", SUBJECTS)),
        Column("user_id", Reference("users", "CASCADE")),
        Column("content", Text()),
        Column("is_resolved", Boolean(), default="0"),
        Column("resolved_at", Timestamp(), nullable=True),
        Column("resolved_by", Reference("users", "SET NULL"), nullable=True),
        Column("created_at", Timestamp(), is_clock_default=True),
        Column("updated_at", Timestamp(), owner=Owner.CREATION, is_clock_default=True, is_clock_on_update=True),
    ),
    key=("commentable_type", "commentable_id", "user_id"),
    step="core",
    indexes=(("commentable_type", "commentable_id"), ("created_at",), ("is_resolved",), ("user_id",)),
)

COMMENT_MENTIONS = TableSpec(
    "comment_mentions",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("comment_id", Reference("comments", "CASCADE"), is_part=True),
        Column("mentioned_user_id", Reference("users", "CASCADE")),
        Column("mentioned_by_user_id", Reference("users", "CASCADE")),
        Column("created_at", Timestamp(), is_clock_default=True),
    ),
    key=("comment_id", "mentioned_user_id"),
    step="core",
    unique=(("comment_id", "mentioned_user_id"),),
    indexes=(("comment_id",), ("mentioned_by_user_id",), ("mentioned_user_id",)),
)

INBOX_ITEMS = TableSpec(
    "inbox_items",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("user_id", Reference("users", "CASCADE")),
        Column("source_type", Enumeration(("mention", "task_assignment", "task_update"))),
        Column(
            "source_id",
            PolymorphicReference(
                "source_type",
                (("mention", "comment_mentions"), ("task_assignment", "todo_tasks"), ("task_update", "todo_tasks")),
            ),
        ),
        Column("reference_type", Text(50)),
        Column("reference_id", PolymorphicReference("reference_type", (*SUBJECTS, ("comment", "comments")))),
        Column("title", Text(500)),
        Column("description", Text(), nullable=True),
        Column("status", Enumeration(("unread", "seen", "completed")), default="unread"),
        Column("seen_at", Timestamp(), nullable=True),
        Column("completed_at", Timestamp(), nullable=True),
        Column("is_archived", Boolean(), default="0"),
        Column("created_at", Timestamp(), is_clock_default=True),
        Column("updated_at", Timestamp(), owner=Owner.CREATION, is_clock_default=True, is_clock_on_update=True),
    ),
    key=("user_id", "source_type", "source_id"),
    step="core",
    indexes=(
        ("created_at",),
        ("is_archived",),
        ("reference_type", "reference_id"),
        ("source_type", "source_id"),
        ("status",),
        ("user_id",),
    ),
)

TABLES = (
    CALENDARS,
    APPOINTMENT_TYPES,
    CALENDAR_AVAILABILITY,
    CALENDAR_EVENTS,
    ROOMS,
    SHIFT_TEMPLATES,
    OVERTIME_RULES,
    TODO_LISTS,
    TODO_TASKS,
    COMMENTS,
    COMMENT_MENTIONS,
    INBOX_ITEMS,
)
