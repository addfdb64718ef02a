"""Errors of a prediction and spectral statistics of its spacings.  All in mean spacings."""

import numpy as np
from numpy.typing import NDArray

from zeta_exp.theory.gue import characteristic_mmd, gaudin_law


def rmse(prediction: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """Root mean square error √mean (δ̂ − δ)².  prediction, truth: (B,)."""
    return float(np.sqrt(np.mean((prediction - truth) ** 2)))


def r_squared(prediction: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """Share of variance explained, 1 − Σ(δ̂ − δ)² / Σ(δ − mean δ)²; 0 for predicting the mean."""
    unexplained = np.sum((prediction - truth) ** 2)
    return float(1 - unexplained / np.sum((truth - truth.mean()) ** 2))


class Errors:
    """Root mean square error and R² from running sums, of a window that comes in pieces."""

    def __init__(self) -> None:
        self.sums = np.zeros(4)  # ordinals, Σ(δ̂ − δ)², Σδ, Σδ²; additive over pieces

    def add(self, prediction: NDArray[np.float64], truth: NDArray[np.float64]) -> None:
        """The next piece of the window, (B,) each."""
        # sums, not dot products: those of BLAS depend in the last bit on where an array lies
        squares = np.square(prediction - truth).sum(), np.square(truth).sum()
        self.sums += np.array([truth.size, squares[0], truth.sum(), squares[1]])

    @property
    def rmse(self) -> float:
        """As `rmse` of the whole window."""
        return float(np.sqrt(self.sums[1] / self.sums[0]))

    @property
    def r_squared(self) -> float:
        """As `r_squared` of the whole window; δ averages to about 0, so no digits are lost."""
        count, unexplained, total, square = self.sums
        return float(1 - unexplained / (square - total**2 / count))


def spacings(residuals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unfolded spacings s_n = 1 + δ_{n+1} − δ_n of consecutive ordinals: (B,) to (B−1,)."""
    return 1 + np.diff(residuals)


def ks_distance(sample: NDArray[np.float64]) -> float:
    """Two-sided Kolmogorov–Smirnov distance sup |F_N − F| of spacings to Gaudin's law.

    Asymptotic 5% point for independent spacings: 1.358/√N.
    """
    law = gaudin_law().cdf(np.sort(sample))
    step = np.arange(sample.size + 1) / sample.size
    return float(max(np.max(step[1:] - law), np.max(law - step[:-1])))


def lag_correlation(sample: NDArray[np.float64], lag: int = 1) -> float:
    """Correlation of s_n with s_{n+lag}: −0.31 for large unitary matrices, −0.37 for low zeros."""
    return float(np.corrcoef(sample[:-lag], sample[lag:])[0, 1])


def spacing_statistics(residuals: NDArray[np.float64]) -> dict[str, float]:
    """Spectral statistics of consecutive residuals δ, (B,), B ≥ 4.

    variance: of the spacings; ks_gue: KS distance to Gaudin's law; mmd_gue: MMD² to the surmise;
    lag1: correlation of neighbouring spacings, which no histogram shows.
    """
    sample = spacings(residuals)
    return {
        "variance": float(sample.var()),
        "ks_gue": ks_distance(sample),
        "mmd_gue": characteristic_mmd(sample),
        "lag1": lag_correlation(sample),
    }
