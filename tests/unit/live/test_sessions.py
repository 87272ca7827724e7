"""What is shown of other people's sessions: never a literal of their statements."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.live.sessions import LONGEST_STATEMENT, masked


@pytest.mark.parametrize(
    ("statement", "shown"),
    [
        ("UPDATE users SET password = 'geheim' WHERE id = 17", "UPDATE users SET password = ? WHERE id = ?"),
        ('SELECT "it""s", \'it\'\'s\', "a\\"b"', "SELECT ?, ?, ?"),
        ("SET PASSWORD = 'open", "SET PASSWORD = ?"),
        ("SELECT 'cut off \\", "SELECT ?"),
        ("SELECT 0xDEADBEEF, x'AB', b'01', N'text', _utf8mb4'text'", "SELECT ?, ?, ?, ?, ?"),
        ("SELECT -1.5e+10, .5, 3.", "SELECT ?, ?, ?"),
        ("SELECT a1, `b 2`, t2.c3 FROM `x``9`", "SELECT a1, `b 2`, t2.c3 FROM `x``9`"),
        ("SELECT `it's` FROM t WHERE n = 'x'", "SELECT `it's` FROM t WHERE n = ?"),
        ("SELECT 1 /* pw=geheim */ + 2 -- geheim\n, 3 # geheim", "SELECT ? + ? , ?"),
        ("SELECT 1 /* geheim", "SELECT ?"),
        ("CREATE USER 'a'@'%' IDENTIFIED BY 'geheim'", "CREATE USER ?@? IDENTIFIED BY ?"),
        ("SELECT\n  1\t,\n  2", "SELECT ? , ?"),
    ],
)
def test_literals_and_comments_of_a_statement_are_not_shown(statement: str, shown: str) -> None:
    assert masked(statement) == shown


@given(st.text(alphabet="geim'\"\\ \n"), st.sampled_from("'\""))
def test_no_text_in_quotes_is_ever_shown(secret: str, quote: str) -> None:
    """However it is escaped or cut off, and whatever a backslash means in that session."""
    doubled = secret.replace(quote, quote * 2)
    literals = [
        quote + doubled.replace("\\", "\\\\") + quote,  # backslashes escape
        quote + secret.replace("\\", "\\\\").replace(quote, f"\\{quote}") + quote,
        quote + doubled + quote,  # NO_BACKSLASH_ESCAPES
    ]

    assert masked(f"SELECT {literals[0]} AS TOP, 7") == "SELECT ? AS TOP, ?"
    for literal in literals:
        for end in range(1, len(literal) + 1):
            assert not set("geim") & set(masked(f"SELECT {literal[:end]}"))
        assert not set("geim") & set(masked(f"SELECT {literal}, {literal} AS TOP"))


def test_a_long_statement_is_cut() -> None:
    shown = masked("SELECT " + ", ".join(f"column_{number}" for number in range(200)))

    assert len(shown) == LONGEST_STATEMENT
    assert shown.endswith("…")
