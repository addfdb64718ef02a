"""The counting function N(t) = N̄(t) + S(t): its smooth part, inverse and the unfolding.

Heights and counts are float64; `theta` and `smooth_count` take NumPy arrays and torch tensors
alike, so that training and unfolding share one formula.
"""

import math
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import lambertw

if TYPE_CHECKING:
    import torch

    Real = TypeVar("Real", NDArray[np.float64], torch.Tensor, float)
else:
    Real = TypeVar("Real")

LOWEST_HEIGHT = 7.0  # N̄ increases beyond 2π; heights are kept above this
# Stirling tail of θ: coefficients of 1/t, 1/t³, …  (Edwards §6.5)
THETA_TAIL = (1 / 48, 7 / 5760, 31 / 80640, 127 / 430080, 511 / 1216512)


def _log(t: Any) -> Any:
    return t.log() if hasattr(t, "log") else np.log(t)


def theta(t: Real) -> Real:
    """Riemann–Siegel θ(t) = t/2·log(t/2π) − t/2 − π/8 + 1/(48t) + 7/(5760t³) + …

    t: heights above 7.  Truncation error < 1e-12 for t > 14, rounding error ~ulp(t log t).
    Edwards, Riemann's Zeta Function, §6.5.
    """
    inverse = 1 / t
    square = inverse * inverse
    tail: Any = THETA_TAIL[-1]
    for coefficient in THETA_TAIL[-2::-1]:
        tail = coefficient + square * tail
    return 0.5 * t * (_log(t / (2 * math.pi)) - 1) - math.pi / 8 + inverse * tail


def theta_derivative(t: Real) -> Real:
    """θ'(t) = ½·log(t/2π) − 1/(48t²) − …: π times the local density of zeros."""
    return 0.5 * _log(t / (2 * math.pi)) - 1 / (48 * t * t) - 7 / (1920 * t * t * t * t)


def smooth_count(t: Real) -> Real:
    """Smooth count of zeros below height t, N̄(t) = θ(t)/π + 1.  Titchmarsh §9.3."""
    return theta(t) / math.pi + 1


def mean_gap(t: Real) -> Real:
    """Local mean gap between zeros, π/θ'(t) ≈ 2π/log(t/2π), in units of height."""
    return math.pi / theta_derivative(t)


def height_of_count(count: ArrayLike) -> NDArray[np.float64]:
    """Inverse of N̄: the height t ≥ 7 with N̄(t) = count; counts below N̄(7) give 7.

    count: any shape.  Lambert's W of the leading term, then Newton to rounding.
    """
    count = np.maximum(np.asarray(count, dtype=np.float64), smooth_count(np.float64(LOWEST_HEIGHT)))
    height = 2 * np.pi * np.exp(1 + lambertw((count - 0.875) / np.e).real)
    for _ in range(4):
        height = height - (smooth_count(height) - count) * mean_gap(height)
        height = np.maximum(height, LOWEST_HEIGHT)
    return height


def smooth_height(n: ArrayLike) -> NDArray[np.float64]:
    """Smooth height t̂_n of ordinal n, N̄(t̂_n) = n − ½: a function of n alone.  n ≥ 1."""
    return height_of_count(np.asarray(n, dtype=np.float64) - 0.5)


def unfold(ordinates: ArrayLike, n: ArrayLike) -> NDArray[np.float64]:
    """Residual δ_n = N̄(γ_n) − (n − ½) in mean spacings; −S(γ_n) at its mean value at the jump."""
    heights = np.asarray(ordinates, dtype=np.float64)
    return smooth_count(heights) - (np.asarray(n, dtype=np.float64) - 0.5)


def rebuild(n: ArrayLike, residual: ArrayLike) -> NDArray[np.float64]:
    """Ordinate γ with N̄(γ) = n − ½ + δ: the inverse of `unfold`."""
    return height_of_count(np.asarray(n, dtype=np.float64) - 0.5 + np.asarray(residual))
