"""A shard: one of several parts of the key space that are planned and applied each by a run of its own."""

from dataclasses import dataclass

MOST_SHARDS = 32
"""Into how many a run may be split; a run asks for the lock of every shard that it could meet."""


@dataclass(frozen=True, slots=True, order=True)
class Shard:
    """Part `number`, from 1 up, of as many as `of`; 1/1 is the whole."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def part(self, count: int) -> range:
        """Give which of *count* spans are its own; all shards of one `of` together have each of them once."""
        return range(count * (self.number - 1) // self.of, count * self.number // self.of)

    def meets(self, other: "Shard") -> bool:
        """Say whether the two may have a span in common."""
        before = (self.number - 1) * other.of >= other.number * self.of
        behind = (other.number - 1) * self.of >= self.number * other.of
        return not (before or behind)


WHOLE = Shard(1, 1)


def meeting(shard: Shard) -> list[Shard]:
    """Give every shard that may have a span in common with *shard*, itself among them; the whole is none of them."""
    every = (Shard(number, of) for of in range(2, MOST_SHARDS + 1) for number in range(1, of + 1))
    return [other for other in every if other.meets(shard)]
