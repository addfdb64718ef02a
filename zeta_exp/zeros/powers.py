"""Polynomials in powers of y ∈ [−1, 1] that stand for smooth functions.

Powers, not Chebyshev polynomials: they cost two operations a degree, and where a function's Taylor
coefficients are moderate, as they are here, no digits are lost.
"""

from functools import lru_cache

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

_NODES_A_DEGREE = 2


@lru_cache(maxsize=64)
def nodes(degree: int) -> NDArray[np.float64]:
    """Chebyshev nodes where a function must be known, twice as many as coefficients: read-only."""
    count = _NODES_A_DEGREE * (degree + 1)
    y = np.cos(np.pi * (np.arange(count) + 0.5) / count)
    y.flags.writeable = False
    return y


@lru_cache(maxsize=64)
def _matrices(degree: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values at the nodes → coefficients of T_d (by their orthogonality) → coefficients of y^d.

    (degree+1, nodes) and (degree+1, degree+1): their product would have large entries.
    """
    count = _NODES_A_DEGREE * (degree + 1)
    # the angle of T_d in units of a 4·count-th of a turn, reduced while it is an integer
    steps = np.arange(degree + 1)[:, None] * (2 * np.arange(count) + 1) % (4 * count)
    series = np.cos(steps * (np.pi / (2 * count))) * (2 / count)
    series[0] /= 2
    powers = np.zeros((degree + 1, degree + 1))
    for d, row in enumerate(np.eye(degree + 1)):
        powers[: d + 1, d] = chebyshev.cheb2poly(row)
    return series, powers


def coefficients(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Coefficients of y^d from values at `nodes`: (…, 2·degree+2) to (…, degree+1)."""
    series, powers = _matrices(values.shape[-1] // _NODES_A_DEGREE - 1)
    return values @ series.T @ powers.T
