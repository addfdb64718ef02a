"""Two-point statistics in closed form: random matrices, independent levels, and the zeros of ζ.

Lengths are in mean spacings.  All of it follows from the form factor K(τ), 1 for independent levels
and min(τ, 1) for large unitary matrices:
Σ²(L) = (2/π²)∫_0^∞ K(τ)·sin²(πLτ)/τ² dτ,  Δ₃(L) = (2/L⁴)∫_0^L (L³ − 2L²r + r³)·Σ²(r) dr.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import sici

from zeta_exp.theory.primes import prime_powers_up_to

Law = Callable[[NDArray[np.float64]], NDArray[np.float64]]

HEISENBERG_SHARE = 0.25  # Berry's τ*: primes below it, random matrices above
LEAST_HEIGHT = 2 * np.pi * 2 ** (1 / HEISENBERG_SHARE)  # below it no prime is below τ*
_NODES = 24  # Gauss–Legendre nodes in each piece of Δ₃'s integral
_PIECE = 1.0  # of that integral, in mean spacings: Σ² oscillates once in it


def gue_pair_correlation(low: ArrayLike, high: ArrayLike) -> NDArray[np.float64]:
    """Mean of 1 − (sin πu/πu)² over low ≤ u < high, 0 ≤ low < high: any shape.

    Montgomery 1973; the antiderivative of sinc² is Si(2πu)/π − sin²(πu)/(π²u).
    """
    low, high = (np.asarray(edge, dtype=np.float64) for edge in (low, high))
    return np.asarray(
        1 - (_sinc_squared_integral(high) - _sinc_squared_integral(low)) / (high - low)
    )


def _sinc_squared_integral(u: NDArray[np.float64]) -> NDArray[np.float64]:
    safe = np.where(u > 0, u, 1.0)
    value = sici(2 * np.pi * safe)[0] / np.pi - np.sin(np.pi * safe) ** 2 / (np.pi**2 * safe)
    return np.where(u > 0, value, 0.0)


def gue_number_variance(length: ArrayLike) -> NDArray[np.float64]:
    """Σ²(L) of large unitary matrices, exact; any shape, L > 0.

    (1/π²)[log 2πL + γ + 1 − cos 2πL − Ci(2πL)] + L[1 − (2/π)Si(2πL)]; Mehta, §16.1.
    """
    length = np.asarray(length, dtype=np.float64)
    x = 2 * np.pi * length
    sine, cosine = sici(x)
    logarithm = np.log(x) + np.euler_gamma + 1 - np.cos(x) - cosine
    return np.asarray(logarithm / np.pi**2 + length * (1 - 2 / np.pi * sine))


def zeta_number_variance(length: ArrayLike, height: float) -> NDArray[np.float64]:
    """Σ²(L) of the zeros of ζ near a height t, with the saturation at large L; any shape, L > 0.

    Σ²_GUE(L) + (1/π²)[2·Σ_{p^r < (t/2π)^τ*} sin²(πL·r·log p/log(t/2π))/(r²·p^r)
                       + Ci(2πLτ*) − log 2πLτ* − γ],  τ* = 1/4:
    below τ* the form factor is that of the primes.  Berry, Nonlinearity 1 (1988) 399–407.
    height: above LEAST_HEIGHT = 100.5, where the sum over primes is empty.
    """
    if not height > LEAST_HEIGHT:
        raise ValueError(f"height {height} has no prime below τ*: give more than {LEAST_HEIGHT}")
    length = np.asarray(length, dtype=np.float64)
    period = np.log(height / (2 * np.pi))  # Heisenberg time, in the units of log p
    below = np.exp(HEISENBERG_SHARE * period)
    known = prime_powers_up_to(int(below))
    m, p, r = np.array([power for power in known if power.m < below], dtype=np.float64).T
    phase = np.pi * length[..., None] * (r * np.log(p) / period)
    primes = (np.sin(phase) ** 2 / (r**2 * m)).sum(axis=-1)
    x = 2 * np.pi * length * HEISENBERG_SHARE
    smooth = sici(x)[1] - np.log(x) - np.euler_gamma
    return np.asarray(gue_number_variance(length) + (2 * primes + smooth) / np.pi**2)


def rigidity_of(number_variance: Law, length: ArrayLike) -> NDArray[np.float64]:
    """Δ₃(L) = (2/L⁴)∫_0^L (L³ − 2L²r + r³)·Σ²(r) dr of a stationary law; any shape, L > 0.

    Pandey, Ann. Phys. 119 (1979) 170.  Gauss–Legendre in pieces, right to 1e-9 for smooth Σ².
    """
    lengths = np.asarray(length, dtype=np.float64)
    values = [_rigidity(number_variance, float(each)) for each in lengths.ravel()]
    return np.array(values).reshape(lengths.shape)


def _rigidity(number_variance: Law, length: float) -> float:
    node, weight = np.polynomial.legendre.leggauss(_NODES)
    pieces = max(int(np.ceil(length / _PIECE)), 1)
    width = length / pieces
    r = ((np.arange(pieces)[:, None] + (node + 1) / 2) * width).ravel()
    x = r / length
    integrand = (1 - 2 * x + x**3) * number_variance(r)
    return float(2 * (integrand.reshape(pieces, -1) @ weight).sum() * width / 2 / length)


def gue_rigidity(length: ArrayLike) -> NDArray[np.float64]:
    """Δ₃(L) of large unitary matrices; → (log 2πL + γ − 5/4)/(2π²).  Mehta, §16.2."""
    return rigidity_of(gue_number_variance, length)


def zeta_rigidity(length: ArrayLike, height: float) -> NDArray[np.float64]:
    """Δ₃(L) of the zeros of ζ near a height, of Berry's number variance."""
    return rigidity_of(lambda r: zeta_number_variance(r, height), length)


def gue_form_factor(tau: ArrayLike) -> NDArray[np.float64]:
    """K(τ) = min(|τ|, 1) of large unitary matrices; Poisson's is 1.  Any shape."""
    return np.minimum(np.abs(np.asarray(tau, dtype=np.float64)), 1.0)
