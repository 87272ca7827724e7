"""The six accounts that act in the dataset. Nobody can log in with them, so what carries their names is ours."""

ADMIN = "admin-seed-001"
STAFF = ("user-seed-001", "user-seed-002", "user-seed-003", "user-seed-004", "user-seed-005")
PACKERS = STAFF[3:]
