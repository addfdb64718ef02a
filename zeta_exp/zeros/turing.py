"""Turing's method: are the zeros found in a block all the zeros there are, and which ordinals?

With N(t) the count of zeros up to t and N̄ its smooth part, S = N − N̄ has a bounded integral,

    |∫_{t₁}^{t₂} S(t) dt| ≤ 2.067 + 0.059·log t₂,    168π < t₁ < t₂

(Turing 1953; constants: Trudgian 2011).  A wrong count of zeros below a block changes the integral
over it by the whole length of the block, which is many times the bound.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from zeta_exp.theory.counting import smooth_count
from zeta_exp.zeros.blocks import Block
from zeta_exp.zeros.sampling import Centre, common_phase

VALID_FROM = 168 * math.pi  # Trudgian's bound holds above this height
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)


def bound(height: float) -> float:
    """Bound of |∫S| over any interval of heights that ends at `height`."""
    return 2.067 + 0.059 * math.log(height)


@dataclass(frozen=True)
class FoundBlock:
    """The zeros of one block, relative to its centre, so that no digits are lost."""

    block: Block
    centre: Centre
    offsets: NDArray[np.float64]  # (Z,) ascending, γ = centre + offset

    @cached_property
    def _count_at_centre(self) -> tuple[int, float]:
        """N̄(t_c), without θ's tail, as integer + fraction; the fraction from the reduced phase."""
        fraction = 2 * self.centre.turns + 1
        return round(float(smooth_count(self.centre.height)) - fraction), fraction

    def _count_from_centre(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """N̄(t_c + u) less the two parts of `_count_at_centre`."""
        height, _, bandwidth = self.centre
        return (bandwidth * u + common_phase(u, height)) / math.pi

    def residuals(self, below: int) -> NDArray[np.float64]:
        """δ_n = N̄(γ_n) − (n − ½), (Z,), where `below` zeros lie below the block."""
        whole, fraction = self._count_at_centre
        n = np.arange(below + 1, below + 1 + self.offsets.size)
        return (whole - n) + (self._count_from_centre(self.offsets) + (fraction + 0.5))

    def area(self, below: int) -> float:
        """∫S over the block, where `below` zeros lie below it."""
        lower = self.block.lower - self.centre.height
        upper = self.block.upper - self.centre.height
        length = upper - lower
        whole, fraction = self._count_at_centre
        nodes = lower + 0.5 * length * (_NODES + 1)
        smooth = 0.5 * length * float(np.sum(_WEIGHTS * self._count_from_centre(nodes)))
        stairs = float(np.sum(upper - self.offsets))
        return ((below - whole) - fraction) * length - smooth + stairs

    def most_likely_below(self) -> int:
        """The count of zeros below the block that makes the integral of S least."""
        return -round(self.area(0) / (self.block.upper - self.block.lower))


def check(found: FoundBlock, below: int) -> None:
    """Raise RuntimeError where Turing's bound is violated, so that a zero was lost or invented.

    below: the count of zeros below the block.  Blocks that begin below 168π can't be checked: the
    blocks above them are, and the count carries on.
    """
    block = found.block
    if block.lower < VALID_FROM:
        return
    area, limit = found.area(below), bound(block.upper)
    if not abs(area) <= limit:
        raise RuntimeError(
            f"zeros between heights {block.lower:.3f} and {block.upper:.3f} fail Turing's check: "
            f"the integral of S is {area:.3f}, its bound {limit:.3f}, with {below} zeros below and "
            f"{found.offsets.size} found; this is a defect of the zero engine, please report it"
        )
