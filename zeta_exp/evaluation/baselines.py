"""What a trained model must be compared with, on the same windows of ordinals.

Every baseline predicts residuals δ_n in mean spacings.  What is fitted (ridge, AR(2)) sees
labelled training residuals only.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zeta_exp.evaluation.prime_sum import explicit_formula, prime_tail_scale
from zeta_exp.evaluation.riemann_siegel import riemann_siegel
from zeta_exp.evaluation.statistics import Errors, median_error, rmse
from zeta_exp.labels import EVERY_ZERO, Labels
from zeta_exp.split import HEADLINE, Split
from zeta_exp.theory.counting import smooth_height
from zeta_exp.theory.cut_off import term_count
from zeta_exp.theory.least_squares import NormalEquations
from zeta_exp.theory.primes import prime_powers_up_to

RIDGE_PENALTY = 1e-4  # of a column's mean square, per training node
FIT_ORDINALS = 200_000  # the last training ordinals that ridge and AR(2) see
BLOCK = 8_192  # ordinals whose features and residuals are held at once
CEILING_TERMS = 100_000_000  # ordinals × terms of the ceiling in a window, about 10 s
FEWEST = 10  # labelled training ordinals that a fit takes
FORMULA_TERMS = 300_000_000  # ordinals × prime powers of the explicit formula, about 20 s

Residuals = Callable[[int, int], NDArray[np.float64]]  # (start, stop) -> δ (stop − start,)
FeatureMatrix = Callable[[NDArray[np.int64]], NDArray[np.float32]]  # ordinals (B,) -> (B, F)
Rows = tuple[NDArray[np.floating], NDArray[np.float64]]  # X (B, F), y (B,)


@dataclass(frozen=True)
class RidgeFit:
    """Affine prediction X·weight + intercept, by ridge (AR(2): ridge without penalty on lags)."""

    weight: NDArray[np.float64]  # (F,)
    intercept: float

    def predict(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """Prediction (B,) for features (B, F)."""
        return np.asarray(np.asarray(features, np.float64) @ self.weight + self.intercept)


def fit_ridge(
    blocks: Iterable[Rows],
    penalty: float = RIDGE_PENALTY,
) -> RidgeFit:
    """Least squares of y on X with penalty·Σ_f w_f²·|x_f|², the intercept unpenalised.

    The penalty is relative to each column, so that no scale of the features changes the fit.

    blocks: pairs X (B, F), y (B,), visited once; float64 normal equations, (F+1)² memory.
    """
    total: NormalEquations | None = None
    for features, target in blocks:
        design = np.column_stack([np.asarray(features, np.float64), np.ones(len(target))])
        block = NormalEquations.of(design, target)
        total = block if total is None else total + block
    if total is None:
        raise ValueError("a ridge fit needs at least one block")
    solution = total.solve(penalty, free=1, relative=True)
    return RidgeFit(solution[:-1], float(solution[-1]))


def lagged(residuals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Columns δ_{n−1}, δ_{n−2} for each but the first two: (B,) to (B−2, 2)."""
    return np.column_stack([residuals[1:-1], residuals[:-2]])


def ar2_rows(residuals: NDArray[np.float64], seen: NDArray[np.bool_] | None = None) -> Rows:
    """The two lags (B−2, 2) and the residual (B−2,) of each consecutive one but the first two.

    seen: (B,) which residuals are known; a row takes three.  AR(2) is the ridge fit of these rows
    without a penalty.
    """
    rows = lagged(residuals), residuals[2:]
    if seen is None:
        return rows
    three = seen[2:] & seen[1:-1] & seen[:-2]
    return rows[0][three], rows[1][three]


class _WindowErrors:
    """Errors of one prediction over the windows next100 and next10pct."""

    def __init__(self, split: Split) -> None:
        self._stops = {"next100": split.next_hundred[1], "next10pct": split.next_tenth[1]}
        self._errors = {window: Errors() for window in self._stops}

    def add(self, first: int, prediction: NDArray[np.float64], truth: NDArray[np.float64]) -> None:
        """The ordinals from `first` on, (B,) each."""
        for window, stop in self._stops.items():
            inside = slice(max(stop - first, 0))
            if truth[inside].size:
                self._errors[window].add(prediction[inside], truth[inside])

    def rmse(self) -> dict[str, float]:
        """By window, over what was added."""
        return {window: errors.rmse for window, errors in self._errors.items()}


