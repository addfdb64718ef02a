"""The unlearned ceiling: zeros of the smoothed Riemann–Siegel formula, ordinal by ordinal.

Around the smooth height t̂_n, at t = t̂_n + u·gap, ±Z(t)/2 is approximated by

    G(u) = −sin πu + Σ_{m≥2} m^{−1/2} g_m sin(φ_m + u r_m),
    φ_m = t̂ log m,  r_m = gap·log m − π,  g_m = ½ erfc((log m − log τ)√τ),  τ = √(t̂/2π),

a smooth cut-off instead of the sharp one at τ (Berry and Keating, Proc. R. Soc. A 437, 1992).
The root that belongs to ordinal n is its residual δ_n.  |r_m| ≤ π, so one Taylor polynomial of G
serves every evaluation with |u| ≤ `reach`; solving then costs next to nothing.  Unfolded heights
are taken relative to the first ordinal, n itself would cost them digits.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.polynomial.polynomial import polyder, polyval
from numpy.typing import NDArray
from scipy.special import erfc

from zeta_exp.theory.counting import mean_gap
from zeta_exp.theory.cut_off import term_count
from zeta_exp.theory.local import SmoothHeights, smooth_heights
from zeta_exp.theory.phases import Frequencies, log_frequencies
from zeta_exp.theory.smooth_phases import smooth_turns

LOW_REACH = 2.2  # |S| stays below it for n ≤ 10^8: the largest seen is 2.14
REACH_PER_DECADE = 0.25  # beyond 10^8; up to there the largest |S| grows by 0.17 a decade
TRUNCATION = 2e-17  # of the Taylor polynomial, a term at |u| = reach
NEWTON_STEPS = 24
ROOT_TOLERANCE = 1e-8  # |G| at a root
MARGIN = 24  # ordinals solved beyond each end, so that neighbours confirm the first and last
TERMS_AT_ONCE = 1_000_000  # ordinals × m in one chunk, about 60 MB
BISECTIONS = 40
SAME_ROOT = 1e-4  # mean spacings: one root as two neighbouring polynomials see it
GRIDS = (32, 512)  # samples a mean gap when lost roots are searched, tried in turn


class Ceiling(NamedTuple):
    """Residuals of the smoothed Riemann–Siegel formula."""

    residual: NDArray[np.float64]  # (B,) δ_n in mean spacings
    lost: int  # ordinals whose root the neighbours do not confirm


class _Line(NamedTuple):
    """Consecutive ordinals under solution; u and suspect are updated in place."""

    polynomial: NDArray[np.float64]  # (D, B) Taylor coefficients of G
    n: NDArray[np.int64]  # (B,) ordinals
    u: NDArray[np.float64]  # (B,) roots in mean spacings
    suspect: NDArray[np.bool_]  # (B,) root not to be trusted

    @property
    def place(self) -> NDArray[np.int64]:
        """n less the first ordinal, (B,): the unfolded smooth heights."""
        return self.n - self.n[0]


def reach(n: int) -> float:
    """Largest |u| that is searched near ordinal n: above any |S| there."""
    return LOW_REACH + REACH_PER_DECADE * max(0.0, math.log10(n / 1e8))


def degree(reach: float) -> int:
    """Degree of the Taylor polynomials: the first with (π·reach)^{d+1}/(d+1)! < TRUNCATION."""
    d, term = 0, math.pi * reach
    while term >= TRUNCATION:
        d += 1
        term *= math.pi * reach / (d + 1)
    return d


def riemann_siegel(start: int, stop: int) -> Ceiling:
    """Residuals δ_n of the ordinals [start, stop) from the formula alone, no zero seen.

    Damped Newton from u = 0; where it did not converge, crossed a neighbour or took a root of the
    wrong parity, the stretch is scanned and its roots assigned in order.  Root mean square error
    1.5e-4 mean spacings at n = 10^4, 1.7e-5 at 10^6.
    """
    first = max(1, start - MARGIN)
    n = np.arange(first, stop + MARGIN)
    polynomial = local_polynomials(n)
    u = _newton(polynomial, reach(stop))
    line = _Line(polynomial, n, u, _suspects(polynomial, n, u))
    for begin, end in _stretches(line.suspect):
        _mend(line, begin, end)
    owned = slice(start - first, stop - first)
    return Ceiling(u[owned], int(line.suspect[owned].sum()))


def local_polynomials(n: NDArray[np.int64]) -> NDArray[np.float64]:
    """Taylor coefficients of G around u = 0: (D, B) for ordinals n (B,), ascending."""
    terms = term_count(int(n[-1]))
    frequencies = log_frequencies(np.arange(1, terms + 1))
    size = degree(reach(int(n[-1]))) + 1
    chunk = max(1, TERMS_AT_ONCE // terms)
    parts = [
        _chunk_polynomials(smooth_heights(n[i : i + chunk]), frequencies, size)
        for i in range(0, n.size, chunk)
    ]
    return np.concatenate(parts, axis=1)


def _chunk_polynomials(
    place: SmoothHeights, frequencies: Frequencies, size: int
) -> NDArray[np.float64]:
    """(size, B): the k-th coefficient is Σ_m m^{−1/2} g_m r_m^k sin(φ_m + kπ/2)/k!."""
    height = place.heights
    m = np.arange(1, frequencies.hi.size + 1)
    log_tau = np.log(height / (2 * np.pi))[:, None] / 2
    weight = erfc((np.log(m) - log_tau) * np.exp(log_tau / 2)) / (2 * np.sqrt(m))
    weight[:, 0] = 1.0  # m = 1 is −sin πu, ungated
    phase = 2 * np.pi * smooth_turns(place, frequencies)
    term = [weight * np.sin(phase), weight * np.cos(phase)]
    del weight, phase
    rate = mean_gap(height)[:, None] * np.log(m) - np.pi
    term[1] *= rate
    rate *= -rate
    coefficients = np.empty((size, height.size))
    for k in range(size):
        if k > 1:
            term[k % 2] *= rate
            term[k % 2] /= k * (k - 1)
        coefficients[k] = term[k % 2].sum(axis=1)
    return coefficients


def _newton(polynomial: NDArray[np.float64], reach: float) -> NDArray[np.float64]:
    """Damped Newton from u = 0: step −GG′/(G′² + 0.2·2^{−i}), at most 0.3 long.  (B,)."""
    slope_polynomial = polyder(polynomial)
    u = np.zeros(polynomial.shape[1])
    for i in range(NEWTON_STEPS):
        value = polyval(u, polynomial, tensor=False)
        slope = polyval(u, slope_polynomial, tensor=False)
        step = -value * slope / (slope**2 + 0.2 * 0.5**i)
        u = np.clip(u + 0.3 * np.tanh(step / 0.3), -reach, reach)
    return u


def _suspects(
    polynomial: NDArray[np.float64], n: NDArray[np.int64], u: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Ordinals without a root, with a root of a neighbour's parity (G rises), or out of order.

    G of neighbouring ordinals has opposite sign, so a root claimed by two neighbours is a rising
    one for either of them; order catches the rest.
    """
    value = polyval(u, polynomial, tensor=False)
    rising = polyval(u, polyder(polynomial), tensor=False) >= 0
    suspect = (np.abs(value) > ROOT_TOLERANCE) | rising
    crossed = np.diff(u) <= -np.diff(n)
    suspect[1:] |= crossed
    suspect[:-1] |= crossed
    return suspect


