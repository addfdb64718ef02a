"""What a trained model must be compared with, on the same windows of ordinals.

Every baseline predicts residuals δ_n in mean spacings.  What is fitted (ridge, AR(2)) sees
training residuals only.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zeta_exp.evaluation.riemann_siegel import riemann_siegel, term_count
from zeta_exp.evaluation.statistics import rmse
from zeta_exp.split import Split
from zeta_exp.theory.counting import mean_gap, smooth_height
from zeta_exp.theory.local import SmoothHeights, smooth_heights
from zeta_exp.theory.phases import Frequencies, log_frequencies
from zeta_exp.theory.primes import prime_powers_up_to, primes_up_to
from zeta_exp.theory.smooth_phases import smooth_turns

RIDGE_PENALTY = 1e-4  # per training node
FIT_ORDINALS = 200_000  # the last training ordinals that ridge and AR(2) see
RIDGE_BLOCK = 8_192  # ordinals whose features are held at once
PHASES_AT_ONCE = 2_000_000  # ordinals × prime powers in one chunk, about 50 MB
CEILING_TERMS = 100_000_000  # ordinals × terms of the ceiling in a window, about 10 s
FIXED_POINT_STEPS = 30
FIXED_POINT_DAMPING = 0.3

Residuals = Callable[[int, int], NDArray[np.float64]]  # (start, stop) -> δ (stop − start,)
FeatureMatrix = Callable[[NDArray[np.int64]], NDArray[np.float32]]  # ordinals (B,) -> (B, F)


def explicit_formula(
    n: NDArray[np.int64], max_prime: int, iterations: int = FIXED_POINT_STEPS
) -> NDArray[np.float64]:
    """Damped fixed point of δ = −S_P(t̂_n + δ·gap), no training: (B,) for ordinals n (B,).

    S_P(t) = −(1/π) Σ_{p^k ≤ P} sin(k t log p)/(k p^{k/2}), the explicit formula cut off at
    P = max_prime.  Titchmarsh §14.21 (Selberg).
    """
    powers = prime_powers_up_to(max_prime)
    if not powers:
        return np.zeros(n.size)
    amplitude = np.array([1 / (np.pi * power.k * power.m**0.5) for power in powers])
    frequencies = log_frequencies(np.array([power.m for power in powers]))
    chunk = max(1, PHASES_AT_ONCE // len(powers))
    parts = [
        _fixed_point(smooth_heights(n[i : i + chunk]), frequencies, amplitude, iterations)
        for i in range(0, n.size, chunk)
    ]
    return np.concatenate(parts) if parts else np.zeros(0)


def _fixed_point(
    place: SmoothHeights,
    frequencies: Frequencies,
    amplitude: NDArray[np.float64],
    iterations: int,
) -> NDArray[np.float64]:
    """δ (B,) at smooth heights (B,); amplitude (K,) of each prime power."""
    phase = 2 * np.pi * smooth_turns(place, frequencies)
    rate = 2 * np.pi * mean_gap(place.heights)[:, None] * frequencies.hi
    shifted = np.empty_like(phase)
    residual = np.zeros(len(phase))
    for _ in range(iterations):
        np.multiply(residual[:, None], rate, out=shifted)
        shifted += phase
        target = np.sin(shifted, out=shifted) @ amplitude
        residual += FIXED_POINT_DAMPING * (target - residual)
    return residual


def prime_tail_scale(t: float, max_prime: int) -> float:
    """Standard deviation of the primes a truncation misses, √((1/2π²) Σ_{P<p≤τ} 1/p), τ = √(t/2π).

    A heuristic scale in mean spacings (primes above P as independent phases), no bound; 0 when
    P ≥ τ.
    """
    primes = primes_up_to(int(np.sqrt(t / (2 * np.pi))))
    missed = primes[primes > max_prime]
    return float(np.sqrt(np.sum(1 / missed) / 2) / np.pi)


@dataclass(frozen=True)
class RidgeFit:
    """Affine prediction X·weight + intercept, by ridge (AR(2): ridge without penalty on lags)."""

    weight: NDArray[np.float64]  # (F,)
    intercept: float

    def predict(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """Prediction (B,) for features (B, F)."""
        return np.asarray(np.asarray(features, np.float64) @ self.weight + self.intercept)


def fit_ridge(
    blocks: Iterable[tuple[NDArray[np.floating], NDArray[np.float64]]],
    penalty: float = RIDGE_PENALTY,
) -> RidgeFit:
    """Least squares of y on X with penalty·N·|weight|², the intercept unpenalised.

    blocks: pairs X (B, F), y (B,), visited once; float64 normal equations, (F+1)² memory.
    """
    gram: NDArray[np.float64] | None = None
    moment: NDArray[np.float64] | None = None
    for features, target in blocks:
        design = np.column_stack([np.asarray(features, np.float64), np.ones(len(target))])
        if gram is None or moment is None:
            gram, moment = design.T @ design, design.T @ target
        else:
            gram += design.T @ design
            moment += design.T @ target
    if gram is None or moment is None:
        raise ValueError("a ridge fit needs at least one block")
    count = gram[-1, -1]
    diagonal = np.full(gram.shape[0], penalty * count)
    diagonal[-1] = 0.0
    solution = np.asarray(np.linalg.lstsq(gram + np.diag(diagonal), moment)[0], np.float64)
    return RidgeFit(solution[:-1], float(solution[-1]))


def lagged(residuals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Columns δ_{n−1}, δ_{n−2} for each but the first two: (B,) to (B−2, 2)."""
    return np.column_stack([residuals[1:-1], residuals[:-2]])


