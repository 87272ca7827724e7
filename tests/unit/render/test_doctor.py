"""What doctor found as people read it: a mark in words beside each sign, a fix where one is needed."""

from reconcile.health import Check, Mark, Setting
from reconcile.render.doctor import render_doctor

CHECKS = [
    Check("version", Mark.OK, "MySQL 8.4.2", "not shown"),
    Check("tls", Mark.WARN, "not encrypted", "add ?ssl-mode=REQUIRED"),
    Check("schema", Mark.FAIL, "table a\nis missing", "create it"),
]
SETTINGS = [Setting("target", "schema erp on db:3306", "DATABASE_URL in .env"), Setting("a", "b", "default")]


def test_every_check_and_setting_has_its_line() -> None:
    assert render_doctor("schema erp on db:3306", CHECKS, SETTINGS).splitlines() == [
        "Doctor for schema erp on db:3306",
        "  ✓ ok    version         MySQL 8.4.2",
        "  ! warn  tls             not encrypted",
        "                          fix: add ?ssl-mode=REQUIRED",
        "  ✗ fail  schema          table a\\nis missing",
        "                          fix: create it",
        "",
        "Settings",
        "  target  schema erp on db:3306  (DATABASE_URL in .env)",
        "  a       b  (default)",
        "",
        "Doctor: 1 ok, 1 warn, 1 fail.",
    ]
