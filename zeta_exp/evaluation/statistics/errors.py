"""Errors of a prediction, in mean spacings."""

import numpy as np
from numpy.typing import NDArray


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
