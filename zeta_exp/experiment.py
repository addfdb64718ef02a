"""One experiment: its parts put together, trained, measured and written down."""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import torch

from zeta_exp import memory
from zeta_exp.batch import Line
from zeta_exp.budget import Budget
from zeta_exp.checkpoint import Progress, load_checkpoint
from zeta_exp.errors import UserError
from zeta_exp.evaluation import Evaluation
from zeta_exp.features import Features, tabulated
from zeta_exp.hardware import Hardware, host_bytes
from zeta_exp.labels import EVERY_ZERO, Labels
from zeta_exp.losses import WeightedLoss
from zeta_exp.measurement import Measurement
from zeta_exp.metrics import Row
from zeta_exp.models import Model
from zeta_exp.optimizer import OneCycle
from zeta_exp.parts import config_sha256
from zeta_exp.plan import Plan, plan_of
from zeta_exp.ranks import ALONE, Ranks
from zeta_exp.result import (
    peak_memory_mb,
    provenance,
    write_result,
    zeros_sha256,
)
from zeta_exp.split import Split
from zeta_exp.starting import start_from_closed_forms
from zeta_exp.strategies import Accumulation, ExactGradient, Strategy
from zeta_exp.target import Truth, make_target
from zeta_exp.torchrun import LostRankError
from zeta_exp.tracking import Session, Tracker, flattened
from zeta_exp.training import Interrupted, Training
from zeta_exp.zeros import engine
from zeta_exp.zeros.source import ZeroSource

MOST_HASHED_AT_ONCE = 10_000_000  # zeros: ten seconds for one who has asked a run to stop


