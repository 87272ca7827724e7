"""Tables: users, roles and permissions. Column facts as the live schema has them."""

from reconcile.spec import Column, Owner, Policy, TableSpec
from reconcile.values import Enumeration, Integer, Reference, Text, Timestamp

USERS = TableSpec(
    "users",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("openId", Text(64)),
        Column("deleted_at", Timestamp(), nullable=True),
        Column("name", Text(), nullable=True),
        Column("email", Text(320), nullable=True),
        Column("loginMethod", Text(64), nullable=True),
        Column("role", Enumeration(("user", "admin")), default="user"),
        Column("createdAt", Timestamp(), is_clock_default=True),
        Column("updatedAt", Timestamp(), owner=Owner.CREATION, is_clock_default=True, is_clock_on_update=True),
        Column("lastSignedIn", Timestamp(), owner=Owner.CREATION, is_clock_default=True),
    ),
    key=("openId",),
    step="core",
    prunes=False,
    unique=(("openId",),),
)

ROLES = TableSpec(
    "roles",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("name", Text(100)),
        Column("description", Text(), nullable=True),
        Column("is_system_role", Integer(), default="0"),
        Column("created_at", Timestamp(), is_clock_default=True),
        Column("updated_at", Timestamp(), owner=Owner.CREATION, is_clock_default=True, is_clock_on_update=True),
    ),
    key=("name",),
    step="rbac",
    policy=Policy.READ_ONLY,
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
        Column("created_at", Timestamp(), is_clock_default=True),
    ),
    key=("name",),
    step="rbac",
    policy=Policy.READ_ONLY,
    prunes=False,
    unique=(("name",),),
)

ROLE_PERMISSIONS = TableSpec(
    "role_permissions",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("role_id", Reference("roles", "CASCADE")),
        Column("permission_id", Reference("permissions", "CASCADE")),
        Column("created_at", Timestamp(), is_clock_default=True),
    ),
    key=("role_id", "permission_id"),
    step="rbac",
    policy=Policy.READ_ONLY,
    prunes=False,
)

USER_ROLES = TableSpec(
    "user_roles",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("user_id", Text(255)),
        Column("role_id", Reference("roles", "CASCADE")),
        Column("assigned_at", Timestamp(), is_clock_default=True),
        Column("assigned_by", Text(255), nullable=True),
    ),
    key=("user_id", "role_id"),
    step="qa-accounts",
    policy=Policy.READ_ONLY,
    prunes=False,
)

TABLES = (USERS, ROLES, PERMISSIONS, ROLE_PERMISSIONS, USER_ROLES)
