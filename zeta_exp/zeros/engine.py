"""All zeros of ζ(½ + it) from any ordinal on, each block of them checked for completeness.

Z(t) is sampled on a grid (`sampling`), its roots are isolated (`isolate`) and counted by Turing's
method (`turing`), block by block (`blocks`).  The blocks don't depend on the request, so neither do
the bits of an ordinate.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zeta_exp.errors import UserError
from zeta_exp.theory.counting import height_of_count, smooth_height
from zeta_exp.zeros import turing
from zeta_exp.zeros.blocks import LOWEST_EDGE, Block, blocks_covering
from zeta_exp.zeros.interpolation import CELL_MATRIX
from zeta_exp.zeros.isolate import isolate
from zeta_exp.zeros.sampling import Centre, centres, sample
from zeta_exp.zeros.turing import FoundBlock

MAX_ORDINAL = 100_000_000  # every block up to here has been run and checked
_COUNT_MARGIN = 4.0  # |S| < 2.2 up to MAX_ORDINAL


@dataclass(frozen=True)
class ZeroBlock:
    """Consecutive zeros: γ = base + offsets, where offsets keep digits that γ has no room for."""

    start: int  # ordinal of the first
    base: float  # a whole height, a function of start alone
    offsets: NDArray[np.float64]  # (count,) γ − base
    ordinates: NDArray[np.float64]  # (count,) γ as `generate` gives it
    residuals: NDArray[np.float64]  # (count,) δ_n = N̄(γ_n) − (n − ½) in mean spacings


@dataclass(frozen=True)
class _Part:
    """A checked block that overlaps a request."""

    found: FoundBlock
    below: int  # zeros below it
    source: slice  # the requested zeros within it
    target: slice  # their place in the request

    def offsets(self, base: float) -> NDArray[np.float64]:
        """γ − base of the requested zeros; base: an integer, so that t_c − base is exact."""
        return (self.found.centre.height - base) + self.found.offsets[self.source]

    def ordinates(self) -> NDArray[np.float64]:
        """γ of the requested zeros, rounded once."""
        return self.offsets(0.0)


def find_zeros(block: Block, centre: Centre) -> FoundBlock:
    """The zeros of one block, unchecked."""
    values = sample(block, centre)
    lower, upper = block.lower - block.centre, block.upper - block.centre
    offsets = np.empty(values.size // 2 + 64)  # twice the number of zeros
    count = isolate(values, block.step, lower, upper, CELL_MATRIX, offsets)
    return FoundBlock(block, centre, offsets[:count].copy())


def _checked_blocks(blocks: list[Block]) -> Iterator[tuple[FoundBlock, int]]:
    """Each block with the count of zeros below it, handed out once the *next* one is checked too.

    A zero lost near a block's upper edge shows in the integral over the next block; so the last
    block is checked and not handed out.
    """
    below = 0
    previous: tuple[FoundBlock, int] | None = None
    for block, centre in zip(blocks, centres(blocks), strict=True):
        found = find_zeros(block, centre)
        if previous is None and block.lower > LOWEST_EDGE:
            below = found.most_likely_below()
        turing.check(found, below)
        if previous is not None:
            yield previous
        previous = found, below
        below += found.offsets.size


def validate(start: int, count: int) -> None:
    """Raise UserError where [start, start+count) is empty or leaves 1 … MAX_ORDINAL."""
    if start < 1:
        raise UserError(f"start={start} is no ordinal: zeros are counted from start=1")
    if count < 1:
        raise UserError(f"count={count} asks for no zeros: use count=1 or more")
    if start + count - 1 > MAX_ORDINAL:
        raise UserError(
            f"ordinals {start} to {start + count - 1} pass the last one of the engine, "
            f"{MAX_ORDINAL}: lower the start or the number of zeros"
        )


def _request(start: int, count: int) -> Iterator[_Part]:
    """The checked blocks that hold the ordinals [start, start+count), in order."""
    stop = start + count
    lower, upper = height_of_count([start - 1 - _COUNT_MARGIN, stop + _COUNT_MARGIN])
    blocks = blocks_covering(float(lower), float(upper), from_bottom_below=turing.VALID_FROM)
    for found, below in _checked_blocks(blocks):
        first, last = max(start, below + 1), min(stop, below + 1 + found.offsets.size)
        if first < last:
            source = slice(first - below - 1, last - below - 1)
            yield _Part(found, below, source, slice(first - start, last - start))


def generate(start: int, count: int) -> NDArray[np.float64]:
    """Ordinates γ_n of the ordinals n = start … start+count−1: (count,) float64, ascending.

    An ordinate is right to one unit in its last place (γ_1 to γ_3: to three) and has the same bits
    in every request.  Raises UserError for ordinals outside 1 … MAX_ORDINAL, RuntimeError where
    Turing's check fails (a defect).
    """
    validate(start, count)
    ordinates = np.empty(count)
    for part in _request(start, count):
        ordinates[part.target] = part.ordinates()
    return ordinates


def block(start: int, count: int) -> ZeroBlock:
    """The zeros n = start … start+count−1 with all their digits, and their residuals.

    The residuals have the same bits in every request; offsets for a given start.  Raises as
    `generate` does.
    """
    validate(start, count)
    base = float(np.floor(smooth_height(start)))
    offsets, ordinates, residuals = np.empty(count), np.empty(count), np.empty(count)
    for part in _request(start, count):
        offsets[part.target] = part.offsets(base)
        ordinates[part.target] = part.ordinates()
        residuals[part.target] = part.found.residuals(part.below)[part.source]
    return ZeroBlock(start, base, offsets, ordinates, residuals)
