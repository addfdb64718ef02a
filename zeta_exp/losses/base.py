"""What every loss term is."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from zeta_exp.batch import Batch
from zeta_exp.models import Model
from zeta_exp.target import Residuals


class LossTerm(ABC):
    """A loss that is a function of sums over ordinals.

    Full batch: the value of one block's statistics.  Mini-batch: the value of each step's.
    Streamed or distributed: the value of the sum of all blocks' statistics.
    """

    name: str
    margin: int = 0  # ordinals beyond the owned ones whose outputs the statistics need
    needs_whole_line: str = ""  # what no mini-batch can compute, and what could be; else empty
    # why the sums of blocks are not those of the whole line, and what to use; empty where they are
    not_additive: str = ""
    value_is_mean: bool = True  # the gradient over a mini-batch is unbiased
    view_nodes: float = 0.0  # nodes of other views it computes, per node of the batch
    needs_runs: bool = False  # of consecutive ordinals, which a METIS cluster has none of

    @abstractmethod
    def statistics(self, batch: Batch, output: Tensor, model: Model) -> Tensor:
        """Sums over what the batch owns, (S,) float64; outputs (…, L)."""

    @abstractmethod
    def count(self, total: Tensor) -> Tensor:
        """How many ordinals, spacings or cells the total (S,) is about; 0: there is no value."""

    @abstractmethod
    def value(self, total: Tensor) -> Tensor:
        """The loss, a scalar, from the total (S,) of the statistics; count > 0."""

    def slope(self, total: Tensor) -> Tensor:
        """∂ value/∂ total, (S,)."""
        leaf = total.detach().requires_grad_()
        (found,) = torch.autograd.grad(self.value(leaf), leaf)
        return found

    def calibrate(self, residuals: Residuals, start: int, stop: int) -> None:  # noqa: B027
        """Learns what the loss takes from the training zeros [start, stop), before any value."""

    def needs_zeros(self, start: int) -> bool:
        """Whether `calibrate` reads the residuals of training zeros that begin at `start`."""
        return False

    def prepare(self, batch: Batch, model: Model) -> None:  # noqa: B027
        """Makes the views that `statistics` reads, where a batch is made ahead."""

    def value_of_halves(self, first: Tensor, second: Tensor) -> Tensor:
        """The loss from totals (S,) of two independent halves: unbiased; each count > 0."""
        return self.value(first + second)

    def check_block(self, size: int, view: int, receptive_field: int) -> None:  # noqa: B027
        """Raises UserError for blocks of `size` ordinals, seeing `view`, too short to measure."""


class MeanTerm(LossTerm):
    """A mean: statistics [Σ, count]."""

    def count(self, total: Tensor) -> Tensor:
        """What Σ is divided by."""
        return total[1]

    def value(self, total: Tensor) -> Tensor:
        """Σ / count."""
        return total[0] / total[1]

    def slope(self, total: Tensor) -> Tensor:
        """(1/count, −Σ/count²)."""
        mean = total[0] / total[1]
        return torch.stack([torch.ones_like(mean), -mean]) / total[1]
