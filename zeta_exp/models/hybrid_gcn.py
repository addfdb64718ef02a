"""The published scripts' model: graph convolutions and a pointwise read-out."""

from collections.abc import Sequence

from torch import Tensor, nn

from zeta_exp.batch import Batch
from zeta_exp.graph import signed_offsets
from zeta_exp.models.base import Model, check_sizes


class HybridGCN(Model):
    """Embedding, `layers` residual GCN convolutions, two-layer perceptron.

    The convolution is PyG's `GCNConv`; its weights (d_i d_j)^-1/2 come from the degrees on the
    unbounded line, so that a block with its halo gives the outputs of the whole graph.
    Kipf & Welling 2017.
    """

    def __init__(self, dim: int, offsets: Sequence[int], hidden: int = 64, layers: int = 3) -> None:
        from torch_geometric.nn import GCNConv

        super().__init__()
        check_sizes(hidden=hidden, layers=layers)
        self.embed = nn.Linear(dim, hidden)
        self.layers = nn.ModuleList(
            GCNConv(hidden, hidden, normalize=False, add_self_loops=False) for _ in range(layers)
        )
        self.head = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1))
        self.receptive_field = layers * max(offsets)
        # PyG's message passing materialises one message an edge
        self.floats_per_node = hidden * (3 + layers * (4 + len(signed_offsets(offsets))))

    def forward(self, batch: Batch) -> Tensor:
        """Outputs (…, L)."""
        edge_index, edge_weight = batch.graph.edges
        shape = batch.features.shape[:-1]
        h = self.embed(batch.features.flatten(0, -2)).relu()
        for layer in self.layers:
            h = h + layer(h, edge_index, edge_weight.to(h.dtype)).relu()
        return self.head(h)[..., 0].view(shape)
