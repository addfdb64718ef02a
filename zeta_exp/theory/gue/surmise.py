"""Wigner's surmise for unitary symmetry: the law of a spacing in closed form, off by 0.002."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import dawsn, erf

from zeta_exp.theory.gue.quadrature import Function, expectation

SURMISE_RANGE = 7.0  # beyond it the law weighs less than 1e-25


def surmise_density(s: ArrayLike) -> NDArray[np.float64]:
    """Wigner surmise for unitary symmetry, p(s) = 32/π²·s²·exp(−4s²/π); 0 for s < 0.

    s: any shape, spacings of mean 1.  Mehta, Random Matrices, §1.5.
    """
    s = np.maximum(np.asarray(s, dtype=np.float64), 0.0)
    return 32 / np.pi**2 * s**2 * np.exp(-4 * s**2 / np.pi)


def surmise_cdf(s: ArrayLike) -> NDArray[np.float64]:
    """Distribution function of the surmise, erf(2s/√π) − (4s/π)·exp(−4s²/π); 0 for s < 0."""
    s = np.maximum(np.asarray(s, dtype=np.float64), 0.0)
    return np.asarray(erf(2 * s / np.sqrt(np.pi)) - 4 * s / np.pi * np.exp(-4 * s**2 / np.pi))


def surmise_characteristic(omega: ArrayLike) -> NDArray[np.complex128]:
    """Characteristic function φ(ω) = E exp(iωs) of the surmise, in closed form.

    Re φ = (1 − πω²/8)·exp(−πω²/16),  Im φ = (2/√π)·[x + (1 − 2x²)·D(x)],  x = ω√π/4,
    with D Dawson's function.  omega: any shape, radians per mean spacing.
    """
    omega = np.asarray(omega, dtype=np.float64)
    x = omega * np.sqrt(np.pi) / 4
    real = (1 - 2 * x**2) * np.exp(-(x**2))
    imaginary = 2 / np.sqrt(np.pi) * (x + (1 - 2 * x**2) * dawsn(x))
    return np.asarray(real + 1j * imaginary)


def surmise_nll(s: ArrayLike) -> NDArray[np.float64]:
    """Negative log-density of the surmise, −log(32/π²) − 2·log s + 4s²/π; +∞ for s ≤ 0."""
    s = np.asarray(s, dtype=np.float64)
    positive = np.where(s > 0, s, 1.0)
    value = -np.log(32 / np.pi**2) - 2 * np.log(positive) + 4 * positive**2 / np.pi
    return np.where(s > 0, value, np.inf)


def surmise_expectation(function: Function) -> NDArray[Any]:
    """E f(s) of the surmise, (...) of f: (Q,) to (..., Q), smooth on the scale of 0.05."""
    return expectation(surmise_density, SURMISE_RANGE, function)
