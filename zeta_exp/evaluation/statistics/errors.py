"""Errors of a prediction, in mean spacings."""

import numpy as np
from numpy.typing import NDArray

LOST = 0.5  # mean spacings: a prediction farther off stands for another zero


def rmse(prediction: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """Root mean square error √mean (δ̂ − δ)².  prediction, truth: (B,)."""
    return float(np.sqrt(np.mean((prediction - truth) ** 2)))


def r_squared(prediction: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """Share of variance explained, 1 − Σ(δ̂ − δ)² / Σ(δ − mean δ)²; 0 for predicting the mean."""
    unexplained = np.sum((prediction - truth) ** 2)
    return float(1 - unexplained / np.sum((truth - truth.mean()) ** 2))


def median_error(prediction: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """Median |δ̂ − δ|, which a few lost zeros do not move.  prediction, truth: (B,)."""
    return float(np.median(np.abs(prediction - truth)))


class Errors:
    """Root mean square error, R² and lost share from running sums, of a window in pieces."""

    def __init__(self) -> None:
        # ordinals, Σ(δ̂ − δ)², Σδ, Σδ², how many are lost; additive over pieces
        self.sums = np.zeros(5)

    def add(self, prediction: NDArray[np.float64], truth: NDArray[np.float64]) -> None:
        """The next piece of the window, (B,) each."""
        # sums, not dot products: those of BLAS depend in the last bit on where an array lies
        error = prediction - truth
        squares = np.square(error).sum(), np.square(truth).sum()
        lost = np.count_nonzero(np.abs(error) > LOST)
        self.sums += np.array([truth.size, squares[0], truth.sum(), squares[1], lost])

    @property
    def rmse(self) -> float:
        """As `rmse` of the whole window."""
        return float(np.sqrt(self.sums[1] / self.sums[0]))

    @property
    def r_squared(self) -> float:
        """As `r_squared` of the whole window; δ averages to about 0, so no digits are lost."""
        count, unexplained, total, square, _ = self.sums
        return float(1 - unexplained / (square - total**2 / count))

    @property
    def lost_share(self) -> float:
        """Share of the window's predictions that are more than half a mean spacing off."""
        return float(self.sums[4] / self.sums[0])
