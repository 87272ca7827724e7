"""Which rights a plan needs: those that it uses, and no other."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconcile.checks.rights import (
    TEMPORARY,
    Need,
    grant,
    journal_needs,
    missing,
    needs_of,
    refuse_missing,
    refuse_read_only,
)
from reconcile.decide import Mode
from reconcile.live.rights import Rights, parse_grants
from reconcile.live.settings import Settings
from tests.unit.tiny import SHOP, Rows, declared, live, planned

NOTHING: Rows = {name: [] for name in SHOP}


def settings(**variables: str) -> Settings:
    return Settings("10.11.6-MariaDB", "app@10.0.%", "erp", "", timedelta(), variables)


def needed(wanted: Rows, found: Rows, mode: Mode = Mode.RESET) -> set[tuple[str, str | None]]:
    return {(need.verb, need.table) for need in needs_of(planned(declared(wanted), live(found), mode))}


def test_an_empty_plan_needs_no_right() -> None:
    assert needed(SHOP, SHOP) == set()


def test_creating_needs_insert_and_update_where_references_go_in_circles() -> None:
    """A maker's flagship and a good's base are set once the goods are there."""
    assert needed(SHOP, NOTHING) == {
        *(("INSERT", name) for name in SHOP),
        ("UPDATE", "makers"),
        ("UPDATE", "goods"),
        (TEMPORARY, None),
    }


def test_creating_without_circles_needs_insert_alone() -> None:
    rows: Rows = {"makers": [{"code": "ACME", "name": "Acme"}]}

    assert needed(rows, {"makers": []}) == {("INSERT", "makers")}


def test_updating_needs_update_and_a_temporary_table() -> None:
    found: Rows = {"makers": [{"code": "ACME", "name": "Other"}]}

    assert needed({"makers": [{"code": "ACME", "name": "Acme"}]}, found) == {("UPDATE", "makers"), (TEMPORARY, None)}


def test_deleting_needs_update_too_where_unique_values_or_circles_are_taken_out_first() -> None:
    wanted: Rows = {"makers": [], "goods": [], "goods_tags": [], "tags": SHOP["tags"]}
    found: Rows = {name: SHOP[name] for name in wanted}

    assert needed(wanted, found) == {
        ("DELETE", "makers"),
        ("UPDATE", "makers"),
        ("DELETE", "goods"),
        ("UPDATE", "goods"),
        ("DELETE", "goods_tags"),
        (TEMPORARY, None),
    }


def test_the_journal_needs_more_for_its_first_run_and_to_forget_old_ones() -> None:
    usual = {Need("SELECT", "r"), Need("INSERT", "r"), Need("UPDATE", "r"), Need("INSERT", "c")}
    first = {Need("CREATE", "r"), Need("CREATE", "c"), Need("REFERENCES", "r")}

    assert set(journal_needs("r", "c", exists=True, is_full=False)) == usual
    assert set(journal_needs("r", "c", exists=True, is_full=True)) == usual | {Need("DELETE", "r")}
    assert set(journal_needs("r", "c", exists=False)) == usual | first
    assert set(journal_needs("r", "c", exists=False, is_mariadb=True)) == usual | first - {Need("REFERENCES", "r")}


def test_everything_that_is_missing_is_said_at_once_tables_that_lack_the_same_together() -> None:
    needs = [
        *(Need(verb, table) for verb in ("INSERT", "DELETE") for table in ("a", "b")),
        Need("INSERT", "c"),
        Need("UPDATE", "a"),
        Need(TEMPORARY),
    ]
    rights = parse_grants(["GRANT UPDATE ON `erp`.* TO `app`@`10.0.%`"])

    findings = refuse_missing(rights, needs, settings())

    assert [finding.what for finding in findings] == [
        "the account may not INSERT, DELETE on a, b",
        "the account may not INSERT on c",
        "the account may not CREATE TEMPORARY TABLES",
    ]
    assert [finding.fix for finding in findings] == [
        "GRANT INSERT, DELETE ON `erp`.`a` TO 'app'@'10.0.%' (and so for 1 more), or use an account that may",
        "GRANT INSERT ON `erp`.`c` TO 'app'@'10.0.%', or use an account that may",
        "GRANT CREATE TEMPORARY TABLES ON `erp`.* TO 'app'@'10.0.%', or use an account that may",
    ]


def test_of_many_tables_a_finding_names_a_dozen() -> None:
    needs = [Need("INSERT", f"t{number:02}") for number in range(15)]

    (finding,) = refuse_missing(parse_grants([]), needs, settings())

    assert finding.what.endswith("t10, t11 and 3 more")


def test_rights_that_could_not_be_read_block_nothing() -> None:
    """The server has the last word."""
    assert missing(Rights(is_known=False), [Need("INSERT", "a")], "erp") == {}


def test_an_account_without_host_can_be_granted_to() -> None:
    assert grant(["SELECT"], ["a"], replace(settings(), account="app@")) == "GRANT SELECT ON `erp`.`a` TO 'app'@''"


@pytest.mark.parametrize(
    ("variables", "line", "switch"),
    [
        ({"read_only": "OFF"}, "GRANT SELECT ON *.* TO `a`@`%`", None),
        ({"read_only": "ON"}, "GRANT SELECT ON *.* TO `a`@`%`", "read_only"),
        ({"read_only": "ON"}, "GRANT ALL PRIVILEGES ON `erp`.* TO `a`@`%`", "read_only"),
        ({"read_only": "ON"}, "GRANT ALL PRIVILEGES ON *.* TO `a`@`%`", None),
        ({"read_only": "ON"}, "GRANT READ_ONLY ADMIN ON *.* TO `a`@`%`", None),
        ({"read_only": "ON"}, "GRANT CONNECTION_ADMIN ON *.* TO `a`@`%`", None),
        ({"read_only": "NO_LOCK_NO_ADMIN"}, "GRANT SELECT ON *.* TO `a`@`%`", "read_only"),
        ({"super_read_only": "ON", "read_only": "ON"}, "GRANT ALL PRIVILEGES ON *.* TO `a`@`%`", "super_read_only"),
        ({"innodb_read_only": "1"}, "GRANT ALL PRIVILEGES ON *.* TO `a`@`%`", "innodb_read_only"),
    ],
)
def test_a_read_only_server_refuses_whom_it_binds(variables: dict[str, str], line: str, switch: str | None) -> None:
    findings = refuse_read_only(parse_grants([line]), settings(**variables))

    assert [finding.why.split(" is on")[0] for finding in findings] == ([] if switch is None else [switch])
