"""Blocks of consecutive ordinals: what a forward pass answers for, and what it may see."""

from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Block:
    """Owns the ordinals [start, stop) and sees [lo, hi) ⊇ [start, stop)."""

    start: int
    stop: int
    lo: int
    hi: int

    def __post_init__(self) -> None:
        if not 1 <= self.lo <= self.start < self.stop <= self.hi:
            raise ValueError(f"no block: it must satisfy 1 ≤ lo ≤ start < stop ≤ hi, got {self}")

    @classmethod
    def with_halo(cls, start: int, stop: int, halo: int) -> "Block":
        """The block [start, stop) seeing `halo` ordinals on either side.

        The line ends at ordinal 1 only: beyond the range of the data the halo is simply
        computed, since features need no zeros.
        """
        return cls(start, stop, max(1, start - halo), stop + halo)

    def __len__(self) -> int:
        return self.stop - self.start


def contiguous(start: int, stop: int, size: int, halo: int) -> list[Block]:
    """Cuts [start, stop) into blocks of `size` ordinals; the last one may be shorter."""
    edges = [*range(start, stop, size), stop]
    return [Block.with_halo(first, last, halo) for first, last in pairwise(edges)]
