"""The explicit graph: any set of ordinals with the edges between its members."""

from functools import cached_property

import torch
from torch import Tensor
from torch.nn.functional import linear

from zeta_exp.graph.offsets import degree, signed_offsets


def edges_from_neighbours(neighbours: Tensor, degrees: Tensor) -> tuple[Tensor, Tensor]:
    """edge_index (2, E), source first, and GCN weights (d_i d_j)^-1/2 from a table of neighbours.

    neighbours: (T, M) position of n + o for each relation o, −1 where there is none.
    degrees: (M,) degree of each node on the unbounded line.  The weights are float64.
    """
    relation, target = torch.nonzero(neighbours >= 0, as_tuple=True)
    source = neighbours[relation, target]
    scale = degrees.double().rsqrt()
    return torch.stack([source, target]), scale[source] * scale[target]


def edge_relations(ordinals: Tensor, edge_index: Tensor, offsets: tuple[int, ...]) -> Tensor:
    """The relation (E,) of each edge: where its offset stands in `signed_offsets`.

    ordinals: (M,) of the nodes; the offset of an edge is ordinal of source − ordinal of target.
    """
    sizes, order = torch.tensor(signed_offsets(offsets), device=ordinals.device).sort()
    source, target = ordinals[edge_index]
    return order[torch.searchsorted(sizes, source - target)]


class ClusterGraph:
    """The subgraph induced on a set of ordinals: an edge n ↔ n ± o where both ends are members."""

    def __init__(self, ordinals: Tensor, offsets: tuple[int, ...]) -> None:
        """Takes ordinals (M,) int64, ascending without repetition."""
        self.ordinals = ordinals
        self.offsets = offsets

    @cached_property
    def _neighbours(self) -> Tensor:
        """Position (T, M) of ordinal n + o for each signed offset, −1 where it is no member."""
        wanted = self.ordinals + torch.tensor(
            signed_offsets(self.offsets), device=self.ordinals.device
        ).unsqueeze(1)
        position = torch.searchsorted(self.ordinals, wanted).clamp_(max=len(self.ordinals) - 1)
        return torch.where(self.ordinals[position] == wanted, position, -1)

    def _gathered(self, h: Tensor) -> list[Tensor]:
        """h (M, H) at n + o for each signed offset o: a list of (M, H), zero where missing."""
        with_zero = torch.cat([h, h.new_zeros(1, h.shape[-1])])  # position −1 reads the zero row
        return [with_zero[positions] for positions in self._neighbours]

    def propagate(
        self, h: Tensor, weight: Tensor | None = None, bias: Tensor | None = None
    ) -> Tensor:
        """D^-1/2 A D^-1/2 h Wᵀ + b; h: (M, H), W: (H', H), b: (H',)."""
        scale = degree(self.ordinals, self.offsets).to(h.dtype).rsqrt()[:, None]
        total = scale * sum(self._gathered(h * scale), torch.zeros_like(h))
        return total if weight is None else linear(total, weight, bias)

    def convolve(self, h: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """Σ_o W_o h_{n+o} + b; h: (M, H), W: (H', T·H), b: (H',)."""
        return linear(torch.cat(self._gathered(h), -1), weight, bias)

    @cached_property
    def edges(self) -> tuple[Tensor, Tensor]:
        """edge_index (2, E) and edge_weight (E,)."""
        return edges_from_neighbours(self._neighbours, degree(self.ordinals, self.offsets))

    @cached_property
    def edge_type(self) -> Tensor:
        """The relation of each edge."""
        return edge_relations(self.ordinals, self.edges[0], self.offsets)

    @property
    def membership(self) -> Tensor:
        """All nodes belong to one graph: zeros (M,)."""
        return torch.zeros_like(self.ordinals)
