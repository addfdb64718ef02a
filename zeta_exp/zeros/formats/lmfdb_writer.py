"""Zeros written in LMFDB's binary, exactly: blocks that end at multiples of 2048 in height."""

import math
from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from zeta_exp.errors import UserError
from zeta_exp.zeros.formats.contents import create_with_head
from zeta_exp.zeros.formats.lmfdb import BITS, BLOCK, COUNT, STEP
from zeta_exp.zeros.formats.protocol import consecutive
from zeta_exp.zeros.stretch import Stretch

_HEIGHT = 11  # a block ends at a multiple of 2^11; Platt's are about as high
_EDGE = 10  # the first block begins, and the last ends, at a multiple of 2^-10
_WIDEST_GAP = 8.0  # a record holds 104 bits
_UNITS = BITS - 64  # an upper word counts units of 2^-37


class _Positions:
    """The zeros of a stretch exactly: γ·2^101 = whole·2^101 + upper·2^64 + lower.

    An offset's bits below 2^-101 are dropped; it has none unless it is below 2^-48.
    """

    def __init__(self, stretch: Stretch) -> None:
        floor = math.floor(stretch.base)
        rest = round(math.ldexp(stretch.base - floor, BITS))
        sizes, parts = np.modf(np.abs(stretch.offsets))
        wholes = parts.astype(np.int64)
        sizes, parts = np.modf(np.ldexp(sizes, _UNITS))
        upper = parts.astype(np.int64)
        lower = np.ldexp(sizes, 64).astype(np.uint64)
        negative = stretch.offsets < 0
        wholes[negative] *= -1
        upper[negative] = -upper[negative] - (lower[negative] > 0)
        lower[negative] = -lower[negative]  # modulo 2^64
        self.whole = floor + int(wholes[0])
        self.lower = lower + np.uint64(rest & (1 << 64) - 1)  # (Z,) uint64, modulo 2^64
        self.upper = ((wholes - wholes[0]) << _UNITS) + upper  # (Z,) int64
        self.upper += (rest >> 64) + (self.lower < lower)

    def __getitem__(self, i: int) -> int:
        """γ·2^101 of the i-th zero."""
        return (self.whole << BITS) + (int(self.upper[i]) << 64) + int(self.lower[i])

    def blocks(self) -> NDArray[np.int64]:
        """Which multiple of 2048 lies below each zero, one that is a multiple itself above: (Z,)"""
        whole = (self.upper & (1 << _UNITS) - 1 == 0) & (self.lower == 0)
        return (self.whole + (self.upper >> _UNITS) - whole) >> _HEIGHT

    def steps(self, first: int, stop: int, before: int) -> bytes:
        """Records of the zeros [first, stop), the first of them a step from γ·2^101 = `before`."""
        upper, lower = self.upper[first:stop], self.lower[first:stop]
        one = self[first] - before
        high = np.concatenate([[one >> 64], np.diff(upper) - (lower[1:] < lower[:-1])])
        low = np.array([one & (1 << 64) - 1], np.uint64)
        records = np.empty(upper.size, STEP)
        records["low"] = np.concatenate([low, np.diff(lower)])
        records["middle"] = high & (1 << 32) - 1
        records["high"] = high >> 32
        return records.tobytes()


def _check_gaps(stretch: Stretch, gap: float) -> None:
    """Raise UserError if a zero is not 0 to 8 above the one before it; the first is by `gap`."""
    gaps = np.concatenate([[gap], np.diff(stretch.offsets)])
    wrong = np.flatnonzero((gaps < 0) | (gaps >= _WIDEST_GAP))
    if wrong.size:
        raise UserError(
            f"ordinal {stretch.start + int(wrong[0])} is {gaps[wrong[0]]} above the zero before "
            "it, LMFDB's format holds gaps from 0 to 8: mend the source first ('zeta zeros verify' "
            "lists its faults)"
        )


class _OpenBlock:
    """A block that grows."""

    def __init__(self, lower: float, below: int) -> None:
        self.lower = lower
        self.below = below
        self.records = bytearray()

    def closed(self, upper: float) -> bytes:
        """The whole block, which ends at `upper`."""
        through = self.below + len(self.records) // STEP.itemsize
        return BLOCK.pack(self.lower, upper, self.below, through) + self.records


def _encoded(stretches: Iterable[Stretch]) -> Iterator[tuple[int, bytes]]:
    """The blocks one by one, each with a 1 to count it."""
    block: _OpenBlock | None = None
    place = last = 0
    for stretch in stretches:
        positions = _Positions(stretch)
        if block is None:
            edge = _ceiling(positions[0]) - 1  # below the first zero, be it a multiple itself
            block = _OpenBlock(math.ldexp(edge, -_EDGE), stretch.start - 1)
            last = edge << BITS - _EDGE
        _check_gaps(stretch, math.ldexp(positions[0] - last, -BITS))
        places = positions.blocks()
        borders = [0, *(np.flatnonzero(np.diff(places)) + 1).tolist(), places.size]
        for first, stop in pairwise(borders):
            if block.records and places[first] != place:
                border = int(places[first]) << _HEIGHT
                yield 1, block.closed(float(border))
                block = _OpenBlock(float(border), stretch.start + first - 1)
                last = border << BITS
            block.records += positions.steps(first, stop, last)
            place, last = int(places[first]), positions[stop - 1]
    if block is not None:
        yield 1, block.closed(math.ldexp(_ceiling(last), -_EDGE))


def _ceiling(position: int) -> int:
    """γ in units of 2^-10, rounded up; position: γ·2^101."""
    return -(-position >> BITS - _EDGE)


def write_lmfdb(path: str, stretches: Iterable[Stretch]) -> None:
    """γ to 2^-101, as exact as base + offset itself.

    Raises UserError for zeros that do not ascend by less than 8.
    """
    create_with_head(path, COUNT.pack, _encoded(consecutive(stretches)))
