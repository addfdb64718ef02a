"""Floor 6: what a run measures, while it trains and at its end.

Everything is a sum over pieces of a window, so nothing grows with N; predictions and true
residuals are kept of the first ordinals of a window only.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zeta_exp.batch import Line
from zeta_exp.evaluation import Evaluation
from zeta_exp.evaluation.baseline_cache import BaselineCache, Compared
from zeta_exp.evaluation.baselines import Residuals
from zeta_exp.evaluation.profile import Profile, ProfileErrors
from zeta_exp.evaluation.spectral_table import run_spectrum
from zeta_exp.evaluation.statistics import Errors, median_error, rmse, spacing_statistics
from zeta_exp.evaluation.transfer import transfer_count, transfer_errors
from zeta_exp.evaluation.window import BLOCK, Piece, Window
from zeta_exp.labels import EVERY_ZERO, Labels
from zeta_exp.losses import WeightedLoss
from zeta_exp.losses.weighted import Statistics, add_statistics
from zeta_exp.metrics import Row
from zeta_exp.models import Model
from zeta_exp.ranks import ALONE, Ranks
from zeta_exp.result import write_predictions
from zeta_exp.split import Split
from zeta_exp.zeros.stretch import stretch_of_residuals

KEPT = 1_000_000  # ordinals of a window whose predictions are kept and written


@dataclass(frozen=True)
class Reading:
    """What was measured on a window."""

    errors: Errors  # over the ordinals that were asked for
    terms: dict[str, float]  # every loss term's unweighted value; NaN where it found nothing
    predicted: NDArray[np.float64]  # (W,) δ̂_n of the first ordinals of the window
    true: NDArray[np.float64]  # (W,) δ_n of the same


@dataclass(frozen=True)
class Measurement:
    """The model with its line and the truth it is measured against.

    With several ranks each measures its share of the blocks: all must call the same methods.
    """

    model: Model
    line: Line
    split: Split
    loss: WeightedLoss
    residuals: Residuals
    margin: int  # ordinals a block sees on either side, for the model and every loss term
    evaluation: Evaluation
    ranks: Ranks = ALONE
    labels: Labels = EVERY_ZERO  # what is fitted and what the profile measures

    @cached_property
    def validation(self) -> Window:
        """The last tenth of the seen range."""
        return Window(self.line, *self.split.validation, self.margin)

    @cached_property
    def extrapolation(self) -> Window:
        """Everything measured beyond the seen range."""
        return Window(self.line, *self.split.extrapolation, self.margin)

    @cached_property
    def next_hundred(self) -> Window:
        """The headline window, logged every epoch and never used."""
        return Window(self.line, *self.split.next_hundred, self.margin)

    def validate(self) -> Row:
        """The measured columns of a row of metrics.csv."""
        seen = self._read(self.validation, self.loss)
        beyond = self._read(self.next_hundred)
        return {
            "val_loss": self.loss.total(seen.terms),
            "val_rmse": seen.errors.rmse,
            "extrapolation_error": beyond.errors.rmse,
            **seen.terms,
        }

    def measure(self, directory: Path) -> dict[str, Any]:
        """The numbers of result.json, and predictions.npz behind them; {} but in the first rank."""
        self.model.eval()
        val = self._read(self.validation, self.loss, keep=KEPT)
        ext = self._read(self.extrapolation, stop=self.split.next_tenth[1], keep=KEPT)
        profile = self._profile()
        if not self.ranks.first:
            return {}
        self._write_predictions(directory, val, ext)
        return {
            **self._next_hundred(ext),
            "extrapolation_error_next10pct": ext.errors.rmse,
            "val_rmse": val.errors.rmse,
            "val_loss": self.loss.total(val.terms),
            "val_r2": val.errors.r_squared,
            "next10pct_r2": ext.errors.r_squared,
            **self._robust("val", val, self.split.validation),
            **self._robust("next10pct", ext, self.split.next_tenth),
            **profile.as_result(),
            "loss_terms": val.terms,
            "baselines": BaselineCache(self.evaluation.cache).errors(
                Compared(
                    self.split,
                    self.residuals,
                    lambda ordinals: self.line.features(ordinals).numpy(),
                    self.evaluation.max_prime,
                    self.labels,
                )
            ),
            "spacing": {
                "prediction": spacing_statistics(val.predicted),
                "truth": spacing_statistics(val.true),
            },
            "spectrum": run_spectrum(val.predicted, val.true, self.split.validation[0]),
            "transfer": transfer_errors(
                self._predict,
                self.residuals,
                self.evaluation.transfer,
                transfer_count(self.split),
                self.evaluation.max_prime,
            ),
        }

    def _robust(self, name: str, reading: Reading, window: tuple[int, int]) -> dict[str, float]:
        """What a few lost zeros do not rule, as they do an RMSE: the median, and their share."""
        kept = slice(window[1] - window[0])
        return {
            f"{name}_median_error": median_error(reading.predicted[kept], reading.true[kept]),
            f"{name}_lost_share": reading.errors.lost_share,
        }

    def _profile(self) -> Profile:
        """RMSE along the whole line; each rank evaluates its share of the stretches."""
        errors = ProfileErrors(self.split, self.labels)
        for start, stop in self.ranks.share(errors.stretches(BLOCK)):
            for piece in self._predict(start, stop):
                true = self.residuals(piece.start, piece.start + piece.residuals.size)
                errors.add(piece.start, piece.residuals, true)
        self._sum_over_ranks([errors.sums], {})
        return errors.profile

    def _predict(self, start: int, stop: int) -> Iterator[Piece]:
        """Of any ordinals, piece by piece."""
        return Window(self.line, start, stop, self.margin).evaluate(self.model)

    def _next_hundred(self, ext: Reading) -> dict[str, float]:
        """Errors over the headline window, and the next zero."""
        start, stop = self.split.next_hundred
        predicted, true = ext.predicted[: stop - start], ext.true[: stop - start]
        # relative to one base, so that errors in height keep their digits where heights are huge
        guessed, actual = (stretch_of_residuals(start, these) for these in (predicted, true))
        return {
            "extrapolation_error": rmse(predicted, true),
            "extrapolation_error_gamma": rmse(guessed.offsets, actual.offsets),
            "next_error": float(predicted[0] - true[0]),  # in mean spacings
            "predicted_next": float(guessed.ordinates()[0]),
            "actual_next": float(actual.ordinates()[0]),
        }

    def _write_predictions(self, directory: Path, val: Reading, ext: Reading) -> None:
        """The kept ordinals of both windows."""
        start, beyond = self.split.validation[0], self.split.extrapolation[0]
        write_predictions(
            directory,
            val_n=np.arange(start, start + val.true.size),
            val_pred=val.predicted,
            val_true=val.true,
            ext_n=np.arange(beyond, beyond + ext.true.size),
            ext_pred=ext.predicted,
            ext_true=ext.true,
        )

    def _read(
        self,
        window: Window,
        loss: WeightedLoss | None = None,
        stop: int | None = None,
        keep: int = 0,
    ) -> Reading:
        """Errors over the window up to `stop`, loss terms, and the first `keep` predictions."""
        errors, total = Errors(), None
        kept = np.zeros((2, min(keep, window.stop - window.start)))
        for piece in window.evaluate(self.model, loss, self.ranks):
            predicted = piece.residuals
            true = self.residuals(piece.start, piece.start + predicted.size)
            inside = slice(None if stop is None else max(stop - piece.start, 0))
            errors.add(predicted[inside], true[inside])
            first = piece.start - window.start
            place = kept[:, first : first + predicted.size]
            place[:] = predicted[: place.shape[1]], true[: place.shape[1]]
            total = add_statistics(total, piece.statistics)
        self._sum_over_ranks([errors.sums, kept], total or {})
        return Reading(errors, self._terms(loss, total or {}), kept[0], kept[1])

    def _terms(self, loss: WeightedLoss | None, total: Statistics) -> dict[str, float]:
        """Every term's unweighted value; NaN for one that finds nothing to measure."""
        if loss is None:
            return {}
        values = loss.values(total)
        return {name: float(values.get(name, np.nan)) for name in loss.terms}

    def _sum_over_ranks(self, arrays: list[NDArray[np.float64]], total: Statistics) -> None:
        """Adds up in place what every rank has measured."""
        if self.ranks.alone:
            return
        sums: list[Tensor] = [torch.from_numpy(array).to(self.line.device) for array in arrays]
        self.ranks.sum_([*sums, *total.values()])
        for array, summed in zip(arrays, sums, strict=True):
            array[:] = summed.cpu().numpy()
