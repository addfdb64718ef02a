"""Floor 6: the one training loop, for every strategy."""

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import FrameType

import numpy as np
import torch

from zeta_exp import faults
from zeta_exp.budget import Budget
from zeta_exp.checkpoint import FILE, Progress, save_checkpoint
from zeta_exp.errors import UserError
from zeta_exp.metrics import Metrics, Row
from zeta_exp.models import Model
from zeta_exp.optimizer import Optimisation
from zeta_exp.ranks import ALONE, Ranks
from zeta_exp.strategies import Accumulation, ExactGradient, Visits
from zeta_exp.strategies.base import Step
from zeta_exp.torchrun import LostRankError
from zeta_exp.tracking import Tracker

CHECKPOINT_SECONDS = 30.0  # a killed run loses at most this much


class Interrupted(KeyboardInterrupt):
    """The run was asked to stop and has written its checkpoint."""


@dataclass(frozen=True)
class Training:
    """What the loop works on."""

    model: Model
    gradient: ExactGradient
    visits: Visits
    optimisation: Optimisation
    validate: Callable[[], Row]  # the columns of a row from val_loss on
    budget: Budget
    directory: Path
    tracker: Tracker
    # progress: updates made, how many there may be in all, the newest row
    advance: Callable[[int, int, Row | None], None]
    seed: int = 0  # of what a model draws as it trains
    ranks: Ranks = ALONE
    smaller: str = "a smaller model or lower N"  # what needs less memory

    def run(self, progress: Progress) -> Progress:
        """Trains from `progress` to the end of the budget; leaves the model at its best evaluation.

        Raises `Interrupted` after SIGINT or SIGTERM and `LostRankError` where another process has
        gone, with the checkpoint written; `UserError` where memory has run out or the device has
        failed, with the checkpoint written if that can be.
        """
        with _stop_requested(self.ranks) as stopping:
            try:
                self._train(progress, _Clock(progress.wall_s), stopping)
            except (Interrupted, LostRankError):
                # a signal stops one process between two portions and leaves another in a sum, which
                # fails when the first exits; all have the parameters of an update, any may write
                if self.ranks.has_last_word():
                    self._save(progress)
                raise
            except (RuntimeError, MemoryError) as error:
                if not (faults.is_memory(error) or faults.is_device(error)):
                    raise
                raise UserError(self._fault(error, progress)) from error
        self._save_if_first(progress)
        if progress.best:
            self.model.load_state_dict(progress.best)
        return progress

    def _fault(self, error: Exception, progress: Progress) -> str:
        """Keeps what can be kept and says so."""
        device = next(self.model.parameters()).device
        update = progress.updates if self._rescued(progress) else None
        kept = faults.what_is_kept(self.directory, (self.directory / FILE).exists(), update)
        return faults.sentence(error, device, progress.updates + 1, self.smaller, kept)

    def _rescued(self, progress: Progress) -> bool:
        """Saves the last update after a fault; False where there is none, or none can be read.

        The gradient begun is left out: the fault may have cut it short.
        """
        if not progress.updates or not self.ranks.has_last_word():
            return False
        try:
            if self.optimisation.updates != progress.updates:
                return False  # the fault has cut the update itself short
            self._save(replace(progress, step_begun=Accumulation()))
        except (RuntimeError, MemoryError, OSError):
            return False
        return True

    def _train(self, progress: Progress, clock: "_Clock", stopping: threading.Event) -> None:
        path = self.directory / "metrics.csv"
        metrics = Metrics(path, progress.epoch) if self.ranks.first else None
        saved = time.monotonic()
        # a step of an epoch begun is followed by its row, where an earlier part of the run ended so
        while progress.step or not self._is_over(progress):
            for _ in self._epoch(progress, clock):
                progress.wall_s = clock.seconds()
                if stopping.is_set():
                    raise Interrupted
                if time.monotonic() - saved > CHECKPOINT_SECONDS:
                    self._save_if_first(progress)
                    saved = time.monotonic()
            progress.wall_s = clock.seconds()
            self._close_epoch(progress, metrics)

    @cached_property
    def _total(self) -> int:
        return self.budget.total(self.visits.updates_per_epoch)

    def _spent(self, progress: Progress) -> float:
        return self.budget.spent(progress.updates, progress.node_visits, progress.wall_s)

    def _is_over(self, progress: Progress) -> bool:
        return self._spent(progress) >= self._total or self.budget.exhausted(progress.stale)

    def _expected(self, updates: int, spent: float) -> int:
        """Updates of the whole run, where `updates` of them have spent that much."""
        return round(updates * self._total / spent)

    def _epoch(self, progress: Progress, clock: "_Clock") -> Iterator[None]:
        """Yields after every update, and after every portion of one; ends with the budget."""
        if self._is_over(progress):
            return
        self.model.train()
        for step in self.visits.epoch(progress.epoch, skip=progress.step):
            if self.model.stochastic:
                self._seed_update(progress.updates)
            self.optimisation.begin(progress.updates)
            for _ in self.gradient.of(step, progress.step_begun):
                yield
            loss = progress.step_begun.loss
            if not math.isfinite(loss):
                raise UserError(
                    f"training diverged: the loss is {loss} at update {progress.updates + 1}; "
                    "lower optimizer.lr or the loss weights"
                )
            spent = self._spent_with(step, progress, clock)
            self.optimisation.update(spent)
            progress.step_begun = Accumulation()
            progress.step += 1
            progress.updates += 1
            progress.node_visits += step.nodes
            progress.loss_sum += loss
            self.advance(1, self._expected(progress.updates, spent), None)
            yield
            if spent >= self._total:
                return

    def _spent_with(self, step: Step, progress: Progress, clock: "_Clock") -> float:
        """Of the budget, with this step; the same in every process."""
        if self.budget.kind == "seconds":  # a millisecond has passed, or the schedule would divide
            progress.wall_s = self.ranks.agree(max(clock.seconds(), 1e-3))
        visits = progress.node_visits + step.nodes
        return self.budget.spent(progress.updates + 1, visits, progress.wall_s)

    def _seed_update(self, update: int) -> None:
        """What an update draws depends on seed and update alone: a resumed run draws the same."""
        sequence = np.random.SeedSequence((self.seed, update, self.ranks.rank))
        torch.manual_seed(int(sequence.generate_state(1, np.uint64)[0]) >> 1)

    def _close_epoch(self, progress: Progress, metrics: Metrics | None) -> None:
        """Measures on the first process; the others wait, so that a lost one costs no row."""
        self.model.eval()
        row: Row = {
            "epoch": progress.epoch + 1,
            "updates": progress.updates,
            "node_visits": progress.node_visits,
            "wall_s": progress.wall_s,
            "lr": self.optimisation.lr,
            "train_loss": progress.loss_sum / progress.step,
        }
        if metrics is not None:
            row |= self.validate()
            metrics.append(row)
            self.tracker.log(row)
            self.advance(0, self._expected(progress.updates, self._spent(progress)), row)
            self._compare(progress, row["val_rmse"])
        agreed = (progress.wall_s, progress.best_val_rmse, progress.stale)
        progress.wall_s, progress.best_val_rmse, progress.stale = self.ranks.agree(agreed)
        progress.epoch += 1
        if progress.stale == 0:
            progress.best_epoch = progress.epoch
            state = self.model.state_dict()
            progress.best = {name: value.clone() for name, value in state.items()}
        progress.step = 0
        progress.loss_sum = 0.0

    def _compare(self, progress: Progress, val_rmse: float) -> None:
        """Counts the evaluations since the best one."""
        better = val_rmse < progress.best_val_rmse
        progress.stale = 0 if better else progress.stale + 1
        progress.best_val_rmse = min(progress.best_val_rmse, val_rmse)

    def _save_if_first(self, progress: Progress) -> None:
        if self.ranks.first:
            self._save(progress)

    def _save(self, progress: Progress) -> None:
        # what a process has of a step begun is of use to itself alone: several start the step anew
        begun = progress.step_begun if self.ranks.alone else Accumulation()
        save_checkpoint(
            self.directory, self.model, self.optimisation, replace(progress, step_begun=begun)
        )


class _Clock:
    """Seconds of training, continued from an earlier part of the run."""

    def __init__(self, before: float) -> None:
        self._origin = time.monotonic() - before

    def seconds(self) -> float:
        return time.monotonic() - self._origin


@contextmanager
def _stop_requested(ranks: Ranks) -> Iterator[threading.Event]:
    """An event that the first SIGINT or SIGTERM sets; a second one acts as it did before.

    One of several processes ignores all that follow, and all once it ends early: torchrun signals
    those that a lost one leaves behind, in the midst of their last words, and kills after 30 s.
    """
    stopping = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopping
        return
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in signals}

    def request(number: int, frame: FrameType | None) -> None:
        stopping.set()
        leave()

    def leave() -> None:
        for number, handler in before.items():
            signal.signal(number, handler if ranks.alone else signal.SIG_IGN)

    for number in signals:
        signal.signal(number, request)
    try:
        yield stopping
    except BaseException:
        leave()
        raise
    for number, handler in before.items():
        signal.signal(number, handler)
