"""Tables: users, roles and permissions. Column facts as the live schema has them."""

from reconcile.spec import Column, Owner, TableSpec
from reconcile.values import Enumeration, Integer, Reference, Secret, Text, TextReference, Timestamp

USERS = TableSpec(
    "users",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("openId", Text(64), owner=Owner.CREATION),
        Column("deleted_at", Timestamp(), nullable=True),
        Column("name", Text(), nullable=True),
        Column("email", Text(320), nullable=True),
        Column("loginMethod", Secret(64), nullable=True, owner=Owner.ONCE),
        Column("role", Enumeration(("user", "admin")), default="user"),
        Column("createdAt", Timestamp(), owner=Owner.CREATION, is_clock_default=True),
        Column("updatedAt", Timestamp(), owner=Owner.CREATION, is_clock_default=True, is_clock_on_update=True),
        Column("lastSignedIn", Timestamp(), owner=Owner.CREATION, is_clock_default=True),
    ),
    key=("openId",),
    step="core",
    prunes=False,
    unique=(("openId",),),
    soft_delete="deleted_at",
    recognised_by=("email",),
)

ROLES = TableSpec(
    "roles",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("name", Text(100)),
        Column("description", Text(), nullable=True),
        Column("is_system_role", Integer(), default="0"),
        Column("created_at", Timestamp(), owner=Owner.CREATION, is_clock_default=True),
        Column("updated_at", Timestamp(), owner=Owner.CREATION, is_clock_default=True, is_clock_on_update=True),
    ),
    key=("name",),
    step="rbac",
    prunes=False,
    unique=(("name",),),
)

PERMISSIONS = TableSpec(
    "permissions",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("name", Text(100)),
        Column("description", Text(), nullable=True),
        Column("module", Text(50)),
        Column("created_at", Timestamp(), owner=Owner.CREATION, is_clock_default=True),
    ),
    key=("name",),
    step="rbac",
    prunes=False,
    unique=(("name",),),
)

ROLE_PERMISSIONS = TableSpec(
    "role_permissions",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("role_id", Reference("roles", "CASCADE"), is_part=True),
        Column("permission_id", Reference("permissions", "CASCADE")),
        Column("created_at", Timestamp(), owner=Owner.CREATION, is_clock_default=True),
    ),
    key=("role_id", "permission_id"),
    step="rbac",
    prunes=False,
)

USER_ROLES = TableSpec(
    "user_roles",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("user_id", TextReference("users", "openId", 255)),
        Column("role_id", Reference("roles", "CASCADE")),
        Column("assigned_at", Timestamp(), owner=Owner.CREATION, is_clock_default=True),
        Column("assigned_by", Text(255), nullable=True, owner=Owner.CREATION),
    ),
    key=("user_id", "role_id"),
    step="qa-accounts",
    prunes=False,
)

TABLES = (USERS, ROLES, PERMISSIONS, ROLE_PERMISSIONS, USER_ROLES)
