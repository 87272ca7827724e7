"""
A runbook page as its readers and its test see it: commands with what they print, and blocks for other places.

An indented block holds commands, each after `$ `, and below each what it prints on both streams. A line `…` stands
for lines that are left out, `…` at the end of a line for the rest of it. A fenced block is for another place than the
operator's shell and opens with a comment that says where.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import groupby

PROMPT, INDENT, FENCE, CUT = "$ ", "    ", "```", "…"

_CHANGING = re.compile(
    "|".join(
        [
            r"\b[0-9a-f]{12,64}\b",  # checksums and fingerprints
            r"\b\d+\.\d+ s\b",
            r"\b\d{4}-\d\d-\d\d(?:[ T]|  (?=\d:))\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?Z?\b",  # mariadb-dump pads the hour
            r"(?<=@localhost:)\d+|(?<=@127\.0\.0\.1:)\d+|(?<=--kill )\d+",
            r"(?<=\bconnection )\d+|(?<=\bsession )\d+|(?<=\bpid )\d+|(?<=\bid )\d+",
            r"\b\d+ (?:d|h|min|s)(?= old\b)|(?<=\bfor )\d+(?= s\b)|(?<=\bkeeps waiting: )[\d, ]+",
            r"(?<=shown this once: )\S+",
            r"\b\d+\.\d+\.\d+-MariaDB\S*|(?<=MariaDB )\d+\.\d+\.\d+",
            r"(?<=  driver {17})(?:pymysql|mysqlclient) \([^)]*\)",  # what reads, of what is installed
        ]
    )
)
"""What differs from run to run or from machine to machine."""


@dataclass
class Text:
    """Lines that are read; nothing runs them."""

    lines: list[str] = field(default_factory=list)


@dataclass
class Elsewhere:
    """A fenced block: what is typed or put in another place, which its first line names."""

    lines: list[str]

    @property
    def opening(self) -> str:
        return self.lines[1] if len(self.lines) > 1 else ""


@dataclass
class Command:
    """One command and what the page says it prints."""

    line: str
    promised: list[str] = field(default_factory=list)


@dataclass
class Unmarked:
    """An indented block without a command: neither run nor marked, so that nobody knows whether it is true."""

    lines: list[str]


Part = Text | Elsewhere | Command | Unmarked


def parts(page: str) -> list[Part]:
    """Take a page apart; put together again by `written` it is the same page."""
    found: list[Part] = []
    for kind, lines in _blocks(page.splitlines()):
        match kind:
            case "indented":
                found += _commands(lines)
            case "fenced":
                found.append(Elsewhere(lines))
            case _:
                found.append(Text(lines))
    return found


def written(found: Sequence[Part]) -> str:
    """Give the page that consists of these parts."""
    lines: list[str] = []
    for part in found:
        match part:
            case Command(line, promised):
                lines += [INDENT + PROMPT + line, *((INDENT + told).rstrip() for told in promised)]
            case _:
                lines += part.lines
    return "\n".join(lines) + "\n"


def keeps(promised: Sequence[str], printed: Sequence[str]) -> bool:
    """Say whether what was printed is what was promised."""
    segments = _segments(promised)
    if len(segments) == 1:
        return len(promised) == len(printed) and _is_same(promised, printed)
    first, *middle, last = segments
    if len(first) + len(last) > len(printed) or not _is_same(first, printed[: len(first)]):
        return False
    end = len(printed) - len(last)
    if not _is_same(last, printed[end:]):
        return False
    place = len(first)
    for segment in middle:
        places = (at for at in range(place, end - len(segment) + 1) if _is_same(segment, printed[at:]))
        found = next(places, None)
        if found is None:
            return False
        place = found + len(segment)
    return True


def renewed(promised: Sequence[str], printed: Sequence[str]) -> list[str]:
    """Give what the page should say: what was printed, with lines and ends of lines left out as they are now."""
    if keeps(promised, printed):
        return list(promised)
    segments = _segments(promised)
    if len(segments) == 1:
        return _cut(promised, printed)
    first, *middle, last = segments
    lines, place = _cut(first, printed[: len(first)]), len(first)
    end = max(place, len(printed) - len(last))
    for segment in middle:
        place = _likest(segment, printed, place, end)
        lines += [CUT, *_cut(segment, printed[place : place + len(segment)])]
        place += len(segment)
    return [*lines, CUT, *(_cut(last, printed[end:]) if last else [])]


def _blocks(lines: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Give runs of lines of one kind; a blank line between two indented ones is indented, too."""
    kinds: list[str] = []
    is_fenced = False
    for line in lines:
        edge = line.startswith(FENCE)
        indented = line.startswith(INDENT) or (not line and bool(kinds) and kinds[-1] == "indented")
        kinds.append("fenced" if edge or is_fenced else "indented" if indented else "text")
        is_fenced ^= edge
    for at in reversed(range(len(lines))):
        if not lines[at] and kinds[at] == "indented" and (at + 1 == len(lines) or kinds[at + 1] != "indented"):
            kinds[at] = "text"
    for kind, group in groupby(zip(kinds, lines, strict=True), key=lambda pair: pair[0]):
        yield kind, [line for _, line in group]


def _commands(lines: Sequence[str]) -> Iterator[Part]:
    if not lines[0].startswith(INDENT + PROMPT):
        yield Unmarked(list(lines))
        return
    command = Command("")
    for line in (line.removeprefix(INDENT) for line in lines):
        if line.startswith(PROMPT):
            if command.line:
                yield command
            command = Command(line.removeprefix(PROMPT))
        else:
            command.promised.append(line)
    yield command


def _segments(promised: Sequence[str]) -> list[list[str]]:
    """Give the runs of lines between those that stand for lines left out."""
    segments: list[list[str]] = [[]]
    for line in promised:
        if line.strip() == CUT:
            segments.append([])
        else:
            segments[-1].append(line)
    return segments


def _is_same(promised: Sequence[str], printed: Sequence[str]) -> bool:
    return len(promised) <= len(printed) and all(map(_is_same_line, promised, printed))


def _is_same_line(promised: str, printed: str) -> bool:
    said, told = masked(promised), masked(printed)
    return said == told or (promised.endswith(CUT) and told.startswith(said.removesuffix(CUT)))


def masked(line: str) -> str:
    """Give a line without what changes; the spaces that line up columns count as one."""
    return re.sub(r"(?<=\S) {2,}", " ", _CHANGING.sub("*", line))


def _likest(segment: Sequence[str], printed: Sequence[str], start: int, end: int) -> int:
    """Give the place in what was printed where it is most like the segment."""
    wanted = "\n".join(map(masked, segment))
    places = range(start, max(start + 1, end - len(segment) + 1))
    return max(
        places,
        key=lambda at: SequenceMatcher(
            None, wanted, "\n".join(map(masked, printed[at : at + len(segment)])), autojunk=False
        ).ratio(),
    )


def _cut(promised: Sequence[str], printed: Sequence[str]) -> list[str]:
    """Give printed lines, each cut where the promised one in its place is cut."""
    lengths = [len(line) - 1 if line.endswith(CUT) and line.strip() != CUT else None for line in promised]
    lengths += [None] * (len(printed) - len(lengths))
    return [
        line if length is None or len(line) <= length else line[:length] + CUT
        for line, length in zip(printed, lengths, strict=False)
    ]
