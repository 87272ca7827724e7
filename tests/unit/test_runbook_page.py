"""What counts as kept: a page may leave lines out and never say another thing than was printed."""

import pytest

from tests.servers.runbook_page import Command, Elsewhere, Unmarked, keeps, parts, renewed, written

PRINTED = [
    "Plan for terp",
    "",
    "tags:",
    "- [Theirs] not declared",
    '    name="Theirs", color="#fff"',
    "",
    "Plan: 1 to delete",
]


@pytest.mark.parametrize(
    "promised",
    [
        PRINTED,
        ["Plan for terp", "…", "Plan: 1 to delete"],
        ["…", "Plan: 1 to delete"],
        ["Plan for terp", "…"],
        ["…", "tags:", "- [Theirs] not declared", "…"],
        ["Plan for terp", "…", '    name="Theirs", …', "…", "Plan: 1 to delete"],
    ],
)
def test_lines_and_ends_of_lines_may_be_left_out(promised: list[str]) -> None:
    assert keeps(promised, PRINTED)
    assert renewed(promised, PRINTED) == promised


@pytest.mark.parametrize(
    "promised",
    [
        [],
        PRINTED[:-1],
        ["Plan for terp", "…", "Plan: 2 to delete"],
        ["Plan for other", "…"],
        ["…", "- [Theirs] not declared", "tags:", "…"],
        ["…", "brands:", "…"],
        ["…", '    name="Others", …', "…"],
        ["Plan for terp", "…", "Plan for terp"],
    ],
)
def test_anything_else_is_a_lie(promised: list[str]) -> None:
    assert not keeps(promised, PRINTED)
    assert keeps(renewed(promised, PRINTED), PRINTED)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("checksum 90240ba08835", "checksum 171c222d94c0"),
        ("0 errors in 2.2 s", "0 errors in 13.9 s"),
        ("started 2026-11-23 12:00:01", "started 2027-01-02 23:59:59"),
        ("completed on 2026-11-23 12:00:01", "completed on 2026-11-24  0:03:20"),
        ("clients  1  2.6%  2 s old", "clients  1  2.6%  3 h old"),
        ("waits for connection 12", "waits for connection 1234"),
        ("shown this once: abc", "shown this once: x-y_z"),
    ],
)
def test_what_differs_from_run_to_run_is_not_compared(said: str, told: str) -> None:
    assert keeps([said], [told])


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("6,839 created", "6,838 created"),
        ("as of 2026-11-23", "as of 2026-11-24"),
        ("error 1451", "error 1452"),
        ("max 12", "max 13"),
    ],
)
def test_numbers_and_dates_of_the_dataset_are(said: str, told: str) -> None:
    assert not keeps([said], [told])


PAGE = """# Page

Text.

    $ first --flag
    printed

    more
    $ second

Text.

```provider
# in the provider's console
press a button
```

    nobody knows
"""


def test_a_page_is_taken_apart_and_put_together() -> None:
    found = parts(PAGE)

    assert written(found) == PAGE
    assert [(part.line, part.promised) for part in found if isinstance(part, Command)] == [
        ("first --flag", ["printed", "", "more"]),
        ("second", []),
    ]
    assert [part.opening for part in found if isinstance(part, Elsewhere)] == ["# in the provider's console"]
    assert [part.lines for part in found if isinstance(part, Unmarked)] == [["    nobody knows"]]
