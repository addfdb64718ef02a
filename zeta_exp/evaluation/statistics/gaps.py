"""Statistics of spacings as sums over windows: histogram, ratio, lag correlations."""

import functools

import numpy as np
from numpy.typing import NDArray

from zeta_exp.evaluation.statistics.blocks import sign_flip_p_value
from zeta_exp.evaluation.statistics.levels import WINDOW
from zeta_exp.evaluation.statistics.spacing import LEAST_CHANCE, ratios
from zeta_exp.theory.gue import gaudin_law, gauss_hermite_frequencies

LAGS = 8
CELLS, CELL = 256, 1 / 64  # of the histogram on [0, 4); one more for what is beyond
_RATIO = CELLS + 1  # columns: histogram, Σr and pairs, Σx, Σx² and spacings, (Σxy, pairs) by lag
_MOMENTS = _RATIO + 2
_LAGS = _MOMENTS + 3


def gap_sums(sample: NDArray[np.float64], windows: int) -> NDArray[np.float64]:
    """Sums over windows of WINDOW spacings, (M, columns).

    sample: at most windows·WINDOW + LAGS spacings, the last LAGS of them only as neighbours.
    """
    owned = sample[: windows * WINDOW]
    cells = np.clip(owned / CELL, 0, CELLS).astype(np.int64)
    cells += np.arange(owned.size) // WINDOW * (CELLS + 1)
    histogram = np.bincount(cells, minlength=windows * (CELLS + 1)).reshape(windows, -1)
    x = sample - 1
    ratio = ratios(sample)
    columns = [ratio, np.ones_like(ratio), owned - 1, (owned - 1) ** 2, np.ones_like(owned)]
    for lag in range(1, LAGS + 1):
        product = x[:-lag] * x[lag:]
        columns += [product, np.ones_like(product)]
    return np.column_stack([histogram, *(_per_window(c, windows) for c in columns)])


def _per_window(values: NDArray[np.float64], windows: int) -> NDArray[np.float64]:
    padded = np.zeros(windows * WINDOW)
    owned = values[: padded.size]
    padded[: owned.size] = owned
    return np.asarray(padded.reshape(windows, WINDOW).sum(axis=1))


def ratio_of(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """⟨r⟩, (..., columns) to (..., 1)."""
    return np.asarray(sums[..., _RATIO : _RATIO + 1] / sums[..., _RATIO + 1 : _RATIO + 2])


def variance_of(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Variance of the spacings, (..., 1)."""
    total, square, count = (sums[..., _MOMENTS + k, None] for k in range(3))
    return np.asarray(square / count - (total / count) ** 2)


def lag_correlations_of(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correlations of s_n with s_{n+k}, k = 1 … LAGS: (..., LAGS)."""
    mean = sums[..., _MOMENTS, None] / sums[..., _MOMENTS + 2, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        product = sums[..., _LAGS::2] / sums[..., _LAGS + 1 :: 2]
        return np.asarray((product - mean**2) / variance_of(sums))


@functools.cache
def _law() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gaudin's distribution function at the upper edges of the cells, and their chances."""
    upper = np.append(gaudin_law().cdf(CELL * np.arange(1, CELLS + 1)), 1.0)
    return upper, np.diff(upper, prepend=0.0)


def _distances(deviations: NDArray[np.float64]) -> NDArray[np.float64]:
    """KS, Anderson–Darling and MMD² of deviations of a histogram, (F, cells) to (F, 3); no unit."""
    upper, chances = _law()
    running = np.cumsum(deviations, axis=1)
    weight = chances / np.maximum(upper * (1 - upper), LEAST_CHANCE)
    omega, share = gauss_hermite_frequencies()
    waves = np.exp(1j * omega * CELL * (np.arange(CELLS + 1)[:, None] + 0.5))
    mmd = np.abs(deviations @ waves) ** 2 @ share
    return np.stack([np.abs(running).max(axis=1), running**2 @ weight, mmd], axis=1)


def law_p_values(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """P-values of KS, Anderson–Darling and MMD of the spacings beside Gaudin's law: (3,).

    By flipping the signs of blocks' deviations, so the correlation of neighbours is allowed for.
    sums: (B, columns) of blocks.
    """
    histogram = sums[:, : CELLS + 1]
    expected = histogram.sum(axis=1, keepdims=True) * _law()[1]
    return sign_flip_p_value(histogram - expected, _distances)


def same_law_p_values(
    first: NDArray[np.float64], second: NDArray[np.float64]
) -> NDArray[np.float64]:
    """P-values of KS, Anderson–Darling and MMD of two paired samples having one law: (3,).

    A permutation test: the samples are exchanged in blocks of neighbours.  first, second:
    (B, columns) of the same blocks, such as of prediction and truth.
    """
    return sign_flip_p_value(first[:, : CELLS + 1] - second[:, : CELLS + 1], _distances)
