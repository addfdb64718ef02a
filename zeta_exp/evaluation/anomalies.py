"""What stands out in a range: the largest errors and the closest pairs, each with a p-value.

The p-value of the k-th extreme is the chance that, of so many under the null law, k or more are as
extreme: that of the first is the test of the whole range.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from zeta_exp.errors import UserError
from zeta_exp.evaluation.statistics import spacings
from zeta_exp.theory.counting import smooth_height
from zeta_exp.theory.small_gaps import small_gap_chance, small_gap_factor

SHOWN = 20
TAIL_SHARE = 0.1  # of the errors, to which a tail is fitted
LEAST_TAIL = 20  # errors in it
SHAPES = (0.01, 20.0)  # of a tail, Pareto's to one that ends
HEIGHT_STEP = 64  # ordinals that share the height of the first, for how rare their gaps are


@dataclass(frozen=True)
class LargeError:
    """An error among the largest of a range."""

    ordinal: int
    predicted: float  # δ̂_n in mean spacings
    true: float  # δ_n
    p_value: float

    @property
    def error(self) -> float:
        """δ̂_n − δ_n."""
        return self.predicted - self.true


@dataclass(frozen=True)
class ClosePair:
    """Neighbouring zeros among the closest of a range."""

    ordinal: int  # of the lower one
    spacing: float  # in mean spacings
    p_value: float


@dataclass(frozen=True)
class Tail:
    """Weibull tail of the magnitude of errors, P(|e| > x) = share·exp(−((x/u)^k − 1)/λ) for x ≥ u.

    Normal errors have k = 2 nearly, exponential ones k = 1, and k → 0 is Pareto's law.  None of
    these tails ends, as a generalised Pareto law's does wherever it is lighter than exponential.
    """

    threshold: float  # u
    share: float  # of the errors beyond it
    shape: float  # k
    scale: float  # λ

    def chance(self, magnitudes: NDArray[np.float64]) -> NDArray[np.float64]:
        """P(|e| > x) for x (B,); `share` below the threshold, where nothing was fitted."""
        ratio = np.maximum(magnitudes / self.threshold, 1.0)
        return np.asarray(self.share * np.exp(-(ratio**self.shape - 1) / self.scale))


def fit_tail(errors: NDArray[np.float64], share: float = TAIL_SHARE) -> Tail:
    """The tail of errors (B,) beyond their quantile 1 − share, by maximum likelihood.

    For ratios y = x/u the best λ is mean(y^k − 1), which leaves n log k − n log λ + k Σ log y to
    maximise over k.  Raises `UserError` for too few errors.
    """
    magnitudes = np.abs(errors)
    threshold = float(np.quantile(magnitudes, 1 - share))
    ratios = magnitudes[magnitudes > threshold] / threshold
    if ratios.size < LEAST_TAIL or not threshold > 0:
        raise UserError(
            f"{errors.size} errors have no tail to compare with: it takes "
            f"{round(LEAST_TAIL / share)} of different sizes"
        )
    logs = np.log(ratios)

    def scale(shape: float) -> float:
        return float(np.mean(np.expm1(shape * logs)))

    def loss(shape: float) -> float:
        return float(np.log(scale(shape)) - np.log(shape) - shape * logs.mean())

    shape = float(optimize.minimize_scalar(loss, bounds=SHAPES, method="bounded").x)
    return Tail(threshold, ratios.size / magnitudes.size, shape, scale(shape))


def largest_errors(
    start: int, predicted: NDArray[np.float64], true: NDArray[np.float64], count: int = SHOWN
) -> list[LargeError]:
    """The largest |δ̂ − δ| of the ordinals from `start` on, (B,) each, largest first.

    Null law: all errors of the range are independent draws of one law, whose tail is fitted to the
    largest tenth, the tested among them; which makes the p-values of short ranges too large rather
    than too small: of 300 samples of 1,000 normal errors 1% have a first one below 5%, of 16,384
    4%.  Raises `UserError` for too few errors.
    """
    magnitudes = np.abs(predicted - true)
    order = np.argsort(-magnitudes, kind="stable")[:count]
    chance = fit_tail(magnitudes).chance(magnitudes[order])
    p_values = stats.binom.sf(np.arange(order.size), magnitudes.size, chance)
    return [
        LargeError(start + int(i), float(predicted[i]), float(true[i]), float(p))
        for i, p in zip(order, p_values, strict=True)
    ]


class ClosestPairs:
    """The closest pairs of a line whose residuals come in any portions.

    Null law: the k-th smallest of the gaps is at most s where k or more are, and their number is a
    Poisson variable of mean Σ_n F(s)·(1 − 12Λ/log²(t_n/2π)): small gaps of unitary matrices are
    independent (Ben Arous and Bourgade, Ann. Probab. 41 (2013) 2648), as rare as
    `theory.small_gaps` says.
    """

    def __init__(self, count: int = SHOWN) -> None:
        self._count = count
        self._last: NDArray[np.float64] = np.empty(0)  # the last residual
        self._ordinals: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._spacings: NDArray[np.float64] = np.empty(0)  # of those, ascending
        self.gaps = 0  # seen so far
        self.expected_share = 0.0  # Σ_n (1 − 12Λ/log²): of the gaps, as if of large matrices

    def add(self, start: int, residuals: NDArray[np.float64]) -> None:
        """Residuals of the ordinals from `start` on, (Z,), which follow those before."""
        line = np.concatenate([self._last, residuals])
        first = start - self._last.size
        self._last = line[-1:]
        found = spacings(line)
        if not found.size:
            return
        self.gaps += found.size
        self.expected_share += _expected_share(first, found.size)
        nearest = np.argpartition(found, min(self._count, found.size) - 1)[: self._count]
        joined = np.concatenate([self._spacings, found[nearest]])
        ordinals = np.concatenate([self._ordinals, first + nearest])
        order = np.lexsort((ordinals, joined))[: self._count]
        self._spacings, self._ordinals = joined[order], ordinals[order]

    def found(self) -> list[ClosePair]:
        """The closest first."""
        expected = self.expected_share * small_gap_chance(self._spacings)
        p_values = stats.poisson.sf(np.arange(self._spacings.size), expected)
        rows = zip(self._ordinals, self._spacings, p_values, strict=True)
        return [ClosePair(int(n), float(s), float(p)) for n, s, p in rows]


def _expected_share(first: int, count: int) -> float:
    """Σ (1 − 12Λ/log²(t/2π)) over the ordinals [first, first + count)."""
    ordinals = np.arange(first, first + count, HEIGHT_STEP)
    weights = np.minimum(HEIGHT_STEP, first + count - ordinals)
    return float(weights @ small_gap_factor(smooth_height(ordinals)))


def closest_pairs(
    start: int, residuals: NDArray[np.float64], count: int = SHOWN
) -> Sequence[ClosePair]:
    """The closest pairs of consecutive residuals (B,) from ordinal `start` on."""
    pairs = ClosestPairs(count)
    pairs.add(start, residuals)
    return pairs.found()
