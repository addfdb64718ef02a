"""Team 1: the whole training range in one step."""

from collections.abc import Iterator

from zeta_exp.batch import Batch, Line
from zeta_exp.graph import Block
from zeta_exp.losses import WeightedLoss
from zeta_exp.models import Model
from zeta_exp.split import Split
from zeta_exp.strategies.base import Strategy, Visits


class _OneBatch(Visits):
    updates_per_epoch = 1

    def __init__(self, batch: Batch) -> None:
        self._batch = batch

    def epoch(self, index: int, skip: int = 0) -> Iterator[Batch]:
        if not skip:
            yield self._batch


class FullBatch(Strategy):
    """One block holds the training range; every loss is the loss of the whole line."""

    name = "fullbatch"
    smaller = "strategy=minibatch"

    def check(self, split: Split, loss: WeightedLoss, model: Model) -> None:
        """Serves every loss."""

    def nodes_at_once(self, split: Split, loss: WeightedLoss, model: Model) -> int:
        """The training range and its halo."""
        start, stop = split.train
        return stop - start + 2 * (model.receptive_field + loss.margin(loss.active))

    def open(self, line: Line, split: Split, loss: WeightedLoss, model: Model) -> Visits:
        """The same batch in every epoch."""
        block = Block.with_halo(*split.train, halo=model.receptive_field + loss.margin(loss.active))
        return _OneBatch(line.runs([block]))
