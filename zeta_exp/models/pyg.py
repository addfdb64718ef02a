"""PyTorch Geometric's convolutions on the explicit edges of the same graph."""

from collections.abc import Callable, Sequence

from torch import Tensor, nn
from torch.nn.functional import dropout

from zeta_exp.batch import Batch
from zeta_exp.errors import UserError
from zeta_exp.graph import Graph, signed_offsets
from zeta_exp.models.base import Model, check_sizes, told_size

CONVOLUTIONS = ("gat", "gcn", "rgcn", "sage")
NORMS = ("batch", "graph", "layer")
INEXACT_NORMS = {
    "batch": "batch normalisation averages over the batch",
    "graph": "graph normalisation averages over the run",
}
GAT_HEADS = 4
EDGE_FLOATS = 6  # of an edge: its two ends in int64, its weight in float64
BUILDING_FLOATS = 23  # of an edge, while the edges are listed


class PyGModel(Model):
    """Embedding, `layers` residual convolutions of one kind, linear read-out.

    x → relu(E x) → h + dropout(relu(norm(conv h))) (`layers` times) → head h.  Every edge list
    holds the self-loops of the graph, so no convolution adds its own; runs are not joined, so
    attention (Veličković et al. 2018) stays within a run.  gcn: the weights of `hybrid_gcn`;
    sage: the mean over the neighbours (Hamilton et al. 2017); rgcn: a matrix per signed offset.
    """

    def __init__(
        self,
        dim: int,
        offsets: Sequence[int],
        conv: str = "gcn",
        hidden: int = 64,
        layers: int = 3,
        heads: int | None = None,
        norm: str | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_sizes(hidden=hidden, layers=layers)
        self.size = told_size(hidden, layers)
        heads = _checked_heads(conv, hidden, heads)
        if norm is not None and norm not in NORMS:
            raise UserError(f"model.norm={norm} is unknown; known: {', '.join(NORMS)}, null")
        if not 0 <= dropout < 1:
            raise UserError(f"model.dropout={dropout:g} is no rate: use 0 or more, below 1")
        relations = len(signed_offsets(offsets))
        self.conv, self.norm, self.dropout = conv, norm, dropout
        self.embed = nn.Linear(dim, hidden)
        self.layers = nn.ModuleList(
            _convolution(conv, hidden, heads, relations) for _ in range(layers)
        )
        self.norms = nn.ModuleList(_norm(norm, hidden) for _ in range(layers))
        self.head = nn.Linear(hidden, 1)
        self.receptive_field = layers * max(offsets)
        self.floats_per_node = _floats_kept(conv, hidden, layers, heads, relations)
        self.floats_per_node += layers * _floats_kept_by_norm(norm, hidden)
        self.floats_per_node += layers * hidden * (dropout > 0)
        self.floats_forward = _floats_forward(conv, hidden, layers, heads, relations)
        self.stochastic = dropout > 0
        noise = ["dropout draws by place in the batch, not by ordinal"] * self.stochastic
        self.inexact = " and ".join([*filter(None, [INEXACT_NORMS.get(norm or "")]), *noise])

    def forward(self, batch: Batch) -> Tensor:
        """Outputs (…, L)."""
        h = self.embed(batch.features.flatten(0, -2)).relu()
        for layer, norm in zip(self.layers, self.norms, strict=True):
            change = self._convolved(layer, h, batch.graph)
            change = norm(change, batch.graph.membership) if self.norm == "graph" else norm(change)
            h = h + dropout(change.relu(), self.dropout, self.training)
        return self.head(h)[..., 0].view(batch.features.shape[:-1])

    def hidden_matrices(self) -> Sequence[Tensor]:
        """The embedding and, of every convolution, its matrices (…, H, H)."""
        square = self.embed.weight.shape[:1] * 2
        weights = [p for p in self.layers.parameters() if p.shape[-2:] == square]
        return [self.embed.weight, *weights]

    def _convolved(self, layer: nn.Module, h: Tensor, graph: Graph) -> Tensor:
        edge_index, weight = graph.edges
        convolved: Tensor
        if self.conv == "gcn":
            convolved = layer(h, edge_index, weight.to(h.dtype))
        elif self.conv == "rgcn":
            convolved = layer(h, edge_index, graph.edge_type)
        else:
            convolved = layer(h, edge_index)
        return convolved


def _checked_heads(conv: str, hidden: int, heads: int | None) -> int:
    """The number of heads, 1 where the convolution has none."""
    if conv not in CONVOLUTIONS:
        raise UserError(f"model.conv={conv} is unknown; known: {', '.join(CONVOLUTIONS)}")
    if conv != "gat":
        if heads is not None:
            raise UserError(f"model.heads={heads} has no use in model.conv={conv}: leave it out")
        return 1
    heads = GAT_HEADS if heads is None else heads
    check_sizes(heads=heads)
    if hidden % heads:
        raise UserError(
            f"model.hidden={hidden} is no multiple of the {heads} heads: change model.hidden or "
            "model.heads"
        )
    return heads


def _convolution(conv: str, hidden: int, heads: int, relations: int) -> nn.Module:
    from torch_geometric.nn import GATConv, GCNConv, RGCNConv, SAGEConv

    known: dict[str, Callable[[], nn.Module]] = {
        "gcn": lambda: GCNConv(hidden, hidden, normalize=False, add_self_loops=False),
        "gat": lambda: GATConv(hidden, hidden // heads, heads=heads, add_self_loops=False),
        "sage": lambda: SAGEConv(hidden, hidden),
        "rgcn": lambda: RGCNConv(hidden, hidden, relations, aggr="sum", root_weight=False),
    }
    return known[conv]()


def _norm(norm: str | None, hidden: int) -> nn.Module:
    from torch_geometric.nn import GraphNorm

    if norm == "graph":
        return GraphNorm(hidden)
    if norm == "batch":
        return nn.BatchNorm1d(hidden)
    return nn.Identity() if norm is None else nn.LayerNorm(hidden)


def _floats_kept(conv: str, hidden: int, layers: int, heads: int, relations: int) -> int:
    """Floats a node that the backward pass needs, with its edges.

    A layer keeps its relu, its input where a matrix acts on it, and what it makes of each edge.
    """
    layer = {
        "gcn": 2 * hidden + relations,  # the weights in the type of h
        "gat": 3 * hidden + relations * (hidden + 4 * heads),  # messages, scores
        "rgcn": hidden + relations * (hidden + 4),  # a sum and an edge list for each relation
        "sage": 3 * hidden + 1,  # the mean, and how many it is of
    }[conv]
    edges = relations * (EDGE_FLOATS + 2 * (conv == "rgcn"))  # with the relation in int64
    return hidden * (2 if conv == "rgcn" else 1) + edges + layers * layer


def _floats_kept_by_norm(norm: str | None, hidden: int) -> int:
    return {None: 0, "batch": hidden, "layer": hidden + 2, "graph": 4 * hidden + 2}[norm]


def _floats_forward(conv: str, hidden: int, layers: int, heads: int, relations: int) -> int:
    """Floats a node at the peak of a forward pass, with its edges: where messages are summed."""
    edges, earlier = EDGE_FLOATS * relations, hidden * (layers > 1)
    peak = {
        "gcn": edges + hidden * (2 * relations + 3) + relations,
        "gat": edges + hidden * (2 * relations + 3) + heads * (relations + 2),
        "rgcn": edges + hidden * 5 + 2 * relations + 4,
        "sage": edges + hidden * (relations + 3) + 1,
    }[conv]
    return max(peak + earlier, BUILDING_FLOATS * relations)
