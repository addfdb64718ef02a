"""A trained model's ordinates of any zeros, each with the error to expect of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeta_exp import files
from zeta_exp.errors import UserError
from zeta_exp.evaluation.statistics import rmse
from zeta_exp.split import Split
from zeta_exp.theory.counting import mean_gap, smooth_height
from zeta_exp.trained import RESULT, load_trained
from zeta_exp.zeros.stretch import Stretch, stretch_of_residuals

MOST = 1_000_000  # zeros of a call: a stretch has room for them, and they take seconds


@dataclass(frozen=True)
class Measured:
    """A range of ordinals in which the run says how far off it is."""

    start: int
    stop: int | None  # None: all from `start` on
    rmse: float  # in mean spacings; NaN where the run was not measured
    how: str  # where the run has it from


@dataclass(frozen=True)
class Prediction:
    """Zeros n = start, start + 1, … as the model has them and, where asked for, as they are."""

    start: int
    predicted: NDArray[np.float64]  # (Z,) δ̂_n in mean spacings
    error: NDArray[np.float64]  # (Z,) the RMSE to expect, in mean spacings; NaN where unknown
    true: NDArray[np.float64] | None  # (Z,) δ_n
    sources: tuple[Measured, ...]  # where the errors come from

    @property
    def ordinals(self) -> NDArray[np.int64]:
        """(Z,)."""
        return np.arange(self.start, self.start + self.predicted.size)

    @property
    def heights(self) -> Stretch:
        """γ̂_n: N̄(γ̂_n) = n − ½ + δ̂_n."""
        return stretch_of_residuals(self.start, self.predicted)

    @property
    def true_heights(self) -> Stretch | None:
        """γ_n, about the same base."""
        return None if self.true is None else stretch_of_residuals(self.start, self.true)

    @property
    def height_error(self) -> NDArray[np.float64]:
        """The error in height, (Z,): that in mean spacings times the mean gap, as dN̄/dt = 1/gap."""
        return self.error * np.asarray(mean_gap(smooth_height(self.ordinals)))

    @property
    def rmse(self) -> float | None:
        """How far off these zeros are, in mean spacings; None without the true ones."""
        return None if self.true is None else rmse(self.predicted, self.true)


def predict(run: str, start: int, count: int, with_truth: bool = True) -> Prediction:
    """The zeros [start, start + count) as the run's model has them.

    Raises `UserError` for a run without a model, ordinals beyond the engine's or too many at once,
    and true zeros that the run's source does not have.
    """
    if count > MOST:
        raise UserError(
            f"--count {count} is too many at once: use {MOST:_} or fewer, and several calls"
        )
    trained = load_trained(run)
    predicted = trained.residuals(start, start + count)
    true = trained.zeros().residuals(start, start + count) if with_truth else None
    (text,) = files.contents([files.join(run, RESULT)])
    error = np.full(count, np.nan)
    sources = []
    for part in measured(json.loads(text), trained.split):
        first = max(part.start - start, 0)
        stop = count if part.stop is None else part.stop - start
        if first < min(stop, count):
            error[first:stop] = part.rmse
            sources.append(part)
    return Prediction(start, predicted, error, true, tuple(sources))


def measured(result: Mapping[str, Any], split: Split) -> list[Measured]:
    """What the run measured, by ordinal; outside of its windows the nearest stands in."""
    seen, unseen = (
        np.nan if result.get(key) is None else float(result[key])
        for key in ("val_rmse", "extrapolation_error_next10pct")
    )
    validation, beyond = split.validation, split.next_tenth
    of_next = f"over the zeros {beyond[0]} to {beyond[1] - 1}, which the run had not seen"
    of_validation = f"over the zeros {validation[0]} to {validation[1] - 1}, the run's validation"
    return [
        Measured(1, split.start, unseen, f"{of_next}; lower zeros may be farther off"),
        Measured(split.start, validation[0], seen, f"{of_validation}; training zeros are nearer"),
        Measured(*validation, seen, of_validation),
        Measured(*beyond, unseen, of_next),
        Measured(beyond[1], None, unseen, f"{of_next}; later zeros are farther off"),
    ]
