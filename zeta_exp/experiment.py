"""One experiment: its parts put together, trained, measured and written down."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from zeta_exp.batch import Line
from zeta_exp.checkpoint import Progress, load_checkpoint
from zeta_exp.errors import UserError
from zeta_exp.evaluation import Evaluation
from zeta_exp.evaluation.baselines import baseline_errors
from zeta_exp.evaluation.statistics import r_squared, rmse, spacing_statistics
from zeta_exp.evaluation.window import Window
from zeta_exp.features import Features, tabulated
from zeta_exp.hardware import GIB, Hardware
from zeta_exp.losses import WeightedLoss
from zeta_exp.metrics import Row
from zeta_exp.models import Model
from zeta_exp.optimizer import AdamWOneCycle
from zeta_exp.result import (
    config_sha256,
    peak_memory_mb,
    provenance,
    write_predictions,
    write_result,
    zeros_sha256,
)
from zeta_exp.split import Split
from zeta_exp.strategies import Strategy
from zeta_exp.target import Truth, make_target
from zeta_exp.tracking import Tracker
from zeta_exp.training import Budget, Interrupted, Training
from zeta_exp.zeros.source import ZeroSource
from zeta_exp.zeros.stretch import stretch_of_residuals


class Watcher(Protocol):
    """Who is told what a run does."""

    def say(self, line: str) -> None:
        """A line for the user."""
        ...

    def advance(self, updates: int, total: int, row: Row | None) -> None:
        """Updates made, of how many; after an epoch, its row of metrics."""
        ...


@dataclass(frozen=True)
class Experiment:
    """The parts of a run; the fields are the keys of the config."""

    N: int
    start: int
    seed: int
    target: str
    budget: Budget
    zeros: ZeroSource
    features: Features
    graph: tuple[int, ...]  # offsets of the edges
    model: Callable[..., Model]  # (dim, offsets) → model
    loss: WeightedLoss
    optimizer: AdamWOneCycle
    strategy: Strategy
    hardware: Hardware
    tracking: Tracker
    evaluation: Evaluation
    config: Mapping[str, Any]  # resolved, plain: what result.json records

    @cached_property
    def split(self) -> Split:
        """Which ordinals train, validate and are extrapolated to."""
        return Split(self.start, self.N)

    def run(self, directory: Path, resume: bool, watcher: Watcher) -> dict[str, Any]:
        """Trains, evaluates and writes result.json; returns its content.

        Raises `UserError` for what can't be run, `Interrupted` where the run was stopped.
        """
        begun = time.monotonic()
        prepared = self._prepare(watcher)
        training = self._training(prepared, directory, watcher)
        progress = Progress()
        if resume:
            progress = load_checkpoint(directory, prepared.model, training.optimisation)
            watcher.say(f"resuming after epoch {progress.epoch}, update {progress.updates}")
        try:
            progress = training.run(progress)
        except Interrupted:
            write_result(directory, self._account(prepared, progress, "interrupted"))
            raise
        watcher.say("measuring the baselines")
        result = self._account(prepared, progress, "completed") | self._measure(prepared, directory)
        result["total_s"] = round(time.monotonic() - begun, 3)
        write_result(directory, result)
        self.tracking.finish(result)
        return result

    def _prepare(self, watcher: Watcher) -> "Prepared":
        """The model and the lines, after every check that needs no zero."""
        torch.manual_seed(self.seed)
        device = self.hardware.claim()
        model = self.model(dim=self.features.dim, offsets=self.graph).to(device)
        model.check_features(self.features)
        self.strategy.check(self.split, self.loss, model)
        self._check_memory(model, device)
        watcher.say(
            f"{self.strategy.name} training on the zeros {self.split.train[0]:,} to "
            f"{self.split.train[1] - 1:,}: {type(model).__name__}, {model.n_parameters:,} "
            f"parameters, {self.features.name} ({self.features.dim}), on {device.type}"
        )
        start, stop = self.split.start, self.split.extrapolation[1]
        residual = self.zeros.residuals(start, stop)
        for note in self._notes():
            watcher.say(f"note: {note}")
        margin = model.receptive_field + self.loss.margin()
        target = make_target(self.target, self.split)
        seen = residual[: self.split.N]
        line = Line(
            features=tabulated(self.features, start - margin, stop + margin),
            offsets=self.graph,
            target=target,
            truth=Truth(target, start, seen),
            device=device,
        )
        return Prepared(self, model, line, residual, margin)

    def _notes(self) -> list[str]:
        """What a reader of the numbers should know."""
        return [*self.zeros.notes(), *self.strategy.notes(self.loss)]

    def _check_memory(self, model: Model, device: torch.device) -> None:
        need = self.strategy.peak_bytes(self.split, self.loss, model, self.features.dim)
        have = self.hardware.memory_bytes(device)
        if need > have:
            raise UserError(
                f"N={self.split.N} with strategy={self.strategy.name} needs about "
                f"{need / GIB:.1f} GB and {device.type} has {have / GIB:.1f} GB: use "
                f"{self.strategy.smaller} or lower N"
            )

    def _training(self, prepared: "Prepared", directory: Path, watcher: Watcher) -> Training:
        visits = self.strategy.open(prepared.line, self.split, self.loss, prepared.model)
        total = self.budget.epochs * visits.updates_per_epoch
        return Training(
            model=prepared.model,
            loss=self.loss,
            strategy=self.strategy,
            visits=visits,
            optimisation=self.optimizer.start(prepared.model, total),
            validate=prepared.validate,
            epochs=self.budget.epochs,
            directory=directory,
            tracker=self.tracking,
            advance=lambda updates, row: watcher.advance(updates, total, row),
        )

    def _account(self, prepared: "Prepared", progress: Progress, status: str) -> dict[str, Any]:
        """What the run used and where its numbers come from."""
        device = prepared.line.device
        ordinates = self.zeros.ordinates(self.split.start, self.split.start + self.split.N)
        return {
            "status": status,
            "epochs": progress.epoch,
            "updates": progress.updates,
            "node_visits": progress.node_visits,
            "wall_s": round(progress.wall_s, 3),
            "nodes_per_s": round(progress.node_visits / max(progress.wall_s, 1e-9), 1),
            **peak_memory_mb(device),
            "n_parameters": prepared.model.n_parameters,
            "notes": self._notes(),
            "config": dict(self.config),
            "config_sha256": config_sha256(self.config),
            "provenance": provenance(device)
            | {
                "zeros": self.zeros.provenance(),
                "zeros_sha256": zeros_sha256(ordinates),
                "start": self.split.start,
                "N": self.split.N,
                "seed": self.seed,
            },
        }

    def _measure(self, prepared: "Prepared", directory: Path) -> dict[str, Any]:
        """The numbers of result.json, and predictions.npz behind them."""
        prepared.model.eval()
        split = self.split
        val, terms = prepared.validation.evaluate(prepared.model, self.loss)
        ext = prepared.extrapolation.predict(prepared.model)
        val_true = prepared.true(*split.validation)
        ext_true = prepared.true(*split.extrapolation)
        write_predictions(
            directory,
            val_n=np.arange(*split.validation),
            val_pred=val,
            val_true=val_true,
            ext_n=np.arange(*split.extrapolation),
            ext_pred=ext,
            ext_true=ext_true,
        )
        hundred, tenth = (slice(b - a) for a, b in (split.next_hundred, split.next_tenth))
        # relative to one base, so that errors in height keep their digits where heights are huge
        predicted, actual = (
            stretch_of_residuals(split.next_hundred[0], residuals[hundred])
            for residuals in (ext, ext_true)
        )
        baselines = baseline_errors(
            split,
            prepared.true,
            lambda ordinals: prepared.line.features(ordinals).numpy(),
            self.evaluation.max_prime,
        )
        return {
            "extrapolation_error": rmse(ext[hundred], ext_true[hundred]),
            "extrapolation_error_gamma": rmse(predicted.offsets, actual.offsets),
            "extrapolation_error_next10pct": rmse(ext[tenth], ext_true[tenth]),
            "val_rmse": rmse(val, val_true),
            "val_loss": self.loss.total(terms),
            "val_r2": r_squared(val, val_true),
            "next10pct_r2": r_squared(ext[tenth], ext_true[tenth]),
            "loss_terms": terms,
            "next_error": float(ext[0] - ext_true[0]),  # in mean spacings
            "predicted_next": float(predicted.ordinates()[0]),
            "actual_next": float(actual.ordinates()[0]),
            "baselines": baselines,
            "spacing": {
                "prediction": spacing_statistics(val),
                "truth": spacing_statistics(val_true),
            },
        }


@dataclass(frozen=True)
class Prepared:
    """The model with its line and the truth it is measured against."""

    experiment: Experiment
    model: Model
    line: Line
    residual: NDArray[np.float64]  # δ_n from split.start to the end of the extrapolation
    margin: int

    @cached_property
    def validation(self) -> Window:
        """The last tenth of the seen range."""
        return Window(self.line, *self.experiment.split.validation, self.margin)

    @cached_property
    def extrapolation(self) -> Window:
        """Everything measured beyond the seen range."""
        return Window(self.line, *self.experiment.split.extrapolation, self.margin)

    @cached_property
    def next_hundred(self) -> Window:
        """The headline window, logged every epoch and never used."""
        return Window(self.line, *self.experiment.split.next_hundred, self.margin)

    def true(self, start: int, stop: int) -> NDArray[np.float64]:
        """Residuals δ_n of [start, stop)."""
        first = self.experiment.split.start
        return self.residual[start - first : stop - first]

    def validate(self) -> Row:
        """The measured columns of a row of metrics.csv."""
        split = self.experiment.split
        val, terms = self.validation.evaluate(self.model, self.experiment.loss)
        beyond = self.next_hundred.predict(self.model)
        return {
            "val_loss": self.experiment.loss.total(terms),
            "val_rmse": rmse(val, self.true(*split.validation)),
            "extrapolation_error": rmse(beyond, self.true(*split.next_hundred)),
            **terms,
        }
