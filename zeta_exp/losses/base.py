"""What every loss term is."""

from typing import Protocol

from torch import Tensor

from zeta_exp.batch import Batch
from zeta_exp.models import Model


class LossTerm(Protocol):
    """A loss that is a function of sums over ordinals.

    Full batch: the value of one block's statistics.  Mini-batch: the value of each block's.
    Streamed or distributed: the value of the sum of all blocks' statistics.
    """

    name: str
    margin: int  # ordinals beyond the owned ones whose outputs the statistics need
    needs_whole_line: str  # what no mini-batch can compute, and what could be; else empty
    value_is_mean: bool  # the gradient over a mini-batch is unbiased
    view_nodes: float  # nodes of other views it computes, per node of the batch

    def statistics(self, batch: Batch, output: Tensor, model: Model) -> Tensor:
        """Sums over what the batch owns, (S,) float64; outputs (…, L)."""
        ...

    def count(self, total: Tensor) -> Tensor:
        """How many ordinals, spacings or cells the total (S,) is about; 0: there is no value."""
        ...

    def value(self, total: Tensor) -> Tensor:
        """The loss, a scalar, from the total (S,) of the statistics; count > 0."""
        ...
