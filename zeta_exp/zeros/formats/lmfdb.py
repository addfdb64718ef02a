"""LMFDB's binary tables, computed by Platt: γ = t₀ + Z·2^−101 with Z a sum of 13-byte steps.

Little-endian: the number of blocks; each block t₀, t₁, N(t₀), N(t₁), then of each of its
N(t₁) − N(t₀) zeros the step of Z in 64 + 32 + 8 bits.  https://www.lmfdb.org/zeros/zeta/
"""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zeta_exp.errors import UserError
from zeta_exp.zeros.formats.contents import digest, opened, take
from zeta_exp.zeros.stretch import Stretch

COUNT = struct.Struct("<Q")  # blocks of the file
BLOCK = struct.Struct("<ddQQ")
STEP = np.dtype([("low", "<u8"), ("middle", "<u4"), ("high", "u1")])  # 13 bytes, no padding
BITS = 101  # Z counts units of 2^-BITS

_RECORDS = 1 << 17  # read at a time
_WIDEST = float(1 << 26)  # t₁ − t₀, so that Z fits 128 bits
_WORD = np.uint64(32)
_MASK = np.uint64((1 << 32) - 1)


class Block(NamedTuple):
    """The head of a block: the zeros with lower < γ ≤ upper."""

    lower: float  # t₀
    upper: float  # t₁
    below: int  # N(t₀)
    through: int  # N(t₁)
    number: int  # of the block, from 1
    position: int  # byte where its records begin

    @property
    def size(self) -> int:
        """How many zeros."""
        return self.through - self.below


def heights(steps: NDArray[np.void], initial: int) -> tuple[NDArray[np.float64], int]:
    """Z·2^-101 after each step, rounded once, and the last Z.  steps: (R,) of STEP.

    Z is summed exactly in words of 32 bits; its upper 64 bits are an exact float64, the lower are
    rounded to odd first, so that their sum rounds as Z itself would.
    """
    words = np.empty((4, steps.size), dtype=np.uint64)
    words[0], words[1] = steps["low"] & _MASK, steps["low"] >> _WORD
    words[2], words[3] = steps["middle"], steps["high"]
    if steps.size:
        words[:, 0] += np.array([initial >> s & 0xFFFFFFFF for s in (0, 32, 64, 96)], np.uint64)
    np.cumsum(words, axis=1, out=words)
    for word, next_word in pairwise(words):
        next_word += word >> _WORD
        word &= _MASK
    upper, lower = words[3] << _WORD | words[2], words[1] << _WORD | words[0]
    odd = lower >> np.uint64(11) | ((lower & np.uint64(0x7FF)) != 0)
    values = np.ldexp(upper.astype(np.float64), 64 - BITS)
    values += np.ldexp(odd.astype(np.float64), 11 - BITS)
    for i in np.flatnonzero((upper < 8) | (upper >= 1 << 53)):  # too short or too long for that
        values[i] = (int(upper[i]) << 64 | int(lower[i])) / (1 << BITS)
    last = int(upper[-1]) << 64 | int(lower[-1]) if steps.size else initial
    return values, last


@dataclass(frozen=True)
class LmfdbTable:
    """A file of LMFDB's; each stretch has t₀ of its block as base."""

    path: str
    start: int
    first: int  # what the file says, N(t₀) + 1
    format: str = "lmfdb"
    tolerance: float = 0.0

    def stretches(self) -> Iterator[Stretch]:
        """The zeros, block by block."""
        with opened(self.path) as file:
            for block in _blocks(self.path, file):
                yield from self._stretches_of(block, file)

    def _stretches_of(self, block: Block, file: BinaryIO) -> Iterator[Stretch]:
        last = 0
        for done in range(0, block.size, _RECORDS):
            count = min(_RECORDS, block.size - done)
            content = take(file, count * STEP.itemsize)
            whole = len(content) // STEP.itemsize
            offsets, last = heights(np.frombuffer(content, STEP, whole), last)
            wrong = np.flatnonzero((offsets > block.upper - block.lower) | (offsets <= 0))
            good = int(wrong[0]) if wrong.size else whole
            if good:
                n = block.below + done + 1 + self.start - self.first
                yield Stretch(n, block.lower, offsets[:good])
            if wrong.size:
                raise UserError(
                    f"{_place(block, done + good + 1)} of {self.path} has height "
                    f"{block.lower + offsets[good]}, outside its block's {block.lower} to "
                    f"{block.upper}: copy or download the file again"
                )
            if whole < count:
                position = block.position + (done + whole) * STEP.itemsize
                raise _cut_off(self.path, block.number, position)

    def place(self, n: int) -> str:
        """The block, the record in it and its first byte."""
        ordinal = n - self.start + self.first
        with opened(self.path) as file:
            for block in _blocks(self.path, file):
                if ordinal <= block.through:
                    return _place(block, ordinal - block.below)
                file.seek(block.position + block.size * STEP.itemsize)
        return "after the last block"

    def provenance(self) -> dict[str, str | int]:
        """Format, path and sha256."""
        return {"format": self.format, "path": self.path, "sha256": digest(self.path)}


def _place(block: Block, record: int) -> str:
    byte = block.position + (record - 1) * STEP.itemsize
    return f"block {block.number}, record {record} (byte {byte})"


def _cut_off(path: str, number: int, position: int) -> UserError:
    return UserError(
        f"{path} ends within block {number} (after byte {position}): it was cut off, copy or "
        "download it again"
    )


def _blocks(path: str, file: BinaryIO) -> Iterator[Block]:
    """The heads, each read where the one before it has left the file; what follows is no error.

    Raises UserError where a head is damaged or does not go on where the one before it ends.
    """
    (count,) = COUNT.unpack(take(file, COUNT.size))
    before = None
    for number in range(1, count + 1):
        position = file.tell()
        content = take(file, BLOCK.size)
        if len(content) < BLOCK.size:
            raise _cut_off(path, number, position)
        lower, upper, below, through = BLOCK.unpack(content)
        block = Block(lower, upper, below, through, number, position + BLOCK.size)
        sound = 0 < block.lower < block.upper and block.upper - block.lower <= _WIDEST
        if not (sound and math.isfinite(block.upper) and block.below <= block.through):
            raise UserError(
                f"the head of block {number} of {path} (byte {position}) is damaged: copy or "
                "download the file again"
            )
        if before and (before.upper, before.through) != (block.lower, block.below):
            raise UserError(
                f"block {number} of {path} (byte {position}) begins at height {block.lower} with "
                f"{block.below} zeros below, the one before it ends at {before.upper} with "
                f"{before.through}: copy or download the file again"
            )
        yield block
        before = block


def read_lmfdb(path: str, start: int | None) -> LmfdbTable:
    """A table of LMFDB's binary.  start: ordinal of the first zero, else what the file says."""
    with opened(path) as file:
        first = next(_blocks(path, file)).below + 1
    return LmfdbTable(path, start if start is not None else first, first)
