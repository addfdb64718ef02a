"""All statistics of a line of levels in one pass and little memory, with their standard errors."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zeta_exp.evaluation.statistics import gaps, levels
from zeta_exp.evaluation.statistics.blocks import Blocks, Estimate, Values, bootstrap
from zeta_exp.evaluation.statistics.levels import LENGTHS, RIGIDITY_LENGTHS, WINDOW, Piece
from zeta_exp.evaluation.statistics.spacing import spacings

PIECE = 256  # windows taken at once
REACH = 128.0  # mean spacings beyond a piece that its intervals may need, at least max(LENGTHS)
WANDER = 64.0  # |δ| must stay below it: levels of later ordinals can't come back further
LEAST = 4  # levels
_PAIRS = 2 * len(LENGTHS) + 2 * len(RIGIDITY_LENGTHS)  # columns of the sums, in this order
_FORM = _PAIRS + levels.PAIR_BINS + 1


@dataclass(frozen=True)
class SpectralStatistics:
    """Statistics of levels with standard errors by block bootstrap."""

    count: int  # levels
    block: int  # levels in a block of the bootstrap
    variance: Estimate  # (1,) of the spacings
    ratio: Estimate  # (1,) ⟨r⟩
    lags: Estimate  # (LAGS,) correlations of s_n with s_{n+k}
    p_values: NDArray[np.float64]  # (3,) KS, Anderson–Darling, MMD beside Gaudin's law
    number_variance: Estimate  # (LENGTHS,) Σ²(L)
    rigidity: Estimate  # (RIGIDITY_LENGTHS,) Δ₃(L)
    pair_correlation: Estimate  # (PAIR_BINS,) R₂ in bins of distance
    form_factor: Estimate  # (BINS,) K at TAU


class Spectrum:
    """Sums over a line whose residuals come in any portions; the portions do not matter."""

    def __init__(self) -> None:
        self.gap_blocks, self.level_blocks = Blocks(), Blocks()
        self._residuals = np.empty(0)  # those still needed
        self._first = 0  # place of the first of them in the line, 0, 1, …
        self._done = 0  # pieces done
        self._low = np.nan  # place of the first level

    @property
    def count(self) -> int:
        """Levels so far."""
        return self._first + self._residuals.size

    def add(self, residuals: NDArray[np.float64]) -> None:
        """Residuals of the next ordinals, (Z,).  Raises ValueError for one of WANDER or more."""
        if residuals.size and not np.abs(residuals).max() < WANDER:
            raise ValueError(f"residuals reach {np.abs(residuals).max()}: they are not unfolded")
        if not self.count and residuals.size:
            self._low = 0.5 + float(residuals[0])
        self._residuals = np.concatenate([self._residuals, residuals])
        while self.count >= (self._done + 1) * PIECE * WINDOW + REACH + 2 * WANDER:
            self._do(PIECE, np.inf)

    def _do(self, windows: int, high: float) -> None:
        """The next piece, of so many windows; all levels below `high` are known."""
        start = self._done * PIECE * WINDOW
        in_reach = start + windows * WINDOW + int(REACH + 2 * WANDER) - self._first
        near = self._residuals[:in_reach]
        line = np.sort(np.arange(near.size) + (self._first - start + 0.5) + near)
        piece = Piece(line, windows, self._low - start, high - start)
        self.level_blocks.add(level_sums(piece))
        owned = self._residuals[start - self._first :][: windows * WINDOW + gaps.LAGS + 1]
        self.gap_blocks.add(gaps.gap_sums(spacings(owned), windows))
        self._done += 1
        keep = max((self._done * PIECE * WINDOW - int(WANDER)) - self._first, 0)
        self._first += min(keep, self._residuals.size)
        self._residuals = self._residuals[keep:]

    def finish(self) -> "Spectrum":
        """No more levels: do the rest.  Raises ValueError for fewer than LEAST levels."""
        if self.count < LEAST:
            raise ValueError(f"{self.count} levels have no statistics: give {LEAST} or more")
        high = self.count - 0.5 + float(self._residuals[-1])
        while (rest := self.count - 1 - self._done * PIECE * WINDOW) > 0:
            self._do(min(-(-rest // WINDOW), PIECE), high)
        return self

    def statistics(self) -> SpectralStatistics:
        """Of all that was added before `finish`."""
        gap, level = self.gap_blocks.sums(), self.level_blocks.sums()
        of = 2 * len(LENGTHS)
        return SpectralStatistics(
            count=self.count,
            block=self.gap_blocks.width * WINDOW,
            variance=bootstrap(gap, gaps.variance_of),
            ratio=bootstrap(gap, gaps.ratio_of),
            lags=bootstrap(gap, gaps.lag_correlations_of),
            p_values=gaps.law_p_values(gap),
            number_variance=bootstrap(level[:, :of], levels.means),
            rigidity=bootstrap(level[:, of:_PAIRS], levels.means),
            pair_correlation=bootstrap(level[:, _PAIRS:_FORM], levels.pair_correlation_of),
            form_factor=bootstrap(level[:, _FORM:], levels.form_factor_of),
        )


def level_sums(piece: Piece) -> NDArray[np.float64]:
    """All columns of the number statistics: (M, columns)."""
    return np.concatenate(
        [
            levels.number_variance_sums(piece),
            levels.rigidity_sums(piece),
            levels.pair_sums(piece),
            levels.form_factor_sums(piece),
        ],
        axis=1,
    )


def spectrum_of(residuals: NDArray[np.float64]) -> Spectrum:
    """The finished sums of consecutive residuals, (B,)."""
    spectrum = Spectrum()
    spectrum.add(residuals)
    return spectrum.finish()


def spectral_statistics(residuals: NDArray[np.float64]) -> SpectralStatistics:
    """All statistics of the levels n − ½ + δ_n of consecutive ordinals, (B,) δ."""
    return spectrum_of(residuals).statistics()


def number_variance(levels_: NDArray[np.float64], lengths: tuple[float, ...] = LENGTHS) -> Estimate:
    """Σ²(L) = mean (n(x, x + L) − L)² of levels of density 1, (Z,): Poisson L."""
    rows = [levels.number_variance_sums(each, lengths) for each in pieces(levels_, max(lengths))]
    return _estimate(rows, levels.means)


def rigidity(
    levels_: NDArray[np.float64], lengths: tuple[float, ...] = RIGIDITY_LENGTHS
) -> Estimate:
    """Δ₃(L), mean square distance of the staircase from its best line: Poisson L/15."""
    rows = [levels.rigidity_sums(each, lengths) for each in pieces(levels_, max(lengths))]
    return _estimate(rows, levels.means)


def pair_correlation(levels_: NDArray[np.float64]) -> Estimate:
    """R₂ in the bins between PAIR_EDGES: Poisson 1."""
    rows = [levels.pair_sums(each) for each in pieces(levels_, levels.PAIR_RANGE)]
    return _estimate(rows, levels.pair_correlation_of)


def form_factor(levels_: NDArray[np.float64]) -> Estimate:
    """K at TAU, in bins of 1/16 with the resolution 1/WINDOW of a Hann taper: Poisson 1."""
    return _estimate([levels.form_factor_sums(p) for p in pieces(levels_)], levels.form_factor_of)


def _estimate(rows: list[NDArray[np.float64]], values: Values) -> Estimate:
    blocks = Blocks()
    for each in rows:
        blocks.add(each)
    return bootstrap(blocks.sums(), values)


def pieces(levels_: NDArray[np.float64], reach: float = 0.0) -> Iterator[Piece]:
    """A line of levels in any order, cut into pieces that see so far beyond their end."""
    line = np.sort(levels_)
    origin, length = np.ceil(line[0]), PIECE * WINDOW
    for start in np.arange(0.0, line[-1] - origin, length):
        near = line - (origin + start)
        first, last = np.searchsorted(near, [0.0, length + reach + 1])
        windows = int(min(PIECE, -(-near[-1] // WINDOW)))
        yield Piece(near[first:last], windows, 0.0, float(near[-1]))
