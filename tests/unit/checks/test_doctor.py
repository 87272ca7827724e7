"""What doctor makes of the facts: which are good, which somebody should know of, which stop everything."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconcile.checks.doctor import check_lock, check_rights, check_schema_findings, check_server, check_sessions
from reconcile.errors import Finding
from reconcile.health import Check, Mark
from reconcile.live.rights import Rights, parse_grants
from reconcile.live.settings import Settings
from reconcile.sessions import Holder
from tests.unit.test_sessions import OPEN, session
from tests.unit.tiny import SPECS

GOOD = Settings(
    version="8.4.2",
    account="app@%",
    database="erp",
    cipher="TLS_AES_128_GCM_SHA256",
    clock_skew=timedelta(milliseconds=3),
    variables={
        "innodb_lock_wait_timeout": "50",
        "local_infile": "OFF",
        "max_allowed_packet": "67108864",
        "read_only": "OFF",
        "sql_mode": "STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION",
        "system_time_zone": "CET",
        "time_zone": "SYSTEM",
    },
)


def with_variable(name: str, value: str) -> Settings:
    return replace(GOOD, variables={**GOOD.variables, name: value})


def marks(settings: Settings, host: str = "db.example") -> dict[str, Mark]:
    return {check.id: check.mark for check in check_server(settings, host)}


def test_a_good_server_is_good_in_every_respect() -> None:
    assert set(marks(GOOD).values()) == {Mark.OK}
    assert any("SYSTEM (CET), runs use UTC" in check.told for check in check_server(GOOD, "db.example"))


@pytest.mark.parametrize(
    ("settings", "identifier", "mark"),
    [
        (replace(GOOD, version="5.7.44-log"), "version", Mark.FAIL),
        (replace(GOOD, version="8.0.36"), "version", Mark.OK),
        (replace(GOOD, version="10.5.9-MariaDB"), "version", Mark.FAIL),
        (replace(GOOD, version="10.6.1-MariaDB-log"), "version", Mark.OK),
        (replace(GOOD, version="12.1.2-MariaDB"), "version", Mark.OK),
        (replace(GOOD, cipher=""), "tls", Mark.WARN),
        (replace(GOOD, clock_skew=timedelta(seconds=-31)), "clock", Mark.WARN),
        (replace(GOOD, clock_skew=timedelta(seconds=30)), "clock", Mark.OK),
        (with_variable("sql_mode", ""), "sql-mode", Mark.WARN),
        (with_variable("read_only", "ON"), "read-only", Mark.WARN),
        (with_variable("super_read_only", "ON"), "read-only", Mark.WARN),
        (with_variable("offline_mode", "1"), "read-only", Mark.WARN),
        (with_variable("max_allowed_packet", "1048576"), "packet", Mark.WARN),
        (with_variable("innodb_lock_wait_timeout", "3600"), "lock-wait", Mark.WARN),
    ],
)
def test_what_is_wrong_is_said_of_itself_alone(settings: Settings, identifier: str, mark: Mark) -> None:
    found = marks(settings)

    assert found.pop(identifier) == mark
    assert set(found.values()) == {Mark.OK}
    assert all(check.fix for check in check_server(settings, "db.example") if check.mark is not Mark.OK)


def test_a_line_within_one_machine_needs_no_encryption() -> None:
    assert marks(replace(GOOD, cipher=""), "127.0.0.1")["tls"] is Mark.OK


@pytest.mark.parametrize(
    ("skew_s", "told"), [(0.2, "the clocks agree"), (45.0, "45.0 s ahead of"), (-45.0, "45.0 s behind")]
)
def test_a_clock_that_differs_is_ahead_or_behind(skew_s: float, told: str) -> None:
    (check,) = (c for c in check_server(replace(GOOD, clock_skew=timedelta(seconds=skew_s)), "h") if c.id == "clock")

    assert told in check.told


def rights_of(*lines: str) -> dict[str, tuple[Mark, str]]:
    checks = check_rights(parse_grants(lines), GOOD, list(SPECS.values()), ["old"], [])
    return {check.id: (check.mark, check.told) for check in checks}


def test_a_reader_may_plan_and_is_told_what_apply_would_need() -> None:
    found = rights_of("GRANT SELECT ON `erp`.* TO `app`@`%`")

    assert found["rights-plan"][0] is Mark.OK
    assert found["rights-apply"] == (
        Mark.WARN,
        "app@% lacks rights that apply may need: INSERT, UPDATE, DELETE on 6 tables; DELETE on old; "
        "CREATE TEMPORARY TABLES",
    )
    assert found["rights-journal"][0] is Mark.OK


def test_who_cannot_read_every_table_cannot_plan() -> None:
    granted = [f"GRANT SELECT ON `erp`.`{name}` TO `app`@`%`" for name in SPECS]

    assert rights_of(*granted)["rights-plan"] == (
        Mark.FAIL,
        "app@% lacks rights that plan, drift and verify may need: SELECT on old",
    )


def test_rights_that_cannot_be_read_are_no_failure() -> None:
    checks = check_rights(Rights(is_known=False), GOOD, list(SPECS.values()), [], [])

    assert [(check.id, check.mark) for check in checks] == [("rights", Mark.WARN)]


def test_every_finding_of_the_schema_is_a_failure_of_its_own() -> None:
    findings = [Finding("table a is missing", "the live schema", "no such name", "create it")] * 2

    assert (
        check_schema_findings(findings, 6)
        == [Check("schema", Mark.FAIL, "table a is missing (the live schema): no such name", "create it")] * 2
    )
    assert [check.mark for check in check_schema_findings([], 6)] == [Mark.OK]


def test_idle_connections_of_others_are_no_active_users() -> None:
    (check,) = check_sessions([session(1), session(2)], ())

    assert (check.mark, check.told) == (Mark.OK, "nobody else is at work on the schema; 2 idle connections")


def test_others_at_work_stuck_or_unseen_are_told() -> None:
    checks = list(check_sessions([session(1, transaction=OPEN, blocks=(2,)), session(2)], ("row locks: no right",)))

    assert [(check.id, check.mark) for check in checks] == [
        ("sessions", Mark.WARN),
        ("stuck", Mark.WARN),
        ("unseen", Mark.WARN),
    ]
    assert checks[0].told == "1 sessions of others are at work on the schema: 1 (app)"


def test_of_many_sessions_five_are_named() -> None:
    (check,) = check_sessions([session(number, transaction=OPEN) for number in range(1, 8)], ())

    assert check.told.endswith("1 (app), 2 (app), 3 (app), 4 (app), 5 (app) and 2 more")


def test_a_held_run_lock_is_told_with_its_holder() -> None:
    assert check_lock(None).mark is Mark.OK
    assert check_lock(Holder(connection_id=3)).told == "the run lock is held by a run, connection 3"
