"""Spacing statistics of a whole table, in one pass and little memory, beside random-matrix theory.

Spacings s_n = 1 + δ_{n+1} − δ_n are in mean spacings.  Everything is a sum, an extreme or a count
on a fixed grid, carried from stretch to stretch; where the stretches are cut changes sums by
rounding only.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from zeta_exp.errors import UserError
from zeta_exp.evaluation.statistics import spacings
from zeta_exp.evaluation.statistics.spacing import ratios
from zeta_exp.evaluation.statistics.spectrum import Spectrum
from zeta_exp.theory.gue import GAUDIN_RANGE, gaudin_law
from zeta_exp.zeros.stretch import Stretch

KS_ERROR = 6e-6  # of the KS distance: Gaudin's law gives no cell of the grid more than 5.4e-6
_CELLS = 1 << 20  # of the grid on [0, GAUDIN_RANGE)
_LEAST = 4  # zeros

# Sine-kernel values: Var s = 2∫E(0; s)ds − 1, Var(s_n + s_{n+1}) = 2∫[2E(0; s) + E(1; s)]ds − 4,
# lag 1 = Var(s_n + s_{n+1})/(2·Var s) − 1; E(0), E(1) by Bornemann's quadrature, Math. Comp. 79.
GUE_VARIANCE = 0.179993877692
GUE_LAG1 = -0.308371
GUE_RATIO = 0.5996  # numerical, large matrices: Atas et al., Phys. Rev. Lett. 110 (2013) 084101


@dataclass(frozen=True)
class Extreme:
    """An extreme value and the ordinal that has it first."""

    value: float
    ordinal: int


@dataclass(frozen=True)
class TableStatistics:
    """What a table's zeros look like."""

    start: int  # first ordinal
    count: int  # zeros
    heights: tuple[Decimal, Decimal]  # γ of the first and the last, with all their digits
    mean: float  # of the spacings
    variance: float
    smallest: Extreme  # spacing, between the ordinal and the next
    largest: Extreme
    ratio: float  # ⟨r⟩, mean of min(s_n, s_{n+1})/max(s_n, s_{n+1})
    lag1: float  # correlation of s_n with s_{n+1}
    ks: float  # distance of the spacings to Gaudin's law, right to KS_ERROR
    least_S: Extreme  # S just before a zero, −½ − δ
    greatest_S: Extreme  # S at a zero, ½ − δ

    def lines(self) -> list[str]:
        """The numbers and, in a second column, those of the Gaussian unitary ensemble."""
        n = self.count - 1
        rows = [
            ("zeros", f"{self.count:,}", ""),
            ("ordinals", f"{self.start} to {self.start + n}", ""),
            ("heights", f"{self.heights[0]:.9f} to {self.heights[1]:.9f}", ""),
            ("spacings of mean 1", "", "GUE"),
            ("  mean", f"{self.mean:.9f}", "1"),
            ("  variance", f"{self.variance:.6f}", f"{GUE_VARIANCE:.6f}"),
            ("  smallest", _shown(self.smallest), ""),
            ("  largest", _shown(self.largest), ""),
            ("  ratio <r>", f"{self.ratio:.6f}", f"{GUE_RATIO}"),
            ("  lag-1 correlation", f"{self.lag1:.6f}", f"{GUE_LAG1:.6f}"),
            (
                f"  KS to Gaudin, n = {n:,}",
                f"{self.ks:.6f}",
                f"{1.358 / n**0.5:.6f} at 5%, were they independent",
            ),
            ("S, least", _shown(self.least_S), ""),
            ("S, greatest", _shown(self.greatest_S), ""),
        ]
        names, values = (max(len(row[column]) for row in rows) for column in (0, 1))
        return [f"{name:{names}}  {value:{values}}  {gue}".rstrip() for name, value, gue in rows]


def _shown(extreme: Extreme) -> str:
    return f"{extreme.value:.6f} at ordinal {extreme.ordinal}"


class _Least:
    """The least value so far and the first ordinal that has it."""

    def __init__(self) -> None:
        self.found = Extreme(np.inf, 0)

    def add(self, start: int, values: NDArray[np.float64]) -> None:
        """Values of the ordinals from `start` on, (Z,)."""
        place = int(values.argmin())
        if values[place] < self.found.value:
            self.found = Extreme(float(values[place]), start + place)

    def negative(self) -> Extreme:
        """The greatest, where the negated values were added."""
        return Extreme(-self.found.value, self.found.ordinal)


