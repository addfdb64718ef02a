"""The two models in PyTorch Geometric: the same architecture and weights on an edge list."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import silu
from torch_geometric.data import Data
from torch_geometric.nn import GCNConv, RGCNConv

from benchmarks.ours import LEARNING_RATE, Setup
from benchmarks.peers.graphs import edge_list, propagation_weights, sparse_matrix
from zeta_exp.models import Model


class GCN(nn.Module):
    """Twin of `zeta_exp.models.HybridGCN`."""

    def __init__(self, dim: int, hidden: int, layers: int, normalize: bool = False) -> None:
        super().__init__()
        self.embed = nn.Linear(dim, hidden)
        self.layers = nn.ModuleList(
            GCNConv(hidden, hidden, normalize=normalize, add_self_loops=normalize)
            for _ in range(layers)
        )
        self.head = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1))

    def forward(self, x: Tensor, edge_index: Tensor, weight: Tensor | None) -> Tensor:
        """Outputs (M,) for features (M, F)."""
        h = self.embed(x).relu()
        for layer in self.layers:
            h = h + layer(h, edge_index, weight).relu()
        return self.head(h)[:, 0]

    def load_ours(self, state: Mapping[str, Tensor]) -> None:
        """Takes over the weights of the twin; the names are the same."""
        self.load_state_dict(state)


class CSR(GCN):
    """The same with the propagation as a product with torch's sparse CSR matrix."""

    def forward(self, x: Tensor, edge_index: Tensor, weight: Tensor | None = None) -> Tensor:
        """Outputs (M,) for features (M, F); edge_index is the matrix (M, M)."""
        h = self.embed(x).relu()
        for layer in self.layers:
            h = h + (edge_index @ layer.lin(h) + layer.bias).relu()
        return self.head(h)[:, 0]


class RGCN(nn.Module):
    """Twin of `zeta_exp.models.Relational`."""

    def __init__(self, dim: int, hidden: int, layers: int, relations: int) -> None:
        super().__init__()
        self.skip = nn.Linear(dim, 1)
        self.embed = nn.Linear(dim, hidden)
        self.layers = nn.ModuleList(
            RGCNConv(hidden, hidden, relations, aggr="sum") for _ in range(layers)
        )
        self.head = nn.Linear(hidden, 1)

    def forward(self, x: Tensor, edge_index: Tensor, edge_type: Tensor | None) -> Tensor:
        """Outputs (M,) for features (M, F)."""
        h = silu(self.embed(x))
        for layer in self.layers:
            h = h + silu(layer(h, edge_index, edge_type))
        return (self.skip(x) + self.head(h))[:, 0]

    def load_ours(self, state: Mapping[str, Tensor]) -> None:
        """Takes over the weights of the twin, one matrix (H, taps·H) a layer."""
        own = {k: v for k, v in state.items() if not k.startswith("layers.")}
        for i in range(len(self.layers)):
            matrix = state[f"layers.{i}.weight.weight"]
            taps = matrix.reshape(len(matrix), -1, len(matrix)).permute(1, 2, 0)  # (taps, in, out)
            own[f"layers.{i}.root"], own[f"layers.{i}.weight"] = taps[0], taps[1:]
            own[f"layers.{i}.bias"] = state[f"layers.{i}.weight.bias"]
        self.load_state_dict(own)


def twin(setup: Setup, model: Model) -> GCN | RGCN:
    """The model of a setup with the weights of ours."""
    dim = setup.features().dim
    made: GCN | RGCN
    if setup.model == "hybrid_gcn":
        made = GCN(dim, setup.hidden, setup.layers)
    else:
        made = RGCN(dim, setup.hidden, setup.layers, 2 * len(setup.offsets))
    made.load_ours(model.state_dict())
    return made


def data_of(setup: Setup) -> Data:
    """Features, targets and edges of 1 … nodes, made once as a user of PyG would.

    The edges carry weights for GCNConv, or their relation for RGCNConv.
    """
    gcn = setup.model == "hybrid_gcn"
    edge_index, relation = edge_list(setup.nodes, setup.offsets, loops=gcn)
    data = Data(x=features_of(setup), y=targets_of(setup), edge_index=edge_index)
    if gcn:
        data.edge_weight = propagation_weights(edge_index, setup.offsets)
    else:
        data.edge_type = relation
    return data


def features_of(setup: Setup, piece: int = 2**16) -> Tensor:
    """(nodes, F) float32."""
    features = setup.features()
    ordinals = torch.arange(1, setup.nodes + 1).split(piece)
    return torch.cat([features(part.numpy()) for part in ordinals])


def targets_of(setup: Setup) -> Tensor:
    """(nodes,) float32."""
    return setup.truth()(torch.arange(1, setup.nodes + 1).numpy())


class FullBatch:
    """Full-batch training with the mean squared error, one update a call."""

    def __init__(self, setup: Setup, csr: bool = False) -> None:
        data = data_of(setup).to(setup.device)
        self.model: nn.Module = twin(setup, setup.fresh_model())
        self.inputs: Sequence[Tensor] = (data.x, data.edge_index, edge_values(data))
        if csr:
            self.model = CSR(data.x.shape[1], setup.hidden, setup.layers)
            self.model.load_ours(setup.fresh_model().state_dict())
            matrix = sparse_matrix(data.edge_index, data.edge_weight, setup.nodes)
            self.inputs = (data.x, matrix)
        self.model.to(setup.device)
        self._target = data.y
        self._optimizer = torch.optim.AdamW(self.model.parameters(), LEARNING_RATE, fused=True)

    def step(self) -> None:
        """Forward, backward, update."""
        self._optimizer.zero_grad()
        output = self.model(*self.inputs)
        (output - self._target).square().mean().backward()
        self._optimizer.step()


def edge_values(data: Data) -> Tensor:
    """Weight or relation of each edge."""
    values = data.edge_weight if "edge_weight" in data else data.edge_type
    assert isinstance(values, Tensor)
    return values


def full_batch_step(nodes: int) -> None:
    """One update of the default model, for the account of memory in a process of its own."""
    FullBatch(Setup(nodes)).step()
