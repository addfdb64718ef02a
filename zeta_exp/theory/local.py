"""θ and N̄ near a height, relative to it, so that no digits are lost where both are huge.

At 10^13 zeros float64 keeps N̄(t) = θ(t)/π + 1 to .01 only.  So everything is taken relative to a
centre t_c: θ(t_c) is reduced modulo a turn in double-double, and

    θ(t_c + u) = θ(t_c) + c·u + κ(u),   c = ½·log(t_c/2π),

where the slope c carries all but the slow κ.  Heights are held as t_c + u, counts as a whole
number and a small rest.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from zeta_exp.theory.counting import (
    LOWEST_HEIGHT,
    THETA_TAIL,
    mean_gap,
    smooth_count,
    smooth_height,
)
from zeta_exp.theory.phases import log_frequencies, reduced_turns, two_sum

# (1 + log 2π)/2π = hi + lo; python-flint, (1 + (2*arb.pi()).log())/(2*arb.pi()), prec 140
_THETA_HI = 0.4516621630061743
_THETA_LO = -2.7701111770925096e-17
# log(2π)/2π = hi + lo, in the same way
_LOG_TURN_HI = 0.2925072199142789
_LOG_TURN_LO = 9.89380218229506e-18
_TAIL = len(THETA_TAIL)
_TURN = 2 * math.pi
_NEWTON_STEPS = 20  # at most; seven are enough from the linear guess across the lowest SPAN
_CONVERGED = 1e-8  # in height; the error of a Newton step this small is rounding
SPAN = 4096  # consecutive ordinals whose smooth heights share a centre


class Centre(NamedTuple):
    """The phase of a height t_c."""

    height: float  # t_c, exact
    turns: float  # θ(t_c)/2π without the tail 1/(48t) + …, modulo one turn
    bandwidth: float  # c, the fastest frequency of Z after θ's slope is taken out
    slope_hi: float  # c/2π = hi + lo in turns per unit height
    slope_lo: float

    @property
    def smooth_count(self) -> tuple[int, float]:
        """N̄(t_c), without θ's tail, as whole + fraction; the fraction from the reduced phase."""
        fraction = 2 * self.turns + 1
        return round(float(smooth_count(self.height)) - fraction), fraction

    def count_from(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """N̄(t_c + u) less both parts of `smooth_count`: (c·u + κ(u))/π.  u: (T,)."""
        return (self.bandwidth * u + common_phase(u, self.height)) / math.pi

    def residuals(self, u: NDArray[np.float64], n: NDArray[np.int64]) -> NDArray[np.float64]:
        """δ_n = N̄(t_c + u) − (n − ½) in mean spacings: u, n (Z,) to (Z,).

        Error about 2e-16·|c·u|: below 1e-10 for 2^20 zeros around t_c.
        """
        whole, fraction = self.smooth_count
        return (whole - n) + (self.count_from(u) + (fraction + 0.5))

    def offsets(
        self, n: NDArray[np.int64], residuals: NDArray[np.float64] | float = 0.0
    ) -> NDArray[np.float64]:
        """u with N̄(t_c + u) = n − ½ + δ, the inverse of `residuals`: (Z,) to (Z,).

        Heights stay above 7, where N̄ increases.
        """
        whole, fraction = self.smooth_count
        counts = (n - whole) + (np.asarray(residuals, dtype=np.float64) - (fraction + 0.5))
        guess = counts * float(mean_gap(self.height))
        u: NDArray[np.float64] = np.maximum(guess, LOWEST_HEIGHT - self.height)
        _invert(u, counts, np.full(n.size, self.height))
        return u


@njit(cache=True, nogil=True)
def _centre_turns(height: float, hi: float, lo: float) -> float:  # pragma: no cover - jitted
    """θ(t)/2π = ½t·[log t − (1 + log 2π)]/2π − 1/16 modulo one turn; hi + lo = log(t)/2π."""
    whole = reduced_turns(0.5 * height, hi, lo)
    return whole - reduced_turns(0.5 * height, _THETA_HI, _THETA_LO) - 0.0625


def centres(heights: ArrayLike) -> list[Centre]:
    """The centres at the heights (K,), float64 and taken as exact."""
    exact = np.asarray(heights, dtype=np.float64)
    frequencies = log_frequencies(exact)
    parts = zip(exact.tolist(), frequencies.hi.tolist(), frequencies.lo.tolist(), strict=True)
    return [_centre(height, hi, lo) for height, hi, lo in parts]


def _centre(height: float, hi: float, lo: float) -> Centre:
    """The centre at a height; hi + lo = log(height)/2π."""
    bandwidth = 0.5 * math.log(height / _TURN)
    return Centre(height, _centre_turns(height, hi, lo), bandwidth, *_slope(hi, lo))


def _slope(hi: float, lo: float) -> tuple[float, float]:
    """c/2π = ½·(log t − log 2π)/2π as hi + lo; hi + lo = log(t)/2π."""
    total, rest = two_sum(hi, -_LOG_TURN_HI)
    return 0.5 * total, 0.5 * (rest + (lo - _LOG_TURN_LO))


@njit(inline="always", cache=True)
def _kappa(u: float, centre: float) -> float:  # pragma: no cover - jitted
    """½t_c·[(1 + x)·log(1 + x) − x] + tail(t_c + u), x = u/t_c."""
    x = u / centre
    inverse = 1 / (centre + u)
    tail = THETA_TAIL[_TAIL - 1]
    for k in range(_TAIL - 2, -1, -1):
        tail = THETA_TAIL[k] + inverse * inverse * tail
    return 0.5 * centre * ((1 + x) * math.log1p(x) - x) + inverse * tail


@njit(cache=True, nogil=True)
def common_phase(
    offsets: NDArray[np.float64], centre: float
) -> NDArray[np.float64]:  # pragma: no cover - jitted
    """κ(u) = θ(t_c + u) − c·u − (θ(t_c) without its tail), in radians; offsets u: (T,)."""
    phases = np.empty(offsets.size)
    for i in range(offsets.size):
        phases[i] = _kappa(offsets[i], centre)
    return phases


@njit(cache=True, nogil=True)
def _invert(
    offsets: NDArray[np.float64], counts: NDArray[np.float64], centres: NDArray[np.float64]
) -> None:  # pragma: no cover - jitted
    """Newton's method, in place, for N̄(t_c + u) = N̄(t_c) + count (without tail), all (T,)."""
    for i in range(offsets.size):
        centre, u = centres[i], offsets[i]
        bandwidth = 0.5 * math.log(centre / (2 * math.pi))
        for _ in range(_NEWTON_STEPS):
            before = u
            excess = bandwidth * u + _kappa(u, centre) - math.pi * counts[i]
            u -= excess / (0.5 * math.log((centre + u) / (2 * math.pi)))
            u = max(u, LOWEST_HEIGHT - centre)
            if abs(u - before) < _CONVERGED:
                break
        offsets[i] = u


@lru_cache(maxsize=4096)
def _shared_centre(place: int) -> Centre:
    """The centre near the middle of the ordinals place·SPAN + 1 … (place+1)·SPAN.

    Rounded to a quarter, so that no rounding of N̄'s inverse can move it.
    """
    middle = float(smooth_height(place * SPAN + SPAN // 2))
    return centres([round(4 * middle) / 4])[0]


class SmoothHeights(NamedTuple):
    """Smooth heights t̂ = centre + offset, functions of the ordinal alone."""

    centres: list[Centre]  # (K,)
    which: NDArray[np.int64]  # (…) index of an ordinal's centre
    offsets: NDArray[np.float64]  # (…) |offset| within SPAN mean gaps

    @property
    def heights(self) -> NDArray[np.float64]:
        """t̂, rounded to float64: (…)."""
        return np.array([centre.height for centre in self.centres])[self.which] + self.offsets


def smooth_heights(n: NDArray[np.int64]) -> SmoothHeights:
    """t̂_n with N̄(t̂_n) = n − ½, right to 1e-12 at every n: ordinals (…), n ≥ 1.

    An ordinal has the same bits whatever it is asked with.
    """
    places, index = np.unique((n - 1) // SPAN, return_inverse=True)
    index = index.reshape(n.shape)
    near = [_shared_centre(int(place)) for place in places]
    heights = np.array([centre.height for centre in near])[index]
    wholes = np.array([centre.smooth_count[0] for centre in near])[index]
    fractions = np.array([centre.smooth_count[1] for centre in near])[index]
    counts = (n - wholes) - (fractions + 0.5)
    offsets = np.maximum(counts * mean_gap(heights), LOWEST_HEIGHT - heights).ravel()
    _invert(offsets, counts.ravel(), heights.ravel())
    return SmoothHeights(near, index, offsets.reshape(n.shape))
