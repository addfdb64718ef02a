"""The remainder of the Riemann–Siegel formula, C₀ … C₄.

With τ = √(t/2π), N = ⌊τ⌋ and x = τ − N − ½:

    Z(t) = 2 Σ_{n≤N} cos(θ(t) − t log n)/√n + (−1)^{N−1} τ^{−1/2} Σ_{k≤4} C_k(x) τ^{−k} + R₄,

|R₄| < 0.017 t^{−11/4}.  Edwards, Riemann's Zeta Function, §7.5; bound: Gabcke 1979.
"""

import math

import flint
import numpy as np
from numba import njit
from numpy.typing import NDArray

_TERMS = 22  # of each C_k in x²: the entire Ψ leaves less than 1e-16 for |x| ≤ 0.52
_HIGHEST_DERIVATIVE = 12
_PRECISION = 256  # bits


def _psi() -> flint.arb_series:
    """Ψ(x) = cos(2πx² + 3π/8)/cos(2πx) as a power series, enough terms for 12 derivatives."""
    pi = flint.arb.pi()
    cap = flint.ctx.cap
    flint.ctx.cap = 2 * _TERMS + _HIGHEST_DERIVATIVE + 2
    try:
        numerator = (2 * pi * flint.arb_series([0, 0, 1]) + 3 * pi / 8).cos()
        return numerator / (2 * pi * flint.arb_series([0, 1])).cos()
    finally:
        flint.ctx.cap = cap


def _combinations() -> list[list[tuple[flint.arb, int]]]:
    """C_k = Σ factor·Ψ^(order): the (factor, order) of C₀ … C₄.  Edwards §7.5."""
    pi2 = flint.arb.pi() ** 2
    one = flint.arb(1)
    return [
        [(one, 0)],
        [(-one / (96 * pi2), 3)],
        [(one / (64 * pi2), 2), (one / (18432 * pi2**2), 6)],
        [
            (-one / (64 * pi2), 1),
            (-one / (3840 * pi2**2), 5),
            (-one / (5308416 * pi2**3), 9),
        ],
        [
            (one / (128 * pi2), 0),
            (19 * one / (24576 * pi2**2), 4),
            (11 * one / (5898240 * pi2**3), 8),
            (one / (2038431744 * pi2**4), 12),
        ],
    ]


def _coefficients() -> NDArray[np.float64]:
    """Taylor coefficients (5, _TERMS): row k holds C_k in x^{2j}, in x^{2j+1} where k is odd."""
    table = np.empty((5, _TERMS))
    with flint.ctx.workprec(_PRECISION):
        psi = _psi().coeffs()
        for k, parts in enumerate(_combinations()):
            for j in range(_TERMS):
                power = 2 * j + k % 2
                terms = (
                    factor * psi[power + order] * flint.arb(power + 1).rising(order)
                    for factor, order in parts
                )
                table[k, j] = float(sum(terms, flint.arb(0)).mid())
    return table


COEFFICIENTS = _coefficients()


@njit(cache=True, nogil=True)
def remainder(
    heights: NDArray[np.float64], terms: int, coefficients: NDArray[np.float64]
) -> NDArray[np.float64]:  # pragma: no cover - jitted
    """Remainders of the main sum over n ≤ terms at the heights t (T,): (T,) float64.

    coefficients: COEFFICIENTS; t with √(t/2π) in [terms, terms+1] or 0.02 beyond.
    """
    remainders = np.empty(heights.size)
    sign = 1.0 if terms % 2 == 1 else -1.0
    for i in range(heights.size):
        tau = math.sqrt(heights[i] / (2 * math.pi))
        x = tau - terms - 0.5
        square = x * x
        total = 0.0
        for k in range(4, -1, -1):
            value = 0.0
            for j in range(_TERMS - 1, -1, -1):
                value = value * square + coefficients[k, j]
            if k % 2 == 1:
                value *= x
            total = total / tau + value
        remainders[i] = sign * total / math.sqrt(tau)
    return remainders