class Watcher(Protocol):
    """Who is told what a run does."""

    def begin(self, plan: Plan) -> None:
        """What the run will do: all checks are passed, nothing has been computed."""
        ...

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
    optimizer: OneCycle
    strategy: Strategy
    hardware: Hardware
    tracking: Tracker
    evaluation: Evaluation
    config: Mapping[str, Any]  # resolved, plain: what result.json records
    labels: Labels = EVERY_ZERO

    @cached_property
    def _shown(self) -> Labels:
        """The labels within the training range."""
        return replace(self.labels, split=self.split)

    @cached_property
    def split(self) -> Split:
        """Which ordinals train, validate and are extrapolated to."""
        return Split(self.start, self.N)

    def run(
        self, directory: Path, resume: bool, watcher: Watcher, ranks: Ranks = ALONE
    ) -> dict[str, Any]:
        """Trains, evaluates and writes result.json; returns its content, in every process.

        Raises `UserError` for what can't be run, `Interrupted` where the run was stopped and
        `LostRankError` where another process has gone.
        """
        begun = time.monotonic()
        prepared = self._prepare(directory, watcher)
        training = self._training(prepared, directory, watcher, ranks)
        for note in self._notes(prepared.model):
            watcher.say(f"note: {note}")
        progress = Progress()
        if resume:
            progress = load_checkpoint(
                directory, prepared.model, training.optimisation, self.budget.spent
            )
            watcher.say(f"resuming after epoch {progress.epoch}, update {progress.updates}")
        else:
            start_from_closed_forms(prepared.model, prepared.line, self.split, ranks)
        self._begin_together(prepared.model, progress, ranks)
        with self._tracked(directory, ranks) as result:
            try:
                progress = training.run(progress)
            except (Interrupted, LostRankError):
                if ranks.has_last_word():
                    result |= self._account(prepared, progress, "interrupted", ranks)
                    write_result(directory, result)
                raise
            if ranks.first:
                watcher.say("measuring the baselines")
                result |= self._account(prepared, progress, "completed", ranks)
                result |= prepared.measure(directory)
                result["total_s"] = round(time.monotonic() - begun, 3)
                write_result(directory, result)
        return ranks.agree(result)

    @contextmanager
    def _tracked(self, directory: Path, ranks: Ranks) -> Iterator[dict[str, Any]]:
        """The result, to be filled inside: the tracker is told of the run and how it ended."""
        result: dict[str, Any] = {}
        if not ranks.first:
            yield result
            return
        identity = f"zeta-{config_sha256(self.config)[:40]}"
        self.tracking.begin(Session(identity, directory, flattened(self.config)))
        try:
            yield result
        except BaseException as error:
            stopped = isinstance(error, KeyboardInterrupt | LostRankError)
            result["status"] = "interrupted" if stopped else "failed"
            raise
        finally:
            self.tracking.finish(result)

    def _prepare(self, directory: Path, watcher: Watcher) -> Measurement:
        """The model and the lines, after every check that needs no zero."""
        torch.manual_seed(self.seed)
        device = self.hardware.claim()
        model = self.model(dim=self.features.dim, offsets=self.graph).to(device)
        model.precision = self.hardware.dtype
        model.check(self.features, self.target)
        self.strategy.check(self.split, self.loss, model)
        self._check_labels(model)
        plan = self._plan(model, device, directory)
        self.evaluation.check(self.split, self.target)
        watcher.begin(plan)
        start, stop = self.split.start, self.split.extrapolation[1]
        engine.validate(start, stop - start)
        # what is measured only takes the law of the validation zeros where some others are hidden
        lawful = self.split.train if self._shown.whole else self.split.validation
        self.loss.calibrate(self.zeros.residuals, *lawful)
        margin = model.receptive_field + self.loss.margin()
        target = make_target(self.target, self.split)
        line = Line(
            features=tabulated(self.features, start - margin, stop + margin),
            offsets=self.graph,
            target=target,
            truth=Truth(target, self.zeros.residuals, start, start + self.split.N, self._shown),
            device=device,
        )
        return Measurement(
            model=model,
            line=line,
            split=self.split,
            loss=self.loss,
            residuals=self.zeros.residuals,
            margin=margin,
            evaluation=self.evaluation,
            labels=self._shown,
        )

    def _check_labels(self, model: Model) -> None:
        """Raises `UserError` for what has nothing to learn from, or would need the hidden zeros."""
        if self._shown.whole:
            return
        share = f"labels.fraction={self._shown.fraction:g}"
        if names := self.loss.measured_on(self.split.start):
            raise UserError(
                f"loss.{names[0]}.reference=finite_height is measured on all training zeros, of "
                f"which {share} hides some: use loss.{names[0]}.reference=gaudin"
            )
        if self._shown.count:
            return
        if self.loss.active == ["mse"]:
            raise UserError(
                f"{share} leaves no labelled zero to learn from: use a larger fraction, or a "
                "prior, as in loss.weights.gue_mmd=0.05"
            )
        if model.closed_start:
            raise UserError(
                f"{share} leaves no labelled zero, which {type(model).__name__} starts from: use a "
                "larger fraction, or model=relational"
            )

    def _notes(self, model: Model) -> list[str]:
        """What a reader of the numbers should know."""
        return [*self.zeros.notes(), *self.strategy.notes(self.split, self.loss, model)]

    def _workload(self, model: Model, device: torch.device) -> memory.Workload:
        return memory.Workload(
            self.split, self.loss, model, self.features.dim, self.graph, device.type
        )

    def _plan(self, model: Model, device: torch.device, directory: Path) -> Plan:
        """What will be done; raises `UserError` for what has no room."""
        work = self._workload(model, device)
        room = memory.Room(self.hardware.memory_bytes(device), host_bytes())
        need = memory.check(self.strategy, work, room)
        named = {
            "zeros": str(self.zeros.provenance().get("name")),
            "features": self.features.name,
            "target": self.target,
            "directory": str(directory),
        }
        if not self._shown.whole:
            named["labels"] = self._shown.words()
        return plan_of(self.strategy, self.budget, work, device, (need, room), named)

    def _begin_together(self, model: Model, progress: Progress, ranks: Ranks) -> None:
        """Raises `UserError` where the processes of the run would not train the same model."""
        if ranks.alone:
            return
        progress.step_begun = Accumulation()  # a gradient half done is of one process's blocks
        start = (config_sha256(self.config), _parameters_sha256(model), progress.counters())
        if not ranks.alike(start):
            raise UserError(
                "the processes of this run begin with different settings or parameters: start each "
                "with the same command, the same versions and one shared run directory"
            )

    def _training(
        self, prepared: Measurement, directory: Path, watcher: Watcher, ranks: Ranks
    ) -> Training:
        visits = self.strategy.open(prepared.line, self.split, self.loss, prepared.model, ranks)
        total = self.budget.total(visits.updates_per_epoch)
        return Training(
            model=prepared.model,
            gradient=ExactGradient(prepared.model, self.loss, ranks),
            visits=visits,
            optimisation=self.optimizer.start(prepared.model, total, self.seed),
            validate=prepared.validate,
            budget=self.budget,
            directory=directory,
            tracker=self.tracking,
            advance=watcher.advance,
            seed=self.seed,
            ranks=ranks,
            smaller=memory.less(self.strategy),
        )

    def _account(
        self, prepared: Measurement, progress: Progress, status: str, ranks: Ranks
    ) -> dict[str, Any]:
        """What the run used and where its numbers come from."""
        device = prepared.line.device
        needed = memory.needed(self.strategy, self._workload(prepared.model, device))
        return {
            "status": status,
            "ranks": ranks.world,
            "epochs": progress.epoch,
            "updates": progress.updates,
            "node_visits": progress.node_visits,
            "stopped_early": self.budget.exhausted(progress.stale),
            "best_epoch": progress.best_epoch,
            "wall_s": round(progress.wall_s, 3),
            "nodes_per_s": round(progress.node_visits / max(progress.wall_s, 1e-9), 1),
            **peak_memory_mb(device),
            "memory": needed.as_mb(),
            "n_parameters": prepared.model.n_parameters,
            "labelled": self._shown.count if not self._shown.whole else None,
            **prepared.model.explained(),
            "notes": self._notes(prepared.model),
            "config": dict(self.config),
            "config_sha256": config_sha256(self.config),
            "provenance": provenance(device)
            | {
                "zeros": self.zeros.provenance(),
                "zeros_sha256": self._zeros_sha256(status),
                "start": self.split.start,
                "N": self.split.N,
                "seed": self.seed,
            },
        }

    def _zeros_sha256(self, status: str) -> str | None:
        """sha256 of the zeros seen; None where a run that was stopped would make too many anew."""
        if status == "interrupted" and self.N > MOST_HASHED_AT_ONCE:
            return None
        return zeros_sha256(self.zeros.ordinates, self.start, self.start + self.N)


def _parameters_sha256(model: Model) -> str:
    """SHA-256 of the parameters' bytes."""
    digest = hashlib.sha256()
    for parameter in model.parameters():
        digest.update(parameter.detach().cpu().numpy().tobytes())
    return digest.hexdigest()
