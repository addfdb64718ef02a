"""What every table of zeros must satisfy, seen without computing a zero: ten million a second.

A listed γ_n has the residual δ_n = N̄(γ_n) − (n − ½); with S = N − N̄, S(γ_n±) = ±½ − δ_n.

- The ordinates ascend.
- |S(t)| ≤ 0.112·log t + 0.278·log log t + 2.510, t ≥ e (Trudgian 2014).
- The mean of 16 consecutive δ stays below ½: on true zeros up to 10^8 it stays below 0.19, on a
  million at 10^12 below 0.35, and one zero lost or invented moves it by 1.
- |∫S| ≤ 2.067 + 0.059·log t₂ over every interval above 168π (Trudgian 2011): a constant added to
  the heights, or a wrong scale, that moves no δ by much adds up.

A suspicion is no fault yet: whoever has it asks the engine.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from zeta_exp.zeros import turing
from zeta_exp.zeros.stretch import Stretch

_MEAN_OF = 16  # zeros of a moving mean
_LARGEST_MEAN = 0.5
_LOWEST = 14.0  # below γ_1


def bound_of_s(height: float) -> float:
    """Bound of |S(t)| at t = height ≥ e.  Trudgian 2014, J. Number Theory 134."""
    log = math.log(height)
    return 0.112 * log + 0.278 * math.log(log) + 2.510


class Suspicion(StrEnum):
    """Which check fails."""

    ORDER = "the zeros don't ascend"
    BOUND = "S is too large"
    MEAN = "the mean of 16 residuals is too large"
    AREA = "the integral of S is too large"  # the fault may be far back


@dataclass(frozen=True)
class Extreme:
    """The largest value met, and the ordinal it was met at; 0 before any."""

    value: float = 0.0
    ordinal: int = 0

    def or_larger(self, values: NDArray[np.float64], first: int) -> "Extreme":
        """This, or the largest of the values at the ordinals first, first + 1, …"""
        if not values.size:
            return self
        index = int(np.argmax(values))
        return Extreme(float(values[index]), first + index) if values[index] > self.value else self


@dataclass(frozen=True)
class _Area:
    """∫S from 168π or the first zero on, and its extremes, less and plus the slack."""

    now: float = 0.0
    least: float = math.inf
    greatest: float = -math.inf
    zeros: int = 0


@dataclass
class Screen:
    """The checks, carried along a table; chunks may overlap by the zeros that are `kept`."""

    tolerance: float
    greatest_s: Extreme = Extreme()  # |S|
    worst_mean: Extreme = Extreme()  # |mean of 16 δ|, at the last of them
    worst_area: Extreme = Extreme()  # |∫S| / bound
    _area: _Area = _Area()

    def restart(self) -> None:
        """Begin the integral of S anew."""
        self._area = _Area()

    def look(self, listed: Stretch, shift: int, kept: int) -> Suspicion | None:
        """Which check fails in a stretch whose true ordinals are n + shift; None where all hold.

        kept: how many zeros of its end the next stretch begins with, 1 or more.
        """
        residuals = listed.residuals() - shift
        gaps = np.diff(listed.offsets)
        if not np.isfinite(residuals).all() or not (gaps > 0).all():
            return Suspicion.ORDER
        heights = np.maximum(listed.ordinates(), _LOWEST)
        slack = 1e-9 + self.tolerance * math.log(heights[-1]) / (2 * math.pi)
        sizes = np.abs(residuals)
        if sizes.max() > bound_of_s(heights[0]) + 0.5 + slack:
            return Suspicion.BOUND
        means = self._means(residuals)
        if (means > _LARGEST_MEAN + slack).any():
            return Suspicion.MEAN
        ratios, area = self._areas(heights, gaps, residuals, kept)
        if (ratios > 1).any():
            return Suspicion.AREA
        first = listed.start + shift
        self.greatest_s = self.greatest_s.or_larger(sizes + 0.5, first)
        self.worst_mean = self.worst_mean.or_larger(means, first + _MEAN_OF - 1)
        self.worst_area = self.worst_area.or_larger(ratios, first)
        self._area = area
        return None

    @staticmethod
    def _means(residuals: NDArray[np.float64]) -> NDArray[np.float64]:
        """|mean| of each 16 consecutive residuals: (max(Z − 15, 0),)."""
        sums = np.concatenate([[0.0], np.cumsum(residuals)])
        return np.abs(sums[_MEAN_OF:] - sums[:-_MEAN_OF]) / _MEAN_OF

    def _areas(
        self,
        heights: NDArray[np.float64],
        gaps: NDArray[np.float64],
        residuals: NDArray[np.float64],
        kept: int,
    ) -> tuple[NDArray[np.float64], _Area]:
        """For each zero above 168π, the largest |∫S| that ends there relative to its bound.

        Between zeros N is constant and N̄ smooth: the trapezoidal rule with its second-order term,
        ∫S = −g·(δ_n + δ_{n+1})/2 + g³/(24πt).  heights, residuals (Z,), gaps (Z−1,) to (Z,).
        Each zero may be wrong by the tolerance, all in the same direction.
        """
        steps = -0.5 * gaps * (residuals[1:] + residuals[:-1])
        steps += gaps * gaps * gaps / (24 * math.pi * heights[1:])
        steps[heights[:-1] < turing.VALID_FROM] = 0.0
        total = self._area.now + np.concatenate([[0.0], np.cumsum(steps)])
        count = self._area.zeros + np.arange(total.size)
        rising, falling = total - self.tolerance * count, total + self.tolerance * count
        least = np.minimum.accumulate(np.concatenate([[self._area.least], rising]))[1:]
        greatest = np.maximum.accumulate(np.concatenate([[self._area.greatest], falling]))[1:]
        ratios = np.maximum(rising - least, greatest - falling)
        ratios /= turing.bound(float(heights[-1]))
        last = max(total.size - kept, 0)
        return ratios, _Area(
            float(total[last]), float(least[last]), float(greatest[last]), int(count[last])
        )
