"""Number statistics of levels of density 1, as sums over windows of WINDOW mean spacings.

Each function gives a row of sums for each window of a piece; ratios of their totals are the
statistic, so that pieces, windows and blocks simply add up.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

WINDOW = 64  # mean spacings of a window, and levels of one of spacings
ORIGINS = 4  # of intervals, in a mean spacing
LENGTHS = (0.5, 1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 75.0, 100.0)
RIGIDITY_LENGTHS = (2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
PAIR_RANGE, PAIR_BINS = 4.0, 40
PAIR_EDGES = np.linspace(0, PAIR_RANGE, PAIR_BINS + 1)
FIRST_FREQUENCY = 2  # a Hann taper holds nothing of the mean density from here on
FREQUENCIES, BINS = 96, 24  # of the form factor
TAU = (FIRST_FREQUENCY + (np.arange(BINS) + 0.5) * FREQUENCIES / BINS - 0.5) / WINDOW


@dataclass(frozen=True)
class Piece:
    """Consecutive windows [0, windows·WINDOW) of a line of levels."""

    levels: NDArray[np.float64]  # (Z,) ascending: all in the windows and in reach beyond them
    windows: int
    low: float  # all levels between `low` and `high` are known, and no others
    high: float

    def below(self, edges: NDArray[np.float64]) -> NDArray[np.int64]:
        """How many of the levels are below each edge."""
        return np.searchsorted(self.levels, edges)

    def known(self, starts: NDArray[np.float64], length: float) -> NDArray[np.bool_]:
        """Of which intervals [start, start + length) all levels are known."""
        return (starts >= self.low) & (starts + length <= self.high)

    def per_window(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Sums over windows of values at equidistant places: (windows,)."""
        return np.asarray(values.reshape(self.windows, -1).sum(axis=1, dtype=np.float64))


def number_variance_sums(piece: Piece, lengths: tuple[float, ...] = LENGTHS) -> NDArray[np.float64]:
    """Σ(n(x, x + L) − L)² and how many intervals, over ORIGINS·WINDOW origins x: (M, 2·lengths)."""
    starts = np.arange(piece.windows * WINDOW * ORIGINS) / ORIGINS
    before = _counts(piece, 0.0)
    columns = []
    for length in lengths:
        known = piece.known(starts, length)
        squares = (_counts(piece, length) - before - length) ** 2 * known
        columns += [piece.per_window(squares), piece.per_window(known)]
    return np.stack(columns, axis=1)


def _counts(piece: Piece, shift: float) -> NDArray[np.int64]:
    """How many levels are below each origin + shift."""
    edges = piece.windows * WINDOW * ORIGINS
    first = np.floor((piece.levels - shift) * ORIGINS).astype(np.int64) + 1  # edge above the level
    return np.cumsum(np.bincount(np.clip(first, 0, edges), minlength=edges + 1)[:edges])


def rigidity_sums(
    piece: Piece, lengths: tuple[float, ...] = RIGIDITY_LENGTHS
) -> NDArray[np.float64]:
    """Σ min_{A,B} (1/L)∫(n(y) − Ay − B)² dy over [x, x + L), and how many: (M, 2·lengths).

    Closed form in the levels of an interval about its middle: Bohigas and Giannoni, Lect. Notes
    Phys. 209 (1984) 1, from running sums of x, x² and i·x.
    """
    starts = np.arange(piece.windows * WINDOW, dtype=np.float64)
    x = piece.levels
    powers = np.stack([x, x**2, np.arange(1, x.size + 1) * x])
    running = np.concatenate([np.zeros((3, 1)), np.cumsum(powers, axis=1)], axis=1)
    columns = []
    for length in lengths:
        first, last = piece.below(starts), piece.below(starts + length)
        n, middle = last - first, starts + length / 2
        total, square, ranked = running[:, last] - running[:, first]
        ranked = ranked - first * total - middle * n * (n + 1) / 2
        square = square - 2 * middle * total + n * middle**2
        total = total - n * middle
        least = n**2 / 16 - (total / length) ** 2 + 1.5 * n * square / length**2
        least += ((n + 1) * total - 2 * ranked) / length - 3 * square**2 / length**4
        known = piece.known(starts, length)
        columns += [piece.per_window(least * known), piece.per_window(known)]
    return np.stack(columns, axis=1)


def pair_sums(piece: Piece) -> NDArray[np.float64]:
    """Pairs by their distance, in PAIR_BINS bins on [0, PAIR_RANGE), and levels: (M, bins + 1)."""
    x = piece.levels
    limit = min(piece.windows * WINDOW, piece.high - PAIR_RANGE)
    first, last = piece.below(np.array([max(piece.low, 0.0), limit]))
    last = max(first, last)
    window = (x[first:last] // WINDOW).astype(np.int64)
    sums = np.zeros((piece.windows, PAIR_BINS + 1))
    sums[:, -1] = np.bincount(window, minlength=piece.windows)
    for further in range(1, x.size):
        far = x[first + further : last + further]
        far = far - x[first : first + far.size]
        near = far < PAIR_RANGE
        if not near.any():
            break
        place = (far[near] * (PAIR_BINS / PAIR_RANGE)).astype(np.int64)
        place += window[: near.size][near] * PAIR_BINS
        counts = np.bincount(place, minlength=piece.windows * PAIR_BINS)
        sums[:, :-1] += counts.reshape(piece.windows, PAIR_BINS)
    return sums


def form_factor_sums(piece: Piece) -> NDArray[np.float64]:
    """|Σ_j w(x_j)·exp(2πiτx_j)|² of each window, in BINS bins of τ, and windows: (M, BINS + 1).

    Hann taper w = sin²(πx/WINDOW); τ = k/WINDOW, where the mean density gives nothing.
    """
    edges = WINDOW * np.arange(piece.windows + 1, dtype=np.float64)
    first, last = piece.below(edges[:-1]), piece.below(edges[1:])
    turn = np.exp(2j * np.pi / WINDOW * (piece.levels % WINDOW))
    wave = (0.5 - 0.5 * turn.real) * turn**FIRST_FREQUENCY
    power = np.empty((piece.windows, FREQUENCIES))
    running = np.zeros(wave.size + 1, dtype=np.complex128)
    for k in range(FREQUENCIES):
        np.cumsum(wave, out=running[1:])
        power[:, k] = np.abs(running[last] - running[first]) ** 2
        wave *= turn
    known = piece.known(edges[:-1], WINDOW)
    binned = power.reshape(piece.windows, BINS, -1).mean(axis=2)
    return np.column_stack([binned * known[:, None], known])


def means(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Columns Σ, count, Σ, count, …: (..., 2V) to (..., V) means."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sums[..., ::2] / sums[..., 1::2])


def pair_correlation_of(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """R₂ in each bin: pairs for each level and mean spacing."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sums[..., :-1] / sums[..., -1:] * (PAIR_BINS / PAIR_RANGE))


def form_factor_of(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """K(τ) in each bin: power over ∫w² = 3·WINDOW/8."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sums[..., :-1] / sums[..., -1:] / (3 * WINDOW / 8))