def fit_ar2(residuals: NDArray[np.float64]) -> RidgeFit:
    """AR(2) with intercept by least squares on consecutive training residuals (B,)."""
    return fit_ridge([(lagged(residuals), residuals[2:])], penalty=0.0)


def baseline_errors(
    split: Split, residuals: Residuals, features: FeatureMatrix, max_prime: int, limit: int = 20_000
) -> dict[str, dict[str, float]]:
    """RMSE of every baseline over the windows next100 and next10pct, in mean spacings.

    smooth: δ̂ = 0.  linear: ridge on the features, on the last 200,000 training ordinals.
    explicit_formula: primes up to max_prime.  ar2: one step ahead, so it sees δ_{n−1} and δ_{n−2}
    of the window, which no other baseline does.  riemann_siegel: the ceiling, with the median of
    |error| (`next100_median`, …), the ordinals it was solved for (`next100_ordinals`, …: at most
    the first `limit` of a window, fewer from n = 10^9 on, where each has more terms) and those of
    them without a confirmed root (`next100_lost`, …).
    prime_tail: a scale to print beside results, not an error.
    """
    start, stop = split.extrapolation
    truth = residuals(start - 2, stop)
    n = np.arange(start, stop)
    training = _fit_range(split)
    predictions = {
        "smooth": np.zeros(n.size),
        "linear": _ridge_prediction(training, residuals, features, n),
        "explicit_formula": explicit_formula(n, max_prime),
        "ar2": fit_ar2(residuals(*training)).predict(lagged(truth)),
    }
    truth = truth[2:]
    widths = {"next100": _width(split.next_hundred), "next10pct": _width(split.next_tenth)}
    errors = {
        name: {window: rmse(prediction[:w], truth[:w]) for window, w in widths.items()}
        for name, prediction in predictions.items()
    }
    limit = min(limit, max(1, CEILING_TERMS // term_count(stop)))
    errors["riemann_siegel"] = {}
    for window, width in widths.items():
        errors["riemann_siegel"] |= _ceiling(window, start, truth[: min(width, limit)])
    errors["prime_tail"] = {
        window: prime_tail_scale(float(smooth_height(start + width / 2)), max_prime)
        for window, width in widths.items()
    }
    return errors


def _width(window: tuple[int, int]) -> int:
    return window[1] - window[0]


def _fit_range(split: Split) -> tuple[int, int]:
    """The last FIT_ORDINALS training ordinals."""
    start, stop = split.train
    return max(start, stop - FIT_ORDINALS), stop


def _ridge_prediction(
    training: tuple[int, int], residuals: Residuals, features: FeatureMatrix, n: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Ridge fitted on the training range, predicted at ordinals n (B,), block by block."""
    blocks = (
        (features(np.arange(begin, end)), residuals(begin, end))
        for begin, end in _blocks(*training)
    )
    fit = fit_ridge(blocks)
    parts = [fit.predict(features(n[begin:end])) for begin, end in _blocks(0, n.size)]
    return np.concatenate(parts)


def _blocks(start: int, stop: int) -> list[tuple[int, int]]:
    return [(i, min(i + RIDGE_BLOCK, stop)) for i in range(start, stop, RIDGE_BLOCK)]


def _ceiling(window: str, start: int, truth: NDArray[np.float64]) -> dict[str, float]:
    """RMSE, median |error|, ordinals solved and roots lost, of the window's first ordinals."""
    solution = riemann_siegel(start, start + truth.size)
    return {
        window: rmse(solution.residual, truth),
        f"{window}_median": float(np.median(np.abs(solution.residual - truth))),
        f"{window}_ordinals": float(truth.size),
        f"{window}_lost": float(solution.lost),
    }
