"""Least squares with a ridge from sums over blocks, so that no data need be held."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class NormalEquations:
    """XᵀX and Xᵀy, additive over the rows of X, float64."""

    gram: NDArray[np.float64]  # (F, F)
    moment: NDArray[np.float64]  # (F,)
    rows: int

    @classmethod
    def of(cls, design: NDArray[np.float64], target: NDArray[np.float64]) -> Self:
        """Those of a block: X (B, F), y (B,)."""
        return cls(design.T @ design, design.T @ target, len(target))

    def __add__(self, other: "NormalEquations") -> "NormalEquations":
        return NormalEquations(
            self.gram + other.gram, self.moment + other.moment, self.rows + other.rows
        )

    def solve(self, penalty: float, free: int = 0, relative: bool = False) -> NDArray[np.float64]:
        """The w (F,) of least mean (y − X·w)² + penalty·|w|²; the last `free` of w cost nothing.

        relative: penalty·Σ w_f²·mean x_f² instead, which no scale of the columns changes.
        """
        weight = np.diagonal(self.gram) if relative else np.full(len(self.moment), self.rows)
        diagonal = penalty * weight.astype(np.float64)
        diagonal[len(diagonal) - free :] = 0.0
        return np.asarray(np.linalg.lstsq(self.gram + np.diag(diagonal), self.moment)[0])
