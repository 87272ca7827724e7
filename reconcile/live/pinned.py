"""What every session is pinned to, whichever driver opens it: UTC, strict mode, keys that hold, long texts."""

SQL_MODE = "STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
"""No NO_BACKSLASH_ESCAPES: the bulk encoder escapes with backslashes. Source: MySQL manual, "Server SQL Modes"."""

LONGEST_PAGE = 1 << 28
"""Bytes of one text that the server may join from many rows; its max_allowed_packet sets a lower limit."""

SESSION = (
    f"SET SESSION time_zone = '+00:00', sql_mode = '{SQL_MODE}', "
    "SESSION foreign_key_checks = 1, SESSION unique_checks = 1, "
    f"SESSION group_concat_max_len = {LONGEST_PAGE}"
)

CONNECT_TIMEOUT_S = 10

SNAPSHOT = (
    # A session that is read-only stays so even if a statement ends the transaction.
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
)
"""
Begins a transaction that sees one state of the database and writes none.

Source: MySQL manual, "START TRANSACTION, COMMIT, and ROLLBACK Statements"; MariaDB documents the same.
"""
