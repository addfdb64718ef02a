"""Consecutive zeros as base + offsets: the form that everything which lists zeros shares."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from zeta_exp.theory.counting import smooth_height
from zeta_exp.theory.local import centres

COARSE_FROM = 10_000_000_000  # from this ordinal on γ in float64 is too coarse: ulp 5e-7 and more
_SPAN = 1 << 16  # zeros unfolded around one centre


@dataclass(frozen=True)
class Stretch:
    """The zeros γ_n = base + offsets[n − start], n = start, start+1, …"""

    start: int  # ordinal of the first
    base: float  # exact; 0 where γ itself fits float64
    offsets: NDArray[np.float64]  # (Z,)

    @property
    def stop(self) -> int:
        """The ordinal after the last."""
        return self.start + self.offsets.size

    def part(self, start: int, stop: int) -> Self:
        """The zeros of the ordinals [start, stop), which must be in the stretch."""
        return type(self)(start, self.base, self.offsets[start - self.start : stop - self.start])

    def ordinates(self) -> NDArray[np.float64]:
        """γ_n rounded to float64: (Z,)."""
        return self.base + self.offsets

    def residuals(self) -> NDArray[np.float64]:
        """δ_n = N̄(γ_n) − (n − ½) in mean spacings, (Z,); rounding error below 1e-10.

        Where a γ is not above zero or not finite, so is its residual not finite.
        """
        values = np.empty(self.offsets.size)
        for first in range(0, values.size, _SPAN):
            piece = slice(first, first + _SPAN)
            values[piece] = self._residuals_near(self.start + first, self.offsets[piece])
        return values

    def _residuals_near(self, start: int, offsets: NDArray[np.float64]) -> NDArray[np.float64]:
        n = np.arange(start, start + offsets.size)
        middle = float(smooth_height(start + offsets.size // 2))
        centre = centres([max(np.round(4 * middle) / 4, 10.0)])[0]
        u = offsets + (self.base - centre.height)
        possible = np.isfinite(u) & (u > 1.0 - centre.height)
        residuals = np.full(u.size, np.nan)
        residuals[possible] = centre.residuals(u[possible], n[possible])
        return residuals


def stretch_of_residuals(start: int, residuals: NDArray[np.float64]) -> Stretch:
    """The zeros with N̄(γ_n) = n − ½ + δ_n: the inverse of `Stretch.residuals`.

    residuals: (Z,), at most 2^20.  The base is 0 below COARSE_FROM, else a quarter of an integer.
    """
    n = np.arange(start, start + residuals.size)
    centre = centres([np.round(4 * float(smooth_height(start + residuals.size // 2))) / 4])[0]
    offsets = centre.offsets(n, residuals)
    if start < COARSE_FROM:
        return Stretch(start, 0.0, centre.height + offsets)
    return Stretch(start, centre.height, offsets)
