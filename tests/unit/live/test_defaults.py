"""Defaults: each catalogue spells them in its own way, and a value comes out as the text that it is."""

import pytest

from reconcile.live.defaults import Spelling, is_clock, plain

MARIADB, MYSQL, SQLITE = Spelling.SQL, Spelling.BARE, Spelling.STANDARD


@pytest.mark.parametrize(
    ("spelling", "default", "value"),
    [
        (MARIADB, None, None),
        (MARIADB, "NULL", None),
        (MARIADB, "0.00", "0.00"),
        (MARIADB, "-1", "-1"),
        (MARIADB, "'PENDING'", "PENDING"),
        (MARIADB, "''", ""),
        (MARIADB, r"""'it''s \\ "x"\n'""", 'it\'s \\ "x"\n'),
        (MARIADB, "curdate()", None),
        (MARIADB, "(1 + 1)", None),
        (MARIADB, "concat('a','b')", None),
        (MARIADB, "current_timestamp()", None),
        (MYSQL, None, None),
        (MYSQL, "PENDING", "PENDING"),
        (MYSQL, "now()", "now()"),
        (MYSQL, "it's \\", "it's \\"),
        (SQLITE, None, None),
        (SQLITE, "NULL", None),
        (SQLITE, "12", "12"),
        (SQLITE, "TRUE", "1"),
        (SQLITE, "false", "0"),
        (SQLITE, r"'it''s \'", "it's \\"),
        (SQLITE, "lower('A')", None),
    ],
)
def test_a_plain_value_is_taken_and_nothing_else(spelling: Spelling, default: str | None, value: str | None) -> None:
    assert plain(default, spelling) == value


@pytest.mark.parametrize(
    ("default", "value"),
    [
        (r"_utf8mb4\'[]\'", "[]"),
        (r"_utf8mb4\'a\\\'b\'", "a'b"),
        (r"_utf8mb4\'x_y\\\'\'", "x_y'"),
        ("(1 + 1)", None),
        ("CURRENT_TIMESTAMP", None),
        ("json_object()", None),
        (r"concat(_utf8mb4\'a\',_utf8mb4\'b\')", None),
    ],
)
def test_mysql_marks_and_escapes_what_is_sql(default: str, value: str | None) -> None:
    assert plain(default, MYSQL, is_generated=True) == value


@pytest.mark.parametrize("default", ["current_timestamp()", "CURRENT_TIMESTAMP(6)", "now()", "CURRENT_TIMESTAMP"])
def test_the_current_time_is_known(default: str) -> None:
    assert is_clock(default)


@pytest.mark.parametrize("default", [None, "curdate()", "'now()'", "now() + 1"])
def test_other_times_are_not_the_current_one(default: str | None) -> None:
    assert not is_clock(default)