def _stretches(flag: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Maximal runs [begin, end) where flag is set."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flag, [False]])))
    return [(int(begin), int(end)) for begin, end in edges.reshape(-1, 2)]


def _mend(line: _Line, begin: int, end: int) -> None:
    """Solve the stretch [begin, end) between trusted neighbours, one root an ordinal.

    The stretch widens until the number of roots between its anchors is the number of ordinals
    there: a run of ordinals that all took the root two further on is flagged at one end only.
    Where that never happens the ordinals stay suspect and keep Newton's value.
    """
    for grid in GRIDS:
        for margin in range(1, MARGIN):
            left, right = begin - margin, end - 1 + margin
            if line.n[0] == 1:
                left = max(left, -1)  # no zero lies below the first: that end needs no anchor
            bounds = _anchors(line, left, right)
            if bounds is None:
                continue
            roots = _scan(line, max(left - 2, 0), min(right + 3, line.n.size), grid)
            roots = roots[(roots > bounds[0]) & (roots < bounds[1])]
            if roots.size == right - left - 1:
                line.u[left + 1 : right] = roots - line.place[left + 1 : right]
                line.suspect[left + 1 : right] = False
                return


def _anchors(line: _Line, left: int, right: int) -> tuple[float, float] | None:
    """Places just inside the roots of two trusted ordinals; None if either is not."""
    if right >= line.n.size or line.suspect[right]:
        return None
    high = float(line.place[right] + line.u[right]) - SAME_ROOT
    if left == -1 and line.n[0] == 1:
        return -np.inf, high
    if left < 0 or line.suspect[left]:
        return None
    return float(line.place[left] + line.u[left]) + SAME_ROOT, high


def _scan(line: _Line, begin: int, end: int, grid: int) -> NDArray[np.float64]:
    """Places of all sign changes within half a mean gap of the positions begin..end−1."""
    cells = np.repeat(np.arange(begin, end), grid)
    u = np.tile(np.arange(grid) / grid - 0.5, end - begin)
    sign = 1.0 - 2.0 * (line.n[cells] % 2)  # G of neighbouring ordinals is ±Z
    value = sign * polyval(u, line.polynomial[:, cells], tensor=False)
    change = np.flatnonzero(value[:-1] * value[1:] < 0)
    low, rising = u[change], value[change] * sign[change] < 0
    cells, high = cells[change], low + 1 / grid
    polynomial = line.polynomial[:, cells]
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        below = (polyval(middle, polynomial, tensor=False) < 0) == rising
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return line.place[cells] + (low + high) / 2
