"""The published scripts' model: graph convolutions and a pointwise read-out."""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from zeta_exp.batch import Batch
from zeta_exp.graph import Graph
from zeta_exp.models.base import Model, check_sizes, told_size
from zeta_exp.models.residual import RELU, ResidualSum


class GraphConvolution(nn.Module):
    """h ← D^-1/2 A D^-1/2 h Wᵀ + b with the parameters of PyG's `GCNConv`, by their names.

    Kipf & Welling 2017, eq. 2; W starts as Glorot & Bengio 2010 draw it, b at zero.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.lin = nn.Linear(width, width, bias=False)
        self.bias = nn.Parameter(torch.zeros(width))
        nn.init.xavier_uniform_(self.lin.weight)

    def forward(self, h: Tensor, graph: Graph) -> Tensor:
        """(…, L, H) → (…, L, H)."""
        return graph.propagate(h, self.lin.weight, self.bias)


class HybridGCN(Model):
    """Embedding, `layers` residual GCN convolutions, two-layer perceptron.

    Degrees are those of the unbounded line, so that a block with its halo gives the outputs of
    the whole graph.
    """

    def __init__(self, dim: int, offsets: Sequence[int], hidden: int = 64, layers: int = 3) -> None:
        super().__init__()
        check_sizes(hidden=hidden, layers=layers)
        self.size = told_size(hidden, layers)
        self.embed = nn.Linear(dim, hidden)
        self.layers = nn.ModuleList(GraphConvolution(hidden) for _ in range(layers))
        self.head = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1))
        self.receptive_field = layers * max(offsets)
        self.floats_per_node = hidden * (2 + layers)  # before each relu, after that of the head
        self.floats_remade = hidden * (1 + layers)  # each residual sum
        self.floats_forward = 3 * hidden  # around a relu, with its layer's input

    def forward(self, batch: Batch) -> Tensor:
        """Outputs (…, L)."""
        h = ResidualSum(RELU, self.embed(batch.features))
        for layer in self.layers:
            h.add(h.into(partial(layer, graph=batch.graph)))
        widen, relu, read = self.head
        return read(relu(h.into(widen)))[..., 0]

    def hidden_matrices(self) -> Sequence[Tensor]:
        """The embedding, the convolutions and the first layer of the perceptron."""
        convolutions = [layer.get_parameter("lin.weight") for layer in self.layers]
        return [self.embed.weight, *convolutions, self.head[0].get_parameter("weight")]