def baseline_errors(
    split: Split,
    residuals: Residuals,
    features: FeatureMatrix,
    max_prime: int,
    limit: int = 20_000,
    labels: Labels = EVERY_ZERO,
) -> dict[str, dict[str, float]]:
    """RMSE of every baseline over the windows next100 and next10pct, in mean spacings.

    smooth: δ̂ = 0.  linear: ridge on the features, on the labelled ones of the last 200,000 training
    ordinals.  Neither it nor ar2 is there where fewer than `FEWEST` of these can be fitted on.
    explicit_formula: primes up to max_prime; over the first `next10pct_ordinals` where a window is
    too long for it.  ar2: one step ahead, so it sees δ_{n−1} and δ_{n−2} of the window, which no
    other baseline does.  riemann_siegel: the ceiling, with the median of
    |error| (`next100_median`, …), the ordinals it was solved for (`next100_ordinals`, …: at most
    the first `limit` of a window, fewer from n = 10^9 on, where each has more terms) and those of
    them without a confirmed root (`next100_lost`, …).
    prime_tail: a scale to print beside results, not an error.
    """
    start, stop = split.extrapolation
    widths = {"next100": _width(split.next_hundred), "next10pct": _width(split.next_tenth)}
    errors = _formula_free_errors(split, residuals, features, labels)
    errors["explicit_formula"] = _explicit_formula_errors(split, residuals, max_prime)
    limit = min(limit, max(1, CEILING_TERMS // term_count(stop)))
    errors["riemann_siegel"] = {}
    for window, width in widths.items():
        truth = residuals(start, start + min(width, limit))
        errors["riemann_siegel"] |= _ceiling(window, start, truth)
    errors["prime_tail"] = {
        window: prime_tail_scale(float(smooth_height(start + width / 2)), max_prime)
        for window, width in widths.items()
    }
    return errors


def _width(window: tuple[int, int]) -> int:
    return window[1] - window[0]


def fit_range(split: Split) -> tuple[int, int]:
    """The last FIT_ORDINALS training ordinals."""
    start, stop = split.train
    return max(start, stop - FIT_ORDINALS), stop


def _fits(
    split: Split, residuals: Residuals, features: FeatureMatrix, labels: Labels
) -> dict[str, RidgeFit]:
    """Ridge on the features and AR(2) on labelled training ordinals, where there are enough."""
    begin, end = fit_range(split)

    def of_ridge() -> Iterator[Rows]:
        for low, high in blocks(begin, end):
            seen = labels.between(low, high)
            yield features(np.arange(low, high)[seen]), residuals(low, high)[seen]

    def of_ar2() -> Iterator[Rows]:
        for low, high in blocks(begin + 2, end):
            yield ar2_rows(residuals(low - 2, high), labels.between(low - 2, high))

    problems = {"linear": (of_ridge, RIDGE_PENALTY), "ar2": (of_ar2, 0.0)}
    return {
        name: fit_ridge(rows(), penalty)
        for name, (rows, penalty) in problems.items()
        if labels.whole or sum(len(target) for _, target in rows()) >= FEWEST
    }


def _formula_free_errors(
    split: Split, residuals: Residuals, features: FeatureMatrix, labels: Labels
) -> dict[str, dict[str, float]]:
    """RMSE of smooth and, where they can be fitted, linear and ar2, piece by piece."""
    fits = _fits(split, residuals, features, labels)
    errors = {name: _WindowErrors(split) for name in ("smooth", *fits)}
    for low, high in blocks(*split.extrapolation):
        seen = residuals(low - 2, high)
        predictions = {"smooth": np.zeros(high - low)}
        if "linear" in fits:
            predictions["linear"] = fits["linear"].predict(features(np.arange(low, high)))
        if "ar2" in fits:
            predictions["ar2"] = fits["ar2"].predict(lagged(seen))
        for name, prediction in predictions.items():
            errors[name].add(low, prediction, seen[2:])
    return {name: sums.rmse() for name, sums in errors.items()}


def _explicit_formula_errors(
    split: Split, residuals: Residuals, max_prime: int
) -> dict[str, float]:
    """RMSE of the explicit formula, with the number of ordinals where that is limited."""
    start, stop = split.extrapolation
    terms = max(1, len(prime_powers_up_to(max_prime)))
    end = min(stop, start + max(HEADLINE, FORMULA_TERMS // terms))
    errors = _WindowErrors(split)
    for low, high in blocks(start, end):
        errors.add(low, explicit_formula(np.arange(low, high), max_prime), residuals(low, high))
    limited = {"next10pct_ordinals": float(end - start)} if end < split.next_tenth[1] else {}
    return errors.rmse() | limited


def blocks(start: int, stop: int) -> list[tuple[int, int]]:
    """[start, stop) in pieces whose features and residuals are held at once."""
    return [(i, min(i + BLOCK, stop)) for i in range(start, stop, BLOCK)]


def _ceiling(window: str, start: int, truth: NDArray[np.float64]) -> dict[str, float]:
    """RMSE, median |error|, ordinals solved and roots lost, of the window's first ordinals."""
    solution = riemann_siegel(start, start + truth.size)
    return {
        window: rmse(solution.residual, truth),
        f"{window}_median": median_error(solution.residual, truth),
        f"{window}_ordinals": float(truth.size),
        f"{window}_lost": float(solution.lost),
    }
