"""Passwords of URLs in texts and command lines."""

import pytest

from reconcile.masking import shown_words, without_passwords


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mysql://erp:s3cret@db/erp", "mysql://erp:***@db/erp"),
        ("near 'mysql://erp:s3cret@db/erp' at line 1", "near 'mysql://erp:***@db/erp' at line 1"),
        ("mysql://erp:s3c@r/e?t@db/erp", "mysql://erp:***@db/erp"),
        ("mysql://:s3cret@db/erp", "mysql://:***@db/erp"),
        ("mysql://erp@db/erp", "mysql://erp@db/erp"),
        ("sqlite:///folder/a@b:c@d.db", "sqlite:///folder/a@b:c@d.db"),
        ("write mysql://USER:PASSWORD@HOST/DB", "write mysql://USER:PASSWORD@HOST/DB"),
        ("mails to a@b.example: none", "mails to a@b.example: none"),
    ],
)
def test_the_password_of_a_url_is_masked(text: str, shown: str) -> None:
    """Up to the last @ of the word: one that is not encoded may hold anything. The rest stays."""
    assert shown == without_passwords(text)


def test_a_command_line_keeps_all_but_passwords_and_tokens() -> None:
    """In both spellings of an option."""
    words = ["plan", "--database-url=mysql://erp:s3cret@db/erp", "--webhook", "http://t/0ken", "--health-url=http://t"]

    shown = shown_words(words)

    assert shown == ["plan", "--database-url=mysql://erp:***@db/erp", "--webhook", "***", "--health-url=***"]
    assert shown_words(["reconcile", "runs", "-v"]) == ["reconcile", "runs", "-v"]
