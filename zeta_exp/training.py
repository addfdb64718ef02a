"""Floor 6: the one training loop, for every strategy."""

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from zeta_exp.checkpoint import Progress, save_checkpoint
from zeta_exp.errors import UserError
from zeta_exp.losses import WeightedLoss
from zeta_exp.metrics import Metrics, Row
from zeta_exp.models import Model
from zeta_exp.optimizer import Optimisation
from zeta_exp.strategies import Strategy, Visits
from zeta_exp.tracking import Tracker

CHECKPOINT_SECONDS = 30.0  # a killed run loses at most this much


@dataclass(frozen=True)
class Budget:
    """How long a run trains."""

    epochs: int  # visits of the whole training range

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise UserError(f"budget.epochs={self.epochs} trains nothing: use 1 or more")


class Interrupted(KeyboardInterrupt):
    """The run was asked to stop and has written its checkpoint."""


@dataclass(frozen=True)
class Training:
    """What the loop works on."""

    model: Model
    loss: WeightedLoss
    strategy: Strategy
    visits: Visits
    optimisation: Optimisation
    validate: Callable[[], Row]  # the columns of a row from val_loss on
    epochs: int
    directory: Path
    tracker: Tracker
    advance: Callable[[int, Row | None], None]  # progress: updates made, the newest row

    def run(self, progress: Progress) -> Progress:
        """Trains from `progress` to the end of the budget.

        Raises `Interrupted` after SIGINT or SIGTERM, with the checkpoint written.
        """
        metrics = Metrics(self.directory / "metrics.csv", progress.epoch)
        clock = _Clock(progress.wall_s)
        saved = time.monotonic()
        with _stop_requested() as stopping:
            while progress.epoch < self.epochs:
                for _ in self._epoch(progress):
                    progress.wall_s = clock.seconds()
                    if stopping.is_set():
                        self._save(progress)
                        raise Interrupted
                    if time.monotonic() - saved > CHECKPOINT_SECONDS:
                        self._save(progress)
                        saved = time.monotonic()
                progress.wall_s = clock.seconds()
                self._close_epoch(progress, metrics)
        self._save(progress)
        return progress

    def _epoch(self, progress: Progress) -> Iterator[None]:
        self.model.train()
        for batch in self.visits.epoch(progress.epoch, skip=progress.step):
            self.optimisation.zero_grad()
            loss = float(self.strategy.gradient(self.model, self.loss, batch))
            if not math.isfinite(loss):
                raise UserError(
                    f"training diverged: the loss is {loss} at update {progress.updates + 1}; "
                    "lower optimizer.lr or the loss weights"
                )
            self.optimisation.update()
            progress.step += 1
            progress.updates += 1
            progress.node_visits += batch.owned_count
            progress.loss_sum += loss
            self.advance(1, None)
            yield

    def _close_epoch(self, progress: Progress, metrics: Metrics) -> None:
        self.model.eval()
        row: Row = {
            "epoch": progress.epoch + 1,
            "updates": progress.updates,
            "node_visits": progress.node_visits,
            "wall_s": progress.wall_s,
            "lr": self.optimisation.lr,
            "train_loss": progress.loss_sum / progress.step,
            **self.validate(),
        }
        metrics.append(row)
        self.tracker.log(row)
        self.advance(0, row)
        progress.epoch += 1
        progress.step = 0
        progress.loss_sum = 0.0

    def _save(self, progress: Progress) -> None:
        save_checkpoint(self.directory, self.model, self.optimisation, progress)


class _Clock:
    """Seconds of training, continued from an earlier part of the run."""

    def __init__(self, before: float) -> None:
        self._origin = time.monotonic() - before

    def seconds(self) -> float:
        return time.monotonic() - self._origin


@contextmanager
def _stop_requested() -> Iterator[threading.Event]:
    """An event that the first SIGINT or SIGTERM sets; a second one acts as it did before."""
    stopping = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopping
        return
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in signals}

    def request(number: int, frame: FrameType | None) -> None:
        stopping.set()
        restore()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    for number in signals:
        signal.signal(number, request)
    try:
        yield stopping
    finally:
        restore()
