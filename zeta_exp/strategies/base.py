"""What every strategy is."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

import torch
from torch import Tensor

from zeta_exp.batch import Batch, Line
from zeta_exp.losses import WeightedLoss
from zeta_exp.models import Model
from zeta_exp.split import Split

AUTOGRAD_OVERHEAD = 1.5  # gradients and temporaries beside the stored activations
FLOAT_BYTES = 4


class Visits(ABC):
    """The batches of a run, epoch by epoch: a function of seed and epoch alone."""

    updates_per_epoch: int

    @abstractmethod
    def epoch(self, index: int, skip: int = 0) -> Iterator[Batch]:
        """The batches of epoch `index` (from 0) in order, without the first `skip`."""


class Strategy(ABC):
    """How the training range is cut into batches, one update of the optimiser each."""

    name: str
    smaller: str  # what to use where this one does not fit

    @abstractmethod
    def check(self, split: Split, loss: WeightedLoss, model: Model) -> None:
        """Raises `UserError` for a loss or size that this strategy can't serve."""

    def notes(self, loss: WeightedLoss) -> list[str]:
        """What sets this strategy's loss apart from the loss of the whole line."""
        return []

    @abstractmethod
    def nodes_at_once(self, split: Split, loss: WeightedLoss, model: Model) -> int:
        """Nodes of the largest batch, for the memory estimate."""

    @abstractmethod
    def open(self, line: Line, split: Split, loss: WeightedLoss, model: Model) -> Visits:
        """The batches of a run on the training range of `split`."""

    def peak_bytes(self, split: Split, loss: WeightedLoss, model: Model, dim: int) -> int:
        """Estimated bytes of the features and activations of the largest batch."""
        floats = 2 * dim + AUTOGRAD_OVERHEAD * model.floats_per_node
        nodes = self.nodes_at_once(split, loss, model) * (1 + loss.view_nodes)
        return int(nodes * floats * FLOAT_BYTES)

    def gradient(self, model: Model, loss: WeightedLoss, batch: Batch) -> Tensor:
        """Adds the gradient of the batch's loss to the parameters; returns the loss."""
        output = model(batch)
        values = loss.values(loss.statistics(batch, output, model, loss.active))
        if not values:  # the batch is too small for any term
            return torch.zeros(())
        total: Tensor = loss.total(values)
        total.backward()
        return total.detach()
