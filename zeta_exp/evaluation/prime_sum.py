"""The explicit formula for S(t) cut off at a prime, and the zeros it predicts untrained."""

import numpy as np
from numba import njit
from numpy.polynomial.chebyshev import chebpts1, chebvander
from numpy.typing import NDArray

from zeta_exp.theory.counting import mean_gap
from zeta_exp.theory.local import smooth_heights
from zeta_exp.theory.phases import log_frequencies
from zeta_exp.theory.primes import prime_powers_up_to, primes_up_to
from zeta_exp.theory.smooth_phases import smooth_turns

PHASES_AT_ONCE = 1_000_000  # ordinals × prime powers in one chunk, about 50 MB
FIXED_POINT_STEPS = 30
FIXED_POINT_DAMPING = 0.3


def explicit_formula(
    n: NDArray[np.int64], max_prime: int, iterations: int = FIXED_POINT_STEPS
) -> NDArray[np.float64]:
    """Damped fixed point of δ = −S_P(t̂_n + δ·gap), no training: (B,) for ordinals n (B,).

    S_P(t) = −(1/π) Σ_{p^k ≤ P} sin(k t log p)/(k p^{k/2}), the explicit formula cut off at
    P = max_prime.  Titchmarsh §14.21 (Selberg).

    Around t̂_n, S_P is Σ (a_m sin φ_m)·cos(v log m) + (a_m cos φ_m)·sin(v log m), v = δ·gap: for
    all ordinals the same functions of v.  Their Chebyshev series make one small matrix, by which
    the sines and cosines of φ_m, taken once, become a polynomial for all steps.
    """
    powers = prime_powers_up_to(max_prime)
    if not powers or not n.size:
        return np.zeros(n.size)
    m = np.array([power.m for power in powers])
    amplitude = np.array([1 / (np.pi * power.k * power.m**0.5) for power in powers])
    frequencies = log_frequencies(m)
    gap = mean_gap(smooth_heights(n).heights)
    reach = float(gap.max() * amplitude.sum())  # no step leads further: |S_P| ≤ Σ a_m
    series = _series(np.log(m), amplitude, reach)
    residuals = np.zeros(n.size)
    chunk = max(1, PHASES_AT_ONCE // len(powers))
    for first in range(0, n.size, chunk):
        part = slice(first, first + chunk)
        phase = 2 * np.pi * smooth_turns(smooth_heights(n[part]), frequencies)
        waves = np.concatenate([np.sin(phase), np.cos(phase)], axis=1)
        polynomials = np.ascontiguousarray((waves @ series).T)
        _iterate(polynomials, gap[part] / reach, residuals[part], iterations)
    return residuals


def _series(
    omega: NDArray[np.float64], amplitude: NDArray[np.float64], reach: float
) -> NDArray[np.float64]:
    """Chebyshev coefficients in v/reach of a·cos(vω), then of a·sin(vω): (2K, D) for ω, a (K,).

    They are Bessel functions J_d(reach·ω) and vanish beyond d = reach·ω.
    """
    fastest = reach * float(omega.max())
    degree = int(fastest + 12 * fastest ** (1 / 3) + 16)

    nodes = chebpts1(degree + 1)
    angle = np.outer(omega, reach * nodes)
    waves = np.concatenate([np.cos(angle), np.sin(angle)]) * np.tile(amplitude, 2)[:, None]
    series = waves @ chebvander(nodes, degree) * (2 / (degree + 1))  # discrete cosine transform
    series[:, 0] /= 2
    return np.asarray(series, np.float64)


@njit(cache=True, nogil=True)
def _iterate(
    polynomials: NDArray[np.float64],
    scale: NDArray[np.float64],
    residuals: NDArray[np.float64],
    steps: int,
) -> None:  # pragma: no cover - jitted
    """δ += damping·(T(δ·scale) − δ), in place: Chebyshev series T (D, B), scale and δ (B,)."""
    degree, count = polynomials.shape
    width = 64  # ordinals side by side: the innermost loop has no dependence
    x, now, before = np.empty(width), np.empty(width), np.empty(width)
    for first in range(0, count, width):
        size = min(width, count - first)
        for _ in range(steps):
            for i in range(size):
                x[i] = 2 * residuals[first + i] * scale[first + i]
                now[i] = before[i] = 0.0
            for d in range(degree - 1, 0, -1):
                for i in range(size):
                    following = polynomials[d, first + i] + x[i] * now[i] - before[i]
                    before[i] = now[i]
                    now[i] = following
            for i in range(size):
                target = polynomials[0, first + i] + 0.5 * x[i] * now[i] - before[i]
                residuals[first + i] += FIXED_POINT_DAMPING * (target - residuals[first + i])


def prime_tail_scale(t: float, max_prime: int) -> float:
    """Standard deviation of the primes a truncation misses, √((1/2π²) Σ_{P<p≤τ} 1/p), τ = √(t/2π).

    A heuristic scale in mean spacings (primes above P as independent phases), no bound; 0 when
    P ≥ τ.
    """
    primes = primes_up_to(int(np.sqrt(t / (2 * np.pi))))
    missed = primes[primes > max_prime]
    return float(np.sqrt(np.sum(1 / missed) / 2) / np.pi)
