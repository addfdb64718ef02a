"""Models that look at one ordinal at a time."""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from zeta_exp.batch import Batch
from zeta_exp.models.base import Model, check_sizes, told_size, zero_head


class Linear(Model):
    """δ̂_n = w·x_n + b: the truncated explicit formula with learnt amplitudes."""

    def __init__(self, dim: int, offsets: Sequence[int]) -> None:
        super().__init__()
        self.readout = nn.Linear(dim, 1)
        self.floats_per_node = 0
        self.floats_forward = 1

    def forward(self, batch: Batch) -> Tensor:
        """Outputs (…, L)."""
        return self.readout(batch.features)[..., 0]


class MLP(Model):
    """A linear skip plus a perceptron of `layers` hidden layers, node by node."""

    def __init__(
        self, dim: int, offsets: Sequence[int], hidden: int = 128, layers: int = 2
    ) -> None:
        super().__init__()
        check_sizes(hidden=hidden, layers=layers)
        self.size = told_size(hidden, layers)
        self.skip = nn.Linear(dim, 1)
        widths = [dim] + [hidden] * layers
        self.hidden = nn.ModuleList(nn.Linear(before, after) for before, after in pairwise(widths))
        self.head = zero_head(hidden)
        self.floats_per_node = 2 * hidden * layers  # before and after each silu
        self.floats_forward = hidden * min(layers + 1, 3)  # around a silu, with its layer's input

    def forward(self, batch: Batch) -> Tensor:
        """Outputs (…, L)."""
        h = batch.features
        for layer in self.hidden:
            h = nn.functional.silu(layer(h))
        return (self.skip(batch.features) + self.head(h))[..., 0]

    def hidden_matrices(self) -> Sequence[Tensor]:
        """Those of the hidden layers."""
        return [layer.get_parameter("weight") for layer in self.hidden]
