"""What may be shown of a command line or a message that somebody pasted a URL into."""

import re
from collections.abc import Iterator, Sequence

_PASSWORD = re.compile(r"(://[^\s:/@]*:)(?!PASSWORD@)\S*@")
"""From the user's colon to the last @: a password that is not encoded may hold any of the characters between. The word
PASSWORD stands in our own advice."""
_TOKENS = ("--webhook", "--health-url")
"""Options whose URL may hold a token anywhere."""

MASK = "***"


def without_passwords(text: str) -> str:
    """Give *text* with the password of every URL in it masked."""
    return _PASSWORD.sub(rf"\1{MASK}@", text)


def shown_words(words: Sequence[str]) -> list[str]:
    """Give a command line as others may read it: without passwords, and without URLs that may hold a token."""
    return list(_shown_words(words))


def _shown_words(words: Sequence[str]) -> Iterator[str]:
    for before, word in zip(["", *words], words, strict=False):
        name, sign, _ = word.partition("=")
        if before in _TOKENS:
            yield MASK
        elif sign and name in _TOKENS:
            yield f"{name}={MASK}"
        else:
            yield without_passwords(word)
