"""Turing's method: are the zeros found in a block all the zeros there are, and which ordinals?

With N(t) the count of zeros up to t and N̄ its smooth part, S = N − N̄ has a bounded integral,

    |∫_{t₁}^{t₂} S(t) dt| ≤ 2.067 + 0.059·log t₂,    168π < t₁ < t₂

(Turing 1953; constants: Trudgian 2011).  A wrong count of zeros below a block changes the integral
over it by the whole length of the block, which is many times the bound.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zeta_exp.theory.local import Centre
from zeta_exp.zeros.blocks import Block

VALID_FROM = 168 * math.pi  # Trudgian's bound holds above this height
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)


def bound(height: float) -> float:
    """Bound of |∫S| over any interval of heights that ends at `height`."""
    return 2.067 + 0.059 * math.log(height)


def area(
    centre: Centre, lower: float, upper: float, offsets: NDArray[np.float64], below: int
) -> float:
    """∫S over [t_c + lower, t_c + upper], relative to t_c, so that no digits are lost.

    offsets: (Z,) of all zeros between; below: the count of zeros below t_c + lower.
    """
    whole, fraction = centre.smooth_count
    nodes = lower + 0.5 * (upper - lower) * (_NODES + 1)
    smooth = 0.5 * (upper - lower) * float(np.sum(_WEIGHTS * centre.count_from(nodes)))
    stairs = float(np.sum(upper - offsets))
    return ((below - whole) - fraction) * (upper - lower) - smooth + stairs


@dataclass(frozen=True)
class FoundBlock:
    """The zeros of one block, relative to its centre."""

    block: Block
    centre: Centre
    offsets: NDArray[np.float64]  # (Z,) ascending, γ = centre + offset

    def residuals(self, below: int) -> NDArray[np.float64]:
        """δ_n = N̄(γ_n) − (n − ½), (Z,), where `below` zeros lie below the block."""
        n = np.arange(below + 1, below + 1 + self.offsets.size)
        return self.centre.residuals(self.offsets, n)

    def area(self, below: int) -> float:
        """∫S over the block, where `below` zeros lie below it."""
        lower, upper = self.block.lower - self.centre.height, self.block.upper - self.centre.height
        return area(self.centre, lower, upper, self.offsets, below)

    def most_likely_below(self) -> int:
        """The count of zeros below the block that makes the integral of S least."""
        return -round(self.area(0) / (self.block.upper - self.block.lower))


def check(found: FoundBlock, below: int) -> float:
    """|∫S| over the block as a share of Turing's bound; nan below 168π, where none is proven.

    below: the count of zeros below the block.  Raises RuntimeError where the share exceeds 1, so
    that a zero was lost or invented.  What can't be checked below 168π, the blocks above check:
    the count carries on.
    """
    block = found.block
    if block.lower < VALID_FROM:
        return math.nan
    integral, limit = found.area(below), bound(block.upper)
    if not abs(integral) <= limit:
        raise RuntimeError(
            f"zeros between heights {block.lower:.3f} and {block.upper:.3f} fail Turing's check: "
            f"the integral of S is {integral:.3f}, its bound {limit:.3f}, with {below} zeros below "
            f"and {found.offsets.size} found; this is a defect of the zero engine, please report it"
        )
    return abs(integral) / limit