class _Accumulator:
    """Sums over the spacings of consecutive stretches."""

    def __init__(self) -> None:
        self._last: NDArray[np.float64] = np.empty(0)  # the last two residuals
        self._cells = np.zeros(_CELLS + 1, dtype=np.int64)  # spacings by grid cell; last: beyond
        self._spacings = 0
        self._pairs = 0
        self._sums = np.zeros(2)  # of s − 1 and its square
        self._pair_sums = np.zeros(6)  # of x, y, x², y², xy (x, y = neighbours − 1) and of r
        self.smallest, self.largest = _Least(), _Least()
        self.lowest_residual, self.highest_residual = _Least(), _Least()

    def add(self, start: int, residuals: NDArray[np.float64]) -> None:
        """Residuals of the ordinals from `start` on, (Z,), Z ≥ 1."""
        self.lowest_residual.add(start, residuals)
        self.highest_residual.add(start, -residuals)
        line = np.concatenate([self._last, residuals])
        sample, known = spacings(line), max(self._last.size - 1, 0)  # how many are counted already
        first = start - self._last.size  # ordinal of sample[0]
        self._last = line[-2:]
        if sample.size > known:
            self._add_spacings(first + known, sample[known:])
        if sample.size > 1:
            self._add_pairs(sample)

    def _add_spacings(self, start: int, sample: NDArray[np.float64]) -> None:
        self.smallest.add(start, sample)
        self.largest.add(start, -sample)
        self._spacings += sample.size
        self._sums += (sample - 1).sum(), ((sample - 1) ** 2).sum()
        cells = np.clip(sample * (_CELLS / GAUDIN_RANGE), 0, _CELLS).astype(np.int64)
        self._cells += np.bincount(cells, minlength=_CELLS + 1)

    def _add_pairs(self, sample: NDArray[np.float64]) -> None:
        """Neighbours s_n, s_{n+1} of one run, (S,), S ≥ 2."""
        x, y = sample[:-1] - 1, sample[1:] - 1
        self._pairs += x.size
        self._pair_sums += x.sum(), y.sum(), x @ x, y @ y, x @ y, ratios(sample).sum()

    def moments(self) -> tuple[float, float]:
        """Mean and variance of the spacings."""
        mean, square = self._sums / self._spacings
        return float(1 + mean), float(square - mean**2)

    def neighbours(self) -> tuple[float, float]:
        """Correlation of s_n with s_{n+1}, and ⟨r⟩."""
        x, y, xx, yy, xy, ratio = self._pair_sums / self._pairs
        correlation = (xy - x * y) / np.sqrt((xx - x * x) * (yy - y * y))
        return float(correlation), float(ratio)

    def ks(self) -> float:
        """Sup |F_N − F| over the edges of the grid, short of the true one by KS_ERROR at most."""
        edges = np.linspace(0.0, GAUDIN_RANGE, _CELLS + 1)
        below = np.concatenate([[0], np.cumsum(self._cells[:-1])])
        return float(np.abs(below / self._spacings - gaudin_law().cdf(edges)).max())


def table_statistics(
    stretches: Iterable[Stretch], spectrum: Spectrum | None = None
) -> TableStatistics:
    """Statistics of consecutive stretches, read once.

    spectrum: adds up the number statistics on the way, and is finished at the end.  Raises
    UserError for fewer than four zeros, and for what is no zero or out of place.
    """
    sums = _Accumulator()
    start = stop = 0
    heights = (Decimal(0), Decimal(0))
    for stretch in stretches:
        residuals = stretch.residuals()
        if not np.isfinite(residuals).all() or (stop and stretch.start != stop):
            place = stretch.start + int(np.argmin(np.isfinite(residuals)))
            raise UserError(
                f"ordinal {place} is no zero or out of place: see `zeta zeros verify` first"
            )
        if not residuals.size:
            continue
        first, last = (
            Decimal(stretch.base) + Decimal(u) for u in stretch.offsets[[0, -1]].tolist()
        )
        heights = (heights[0] if stop else first, last)
        start, stop = start or stretch.start, stretch.stop
        sums.add(stretch.start, residuals)
        if spectrum is not None:
            _add(spectrum, stretch.start, residuals)
    if stop - start < _LEAST:
        raise UserError(f"{stop - start} zeros have no statistics: give {_LEAST} or more")
    if spectrum is not None:
        spectrum.finish()
    mean, variance = sums.moments()
    lag1, ratio = sums.neighbours()
    lowest, highest = sums.lowest_residual.found, sums.highest_residual.negative()
    return TableStatistics(
        start=start,
        count=stop - start,
        heights=heights,
        mean=mean,
        variance=variance,
        smallest=sums.smallest.found,
        largest=sums.largest.negative(),
        ratio=ratio,
        lag1=lag1,
        ks=sums.ks(),
        least_S=Extreme(-0.5 - highest.value, highest.ordinal),
        greatest_S=Extreme(0.5 - lowest.value, lowest.ordinal),
    )


def _add(spectrum: Spectrum, start: int, residuals: NDArray[np.float64]) -> None:
    """The next residuals; raises UserError for those that no zero has."""
    try:
        spectrum.add(residuals)
    except ValueError:
        place = start + int(np.abs(residuals).argmax())
        raise UserError(
            f"ordinal {place} is no zero or out of place: see `zeta zeros verify` first"
        ) from None
