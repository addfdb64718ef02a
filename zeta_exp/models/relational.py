"""The default model: one weight matrix per signed offset."""

from collections.abc import Sequence
from functools import partial

from torch import Tensor, nn

from zeta_exp.batch import Batch
from zeta_exp.graph import Graph, signed_offsets
from zeta_exp.models.base import Model, check_sizes, zero_head
from zeta_exp.models.residual import SILU, ResidualSum


class RelationalConvolution(nn.Module):
    """h_n ← Σ_o W_o h_{n+o} + b over the self-loop and every signed offset o.

    An RGCN whose relations are the offsets (Schlichtkrull et al. 2018, eq. 2, no averaging).
    Direction matters on the line of zeros: isotropic averaging is about twice as far off.
    """

    def __init__(self, width: int, offsets: Sequence[int]) -> None:
        super().__init__()
        self.weight = nn.Linear(width * len(signed_offsets(offsets)), width)

    def forward(self, h: Tensor, graph: Graph) -> Tensor:
        """(…, L, H) → (…, L, H)."""
        return graph.convolve(h, self.weight.weight, self.weight.bias)


class Relational(Model):
    """Residual relational layers over an embedding, with a linear skip from the features.

    x → silu(E x) → h + silu(conv h) (`layers` times) → head h + skip x.
    """

    def __init__(
        self, dim: int, offsets: Sequence[int], hidden: int = 128, layers: int = 2
    ) -> None:
        super().__init__()
        check_sizes(hidden=hidden, layers=layers)
        self.skip = nn.Linear(dim, 1)
        self.embed = nn.Linear(dim, hidden)
        self.layers = nn.ModuleList(RelationalConvolution(hidden, offsets) for _ in range(layers))
        self.head = zero_head(hidden)
        self.receptive_field = layers * max(offsets)
        self.floats_per_node = hidden * (1 + layers)  # before each silu
        self.floats_remade = hidden * (1 + layers)  # each residual sum
        self.floats_forward = 3 * hidden  # around a silu, with its layer's input

    def forward(self, batch: Batch) -> Tensor:
        """Outputs (…, L)."""
        h = ResidualSum(SILU, self.embed(batch.features))
        for layer in self.layers:
            h.add(h.into(partial(layer, graph=batch.graph)))
        return (self.skip(batch.features) + h.into(self.head))[..., 0]
