"""SHOW GRANTS as both servers print it: whose rights they are, on what, and what could not be read."""

import pytest

from reconcile.live.rights import parse_grants


@pytest.mark.parametrize(
    ("line", "verb", "table", "allowed"),
    [
        ("GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION", "DELETE", "clients", True),
        ("GRANT SELECT, INSERT ON `erp`.* TO `app`@`%`", "INSERT", "clients", True),
        ("GRANT SELECT, INSERT ON `erp`.* TO `app`@`%`", "DELETE", "clients", False),
        ("GRANT SELECT, INSERT ON `other`.* TO `app`@`%`", "INSERT", "clients", False),
        ("GRANT DELETE ON `erp`.`clients` TO `app`@`%`", "DELETE", "clients", True),
        ("GRANT DELETE ON `erp`.`clients` TO `app`@`%`", "DELETE", "orders", False),
        ("GRANT DELETE ON `erp`.`clients` TO `app`@`%`", "DELETE", None, False),
        ("GRANT SELECT (`a`, `b`), UPDATE (`a`), DELETE ON `erp`.`t` TO `app`@`%`", "UPDATE", "t", True),
        ("GRANT SELECT (`a`, `b`), UPDATE (`a`), DELETE ON `erp`.`t` TO `app`@`%`", "INSERT", "t", False),
        ("GRANT CREATE TEMPORARY TABLES ON `erp`.* TO `app`@`%`", "CREATE TEMPORARY TABLES", None, True),
        ("GRANT CREATE TEMPORARY TABLES ON `erp`.* TO `app`@`%`", "CREATE", None, False),
        ("GRANT CREATE, CREATE USER ON *.* TO `app`@`%`", "CREATE", "reconcile_runs", True),
        ("GRANT INSERT ON `er%`.* TO PUBLIC", "INSERT", "clients", True),
        ("GRANT INSERT ON `e\\_p`.* TO `app`@`%`", "INSERT", "clients", False),
        ("GRANT INSERT ON `e_p`.* TO `app`@`%`", "INSERT", "clients", True),
        ("GRANT USAGE ON *.* TO `app`@`%` IDENTIFIED BY PASSWORD '*ABC'", "SELECT", "clients", False),
    ],
)
def test_a_right_holds_where_it_was_granted(line: str, verb: str, table: str | None, allowed: bool) -> None:
    rights = parse_grants([line])

    assert (rights.is_known, rights.allow(verb, "erp", table)) == (True, allowed)


@pytest.mark.parametrize(
    "line",
    [
        "GRANT `lrole`@`%` TO `app`@`%`",
        "GRANT `one`@`%`,`two`@`%` TO `app`@`%`",
        "GRANT `lrole` TO `app`@`%` WITH ADMIN OPTION",
        "SET DEFAULT ROLE `lrole` FOR `app`@`localhost`",
        "GRANT PROXY ON ``@`%` TO 'root'@'localhost' WITH GRANT OPTION",
        "GRANT EXECUTE ON PROCEDURE `erp`.`p` TO `app`@`%`",
        "GRANT EXECUTE ON FUNCTION `erp`.`f` TO `app`@`%`",
        "GRANT BACKUP_ADMIN,CLONE_ADMIN ON *.* TO `root`@`localhost`",
    ],
)
def test_lines_about_other_things_grant_nothing_and_are_no_riddle(line: str) -> None:
    rights = parse_grants([line])

    assert (rights.is_known, rights.allow("SELECT", "erp", "clients")) == (True, False)


@pytest.mark.parametrize("line", ["BESTOW SELECT ON `erp`.* TO `app`@`%`", "GRANT SELECT ON erp TO app", ""])
def test_what_cannot_be_read_is_said_and_not_guessed(line: str) -> None:
    assert not parse_grants(["GRANT SELECT ON *.* TO `app`@`%`", line]).is_known


def test_a_partial_revoke_takes_from_the_global_right_only() -> None:
    """MySQL can take one database out of a right to all."""
    lines = ["GRANT SELECT, INSERT ON *.* TO `app`@`%`", "REVOKE INSERT ON `erp`.* FROM `app`@`%`"]

    assert not parse_grants(lines).allow("INSERT", "erp", "clients")
    assert parse_grants(lines).allow("SELECT", "erp", "clients")
    assert parse_grants(lines).allow("INSERT", "other", "clients")
    own = [*lines, "GRANT INSERT ON `erp`.`clients` TO `app`@`%`"]
    assert parse_grants(own).allow("INSERT", "erp", "clients")


def test_a_right_to_everything_is_told_from_one_to_a_database() -> None:
    rights = parse_grants(["GRANT CONNECTION_ADMIN ON *.* TO `a`@`%`", "GRANT SUPER ON `erp`.* TO `a`@`%`"])

    assert rights.allow_anywhere("CONNECTION_ADMIN")
    assert not rights.allow_anywhere("SUPER")
