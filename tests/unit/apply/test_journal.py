"""Writing the journal: which chunks go together."""

from reconcile.apply.journal import BYTES_TOGETHER, together
from reconcile.diff import Action
from reconcile.journal import Chunk


def chunk(payload_bytes: int) -> Chunk:
    return Chunk("tags", Action.CREATE, 1, "a", "a", b"x" * payload_bytes)


def sizes(*payload_bytes: int) -> list[list[int]]:
    return [[len(c.payload) for c in group] for group in together(chunk(size) for size in payload_bytes)]


def test_small_chunks_go_together_until_they_are_a_statement() -> None:
    half = BYTES_TOGETHER // 2

    assert sizes(half, half, 1, half) == [[half, half], [1, half]]


def test_a_large_chunk_goes_alone() -> None:
    assert sizes(1, BYTES_TOGETHER, 1) == [[1], [BYTES_TOGETHER], [1]]


def test_nothing_is_no_statement() -> None:
    assert sizes() == []
